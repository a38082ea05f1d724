//! Workloads: service account tokens against a cluster with real keys that can be made to
//! misbehave.

mod cluster;
mod example;
mod flows;
mod forgeries;
mod load;
mod outage;
mod reviews;
mod rights;
mod settings;
pub(crate) mod tokens;

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use chrono::Utc;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, TestApp, outcome};
use crate::support::wait::until;
use cluster::Cluster;
use tokens::Token;

/// A service in a cluster.
struct Place {
    app: TestApp,
    cluster: Cluster,
}

impl Place {
    async fn new(flags: &[&str]) -> Self {
        let cluster = Cluster::start().await;
        Self::on(cluster, flags).await
    }

    async fn on(cluster: Cluster, flags: &[&str]) -> Self {
        let flags = cluster.flags(flags);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let app = TestApp::with(&flags, Default::default()).await;
        Self { app, cluster }
    }

    /// Once the service has the keys, so that what is counted from then on is the test's.
    async fn settled(flags: &[&str]) -> Self {
        let place = Self::new(flags).await;
        let has_keys = async || (place.cluster.state().asked_keys > 0).then_some(());
        until("the keys", PATIENCE, has_keys).await.unwrap();
        place
    }

    /// Somebody with an account and a token.
    async fn person(&self, name: &str, is_admin: bool) -> Caller {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO principals (id, kind) VALUES ('{id}', 'user'); \
             INSERT INTO users (id, email, email_key, username, username_key, name, password_hash, is_admin) \
             VALUES ('{id}', '{name}@x.y', '{name}@x.y', '{name}', '{name}', 'The {name}', 'none', {is_admin})"
        ))
        .await;
        let tokens = &self.app.app.identity.tokens;
        let (who, session) = (PrincipalId(id), SessionId::fresh());
        let issued = tokens.issue(who, session, is_admin, Utc::now(), 600);
        Caller(issued.unwrap())
    }

    /// A workload with a good token.
    fn workload(&self, namespace: &str, name: &str) -> Caller {
        Caller(self.cluster.rsa.sign(&Token::of(namespace, name)))
    }

    async fn sql(&self, statement: &str) {
        let session = self.app.database.session().await;
        session.batch_execute(statement).await.unwrap();
    }

    async fn number(&self, query: &str) -> i64 {
        let session = self.app.database.session().await;
        session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Status and `code` of a request that any caller may make.
    async fn outcome(&self, caller: &Caller) -> (u16, String) {
        outcome(&caller.get(self, "/api/v1/projects").await)
    }
}

/// Longer than any machine is busy.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

fn good() -> (u16, String) {
    (200, String::new())
}

fn refused() -> (u16, String) {
    (401, "unauthenticated".to_owned())
}

fn unavailable() -> (u16, String) {
    (503, "identity-unavailable".to_owned())
}

/// Whoever holds a token.
struct Caller(String);

impl Caller {
    async fn send(
        &self,
        place: &Place,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let authorization = format!("Bearer {}", self.0);
        let app = &place.app;
        app.send_as(&authorization, method, target, headers, body)
            .await
    }

    async fn get(&self, place: &Place, target: &str) -> Answer {
        self.send(place, Method::GET, target, &[], None).await
    }

    async fn post(&self, place: &Place, target: &str, body: Value) -> Answer {
        self.send(place, Method::POST, target, &[], Some(body))
            .await
    }

    async fn put(&self, place: &Place, target: &str, body: Value) -> Answer {
        self.send(place, Method::PUT, target, &[], Some(body)).await
    }

    async fn delete(&self, place: &Place, target: &str) -> Answer {
        self.send(place, Method::DELETE, target, &[], None).await
    }

    /// Path of a new project of theirs.
    async fn project(&self, place: &Place) -> String {
        let answer = self
            .post(place, "/api/v1/projects", json!({ "name": "p" }))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }
}

/// The id at the end of a path.
fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}
