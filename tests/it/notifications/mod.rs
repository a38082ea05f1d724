//! Notifications: who is told of what, once, and what they chose.

mod killed;
mod reminders;

use chartroom::app::features;
use chartroom::events::sequencer::{MOST, Sink, sequence};
use chartroom::notifications::sink;
use http::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

const PASSWORD: &str = "correct horse battery";

async fn app() -> TestApp {
    let limits = [
        "--signin-per-address-burst=1000000",
        "--signin-per-address-per-minute=1000000",
    ];
    TestApp::with(&limits, Default::default()).await
}

/// Somebody who sends a password with each request.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) authorization: String,
}

impl Person {
    pub(crate) async fn new(app: &TestApp, username: &str) -> Self {
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

    pub(crate) async fn send(
        &self,
        app: &TestApp,
        method: Method,
        target: &str,
        body: Value,
    ) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        app.send_as(&self.authorization, method, target, &[], body)
            .await
    }

    pub(crate) async fn get(&self, app: &TestApp, target: &str) -> Answer {
        self.send(app, Method::GET, target, Value::Null).await
    }

    /// The project as it was answered.
    pub(crate) async fn project(&self, app: &TestApp, body: Value) -> Value {
        let answer = self.send(app, Method::POST, "/api/v1/projects", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn change(&self, app: &TestApp, project: &str, body: Value) -> Value {
        let target = format!("/api/v1/projects/{project}");
        let answer = self.send(app, Method::PATCH, &target, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn share(&self, app: &TestApp, project: &str, with: &str, role: &str) {
        let target = format!("/api/v1/projects/{project}/members/{with}");
        let answer = self
            .send(app, Method::PUT, &target, json!({ "role": role }))
            .await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }

    /// What they are told, newest first, once all that happened has its number.
    async fn told(&self, app: &TestApp, query: &str) -> Vec<Value> {
        numbered(app).await;
        let target = format!("/api/v1/me/notifications?{query}");
        let answer = self.get(app, &target).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["items"].as_array().unwrap().clone()
    }
}

async fn numbered(app: &TestApp) {
    numbered_with(app, &[sink::notify]).await;
}

/// Waits until nothing waits in the outbox. The service's own sequencer is at it too.
pub(crate) async fn numbered_with(app: &TestApp, sinks: &[Sink]) {
    let session = app.database.session().await;
    loop {
        sequence(&app.app.db, sinks, MOST).await.unwrap();
        let left = "SELECT count(*) FROM outbox";
        let left: i64 = session.query_one(left, &[]).await.unwrap().get(0);
        if left == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn types(told: &[Value]) -> Vec<&str> {
    told.iter().map(|it| it["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_are_told_once_of_what_concerns_them_and_not_of_their_own_deeds() {
    let app = app().await;
    let [ann, bob, eve] = [
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "eve").await,
    ];
    let project = ann.project(&app, json!({ "name": "census" })).await;
    let id = project["id"].as_str().unwrap();
    ann.share(&app, id, &bob.id, "viewer").await;
    ann.share(&app, id, &bob.id, "editor").await;
    let post = json!({ "title": "t", "content": "", "project_id": id, "published": true });
    let post = bob.send(&app, Method::POST, "/api/v1/posts", post).await;
    let post = post.header("location").to_owned();
    let title = json!({ "title": "u" });
    ann.send(&app, Method::PATCH, &post, title).await;
    let told = bob.told(&app, "").await;
    assert_eq!(
        types(&told),
        [
            "chartroom.post.changed",
            "chartroom.member.changed",
            "chartroom.member.added",
        ]
    );
    assert_eq!(told[0]["actor"], json!(ann.id));
    assert_eq!(
        told[0]["subject"],
        json!(post.trim_start_matches("/api/v1/"))
    );
    assert_eq!(told[2]["data"]["role"], "viewer");
    assert!(ann.told(&app, "").await.is_empty());
    assert!(eve.told(&app, "").await.is_empty());

    // Read, not read, and nobody else's.
    let own = |told: &Value| format!("/api/v1/me/notifications/{}", told["id"]);
    let target = own(&told[1]);
    let read = |read: bool| json!({ "read": read });
    let first = bob.send(&app, Method::PATCH, &target, read(true)).await;
    let first = first.json()["read_at"].clone();
    assert!(first.is_string());
    let again = bob.send(&app, Method::PATCH, &target, read(true)).await;
    assert_eq!(again.json()["read_at"], first);
    let nothing = bob.send(&app, Method::PATCH, &target, json!({})).await;
    assert_eq!(nothing.json()["read_at"], first);
    assert_eq!(bob.told(&app, "unread=true").await.len(), 2);
    assert_eq!(bob.told(&app, "unread=false").await.len(), 1);
    let foreign = eve.send(&app, Method::PATCH, &target, read(true)).await;
    let missing = eve
        .send(
            &app,
            Method::PATCH,
            "/api/v1/me/notifications/1234567",
            read(true),
        )
        .await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.problem()),
        (404, missing.problem())
    );
    bob.send(&app, Method::PATCH, &target, read(false)).await;
    assert_eq!(bob.told(&app, "unread=true").await.len(), 3);

    // Numbered again from the same events, nothing is told twice.
    let session = app.database.session().await;
    let last: i64 = session
        .query_one("SELECT last FROM event_sequence", &[])
        .await
        .unwrap()
        .get(0);
    let moved = chartroom::events::sequencer::Moved { first: 1, last };
    let nobody = chartroom::kernel::actor::Actor::default();
    chartroom::db::transaction::transaction(&app.app.db, &nobody, async |tx| {
        Ok(sink::notify(tx, moved).await?)
    })
    .await
    .unwrap();
    assert_eq!(bob.told(&app, "").await.len(), 3);
}

#[tokio::test]
async fn what_somebody_does_not_want_is_not_told() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let bob = Person::new(&app, "bob").await;
    let all = bob.get(&app, "/api/v1/me/preferences").await.json();
    let items = all["items"].as_array().unwrap();
    let kinds: Vec<&str> = items
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, sink::KINDS);
    assert!(
        items
            .iter()
            .all(|it| it["in_app"] == "now" && it["mail"] == "off")
    );
    let target = "/api/v1/me/preferences/chartroom.member.added";
    for _ in 0..2 {
        let off = bob
            .send(&app, Method::PUT, target, json!({ "in_app": "off" }))
            .await;
        assert_eq!(
            off.json(),
            json!({ "type": "chartroom.member.added", "in_app": "off", "mail": "off" })
        );
    }
    let project = ann.project(&app, json!({ "name": "quiet" })).await;
    let id = project["id"].as_str().unwrap();
    ann.share(&app, id, &bob.id, "viewer").await;
    ann.share(&app, id, &bob.id, "editor").await;
    assert_eq!(
        types(&bob.told(&app, "").await),
        ["chartroom.member.changed"]
    );
    let unknown = "/api/v1/me/preferences/chartroom.project.created";
    let refused = bob
        .send(&app, Method::PUT, unknown, json!({ "in_app": "off" }))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (404, "not-found".to_owned())
    );
    // Each kind that the list offers is one that the feed has, and that somebody is told of.
    let known = chartroom::events::Event::kinds();
    for kind in sink::KINDS {
        assert!(known.iter().any(|it| it.name == kind), "{kind}");
    }
}
