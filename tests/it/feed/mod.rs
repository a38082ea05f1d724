//! The feed of events: its numbers, its pages, its streams, and who reads what.

mod follows;
mod numbers;
mod pages;
mod types;

use chartroom::events::sequencer::{MOST, sequence};
use http::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

const PASSWORD: &str = "correct horse battery";

async fn app(flags: &[&str]) -> TestApp {
    let limits = [
        "--signin-per-address-burst=1000000",
        "--signin-per-address-per-minute=1000000",
    ];
    let app = TestApp::with(&[&limits, flags].concat(), Default::default()).await;
    chartroom::app::tasks::sequence_events(&app.app.core);
    app
}

/// Somebody who sends a password with each request.
#[derive(Clone)]
struct Person {
    id: String,
    authorization: String,
}

impl Person {
    async fn new(app: &TestApp, username: &str) -> Self {
        use base64::Engine as _;
        let email = format!("{username}@example.com");
        let body = json!({ "email": email, "username": username, "password": PASSWORD });
        let answer = app.post_json("/api/v1/users", body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let pair = format!("{username}:{PASSWORD}");
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        Self {
            id: answer.json()["id"].as_str().unwrap().to_owned(),
            authorization: format!("Basic {pair}"),
        }
    }

    async fn send(&self, app: &TestApp, method: Method, target: &str, body: Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        app.send_as(&self.authorization, method, target, &[], body)
            .await
    }

    async fn get(&self, app: &TestApp, target: &str) -> Answer {
        self.send(app, Method::GET, target, Value::Null).await
    }

    /// The id of a new project.
    async fn project(&self, app: &TestApp, body: Value) -> String {
        let answer = self.send(app, Method::POST, "/api/v1/projects", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn change(&self, app: &TestApp, project: &str, body: Value) {
        let target = format!("/api/v1/projects/{project}");
        let answer = self.send(app, Method::PATCH, &target, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn share(&self, app: &TestApp, project: &str, with: &Person, role: &str) {
        let target = format!("/api/v1/projects/{project}/members/{}", with.id);
        let answer = self
            .send(app, Method::PUT, &target, json!({ "role": role }))
            .await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }

    async fn remove(&self, app: &TestApp, project: &str, who: &Person) {
        let target = format!("/api/v1/projects/{project}/members/{}", who.id);
        let answer = self.send(app, Method::DELETE, &target, Value::Null).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// The page of the feed, once all that has been told has its number.
    async fn feed(&self, app: &TestApp, query: &str) -> Value {
        numbered(app).await;
        let answer = self.get(app, &format!("/api/v1/events?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

/// Waits until nothing waits in the outbox. Several may be at it.
async fn numbered(app: &TestApp) {
    let session = app.database.session().await;
    loop {
        sequence(&app.app.db, &[], MOST).await.unwrap();
        let left: i64 = session
            .query_one("SELECT count(*) FROM outbox", &[])
            .await
            .unwrap()
            .get(0);
        if left == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The types of the events of a page.
fn types(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["type"].as_str().unwrap()).collect()
}
