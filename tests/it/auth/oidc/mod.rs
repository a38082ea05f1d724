//! Single sign-on against a provider that can lie.

mod accounts;
mod attacks;
mod browsers;
mod groups;
mod liar;
mod linked;
mod outage;
mod tokens;

use std::collections::BTreeMap;

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{UNLIMITED, by_password};
use crate::support::app::{Answer, TestApp};
use liar::{Liar, ada};

type Pairs = BTreeMap<String, String>;

/// A service, and the provider that people sign in to it by.
struct Place {
    app: TestApp,
    liar: Liar,
    session: tokio_postgres::Client,
}

impl Place {
    async fn new(flags: &[&str]) -> Self {
        Self::by(Liar::start().await, flags).await
    }

    async fn by(liar: Liar, flags: &[&str]) -> Self {
        let own = liar.flags();
        let own = own.iter().map(String::as_str);
        let flags: Vec<&str> = UNLIMITED
            .into_iter()
            .chain(own)
            .chain(flags.iter().copied())
            .collect();
        let app = TestApp::with(&flags, Default::default()).await;
        let session = app.database.session().await;
        Self { app, liar, session }
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// A whole sign-in in a new browser: the last answer.
    async fn sign_in(&self) -> Answer {
        let mut browser = Browser::default();
        let asked = browser.begin(&self.app, "sso", "/posts").await;
        let returned = self.liar.authorize(&asked);
        browser.come_back(&self.app, "sso", &returned).await
    }

    /// What `GET /api/v1/me` says to who has just signed in.
    async fn me(&self) -> Value {
        let answer = self.sign_in().await;
        me(&self.app, &answer).await
    }

    /// Nobody lies, and people get in.
    async fn is_good(&self) {
        self.liar.state().lie = Default::default();
        let answer = self.sign_in().await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    }

    /// A sign-in ends so, as a program is told, and has begun no session.
    async fn is_refused(&self, what: &str) -> String {
        let sessions = "SELECT count(*) FROM sessions";
        let before = self.number(sessions).await;
        let answer = self.sign_in().await;
        let told = refused(&answer, what);
        assert_eq!(self.number(sessions).await, before, "{what}");
        told
    }
}

/// The detail of a refusal, which has set no session.
fn refused(answer: &Answer, what: &str) -> String {
    assert_eq!(answer.status, 403, "{what}: {}", answer.text());
    assert_eq!(answer.problem(), "sign-in-refused", "{what}");
    assert!(cookie_of(answer, "__Host-session").is_none(), "{what}");
    answer.json()["detail"].as_str().unwrap().to_owned()
}

/// The value of a cookie that an answer sets.
fn cookie_of(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").into_iter();
    all.map(|value| value.to_str().unwrap())
        .find_map(|text| text.strip_prefix(name)?.strip_prefix('='))
        .map(|rest| rest.split(';').next().unwrap().to_owned())
}

/// What the account says that an answer has signed in to.
async fn me(app: &TestApp, answer: &Answer) -> Value {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let session = cookie_of(answer, "__Host-session").unwrap();
    let cookie = format!("__Host-session={session}");
    let headers = [("cookie", cookie.as_str())];
    let answer = app.send(Method::GET, "/api/v1/me", &headers, Body::empty());
    let answer = answer.await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A browser as far as cookies go.
#[derive(Clone, Default)]
struct Browser {
    cookies: Pairs,
}

impl Browser {
    async fn get(&mut self, app: &TestApp, target: &str) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let headers = [("cookie", cookies.as_str())];
        let answer = app.send(Method::GET, target, &headers, Body::empty()).await;
        for value in answer.headers.get_all("set-cookie") {
            let text = value.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            assert!(attributes.contains("Secure; HttpOnly; SameSite=Lax"));
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    /// What the provider is asked, by the way that the browser is led.
    async fn begin(&mut self, app: &TestApp, provider: &str, next: &str) -> Pairs {
        let query = serde_urlencoded::to_string([("next", next)]).unwrap();
        let answer = self
            .get(app, &format!("/auth/oidc/{provider}?{query}"))
            .await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        let (_, query) = answer.header("location").split_once('?').unwrap();
        serde_urlencoded::from_str(query).unwrap()
    }

    async fn come_back(&mut self, app: &TestApp, provider: &str, returned: &Pairs) -> Answer {
        let query = serde_urlencoded::to_string(returned).unwrap();
        let target = format!("/auth/oidc/{provider}/callback?{query}");
        self.get(app, &target).await
    }
}

#[tokio::test]
async fn somebody_signs_in_and_comes_where_they_wanted() {
    let place = Place::new(&[]).await;
    let listed = place.app.get("/auth/oidc").await;
    let expected =
        json!({ "providers": [{ "id": "sso", "name": "Corp", "sign_in": "/auth/oidc/sso" }] });
    assert_eq!(listed.json(), expected);

    let mut browser = Browser::default();
    let asked = browser.begin(&place.app, "sso", "/posts?sort=-votes").await;
    assert_eq!(asked["tenant"], "1");
    assert_eq!(asked["scope"], "openid profile email");
    let url = &place.app.app.public_url;
    assert_eq!(
        asked["redirect_uri"],
        format!("{url}/auth/oidc/sso/callback")
    );
    let returned = place.liar.authorize(&asked);
    let answer = browser.come_back(&place.app, "sso", &returned).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), "/posts?sort=-votes");
    assert_eq!(answer.header("cache-control"), "no-store");
    // What the flow was kept in is gone, and the session is there.
    let names: Vec<&str> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["__Host-session"]);
    let me = me(&place.app, &answer).await;
    assert_eq!(me["email"], "ada@example.org");
    assert_eq!(me["username"], "ada");
    assert_eq!(me["name"], "Ada L.");
    assert_eq!(me["admin"], false);

    // The second time it is the same account, and one look at the provider's keys has sufficed.
    let again = place.me().await;
    assert_eq!(again["id"], me["id"]);
    let asked = place.liar.state().asked.clone();
    let count = |path: &str| asked.iter().filter(|one| *one == path).count();
    let counts = ["/.well-known/openid-configuration", "/jwks", "/token"].map(count);
    assert_eq!(counts, [1, 1, 2]);
    let metrics = String::from_utf8(place.app.app.metrics.render().unwrap()).unwrap();
    let line = "oidc_sign_ins_total{outcome=\"signed_in\",provider=\"sso\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn without_a_provider_there_is_none() {
    let app = super::app(&[]).await;
    assert_eq!(
        app.get("/auth/oidc").await.json(),
        json!({ "providers": [] })
    );
    for path in ["/auth/oidc/sso", "/auth/oidc/sso/callback?code=1&state=2"] {
        let answer = app.get(path).await;
        assert_eq!(answer.problem(), "not-found");
    }
}

#[tokio::test]
async fn a_sign_in_that_one_replica_began_ends_at_another() {
    let place = Place::new(&[]).await;
    let own = place.liar.flags();
    let flags: Vec<&str> = own.iter().map(String::as_str).chain(UNLIMITED).collect();
    let other = place.app.beside(&flags);
    let mut browser = Browser::default();
    let asked = browser.begin(&place.app, "sso", "/").await;
    let returned = place.liar.authorize(&asked);
    let answer = browser.come_back(&other, "sso", &returned).await;
    assert_eq!(me(&other, &answer).await["username"], "ada");
    assert_eq!(me(&place.app, &answer).await["username"], "ada");
}
