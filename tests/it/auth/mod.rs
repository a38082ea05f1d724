//! Signing in, staying signed in and being signed out, as callers meet it.

mod accounts;
mod admins;
mod api_tokens;
mod audit;
mod audit_kept;
mod cookie;
mod deletion;
mod directory;
mod documents;
mod enumeration;
mod flood;
mod flows;
mod forgeries;
mod forms;
mod lifetimes;
mod many_sessions;
mod misses;
mod oidc;
mod outage;
mod refresh;
mod replicas;
mod rotation;
mod sweep;

use axum::body::Body;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

const PASSWORD: &str = "correct horse battery";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const PATCH: (&str, &str) = ("content-type", "application/merge-patch+json");

const UNLIMITED: [&str; 5] = [
    "--signin-per-address-burst=1000000",
    "--signin-per-address-per-minute=1000000",
    "--signin-per-account-per-hour=1000000",
    "--signin-per-pair-burst=1000000",
    "--signin-per-pair-per-hour=1000000",
];

/// An application whose sign-in limits are out of the way; they have tests of their own.
async fn app(flags: &[&str]) -> TestApp {
    TestApp::with(&[&UNLIMITED, flags].concat(), Default::default()).await
}

fn form(fields: &[(&str, &str)]) -> Body {
    serde_urlencoded::to_string(fields).unwrap().into()
}

async fn post_form(app: &TestApp, target: &str, fields: &[(&str, &str)]) -> Answer {
    app.send(Method::POST, target, &[FORM], form(fields)).await
}

async fn by_password(app: &TestApp, login: &str, password: &str) -> Answer {
    let fields = [
        ("grant_type", "password"),
        ("username", login),
        ("password", password),
    ];
    post_form(app, "/auth/token", &fields).await
}

async fn by_refresh(app: &TestApp, token: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
    post_form(app, "/auth/token", &fields).await
}

/// `GET` with an `Authorization`.
async fn get_as(app: &TestApp, target: &str, authorization: &str) -> Answer {
    let headers = [("authorization", authorization)];
    app.send(Method::GET, target, &headers, Body::empty()).await
}

/// Anything without a body, with an `Authorization`.
async fn send_as(app: &TestApp, method: Method, target: &str, authorization: &str) -> Answer {
    let headers = [("authorization", authorization)];
    app.send(method, target, &headers, Body::empty()).await
}

async fn me(app: &TestApp, authorization: &str) -> u16 {
    get_as(app, "/api/v1/me", authorization)
        .await
        .status
        .as_u16()
}

fn basic(login: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{login}:{password}"))
    )
}

/// All of an answer that may depend on why it was given.
fn apart_from_instance(answer: &Answer) -> (u16, String, Vec<String>) {
    let id = answer.header("x-request-id");
    assert!(!id.is_empty());
    let challenges = answer.headers.get_all("www-authenticate");
    (
        answer.status.as_u16(),
        answer.text().replace(id, "-"),
        challenges
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect(),
    )
}

/// What a sign-in gave.
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.access)
    }

    /// A claim as it stands in the access token.
    fn claim(&self, name: &str) -> Value {
        let payload = self.access.split('.').nth(1).unwrap();
        let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD
            .decode(payload)
            .unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()[name].take()
    }

    fn session(&self) -> String {
        self.claim("sid").as_str().unwrap().to_owned()
    }
}

/// Somebody with an account.
struct Person {
    id: String,
    email: String,
    username: String,
}

impl Person {
    async fn register(app: &TestApp, username: &str) -> Self {
        let email = format!("{username}@example.com");
        let body = json!({ "email": email, "username": username, "password": PASSWORD });
        let answer = app.post_json("/api/v1/users", body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        Self {
            id: answer.json()["id"].as_str().unwrap().to_owned(),
            email,
            username: username.to_owned(),
        }
    }

    async fn sign_in(&self, app: &TestApp) -> Pair {
        Pair::of(&by_password(app, &self.email, PASSWORD).await)
    }

    /// The `Cookie` header of a new sign-in.
    async fn cookie(&self, app: &TestApp) -> String {
        let fields = [("username", self.email.as_str()), ("password", PASSWORD)];
        let answer = post_form(app, "/auth/login", &fields).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let cookie = answer.header("set-cookie");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The `Authorization` of a new API token.
    async fn api_token(&self, app: &TestApp, access: &str) -> String {
        let headers = [JSON, ("authorization", &basic(&self.email, PASSWORD))];
        let body = json!({ "name": access, "access": access }).to_string();
        let answer = app
            .send(Method::POST, "/api/v1/me/tokens", &headers, body.into())
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        format!("Bearer {}", answer.json()["secret"].as_str().unwrap())
    }

    async fn disable(&self, app: &TestApp) {
        let statement = format!(
            "UPDATE users SET is_disabled = true WHERE id = '{}'",
            self.id
        );
        app.database
            .session()
            .await
            .batch_execute(&statement)
            .await
            .unwrap();
    }
}
