//! Datasets, as callers meet them.

mod census;
mod copy;
mod diff;
mod edits;
mod files;
mod hostile;
mod imports;
mod metadata;
mod metrics;
mod ndjson;
mod pictures;
mod profile;
mod reading;
mod rejects;
mod retention;
mod rules;
mod typed;
mod upsert;
mod versions;

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use chrono::Utc;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, TestApp};
use crate::support::service::PATIENCE;
use crate::support::wait::until;

/// How many files are loaded.
const LOADING: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE application_name = 'chartroom/load' AND datname = current_database()";
/// A column of most types.
const COLUMNS: [(&str, &str); 8] = [
    ("n", "int"),
    ("t", "text"),
    ("f", "float64"),
    ("d", "decimal"),
    ("day", "date"),
    ("moment", "timestamp"),
    ("ok", "bool"),
    ("ages", "int_range"),
];

/// An application, somebody who is an editor in a project there, and a session to look.
struct Place {
    app: TestApp,
    session: tokio_postgres::Client,
    project: String,
    authorization: String,
}

impl Place {
    async fn new() -> Self {
        Self::on(TestApp::new().await).await
    }

    /// Where workbooks can be sent too.
    async fn with_files() -> Self {
        Self::on(TestApp::with_files().await).await
    }

    async fn on(app: TestApp) -> Self {
        let session = app.database.session().await;
        let (id, project) = (Uuid::now_v7(), Uuid::now_v7());
        let arrange = format!(
            "INSERT INTO principals (id, kind) VALUES ('{id}', 'user'); \
             INSERT INTO users (id, email, email_key, username, username_key, name, password_hash) \
             VALUES ('{id}', 'a@x.y', 'a@x.y', 'ann', 'ann', 'Ann', 'none'); \
             INSERT INTO projects (id, name, visibility) VALUES ('{project}', 'p', 'private'); \
             INSERT INTO project_members (project_id, principal_id, role) VALUES ('{project}', '{id}', 'owner')"
        );
        session.batch_execute(&arrange).await.unwrap();
        let issued = app.app.identity.tokens.issue(
            PrincipalId(id),
            SessionId::fresh(),
            false,
            Utc::now(),
            600,
        );
        Self {
            authorization: format!("Bearer {}", issued.unwrap()),
            project: project.to_string(),
            app,
            session,
        }
    }

    async fn send(&self, method: Method, target: &str, body: Option<Value>) -> Answer {
        let app = &self.app;
        app.send_as(&self.authorization, method, target, &[], body)
            .await
    }

    async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, None).await
    }

    /// The path of a new dataset with these columns, each a name and a type.
    async fn dataset(&self, columns: &[(&str, &str)], more: Value) -> String {
        let columns: Vec<Value> = columns
            .iter()
            .map(|(name, kind)| json!({ "name": name, "type": kind }))
            .collect();
        let mut body = json!({
            "project_id": self.project, "name": Uuid::now_v7().to_string(), "columns": columns,
        });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        let answer = self
            .send(Method::POST, "/api/v1/datasets", Some(body))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }

    async fn import(
        &self,
        dataset: &str,
        query: &str,
        headers: &[(&str, &str)],
        file: impl Into<Body>,
    ) -> Answer {
        let mut all = vec![("authorization", self.authorization.as_str())];
        if headers.iter().all(|(name, _)| *name != "content-type") {
            all.push(("content-type", "text/csv"));
        }
        all.extend(headers);
        let target = format!("{dataset}/imports{query}");
        self.app
            .send(Method::POST, &target, &all, file.into())
            .await
    }

    /// Loads a file that is good.
    async fn load(&self, dataset: &str, query: &str, file: &str) -> Value {
        let answer = self.import(dataset, query, &[], file.to_owned()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// The records of a page, without their ids.
    async fn records(&self, target: &str) -> Vec<Value> {
        let answer = self.get(target).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let items = answer.json()["items"].as_array().unwrap().clone();
        let items = items.into_iter().map(|mut item| {
            item.as_object_mut().unwrap().remove("rid").unwrap();
            item
        });
        items.collect()
    }

    async fn text(&self, query: &str) -> String {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Waits until new tables are looked at, which nothing else waits for.
    async fn settled(&self) {
        let settled = until("the end of loads", PATIENCE, async || {
            (self.number(LOADING).await == 0).then_some(())
        });
        settled.await.unwrap();
    }

    /// Waits until a file has begun to be loaded.
    async fn loads(&self) {
        let loads = until("a load", PATIENCE, async || {
            (self.number(LOADING).await > 0).then_some(())
        });
        loads.await.unwrap();
    }

    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }
}

/// What an import that was refused says: the code, and where and what each mistake is.
fn mistakes(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}
