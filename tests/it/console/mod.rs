//! The console, as people meet it.

mod accounts;
mod browser;
mod data;
mod hostile;
mod mailed;
mod matrix;
mod models;
mod places;
mod safety;

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use chrono::Utc;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, TestApp};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
/// An id that nothing has.
const NOTHING: &str = "0192f0c1-2345-7000-8000-000000000000";

/// Somebody with an account; nobody where there is no credential.
#[derive(Clone, Default)]
struct Person {
    id: String,
    authorization: String,
}

struct House {
    app: TestApp,
    session: tokio_postgres::Client,
}

impl House {
    async fn new() -> Self {
        Self::on(TestApp::new().await).await
    }

    async fn on(app: TestApp) -> Self {
        let session = app.database.session().await;
        Self { app, session }
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    async fn person(&self, name: &str, is_admin: bool) -> Person {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO principals (id, kind) VALUES ('{id}', 'user'); \
             INSERT INTO users (id, email, email_key, username, username_key, name, password_hash, is_admin) \
             VALUES ('{id}', '{name}@x.y', '{name}@x.y', '{name}', '{name}', 'The {name}', 'none', {is_admin})"
        ))
        .await;
        let tokens = &self.app.app.identity.tokens;
        let issued = tokens.issue(
            PrincipalId(id),
            SessionId::fresh(),
            is_admin,
            Utc::now(),
            600,
        );
        Person {
            id: id.to_string(),
            authorization: format!("Bearer {}", issued.unwrap()),
        }
    }

    async fn send(
        &self,
        who: &Person,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut all = vec![HTML];
        if !who.authorization.is_empty() {
            all.push(("authorization", &who.authorization));
        }
        all.extend(headers);
        self.app.send(method, path, &all, body).await
    }

    async fn get(&self, who: &Person, path: &str) -> Answer {
        self.send(who, Method::GET, path, &[], Body::empty()).await
    }

    /// A page that is there.
    async fn page(&self, who: &Person, path: &str) -> String {
        let answer = self.get(who, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        answer.text()
    }

    /// A form, sent as this site's pages send it.
    async fn post(&self, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.send(who, Method::POST, path, &[FORM, OWN], body.into())
            .await
    }

    /// By the API, which the pages are about.
    async fn api(&self, who: &Person, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app
            .send_as(&who.authorization, method, path, &[], body)
            .await
    }

    async fn made(&self, who: &Person, path: &str, body: Value) -> String {
        let answer = self.api(who, Method::POST, path, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn project(&self, owner: &Person, members: &[(&Person, &str)]) -> String {
        let id = self
            .made(owner, "/api/v1/projects", json!({ "name": "A project" }))
            .await;
        for (person, role) in members {
            let path = format!("/api/v1/projects/{id}/members/{}", person.id);
            let put = self
                .api(owner, Method::PUT, &path, Some(json!({ "role": role })))
                .await;
            assert_eq!(put.status, 201, "{}", put.text());
        }
        id
    }

    /// A dataset with these lines of CSV.
    async fn dataset(&self, owner: &Person, project: &str, csv: &str) -> String {
        let new = json!({ "project_id": project, "name": "Incomes" });
        let id = self.made(owner, "/api/v1/datasets", new).await;
        self.import(owner, &id, csv).await;
        id
    }

    /// A version of a model, as its form sends the file.
    async fn upload(&self, who: &Person, model: &str, key: &str, file: &str) -> Answer {
        let body = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{key}\r\n--XX\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a.onnx\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{file}\r\n--XX--\r\n"
        );
        let headers = [("content-type", "multipart/form-data; boundary=XX"), OWN];
        let path = format!("/models/{model}/upload");
        self.send(who, Method::POST, &path, &headers, body.into())
            .await
    }

    async fn import(&self, owner: &Person, dataset: &str, csv: &str) -> String {
        let path = format!("/api/v1/datasets/{dataset}/imports");
        let headers = [
            ("content-type", "text/csv"),
            ("authorization", &*owner.authorization),
        ];
        let body = Body::from(csv.to_owned());
        let answer = self.app.send(Method::POST, &path, &headers, body).await;
        assert!(answer.status.as_u16() < 300, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

/// Where a form led.
fn went(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location")
}

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let begin = format!("name=\"{name}\" value=\"");
    let at = page
        .find(&begin)
        .unwrap_or_else(|| panic!("no field {name} in {page}"));
    let rest = &page[at + begin.len()..];
    unescaped(&rest[..rest.find('"').unwrap()])
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
