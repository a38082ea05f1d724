//! The example of an in-cluster client, as it is in the repository, against the service itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;
use crate::support::database::TestDatabase;
use crate::support::process::{TempDir, installed, or_skip};
use crate::support::service::{Ports, Service, run, text};

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/in-cluster-client")
        .join(file)
}

/// A folder with these programs alone, as a client may find them; `None` where one is missing.
fn with_programs(folder: PathBuf, names: &[&str]) -> Option<PathBuf> {
    std::fs::create_dir(&folder).unwrap();
    for name in names {
        let program = or_skip(name, installed(name, &[]))?;
        std::os::unix::fs::symlink(program, folder.join(name)).unwrap();
    }
    Some(folder)
}

#[tokio::test]
async fn the_clients_write_a_post_as_the_workload_that_they_are() {
    let cluster = Cluster::start().await;
    let database = TestDatabase::migrated().await;
    let (dir, ports) = (TempDir::new("example").unwrap(), Ports::reserve());
    let url = database.url();
    let flags = cluster.flags(&[]);
    let named = |flag: &str| {
        let value = flags
            .iter()
            .find_map(|it| it.strip_prefix(&format!("--service-accounts-{flag}=")));
        value.unwrap()
    };
    let service = Service::start(
        &dir.0,
        &ports,
        &[
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_SERVICE_ACCOUNTS_MODE", named("mode")),
            ("CHARTROOM_SERVICE_ACCOUNTS_AUDIENCE", named("audience")),
            ("CHARTROOM_SERVICE_ACCOUNTS_SERVER", named("server")),
            ("CHARTROOM_SERVICE_ACCOUNTS_TOKEN_FILE", named("token-file")),
        ],
    );
    service.wait_ready(PATIENCE).await;
    let session = database.session().await;
    let project = Uuid::now_v7().to_string();
    let (ann, client) = (Uuid::now_v7(), Uuid::now_v7());
    session
        .batch_execute(&format!(
            "INSERT INTO principals (id, kind) VALUES ('{ann}', 'user'), ('{client}', 'workload'); \
             INSERT INTO workloads (id, name) VALUES ('{client}', 'k8s:shop/chartroom-client'); \
             INSERT INTO projects (id, name) VALUES ('{project}', 'p'); \
             INSERT INTO project_members (project_id, principal_id, role) \
             VALUES ('{project}', '{ann}', 'owner'), ('{project}', '{client}', 'editor')"
        ))
        .await
        .unwrap();
    let token = dir.0.join("workload-token");
    std::fs::write(
        &token,
        cluster.rsa.sign(&Token::of("shop", "chartroom-client")) + "\n",
    )
    .unwrap();

    let mut clients = Vec::new();
    for name in ["curl", "wget"] {
        let tools = ["cat", "hostname", name];
        if let Some(folder) = with_programs(dir.0.join(name), &tools) {
            let mut command = Command::new(installed("sh", &[]).unwrap());
            command.arg(example("client.sh")).env("PATH", folder);
            clients.push((name, command));
        }
    }
    if let Some(python) = or_skip("python3", installed("python3", &[])) {
        let mut command = Command::new(python);
        command.arg(example("client.py"));
        clients.push(("python", command));
    }
    let tried = i64::try_from(clients.len()).unwrap();
    for (name, mut command) in clients {
        command
            .env("CHARTROOM_URL", format!("http://{}", ports.public))
            .env("PROJECT_ID", &project)
            .env("TOKEN_FILE", &token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = run(command, PATIENCE).await;
        let (said, complaint) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{name}: {complaint}");
        assert!(
            said.contains("k8s:shop/chartroom-client") && said.contains(&project),
            "{name}: {said}"
        );
    }
    let written = format!("SELECT count(*) FROM posts WHERE author_id = '{client}'");
    let count: i64 = session.query_one(&written, &[]).await.unwrap().get(0);
    assert_eq!(count, tried);
}

#[test]
fn the_manifest_asks_for_a_token_for_the_service_alone() {
    let text = std::fs::read_to_string(example("manifest.yaml")).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let pod = &objects[1]["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["serviceAccountName"], objects[0]["metadata"]["name"]);
    assert_eq!(
        pod["volumes"][0]["projected"]["sources"],
        json!([{ "serviceAccountToken": { "audience": "demo-chartroom.default.svc", "expirationSeconds": 3600, "path": "token" } }])
    );
    let container = &pod["containers"][0];
    let mount = &container["volumeMounts"][0];
    assert_eq!(mount["name"], pod["volumes"][0]["name"]);
    let file = format!("{}/token", mount["mountPath"].as_str().unwrap());
    for client in ["client.sh", "client.py"] {
        let client = std::fs::read_to_string(example(client)).unwrap();
        assert!(client.contains(&file));
        for variable in container["env"].as_array().unwrap() {
            assert!(client.contains(variable["name"].as_str().unwrap()));
        }
    }
}
