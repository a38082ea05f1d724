//! New passwords and keys in Secrets that are in use.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::api_server::ApiServer;
use super::{program, provision, up, wanted};

const DATABASE: &str = "secrets/demo-chartroom-db-app";
const KEYS: &str = "secrets/demo-chartroom-keys";

async fn provisioned() -> ApiServer {
    let server = ApiServer::start().await;
    server.state.lock().unwrap().statuses = vec![up()];
    assert_eq!(provision(&server, &wanted()).await.0, 0);
    server
}

#[tokio::test]
async fn a_password_is_replaced_wherever_it_stands() {
    let server = provisioned().await;
    let mut before = server.object(DATABASE).unwrap();
    before["data"]["note"] = json!(BASE64_STANDARD.encode("mine"));
    before["data"].as_object_mut().unwrap().remove("pgpass");
    server.put(DATABASE, before.clone());
    let rotate = [
        "provision",
        "rotate",
        "--namespace",
        "shop",
        "--secret",
        "demo-chartroom-db-app",
    ];
    let (code, said, complaint) = program(&server, &rotate).await;
    assert_eq!((code, complaint.as_str()), (0, ""));
    assert_eq!(
        said,
        "Secret demo-chartroom-db-app: the password is a new one\n"
    );
    let after = server.object(DATABASE).unwrap();
    for key in ["password", "uri", "jdbc-uri"] {
        assert_ne!(after["data"][key], before["data"][key], "{key}");
    }
    for key in ["username", "dbname", "host", "port", "note"] {
        assert_eq!(after["data"][key], before["data"][key], "{key}");
    }
    assert!(
        after["data"].get("pgpass").is_none(),
        "nothing is added that nobody keeps"
    );
}

#[tokio::test]
async fn a_writer_that_was_quicker_makes_it_start_again() {
    let server = provisioned().await;
    server.state.lock().unwrap().refusals =
        vec![("patch", "secrets", 409, "the object has been modified", 2)];
    let rotate = [
        "provision",
        "rotate",
        "--namespace",
        "shop",
        "--secret",
        "demo-chartroom-db-app",
    ];
    assert_eq!(program(&server, &rotate).await.0, 0);
    server.state.lock().unwrap().refusals = vec![(
        "patch",
        "secrets",
        409,
        "the object has been modified",
        usize::MAX,
    )];
    let (code, _, complaint) = program(&server, &rotate).await;
    assert_eq!(code, 65);
    assert!(
        complaint.contains("is being changed by others all the time"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_key_is_added_and_signs_later() {
    let server = provisioned().await;
    let rotate = [
        "keys",
        "rotate",
        "--namespace",
        "shop",
        "--secret",
        "demo-chartroom-keys",
    ];
    let (code, said, complaint) = program(&server, &rotate).await;
    assert_eq!((code, complaint.as_str()), (0, ""));
    assert!(said.ends_with(" signs in 300 s\n"), "{said}");
    assert_eq!(
        server.object(KEYS).unwrap()["data"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
    // The first one has been superseded for longer than it is kept.
    let mut secret = server.object(KEYS).unwrap();
    secret["data"] = json!({ "100-a.pem": "", "200-b.pem": "" });
    server.put(KEYS, secret);
    let (code, said, _) = program(&server, &rotate).await;
    assert_eq!(code, 0);
    assert!(
        said.ends_with("Secret demo-chartroom-keys: 100-a.pem is removed\n"),
        "{said}"
    );
    let names: Vec<_> = server.object(KEYS).unwrap()["data"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[1], "200-b.pem");
}

#[tokio::test]
async fn what_is_no_secret_of_ours_is_refused() {
    let server = provisioned().await;
    for (secret, expected) in [
        ("nothing", "there is no Secret nothing"),
        (
            "demo-chartroom-keys",
            "holds no `username`: it is not one of a database role",
        ),
    ] {
        let (code, _, complaint) = program(
            &server,
            &[
                "provision",
                "rotate",
                "--namespace",
                "shop",
                "--secret",
                secret,
            ],
        )
        .await;
        assert_eq!(code, 65, "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
}
