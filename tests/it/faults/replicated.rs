//! Row A6 on two servers, of which one follows the other: the first becomes a standby too, and then the primary again.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use chartroom::db::embedded::{Embedded, Options, Stop};
use chartroom::db::migrate::{self, MIGRATIONS};
use chartroom::serve::embedded_endpoint;
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{BROKEN, SOON, Scene};
use crate::support::client::{Answer, Client};
use crate::support::database::{SERVER, connect, url};
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service};
use crate::support::wait::until;

const PGDATA: &str = "data/pgdata";

/// A server with the data in a directory, if there are any.
async fn start(dir: &TempDir) -> Embedded {
    let bin_dir = tokio::task::spawn_blocking(|| SERVER.bin_dir.clone());
    let options = Options {
        bin_dir: Some(bin_dir.await.unwrap()),
        durable: false,
        ..Options::new(dir.0.join("data"))
    };
    Embedded::start(options).await.unwrap()
}

/// Makes the next server there one that only follows.
fn demote(dir: &Path) {
    File::create(dir.join(PGDATA).join("standby.signal")).unwrap();
}

/// The status, and whether the answer says that it may be behind.
fn seen(answer: &Answer) -> (u16, bool) {
    let source = answer.headers.get("x-data-source");
    (
        answer.status.as_u16(),
        source.is_some_and(|source| source == "replica"),
    )
}

fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 503, "{}", answer.text());
    answer.json()["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_standbys_alone_reads_go_on_and_writes_wait_for_a_primary() {
    let [first, second, dir] =
        ["first", "second", "service"].map(|name| TempDir::new(name).unwrap());
    let server = start(&first).await;
    let endpoint = embedded_endpoint(&server);
    migrate::up(&endpoint, || MIGRATIONS, PATIENCE)
        .await
        .unwrap();
    server.stop(Stop::Fast).await;
    let copied = Command::new("cp")
        .arg("-a")
        .arg(first.0.join("data"))
        .arg(&second.0)
        .status();
    assert!(copied.unwrap().success());
    let server = start(&first).await;
    let address = server.address().clone();
    let follows = format!(
        "primary_conninfo = 'host={} port={} user={} password={}'\n",
        address.socket_dir.display(),
        address.port,
        address.user,
        address.password.expose_secret()
    );
    let settings = second.0.join(PGDATA).join("postgresql.auto.conf");
    std::fs::write(settings, follows).unwrap();
    demote(&second.0);
    let follower = start(&second).await;

    let (write, read) = (
        url(&address, address.dbname),
        url(follower.address(), address.dbname),
    );
    let ports = Ports::reserve();
    let variables = [
        ("CHARTROOM_DATABASE_URL", write.as_str()),
        ("CHARTROOM_DATABASE_READ_URL", &read),
        ("CHARTROOM_REGISTRATION", "open"),
        ("CHARTROOM_POSTS_ANONYMOUS_READ", "true"),
        ("CHARTROOM_LOG", "warn"),
    ];
    let service = Service::start(&dir.0, &ports, &variables);
    service.wait_ready(PATIENCE).await;
    let client = Client::fresh(service.public);
    let scene = Scene::new(&client).await;
    let create = async |title: &str| {
        let body = json!({ "title": title, "content": "c" });
        let request = scene.request(Method::POST, "/api/v1/posts", Some(body), None);
        client.send(request).await.unwrap()
    };
    let made = async |title: &str| {
        let answer = create(title).await;
        let location = answer.headers.get("location")?.to_str().unwrap();
        (answer.status == 201).then(|| location.to_owned())
    };
    let before = made("Before").await.unwrap();
    let from_standby = async |target: &str| {
        until("the standby has it", SOON, async || {
            let answer = client.get(target).await.unwrap();
            (seen(&answer) == (200, true)).then_some(())
        })
        .await
        .unwrap();
    };
    from_standby(&before).await;

    // Nobody writes: first there is one server, then two, and neither is a primary.
    server.stop(Stop::Fast).await;
    assert!(BROKEN.contains(&refusal(&create("Nowhere").await).as_str()));
    demote(&first.0);
    let server = start(&first).await;
    assert_eq!(server.address().socket_dir, address.socket_dir);
    until("a server that only reads", SOON, async || {
        let code = refusal(&create("Nowhere").await);
        assert!(BROKEN.contains(&code.as_str()), "{code}");
        (code == "read-only").then_some(())
    })
    .await
    .unwrap();
    for _ in 0..5 {
        for target in [before.as_str(), "/api/v1/posts"] {
            assert_eq!(seen(&client.get(target).await.unwrap()), (200, true));
        }
        assert_eq!(refusal(&create("Nowhere").await), "read-only");
    }

    let session = connect(&address.config()).await;
    session.batch_execute("SELECT pg_promote()").await.unwrap();
    let after = until("a post", SOON, async || made("After").await)
        .await
        .unwrap();
    from_standby(&after).await;
    let titles = "SELECT string_agg(title, ', ' ORDER BY id) FROM posts WHERE project_id IS NULL";
    let row = session.query_one(titles, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "Before, After");
    drop(session);
    drop(service);
    follower.stop(Stop::Fast).await;
    server.stop(Stop::Fast).await;
}
