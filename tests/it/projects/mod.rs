//! Projects and their members, as callers meet them.

mod access;
mod activity;
mod bodies;
mod expiry;
mod list;
mod members;
mod one;
mod owners;
mod trail;
mod walks;

use http::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, outcome};

const PASSWORD: &str = "correct horse battery";
/// An id that nothing has.
const NOTHING: &str = "0192f0c1-2345-7000-8000-000000000000";

/// An application whose sign-in limits are out of the way.
async fn app() -> TestApp {
    let limits = [
        "--signin-per-address-burst=1000000",
        "--signin-per-address-per-minute=1000000",
        "--signin-per-account-per-hour=1000000",
    ];
    TestApp::with(&limits, Default::default()).await
}

/// Somebody signed in.
#[derive(Clone)]
struct Person {
    id: String,
    username: String,
    authorization: String,
}

impl Person {
    async fn new(app: &TestApp, username: &str) -> Self {
        let email = format!("{username}@example.com");
        let body = json!({ "email": email, "username": username, "password": PASSWORD });
        let answer = app.post_json("/api/v1/users", body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "password"),
            ("username", &email),
            ("password", PASSWORD),
        ];
        let form = serde_urlencoded::to_string(form).unwrap();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let answer = app
            .send(Method::POST, "/auth/token", &kind, form.into())
            .await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Self {
            id,
            username: username.to_owned(),
            authorization: format!("Bearer {token}"),
        }
    }

    async fn send(
        &self,
        app: &TestApp,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        app.send_as(&self.authorization, method, target, headers, body)
            .await
    }

    async fn get(&self, app: &TestApp, target: &str) -> Answer {
        self.send(app, Method::GET, target, &[], None).await
    }

    async fn post(&self, app: &TestApp, target: &str, body: Value) -> Answer {
        self.send(app, Method::POST, target, &[], Some(body)).await
    }

    async fn patch(&self, app: &TestApp, target: &str, body: Value) -> Answer {
        self.send(app, Method::PATCH, target, &[], Some(body)).await
    }

    async fn put(&self, app: &TestApp, target: &str, body: Value) -> Answer {
        self.send(app, Method::PUT, target, &[], Some(body)).await
    }

    async fn delete(&self, app: &TestApp, target: &str) -> Answer {
        self.send(app, Method::DELETE, target, &[], None).await
    }

    /// Path of a new project of theirs.
    async fn project(&self, app: &TestApp, body: Value) -> String {
        let answer = self.post(app, "/api/v1/projects", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// Makes a member.
    async fn share(&self, app: &TestApp, project: &str, with: &Person, role: &str) {
        let target = format!("{project}/members/{}", with.id);
        let answer = self.put(app, &target, json!({ "role": role })).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
}

/// The id at the end of a project's path.
fn id_of(project: &str) -> &str {
    project.rsplit('/').next().unwrap()
}

async fn sql(app: &TestApp, statement: &str) {
    app.database
        .session()
        .await
        .batch_execute(statement)
        .await
        .unwrap();
}

/// Its `expires_at` is a second ago.
async fn expire(app: &TestApp, project: &str) {
    let id = id_of(project);
    sql(
        app,
        &format!("UPDATE projects SET expires_at = now() - interval '1 second' WHERE id = '{id}'"),
    )
    .await;
}

/// One number out of the database.
async fn count(app: &TestApp, query: &str) -> i64 {
    app.database
        .session()
        .await
        .query_one(query, &[])
        .await
        .unwrap()
        .get(0)
}
