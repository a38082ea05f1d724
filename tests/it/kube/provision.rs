//! What is made, what is left alone, what is refused, and what is said.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::api_server::ApiServer;
use super::{RELEASE, program, provision, up, wanted, wanted_with};
use crate::support::process::TempDir;

const CLUSTER: &str = "clusters/demo-chartroom-pg";
const SECRETS: [&str; 3] = [
    "secrets/demo-chartroom-keys",
    "secrets/demo-chartroom-db",
    "secrets/demo-chartroom-db-app",
];

fn value(secret: &Value, key: &str) -> String {
    String::from_utf8(
        BASE64_STANDARD
            .decode(secret["data"][key].as_str().unwrap())
            .unwrap(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_bare_namespace_gets_secrets_then_the_cluster_and_waits_for_it() {
    let server = ApiServer::start().await;
    server.state.lock().unwrap().statuses = vec![
        json!({}),
        json!({ "phase": "Setting up primary", "phaseReason": "Creating primary instance demo-chartroom-pg-1" }),
        json!({ "phase": "Cluster in healthy state", "currentPrimary": "demo-chartroom-pg-1", "targetPrimary": "demo-chartroom-pg-1", "readyInstances": 1 }),
        up(),
    ];
    let (code, said, complaint) = provision(&server, &wanted()).await;
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "Secret demo-chartroom-keys: made",
            "Secret demo-chartroom-db: made",
            "Secret demo-chartroom-db-app: made",
            "Cluster demo-chartroom-pg: made",
            "Cluster demo-chartroom-pg: the operator has not looked at it yet",
            "Cluster demo-chartroom-pg: Setting up primary: Creating primary instance demo-chartroom-pg-1",
            "Cluster demo-chartroom-pg: the role chartroom_app is not in place yet",
            "Cluster demo-chartroom-pg: ready, the primary is demo-chartroom-pg-1",
        ]
    );
    let owner = server.object("secrets/demo-chartroom-db").unwrap();
    assert_eq!(owner["type"], "kubernetes.io/basic-auth");
    assert_eq!(
        owner["metadata"]["labels"],
        json!({ "app.kubernetes.io/managed-by": "chartroom-provision", "cnpg.io/reload": "true" }),
        "and no label of the release"
    );
    let password = value(&owner, "password");
    assert_eq!(password.len(), 43, "32 bytes of randomness");
    assert_eq!(value(&owner, "username"), "chartroom");
    assert_eq!(
        value(&owner, "uri"),
        format!("postgresql://chartroom:{password}@demo-chartroom-pg-rw.shop.svc:5432/chartroom")
    );
    let runtime = server.object("secrets/demo-chartroom-db-app").unwrap();
    assert_eq!(
        value(&runtime, "username"),
        "chartroom%5Fapp".replace("%5F", "_")
    );
    assert_ne!(value(&runtime, "password"), password);
    for key in SECRETS.into_iter().chain([CLUSTER]) {
        let object = server.object(key).unwrap();
        assert_eq!(
            object["metadata"]["annotations"]["chartroom.github.io/release"], RELEASE,
            "{key}"
        );
        assert_eq!(
            object["metadata"]["annotations"]["argocd.argoproj.io/sync-options"],
            "Prune=false,Delete=false",
            "{key}"
        );
        assert!(
            object["metadata"].get("ownerReferences").is_none(),
            "an owner would take it along at its end"
        );
    }
    assert!(!said.contains(&password), "no secret is printed");
}

#[tokio::test]
async fn the_key_that_is_made_signs() {
    let server = ApiServer::start().await;
    let (code, said, _) = provision(
        &server,
        &wanted_with(|plan| {
            plan.as_object_mut().unwrap().remove("cluster");
        }),
    )
    .await;
    assert_eq!(
        (code, said.as_str()),
        (0, "Secret demo-chartroom-keys: made\n")
    );
    let secret = server.object(SECRETS[0]).unwrap();
    let dir = TempDir::new("keys").unwrap();
    for file in secret["data"].as_object().unwrap().keys() {
        std::fs::write(dir.0.join(file), value(&secret, file)).unwrap();
    }
    let keys = chartroom::identity::keys::KeySet::read(&dir.0).unwrap();
    assert_eq!(keys.all().count(), 1);
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_keeps_what_lives() {
    let server = ApiServer::start().await;
    server.state.lock().unwrap().statuses = vec![up()];
    assert_eq!(provision(&server, &wanted()).await.0, 0);
    // What the operator adds to it, and what somebody restored it from.
    let mut live = server.object(CLUSTER).unwrap();
    live["spec"]["bootstrap"]["initdb"]["encoding"] = json!("UTF8");
    server.put(CLUSTER, live.clone());
    let before: Vec<_> = SECRETS.iter().map(|key| server.object(key)).collect();
    let (code, said, _) = provision(&server, &wanted()).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        said.matches("there already, left alone").count(),
        3,
        "{said}"
    );
    assert_eq!(
        SECRETS
            .iter()
            .map(|key| server.object(key))
            .collect::<Vec<_>>(),
        before
    );
    assert_eq!(
        server.object(CLUSTER).unwrap()["spec"]["bootstrap"],
        live["spec"]["bootstrap"],
        "sent back as it lives"
    );
}

#[tokio::test]
async fn of_two_at_once_the_second_uses_the_first_ones_password() {
    let server = ApiServer::start().await;
    let theirs = json!({
        "metadata": { "name": "demo-chartroom-db", "annotations": { "chartroom.github.io/release": RELEASE } },
        "data": { "username": BASE64_STANDARD.encode("chartroom"), "password": BASE64_STANDARD.encode("theirs") },
    });
    {
        let mut state = server.state.lock().unwrap();
        state.statuses = vec![up()];
        state.racer = Some(("secrets/demo-chartroom-db", theirs.clone()));
    }
    let (code, said, complaint) = provision(&server, &wanted()).await;
    assert_eq!(code, 0, "{complaint}");
    assert!(
        said.contains("Secret demo-chartroom-db: there already, left alone"),
        "{said}"
    );
    assert_eq!(
        server.object("secrets/demo-chartroom-db").unwrap()["data"],
        theirs["data"]
    );
}

/// A live Cluster that this release made, changed by `change`.
fn live(change: impl FnOnce(&mut Value)) -> Value {
    let mut live = wanted()["cluster"].clone();
    live["metadata"]["annotations"] = json!({ "chartroom.github.io/release": RELEASE });
    change(&mut live);
    live
}

#[tokio::test]
async fn what_would_lose_data_is_refused_before_anything_is_applied() {
    let cases: Vec<(Value, &str)> = vec![
        (
            live(|c| {
                c["metadata"]["annotations"] =
                    json!({ "chartroom.github.io/release": "shop/other" })
            }),
            "belongs to shop/other, not to the release shop/demo",
        ),
        (
            live(|c| c["metadata"]["annotations"] = json!({})),
            "belongs to nobody that says so",
        ),
        (
            live(|c| c["spec"]["bootstrap"]["initdb"]["database"] = json!("app")),
            "was made with the database app, which cannot be changed to chartroom; set database.name back to app",
        ),
        (
            live(|c| c["spec"]["bootstrap"] = json!({ "recovery": { "owner": "app" } })),
            "was made with the owner app",
        ),
        (
            live(|c| c["spec"]["imageName"] = json!("registry/postgresql:19.1")),
            "runs PostgreSQL 19, which cannot go back to 18",
        ),
        (
            live(|c| c["spec"]["imageName"] = json!("registry/postgresql:15")),
            "from PostgreSQL 15 to 18, which stops all its instances",
        ),
        (
            live(|c| c["spec"]["storage"]["size"] = json!("20Gi")),
            "cannot shrink from 20Gi to 10Gi",
        ),
        (
            live(|c| c["metadata"]["annotations"]["cnpg.io/hibernation"] = json!("on")),
            "hibernates; wake it first: kubectl annotate cluster demo-chartroom-pg cnpg.io/hibernation=off --overwrite",
        ),
        (
            live(|c| c["metadata"]["annotations"]["cnpg.io/fencedInstances"] = json!("[\"*\"]")),
            "are fenced: [\"*\"]",
        ),
        (
            live(|c| c["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")),
            "is being deleted",
        ),
    ];
    for (cluster, expected) in cases {
        let server = ApiServer::start().await;
        server.put(CLUSTER, cluster.clone());
        server.state.lock().unwrap().statuses = vec![up()];
        let (code, said, complaint) = provision(&server, &wanted()).await;
        assert_eq!(code, 65, "{expected}: {said}{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
        let writes: Vec<_> = server
            .asked()
            .into_iter()
            .filter(|asked| asked.ends_with(CLUSTER) && !asked.starts_with("get"))
            .collect();
        assert_eq!(writes, Vec::<String>::new(), "{expected}");
    }
    // The control: a Cluster that is as it should be goes through, and the two that may be insisted
    // on do with the flag.
    for (cluster, flag) in [
        (live(|_| {}), None),
        (
            live(|c| c["metadata"]["annotations"] = json!({})),
            Some("adopt"),
        ),
        (
            live(|c| c["spec"]["imageName"] = json!("registry/postgresql:15")),
            Some("allowMajorUpgrade"),
        ),
    ] {
        let server = ApiServer::start().await;
        server.put(CLUSTER, cluster);
        server.state.lock().unwrap().statuses = vec![up()];
        let (code, said, complaint) = provision(
            &server,
            &wanted_with(|plan| flag.iter().for_each(|flag| plan[*flag] = json!(true))),
        )
        .await;
        assert_eq!(code, 0, "{flag:?}: {said}{complaint}");
    }
}

#[tokio::test]
async fn a_secret_that_is_somebody_elses_or_for_another_role_is_refused() {
    let secret = |release: &str, user: &str| {
        json!({
            "metadata": { "annotations": { "chartroom.github.io/release": release } },
            "data": { "username": BASE64_STANDARD.encode(user), "password": BASE64_STANDARD.encode("p") },
        })
    };
    for (object, expected) in [
        (
            secret("shop/other", "chartroom"),
            "the Secret demo-chartroom-db belongs to shop/other",
        ),
        (secret(RELEASE, "postgres"), "is not for the role chartroom"),
        (
            json!({ "metadata": secret(RELEASE, "")["metadata"], "data": { "username": BASE64_STANDARD.encode("chartroom") } }),
            "holds no `password`",
        ),
    ] {
        let server = ApiServer::start().await;
        server.put("secrets/demo-chartroom-db", object.clone());
        let (code, _, complaint) = provision(&server, &wanted()).await;
        assert_eq!(code, 65, "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
        assert_eq!(server.object("secrets/demo-chartroom-db").unwrap(), object);
        assert_eq!(server.object(CLUSTER), None);
    }
}

#[tokio::test]
async fn each_missing_right_is_named() {
    for (verb, kind, expected) in [
        (
            "get",
            "secrets",
            "the right to get the Secret demo-chartroom-keys is missing",
        ),
        (
            "apply",
            "secrets",
            "the right to create or patch the Secret demo-chartroom-keys is missing",
        ),
        (
            "get",
            "clusters",
            "the right to get the Cluster demo-chartroom-pg is missing",
        ),
        (
            "try",
            "clusters",
            "the right to create or patch the Cluster demo-chartroom-pg is missing",
        ),
    ] {
        let server = ApiServer::start().await;
        server.state.lock().unwrap().refusals = vec![(verb, kind, 403, "forbidden", usize::MAX)];
        let (code, _, complaint) = provision(&server, &wanted()).await;
        assert_eq!(code, 65, "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[tokio::test]
async fn an_absent_operator_is_waited_for_and_then_named() {
    let server = ApiServer::start().await;
    server.state.lock().unwrap().has_no_operator = true;
    let (code, said, complaint) = provision(
        &server,
        &wanted_with(|plan| plan["operatorTimeout"] = json!("1s")),
    )
    .await;
    assert_eq!(code, 75, "running it again may help");
    assert!(said.contains("waiting for CloudNativePG"), "{said}");
    assert!(
        complaint.contains("CloudNativePG is not installed in this cluster"),
        "{complaint}"
    );
    let made: BTreeSet<_> = server
        .state
        .lock()
        .unwrap()
        .objects
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        made,
        BTreeSet::from([SECRETS[0].to_owned()]),
        "no password for a database that nobody makes"
    );
}

#[tokio::test]
async fn a_webhook_that_is_not_up_yet_is_tried_again() {
    let server = ApiServer::start().await;
    {
        let mut state = server.state.lock().unwrap();
        state.statuses = vec![up()];
        state.refusals = vec![
            (
                "try",
                "clusters",
                500,
                "failed calling webhook \"mcluster.cnpg.io\"",
                2,
            ),
            (
                "get",
                "secrets",
                503,
                "the server is currently unable to handle the request",
                1,
            ),
        ];
    }
    let (code, said, complaint) = provision(&server, &wanted()).await;
    assert_eq!(code, 0, "{complaint}");
    assert!(said.contains("failed calling webhook"), "{said}");
    assert_eq!(
        said.matches("trying again").count(),
        1,
        "said once, not at each try: {said}"
    );
}

#[tokio::test]
async fn fields_that_somebody_else_holds_are_taken_over_and_said() {
    let server = ApiServer::start().await;
    {
        let mut state = server.state.lock().unwrap();
        state.statuses = vec![up()];
        state.held =
            Some("Apply failed with 1 conflict: conflict with \"kubectl-edit\": .spec.instances");
    }
    server.put(CLUSTER, live(|_| {}));
    let (code, said, _) = provision(&server, &wanted()).await;
    assert_eq!(code, 0);
    assert!(said.contains("taking fields over. Apply failed with 1 conflict: conflict with \"kubectl-edit\": .spec.instances"), "{said}");
}

#[tokio::test]
async fn a_phase_without_a_way_out_ends_the_wait_with_the_operators_own_words() {
    let server = ApiServer::start().await;
    server.state.lock().unwrap().statuses = vec![
        json!({ "phase": "Invalid cluster definition", "phaseReason": "spec.storage.size: too small" }),
    ];
    let (code, _, complaint) = provision(&server, &wanted()).await;
    assert_eq!(code, 65);
    assert!(
        complaint
            .contains("cannot come up: Invalid cluster definition: spec.storage.size: too small"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_database_that_takes_too_long_is_left_to_itself_with_what_it_waits_for() {
    let server = ApiServer::start().await;
    server.state.lock().unwrap().statuses = vec![json!({ "phase": "Setting up primary" })];
    let (code, _, complaint) =
        provision(&server, &wanted_with(|plan| plan["timeout"] = json!("1s"))).await;
    assert_eq!(code, 75);
    assert!(
        complaint.contains("not ready after 1 s: Setting up primary"),
        "{complaint}"
    );
    assert!(server.object(CLUSTER).is_some(), "nothing is ever deleted");
}

#[tokio::test]
async fn what_is_wrong_with_the_plan_itself_is_a_configuration_error() {
    let server = ApiServer::start().await;
    for (plan, expected) in [
        (
            wanted_with(|plan| plan["timeuot"] = json!("1s")),
            "unknown field `timeuot`",
        ),
        (
            wanted_with(|plan| plan["timeout"] = json!("soon")),
            "expected a duration with its unit",
        ),
        (
            wanted_with(|plan| plan["release"] = json!("shop/other")),
            "is not the release shop/other",
        ),
    ] {
        let (code, _, complaint) = provision(&server, &plan).await;
        assert_eq!(code, 78, "{complaint}");
        assert!(complaint.starts_with("chartroom: --plan: "), "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
    let (code, _, complaint) = program(&server, &["provision", "--plan", "nowhere.json"]).await;
    assert_eq!(
        (code, complaint.as_str()),
        (
            78,
            "chartroom: --plan: cannot read nowhere.json: entity not found\n"
        )
    );
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn keys_alone_need_no_cluster() {
    let server = ApiServer::start().await;
    let dir = TempDir::new("plan").unwrap();
    let file = dir.0.join("plan.json");
    std::fs::write(&file, wanted().to_string()).unwrap();
    let (code, said, _) = program(
        &server,
        &[
            "provision",
            "--plan",
            file.to_str().unwrap(),
            "--only",
            "keys",
        ],
    )
    .await;
    assert_eq!(
        (code, said.as_str()),
        (0, "Secret demo-chartroom-keys: made\n")
    );
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.ends_with(SECRETS[0])),
        "{:?}",
        server.asked()
    );
}

#[tokio::test]
async fn certificates_of_runners_are_made_kept_and_renewed_in_time() {
    const SECRET: &str = "secrets/demo-chartroom-runner-tls";
    const HOST: &str = "demo-chartroom-runner.shop.svc";
    let server = ApiServer::start().await;
    let plan = wanted_with(|plan| {
        plan["secrets"] =
            json!({ "runners": { "name": "demo-chartroom-runner-tls", "host": HOST } });
        plan.as_object_mut().unwrap().remove("cluster");
    });
    let says = async |what: &str| {
        let (code, said, complaint) = provision(&server, &plan).await;
        let expected = format!("Secret demo-chartroom-runner-tls: {what}\n");
        assert_eq!((code, said, complaint), (0, expected, String::new()));
        server.object(SECRET).unwrap()
    };
    let made = says("made").await;
    assert_eq!(
        made["metadata"]["annotations"]["chartroom.github.io/release"],
        RELEASE
    );
    let files: BTreeSet<&str> = made["data"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "ca.crt",
        "ca.key",
        "client.crt",
        "client.key",
        "server.crt",
        "server.key",
    ];
    assert_eq!(files, BTreeSet::from(expected));
    assert_eq!(
        says("there already, left alone").await["data"],
        made["data"]
    );

    let mut old = made.clone();
    let today = chrono::Utc::now().date_naive();
    let long_ago = today - chrono::Days::new(500);
    let files = chartroom::kube::provision::runners::make(HOST, None, long_ago).unwrap();
    for (name, text) in files {
        old["data"][name] = json!(BASE64_STANDARD.encode(text.as_str().unwrap()));
    }
    old["data"]["note"] = json!(BASE64_STANDARD.encode("somebody's"));
    server.put(SECRET, old.clone());
    let renewed = says("certificates renewed").await;
    for (file, stays) in [
        ("ca.crt", true),
        ("ca.key", true),
        ("note", true),
        ("server.crt", false),
        ("client.key", false),
    ] {
        assert_eq!(renewed["data"][file] == old["data"][file], stays, "{file}");
    }
    says("there already, left alone").await;

    // Neither another release's nor something else is touched.
    let mut others = made.clone();
    others["metadata"]["annotations"]["chartroom.github.io/release"] = json!("shop/other");
    let mut empty = made;
    empty["data"].as_object_mut().unwrap().remove("server.crt");
    for (there, why) in [
        (others, "belongs to shop/other"),
        (empty, "holds no certificate `server.crt`"),
    ] {
        server.put(SECRET, there);
        let (code, _, complaint) = provision(&server, &plan).await;
        assert_eq!(code, 65, "{complaint}");
        assert!(complaint.contains(why), "{complaint}");
    }
}
