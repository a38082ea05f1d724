//! `chartroom provision` and the rotations, as the program itself against an API server that can be
//! made to misbehave.

mod api_server;
mod provision;
mod rotate;

use std::process::Output;

use serde_json::{Value, json};

use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, chartroom, run, text};
use api_server::ApiServer;

const RELEASE: &str = "shop/demo";

/// The program with `arguments`; what it printed, and how it ended.
async fn program(server: &ApiServer, arguments: &[&str]) -> (i32, String, String) {
    let dir = TempDir::new("kube").unwrap();
    let mut command = chartroom(&dir.0);
    command
        .env("KUBECONFIG", server.kubeconfig(&dir.0))
        .args(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = run(command, PATIENCE).await;
    (status.code().unwrap(), text(&stdout), text(&stderr))
}

/// What the chart renders.
fn wanted() -> Value {
    let role = |secret: &str, name: &str| json!({ "name": secret, "username": name, "dbname": "chartroom", "host": "demo-chartroom-pg-rw", "port": "5432" });
    json!({
        "release": RELEASE,
        "namespace": "shop",
        "timeout": "210s",
        "operatorTimeout": "60s",
        "adopt": false,
        "allowMajorUpgrade": false,
        "metadata": {
            "labels": { "app.kubernetes.io/managed-by": "chartroom-provision" },
            "annotations": { "chartroom.github.io/release": RELEASE, "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" },
        },
        "secrets": {
            "keys": { "name": "demo-chartroom-keys" },
            "owner": role("demo-chartroom-db", "chartroom"),
            "runtime": role("demo-chartroom-db-app", "chartroom_app"),
        },
        "cluster": {
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Cluster",
            "metadata": { "name": "demo-chartroom-pg" },
            "spec": {
                "instances": 1,
                "imageName": "registry/postgresql:18.6-system-trixie",
                "storage": { "size": "10Gi" },
                "bootstrap": { "initdb": { "database": "chartroom", "owner": "chartroom", "secret": { "name": "demo-chartroom-db" } } },
                "managed": { "roles": [{ "name": "chartroom_app", "login": true, "passwordSecret": { "name": "demo-chartroom-db-app" } }] },
            },
        },
    })
}

/// The same with some of it changed.
fn wanted_with(change: impl FnOnce(&mut Value)) -> Value {
    let mut plan = wanted();
    change(&mut plan);
    plan
}

fn up() -> Value {
    json!({
        "phase": "Cluster in healthy state", "currentPrimary": "demo-chartroom-pg-1", "targetPrimary": "demo-chartroom-pg-1", "readyInstances": 1,
        "managedRolesStatus": { "byStatus": { "reconciled": ["chartroom_app"] } },
    })
}

async fn provision(server: &ApiServer, plan: &Value) -> (i32, String, String) {
    let dir = TempDir::new("plan").unwrap();
    let file = dir.0.join("plan.json");
    std::fs::write(&file, plan.to_string()).unwrap();
    program(server, &["provision", "--plan", file.to_str().unwrap()]).await
}
