//! Posts and votes, as callers meet them.

mod access;
mod bodies;
mod edits;
mod ends;
mod list;
mod oracle;
mod plans;
mod races;
mod repeats;
mod search;
mod trail;
mod votes;
mod walks;

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use chrono::Utc;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, TestApp, outcome};

/// An id that nothing has.
const NOTHING: &str = "0192f0c1-2345-7000-8000-000000000000";

/// An application, and a session to look and to arrange.
struct Place {
    app: TestApp,
    session: tokio_postgres::Client,
}

impl Place {
    async fn new(flags: &[&str]) -> Self {
        let app = TestApp::with(flags, Default::default()).await;
        let session = app.database.session().await;
        Self { app, session }
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Somebody with an account and a token.
    async fn person(&self, name: &str) -> Person {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO principals (id, kind) VALUES ('{id}', 'user'); \
             INSERT INTO users (id, email, email_key, username, username_key, name, password_hash) \
             VALUES ('{id}', '{name}@x.y', '{name}@x.y', '{name}', '{name}', 'The {name}', 'none')"
        ))
        .await;
        let issued = self.app.app.identity.tokens.issue(
            PrincipalId(id),
            SessionId::fresh(),
            false,
            Utc::now(),
            600,
        );
        Person {
            id: id.to_string(),
            authorization: format!("Bearer {}", issued.unwrap()),
        }
    }

    /// A project with members.
    async fn project(&self, visibility: &str, members: &[(&Person, &str)]) -> String {
        let id = Uuid::now_v7().to_string();
        let mut sql = format!(
            "INSERT INTO projects (id, name, visibility) VALUES ('{id}', 'p', '{visibility}');"
        );
        for (person, role) in members {
            sql += &format!(
                "INSERT INTO project_members (project_id, principal_id, role) VALUES ('{id}', '{}', '{role}');",
                person.id
            );
        }
        self.sql(&sql).await;
        id
    }

    async fn expire(&self, project: &str) {
        self.sql(&format!(
            "UPDATE projects SET expires_at = now() - interval '1 second' WHERE id = '{project}'"
        ))
        .await;
    }

    /// What anybody may send without signing in.
    async fn get(&self, target: &str) -> Answer {
        self.app.get(target).await
    }
}

#[derive(Clone)]
struct Person {
    id: String,
    authorization: String,
}

impl Person {
    async fn send(
        &self,
        place: &Place,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let app = &place.app;
        app.send_as(&self.authorization, method, target, headers, body)
            .await
    }

    async fn get(&self, place: &Place, target: &str) -> Answer {
        self.send(place, Method::GET, target, &[], None).await
    }

    async fn patch(&self, place: &Place, target: &str, body: Value) -> Answer {
        self.send(place, Method::PATCH, target, &[], Some(body))
            .await
    }

    async fn delete(&self, place: &Place, target: &str) -> Answer {
        self.send(place, Method::DELETE, target, &[], None).await
    }

    async fn create(&self, place: &Place, body: Value) -> Answer {
        self.send(place, Method::POST, "/api/v1/posts", &[], Some(body))
            .await
    }

    /// Path of a new post of theirs.
    async fn post(&self, place: &Place, more: Value) -> String {
        let mut body = json!({ "title": "A title", "content": "Some content" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = self.create(place, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }

    async fn vote(&self, place: &Place, post: &str) -> Answer {
        let target = format!("{post}/vote");
        self.send(place, Method::PUT, &target, &[], None).await
    }

    async fn unvote(&self, place: &Place, post: &str) -> Answer {
        self.delete(place, &format!("{post}/vote")).await
    }

    /// The titles of a list, in its order.
    async fn titles(&self, place: &Place, target: &str) -> Vec<String> {
        titles(&self.get(place, target).await)
    }
}

fn titles(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.json();
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

/// All of a refusal but what differs from request to request.
fn apart_from_instance(answer: &Answer) -> (u16, String) {
    let id = answer.header("x-request-id");
    (answer.status.as_u16(), answer.text().replace(id, "-"))
}

/// xorshift64*: the same numbers for the same seed on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % end
    }
}
