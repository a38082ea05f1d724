//! Invitations to projects: what owners do with them, what becomes of their letters, and what the
//! links in those are good for.

mod accept;
mod ends;
mod letters;
mod limits;
mod owners;
mod page;

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::notifications::Person;
use crate::support::app::{Answer, outcome};

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "a long way to the sea";
const GUEST: &str = "guest@example.org";

/// Ann, who owns a project and has confirmed her address.
struct House {
    post: Post,
    app: TestApp,
    ann: Person,
    project: String,
    session: tokio_postgres::Client,
}

impl House {
    async fn new() -> Self {
        let post = Post::new(Tls::None).await;
        let app = post.app().await;
        let ann = Person::new(&app, "ann").await;
        let project = project_of(&app, &ann).await;
        let session = app.database.session().await;
        let house = Self {
            post,
            app,
            ann,
            project,
            session,
        };
        house.settle().await;
        house
    }

    /// Somebody more, who has confirmed their address too.
    async fn person(&self, name: &str) -> Person {
        let person = Person::new(&self.app, name).await;
        self.settle().await;
        person
    }

    /// What accounts are written themselves is for other tests.
    async fn settle(&self) {
        let all = "UPDATE users SET email_verified_at = now() WHERE email LIKE '%@example.com'; \
                   DELETE FROM jobs WHERE kind = 'mail.email_confirm.1'";
        self.sql(all).await;
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    async fn count(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn mails(&self) -> Vec<Received> {
        self.post.mails(&self.app).await
    }

    /// Where invitations to the project are.
    fn invitations(&self) -> String {
        format!("/api/v1/projects/{}/invitations", self.project)
    }

    async fn invite_by(&self, who: &Person, email: &str, role: &str) -> Answer {
        let body = json!({ "email": email, "role": role });
        let target = self.invitations();
        who.send(&self.app, Method::POST, &target, body).await
    }

    /// The path of a new one.
    async fn invite(&self, email: &str, role: &str) -> String {
        let made = self.invite_by(&self.ann, email, role).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.header("location").to_owned()
    }

    /// The secret of the one letter that is on its way.
    async fn link(&self) -> String {
        let mails = self.mails().await;
        assert_eq!(mails.len(), 1);
        token(&mails[0], "invite")
    }

    /// With nobody signed in.
    async fn accept(&self, body: Value) -> Answer {
        let target = "/auth/invitations/accept";
        self.app.post_json(target, body.to_string()).await
    }

    async fn accept_as(&self, who: &Person, token: &str) -> Answer {
        let target = "/auth/invitations/accept";
        let body = json!({ "token": token });
        who.send(&self.app, Method::POST, target, body).await
    }

    /// Somebody's role in the project.
    async fn role(&self, who: &str) -> Option<String> {
        let target = format!("/api/v1/projects/{}/members/{who}", self.project);
        let member = self.ann.get(&self.app, &target).await;
        match member.status.as_u16() {
            200 => Some(member.json()["role"].as_str().unwrap().to_owned()),
            _ => None,
        }
    }

    /// What the trail of the project has of members and invitations, oldest first.
    async fn told(&self) -> Vec<(String, Value)> {
        let all = "SELECT action, detail::text FROM audit_events WHERE target_id = $1::text::uuid \
                   AND action <> 'project.created' ORDER BY id";
        let rows = self.session.query(all, &[&self.project]).await.unwrap();
        let told = rows.iter().map(|row| {
            let detail: &str = row.get(1);
            (row.get(0), serde_json::from_str(detail).unwrap())
        });
        told.collect()
    }
}

async fn project_of(app: &TestApp, who: &Person) -> String {
    let project = who.project(app, json!({ "name": "Census <1>" })).await;
    project["id"].as_str().unwrap().to_owned()
}

fn is_ended(answer: &Answer) -> bool {
    outcome(answer) == (422, "validation-failed".to_owned())
        && answer.json()["errors"][0]["code"] == "link-ended"
}
