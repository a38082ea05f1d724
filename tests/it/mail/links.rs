//! The links in mails that can be used once: a new password, a confirmed address.

use chartroom::app::features;
use chartroom::config::Registration;
use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::support::app::{Answer, outcome};

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "a long way to the sea";

struct House {
    post: Post,
    app: TestApp,
    session: tokio_postgres::Client,
}

impl House {
    async fn new() -> Self {
        let post = Post::new(Tls::None).await;
        let app = post.app().await;
        let session = app.database.session().await;
        Self { post, app, session }
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    async fn count(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Sends what is to be sent, and says what came.
    async fn mails(&self) -> Vec<Received> {
        self.post.mails(&self.app).await
    }

    async fn json(&self, target: &str, body: Value) -> Answer {
        self.app.post_json(target, body.to_string()).await
    }

    async fn ask(&self, email: &str) -> Answer {
        let body = json!({ "email": email });
        self.json("/auth/password-reset", body).await
    }

    async fn reset(&self, token: &str, new: &str) -> Answer {
        let body = json!({ "token": token, "new": new });
        self.json("/auth/password-reset/confirm", body).await
    }

    async fn confirm(&self, token: &str) -> Answer {
        self.json("/auth/email/confirm", json!({ "token": token }))
            .await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<String, u16> {
        let form = serde_urlencoded::to_string([
            ("grant_type", "password"),
            ("username", email),
            ("password", password),
        ]);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let body = form.unwrap().into();
        let answer = self
            .app
            .send(Method::POST, "/auth/token", &kind, body)
            .await;
        match answer.status.as_u16() {
            200 => Ok(format!(
                "Bearer {}",
                answer.json()["access_token"].as_str().unwrap()
            )),
            status => Err(status),
        }
    }

    async fn me(&self, authorization: &str) -> Answer {
        let me = "/api/v1/me";
        self.app
            .send_as(authorization, Method::GET, me, &[], None)
            .await
    }
}

#[tokio::test]
async fn a_password_is_set_by_a_link_once_and_all_sessions_end() {
    let house = House::new().await;
    let ann = register(&house.app, "ann@example.org").await;
    house.sql("DELETE FROM jobs").await;
    let session = house.sign_in("ann@example.org", PASSWORD).await.unwrap();
    assert_eq!(house.me(&session).await.json()["email_state"], "unverified");

    // Whether there is an account shows neither in the answer nor in what is done for it.
    let [known, unknown] = [
        house.ask("ANN@example.org").await,
        house.ask("nobody@example.org").await,
    ];
    assert_eq!(known.status, 202);
    assert_eq!(known.telling(), unknown.telling());
    assert_eq!(house.count("SELECT count(*) FROM jobs").await, 2);
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ann@example.org"]);
    let token = token(&mails[0], "reset");
    // The secret is in the mail and nowhere else.
    for table in ["jobs", "dead_jobs", "mail_links", "audit_events"] {
        let rows = format!("SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t");
        let rows: String = house.session.query_one(&rows, &[]).await.unwrap().get(0);
        assert!(!rows.contains(&token[4..]), "{table}");
    }

    // Where links lead to is a setting, whatever a request says of its host.
    let steered = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-forwarded-proto", "http"),
        ("content-type", "application/json"),
    ];
    let body = json!({ "email": "ann@example.org" }).to_string().into();
    let target = "/auth/password-reset";
    let steered = house.app.send(Method::POST, target, &steered, body).await;
    assert_eq!(steered.status, 202);
    let (text, html) = house.mails().await[0].bodies();
    assert!(
        text.contains(PUBLIC_URL) && !text.contains("evil"),
        "{text}"
    );
    assert!(!html.contains("evil"), "{html}");

    // Fifty at once: one of them counts.
    let tries = (0..50).map(|number| {
        let new = format!("{OTHER} {number}");
        let (house, token) = (&house, &token);
        async move { (house.reset(token, &new).await, new) }
    });
    let answers = futures_util::future::join_all(tries).await;
    let mut set = Vec::new();
    for (answer, new) in answers {
        match outcome(&answer) {
            (204, _) => set.push(new),
            (422, _) => assert_eq!(answer.json()["errors"][0]["pointer"], "/token"),
            (503, code) => assert_eq!(code, "overloaded"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(set.len(), 1, "{set:?}");
    assert_eq!(house.me(&session).await.status, 401);
    assert_eq!(house.sign_in("ann@example.org", PASSWORD).await, Err(400));
    let session = house.sign_in("ann@example.org", &set[0]).await.unwrap();
    // Its mail was read.
    let me = house.me(&session).await.json();
    assert_eq!(me["email_state"], "ok");
    assert!(me["email_verified_at"].is_string());
    let again = house.reset(&token, OTHER).await;
    assert_eq!(outcome(&again), (422, "validation-failed".to_owned()));
    let told = format!(
        "SELECT count(*) FROM audit_events WHERE action = 'user.password_reset' \
         AND target_id = '{ann}' AND detail ->> 'by' = 'mail'"
    );
    assert_eq!(house.count(&told).await, 1);
}

#[tokio::test]
async fn a_link_ends_with_its_time_its_password_its_address_and_its_account() {
    let house = House::new().await;
    let ann = register(&house.app, "ann@example.org").await;
    house.sql("DELETE FROM jobs").await;
    let link = async || {
        house
            .sql("DELETE FROM mail_links; DELETE FROM attempt_buckets")
            .await;
        assert_eq!(house.ask("ann@example.org").await.status, 202);
        let mails = house.mails().await;
        assert_eq!(mails.len(), 1);
        token(&mails[0], "reset")
    };
    for change in [
        "UPDATE mail_links SET expires_at = expires_at - interval '15 minutes'",
        "UPDATE users SET password_hash = password_hash || 'x'",
        "UPDATE users SET email = 'ann@example.net', email_key = 'ann@example.net'; \
         UPDATE users SET email = 'ann@example.org', email_key = 'ann@example.org'",
        "UPDATE users SET is_disabled = true",
    ] {
        let token = link().await;
        house.sql(change).await;
        let answer = house.reset(&token, OTHER).await;
        assert_eq!(answer.json()["errors"][0]["code"], "link-ended", "{change}");
    }
    // Who is disabled is sent none.
    house.sql("DELETE FROM mail_links").await;
    assert_eq!(house.ask("ann@example.org").await.status, 202);
    assert!(house.mails().await.is_empty());
    house.sql("UPDATE users SET is_disabled = false").await;

    // The control, and that a link for one thing is none for another.
    let token = link().await;
    assert_eq!(house.confirm(&token).await.status, 422);
    assert_eq!(house.reset(&token, "short").await.status, 422);
    assert_eq!(house.reset(&token, OTHER).await.status, 204);

    // No more than three are good at once, so no more mails come.
    house.sql("DELETE FROM attempt_buckets").await;
    let mut came = 0;
    for _ in 0..5 {
        assert_eq!(house.ask("ann@example.org").await.status, 202);
        came += house.mails().await.len();
    }
    assert_eq!(came, 3);
    // A guess of another kind is refused before anybody looks.
    let refused = house.ask("ann@example.org").await;
    assert_eq!(refused.problem(), "too-many-requests");
    assert!(
        refused
            .header("ratelimit-policy")
            .contains("password-reset")
    );
    let stranger = house.ask("nobody@example.org").await;
    assert_eq!(stranger.status, 202);
    let links = format!("SELECT count(*) FROM mail_links WHERE user_id = '{ann}'");
    assert_eq!(house.count(&links).await, 3);
}

/// Each try has a link of its own, and those that nobody was sent do not count.
#[tokio::test]
async fn a_link_comes_however_often_the_server_was_away() {
    let house = House::new().await;
    register(&house.app, "ann@example.org").await;
    house.sql("DELETE FROM jobs").await;
    house.post.server.answers("RCPT", Some("451 not now"));
    assert_eq!(house.ask("ann@example.org").await.status, 202);
    let kinds = features::kinds(&house.post.config(), &house.app.app.metrics);
    let worker = Worker::start(&house.app, kinds);
    let often = async || {
        let due = "UPDATE jobs SET due_at = now() WHERE kind LIKE 'mail.%' AND lease_until IS NULL";
        house.sql(due).await;
        let tries = "SELECT coalesce(max(failures), 0)::bigint FROM jobs WHERE kind LIKE 'mail.%'";
        (house.count(tries).await >= 5).then_some(())
    };
    until("five failures", SOON, often).await.unwrap();
    worker.stop().await;
    house.post.server.answers_as_usual();
    house.sql("UPDATE jobs SET due_at = now()").await;
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    let token = token(&mails[0], "reset");
    assert_eq!(house.reset(&token, OTHER).await.status, 204);
    // The others went with the password.
    assert_eq!(house.count("SELECT count(*) FROM mail_links").await, 0);
}

#[tokio::test]
async fn an_address_is_confirmed_by_a_mail_and_a_changed_one_is_unknown_again() {
    let house = House::new().await;
    register(&house.app, "ann@example.org").await;
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    let first = token(&mails[0], "confirm");
    let ann = house.sign_in("ann@example.org", PASSWORD).await.unwrap();
    let before = house.me(&ann).await;
    assert_eq!(before.json()["email_state"], "unverified");
    assert_eq!(before.json()["email_verified_at"], Value::Null);
    assert_eq!(house.confirm(&first).await.status, 204);
    assert_eq!(house.confirm(&first).await.status, 422);
    let after = house.me(&ann).await;
    assert_eq!(after.json()["email_state"], "ok");
    assert_ne!(after.header("etag"), before.header("etag"));

    // Confirmed already: nothing is sent.
    let again = "/api/v1/me/email/confirmation";
    let send = async || {
        let answer = house
            .app
            .send_as(&ann, Method::POST, again, &[], None)
            .await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        house.mails().await
    };
    assert!(send().await.is_empty());

    let change = json!({ "email": "ann@example.net", "current_password": PASSWORD });
    let changed = house
        .app
        .send_as(&ann, Method::PATCH, "/api/v1/me", &[], Some(change))
        .await;
    assert_eq!(
        changed.json()["email_state"],
        "unverified",
        "{}",
        changed.text()
    );
    // The former address is told, which was confirmed; the new one has the link.
    let mut mails = house.mails().await;
    mails.sort_by_key(|mail| mail.to.clone());
    let to: Vec<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!(to, ["ann@example.net", "ann@example.org"]);
    assert!(mails[1].bodies().0.contains("had this address until"));
    assert_eq!(
        house.count("SELECT count(*) FROM former_addresses").await,
        0
    );
    // The new one is not confirmed: nobody there is told of a third.
    let change = json!({ "email": "ann@example.com", "current_password": PASSWORD });
    let back = json!({ "email": "ann@example.net", "current_password": PASSWORD });
    for change in [change, back] {
        let changed = house
            .app
            .send_as(&ann, Method::PATCH, "/api/v1/me", &[], Some(change))
            .await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }
    let told = "SELECT count(*) FROM jobs WHERE kind = 'mail.address_changed.1'";
    assert_eq!(house.count(told).await, 0);
    house.sql("DELETE FROM jobs; DELETE FROM mail_links").await;

    // The server takes none for it: that is shown, and confirming it ends it.
    house
        .post
        .server
        .answers("RCPT", Some("550 5.1.1 nobody here"));
    assert!(send().await.is_empty());
    let me = house.me(&ann).await.json();
    assert_eq!(me["email_state"], "paused");
    assert_eq!(
        me["email_problem"],
        "the mail server answered RCPT TO with 550 5.1.1 nobody here"
    );
    house.post.server.answers_as_usual();
    let mails = send().await;
    let token = token(&mails[0], "confirm");
    assert_eq!(house.confirm(&token).await.status, 204);
    let me = house.me(&ann).await.json();
    assert_eq!(
        (&me["email_state"], &me["email_problem"]),
        (&json!("ok"), &Value::Null)
    );
}

#[tokio::test]
async fn without_a_mail_server_nothing_of_it_is_there_and_accounts_work() {
    let app = TestApp::with(&["--registration=open"], Default::default()).await;
    assert_eq!(app.app.config.registration(), Registration::Open);
    register(&app, "ann@example.org").await;
    for (target, body) in [
        (
            "/auth/password-reset",
            json!({ "email": "ann@example.org" }),
        ),
        (
            "/auth/password-reset/confirm",
            json!({ "token": "x", "new": OTHER }),
        ),
        ("/auth/email/confirm", json!({ "token": "x" })),
    ] {
        let answer = app.post_json(target, body.to_string()).await;
        assert_eq!(outcome(&answer), (404, "mail-off".to_owned()), "{target}");
    }
    let session = app.database.session().await;
    let jobs = "SELECT count(*) FROM jobs WHERE kind LIKE 'mail.%'";
    let jobs: i64 = session.query_one(jobs, &[]).await.unwrap().get(0);
    assert_eq!(jobs, 0);
}
