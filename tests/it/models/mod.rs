//! Models, as callers meet them. What runs them is a stand-in that speaks the same protocol
//! (`support/model_runner.rs`); the real one is tried by `scripts/model-check`.

mod aliases;
mod golden;
mod inference;
mod lineage;
mod log;
mod network;
mod protocol;
mod scoring;
mod versions;

use std::time::Duration;

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use chrono::Utc;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, TestApp};
use crate::support::model_runner::{ModelRunner, check};

/// An application with a runner, and an owner of a project there.
struct Place {
    app: TestApp,
    runner: ModelRunner,
    session: tokio_postgres::Client,
    project: String,
    authorization: String,
}

impl Place {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(more: &[&str]) -> Self {
        let runner = ModelRunner::start();
        let setting = runner.setting();
        let flags: Vec<&str> = more.iter().copied().chain([setting.as_str()]).collect();
        Self::among(runner, &flags).await
    }

    /// With settings that say where models run.
    async fn among(runner: ModelRunner, flags: &[&str]) -> Self {
        let app = TestApp::with(flags, Default::default()).await;
        // Nobody watches the database here.
        app.app.health.good();
        let session = app.database.session().await;
        let project = Uuid::now_v7();
        let insert = format!(
            "INSERT INTO projects (id, name, visibility) VALUES ('{project}', 'p', 'private')"
        );
        session.batch_execute(&insert).await.unwrap();
        let mut place = Self {
            authorization: String::new(),
            project: project.to_string(),
            app,
            runner,
            session,
        };
        place.authorization = place.member("owner").await;
        place
    }

    /// The credentials of a new account with a role in the project, or with none.
    async fn member(&self, role: &str) -> String {
        let (id, project) = (Uuid::now_v7(), &self.project);
        let name = format!("u{}", id.simple());
        let mut insert = format!(
            "INSERT INTO principals (id, kind) VALUES ('{id}', 'user'); \
             INSERT INTO users (id, email, email_key, username, username_key, name, password_hash) \
             VALUES ('{id}', '{name}@x.y', '{name}@x.y', '{name}', '{name}', 'Ann', 'none');"
        );
        if !role.is_empty() {
            insert += &format!(
                "INSERT INTO project_members (project_id, principal_id, role) \
                 VALUES ('{project}', '{id}', '{role}')"
            );
        }
        self.session.batch_execute(&insert).await.unwrap();
        let tokens = &self.app.app.identity.tokens;
        let issued = tokens.issue(PrincipalId(id), SessionId::fresh(), false, Utc::now(), 600);
        format!("Bearer {}", issued.unwrap())
    }

    async fn send(&self, method: Method, target: &str, body: Option<Value>) -> Answer {
        let app = &self.app;
        app.send_as(&self.authorization, method, target, &[], body)
            .await
    }

    async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, None).await
    }

    /// The path of a new model.
    async fn model(&self, name: &str) -> String {
        let body = json!({ "project_id": self.project, "name": name });
        let answer = self.send(Method::POST, "/api/v1/models", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// Does the checks that wait, as a worker does.
    async fn check(&self) {
        Box::pin(check(&self.app, &self.session)).await;
    }

    async fn upload(&self, model: &str, headers: &[(&str, &str)], file: &[u8]) -> Answer {
        let all = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/octet-stream"),
        ];
        let headers: Vec<_> = all.iter().copied().chain(headers.iter().copied()).collect();
        let target = format!("{model}/versions");
        let body = Body::from(file.to_vec());
        let sent = self.app.send(Method::POST, &target, &headers, body);
        let checks = async {
            loop {
                self.check().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            answer = sent => answer,
            () = checks => unreachable!(),
        }
    }

    /// Uploads a model that is good, and says its number.
    async fn ready(&self, model: &str, file: Value) -> i64 {
        let file = file.to_string();
        let answer = Box::pin(self.upload(model, &[], file.as_bytes())).await;
        let version = answer.json();
        assert_eq!(version["state"], "ready", "{}", answer.text());
        version["version"].as_i64().unwrap()
    }

    /// Lets an alias lead somewhere.
    async fn lead(&self, model: &str, alias: &str, to: Value) -> Value {
        let target = format!("{model}/aliases/{alias}");
        let answer = self.send(Method::PUT, &target, Some(to)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Asks with rows of two values.
    async fn ask(&self, target: &str, rows: &[[f64; 2]]) -> Answer {
        let body = json!({
            "inputs": [{ "name": "x", "shape": [rows.len(), 2], "datatype": "FP32", "data": rows }],
        });
        self.send(Method::POST, target, Some(body)).await
    }

    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }
}

/// The values of the first output.
fn values(answer: &Answer) -> Vec<f64> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let data = answer.json()["outputs"][0]["data"].clone();
    serde_json::from_value(data).unwrap()
}
