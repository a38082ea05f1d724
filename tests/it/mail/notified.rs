//! Notifications by mail: for those alone who asked for it, now or once a day, until they stop it.

use axum::body::Body;
use chartroom::app::features;
use chartroom::notifications::sink;
use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::notifications::{Person, numbered_with};
use crate::support::app::Answer;

const ADDED: &str = "chartroom.member.added";
const CHANGED: &str = "chartroom.member.changed";

/// Ann, who shares projects with Bob, who is told of it.
struct Pair {
    post: Post,
    app: TestApp,
    ann: Person,
    bob: Person,
    project: String,
    session: tokio_postgres::Client,
}

impl Pair {
    async fn new() -> Self {
        let post = Post::new(Tls::None).await;
        let app = post.app().await;
        let [ann, bob] = [
            Person::new(&app, "ann").await,
            Person::new(&app, "bob").await,
        ];
        let project = ann.project(&app, json!({ "name": "Census <1>" })).await;
        let project = project["id"].as_str().unwrap().to_owned();
        let session = app.database.session().await;
        let pair = Self {
            post,
            app,
            ann,
            bob,
            project,
            session,
        };
        pair.sql("UPDATE users SET email_verified_at = now()").await;
        // What the accounts themselves are written is for other tests.
        pair.sql("DELETE FROM jobs").await;
        pair
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    async fn count(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn choose(&self, kind: &str, choice: Value) {
        let target = format!("/api/v1/me/preferences/{kind}");
        let answer = self.bob.send(&self.app, Method::PUT, &target, choice);
        assert_eq!(answer.await.status, 200);
    }

    async fn chosen(&self, kind: &str) -> Value {
        let all = self.bob.get(&self.app, "/api/v1/me/preferences").await;
        let all = all.json();
        let items = all["items"].as_array().unwrap();
        let own = items.iter().find(|it| it["type"] == kind).unwrap();
        own["mail"].clone()
    }

    /// Makes something happen that Bob is told of: `member.added` first, then `member.changed`.
    async fn share(&self, role: &str) {
        let bob = &self.bob.id;
        self.ann.share(&self.app, &self.project, bob, role).await;
        numbered_with(&self.app, &[sink::notify_and_mail]).await;
    }

    fn work(&self) -> Worker {
        let kinds = features::kinds(&self.post.config(), &self.app.app.metrics);
        Worker::start(&self.app, kinds)
    }

    /// Does all that is due, and what is due later as well.
    async fn send_all(&self) {
        self.sql("UPDATE jobs SET due_at = now() WHERE kind LIKE 'mail.%'")
            .await;
        let worker = self.work();
        let due = "SELECT count(*) FROM jobs WHERE kind LIKE 'mail.%' AND due_at <= now()";
        let none = async || (self.count(due).await == 0).then_some(());
        until("the end of the jobs", SOON, none).await.unwrap();
        worker.stop().await;
    }

    async fn post_to(&self, target: &str, body: &'static str, kind: &str) -> Answer {
        let headers = [("content-type", kind)];
        let body = Body::from(body);
        self.app.send(Method::POST, target, &headers, body).await
    }
}

/// What is behind the origin.
fn path(url: &str) -> &str {
    let bare = url.trim_start_matches('<').trim_end_matches('>');
    bare.strip_prefix(PUBLIC_URL).unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn nothing_is_sent_to_those_who_did_not_ask_for_it_or_whose_address_is_unknown() {
    let pair = Pair::new().await;
    let jobs = "SELECT count(*) FROM jobs WHERE kind LIKE 'mail.%'";
    pair.share("viewer").await;
    assert_eq!(pair.count(jobs).await, 0);
    for kind in [ADDED, CHANGED] {
        pair.choose(kind, json!({ "mail": "now" })).await;
    }
    // Not by a service that sends no mail.
    let bob = &pair.bob.id;
    pair.ann
        .share(&pair.app, &pair.project, bob, "editor")
        .await;
    numbered_with(&pair.app, &[sink::notify]).await;
    assert_eq!(pair.count(jobs).await, 0);
    for unknown in [
        "email_verified_at = NULL",
        "email_verified_at = now(), mail_paused_at = now()",
    ] {
        pair.sql(&format!("UPDATE users SET {unknown}")).await;
        pair.share("viewer").await;
        pair.share("editor").await;
        assert_eq!(pair.count(jobs).await, 0, "{unknown}");
    }
    // The control.
    pair.sql("UPDATE users SET mail_paused_at = NULL").await;
    pair.share("viewer").await;
    assert_eq!(pair.count(jobs).await, 1);
    // Paused after all, before it is sent.
    pair.sql("UPDATE users SET mail_paused_at = now()").await;
    pair.send_all().await;
    assert!(pair.post.server.received().is_empty());
}

#[tokio::test]
async fn a_mail_for_each_comes_once_and_stops_by_a_post_and_never_by_a_get() {
    let pair = Pair::new().await;
    pair.choose(ADDED, json!({ "mail": "now", "in_app": "off" }))
        .await;
    pair.choose(CHANGED, json!({ "mail": "now" })).await;
    pair.share("viewer").await;
    pair.send_all().await;
    pair.send_all().await;
    let all = pair.post.server.received();
    assert_eq!(all.len(), 1);
    let mail = &all[0];
    assert_eq!(mail.to, ["bob@example.com"]);
    let subject = "You are a member of the project \"Census <1>\"";
    assert_eq!(mail.header("subject"), subject);
    let (text, html) = mail.bodies();
    let said = "You are a member of the project \"Census <1>\" now, as viewer.";
    assert!(text.starts_with(said), "{text}");
    assert!(html.contains("&quot;Census &lt;1&gt;&quot;"), "{html}");
    // It is there for the mail alone.
    let inbox = pair.bob.get(&pair.app, "/api/v1/me/notifications").await;
    assert_eq!(inbox.json()["items"], json!([]));

    let link = mail.header("list-unsubscribe");
    let target = path(&link);
    assert!(text.contains("https://chartroom.example.com/mail#unsubscribe="));
    for method in [Method::GET, Method::HEAD] {
        let answer = pair.app.send(method, target, &[], Body::empty()).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), "POST");
    }
    let page = pair.app.get("/mail").await;
    assert_eq!(page.status, 200);
    assert_eq!(pair.chosen(ADDED).await, "now");

    // A link of another's, of other mails, or of nobody's stops nothing.
    let (head, signature) = target.rsplit_once('.').unwrap();
    let (_, token) = target.split_once("token=").unwrap();
    let own = token.split('.').next().unwrap();
    let ann = pair.ann.id.replace('-', "");
    for wrong in [
        target.replace(own, &ann),
        target.replace(ADDED, CHANGED),
        format!("{head}.{}", signature.to_ascii_lowercase()),
        format!("{head}."),
        "/mail/unsubscribe?token=x".to_owned(),
    ] {
        let answer = pair.post_to(&wrong, "", FORM).await;
        assert_eq!(answer.problem(), "invalid-parameter", "{wrong}");
    }
    assert_eq!(pair.chosen(ADDED).await, "now");

    // What is still in the queue is not sent any more.
    pair.sql(
        "INSERT INTO jobs (kind, lane, max_failures, args) SELECT 'mail.notification.1', 1, 5, \
         jsonb_build_object('notification', id) FROM notifications; \
         UPDATE notifications SET mailed_at = NULL",
    )
    .await;
    let many = "--x\r\ncontent-disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                One-Click\r\n--x--\r\n";
    for (body, kind) in [
        ("List-Unsubscribe=One-Click", FORM),
        (many, "multipart/form-data; boundary=x"),
        ("", FORM),
    ] {
        let answer = pair.post_to(target, body, kind).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    }
    assert_eq!(pair.chosen(ADDED).await, "off");
    assert_eq!(pair.chosen(CHANGED).await, "now");
    pair.send_all().await;
    assert_eq!(pair.post.server.received().len(), 1);
    // The others go on.
    pair.share("editor").await;
    pair.send_all().await;
    let last = pair.post.server.received().pop().unwrap();
    assert_eq!(
        last.header("subject"),
        "Your role in the project \"Census <1>\""
    );
}

#[tokio::test]
async fn what_is_wanted_daily_comes_in_one_mail_and_an_empty_one_does_not_come() {
    let pair = Pair::new().await;
    for kind in [ADDED, CHANGED] {
        pair.choose(kind, json!({ "mail": "daily" })).await;
    }
    for role in ["viewer", "editor", "viewer"] {
        pair.share(role).await;
    }
    let later = "SELECT count(*) FROM jobs WHERE kind = 'mail.digest.1' AND due_at > now()";
    assert_eq!(pair.count(later).await, 1);
    // What was read needs no mail.
    pair.sql("UPDATE notifications SET read_at = now() WHERE kind LIKE '%added'")
        .await;
    pair.send_all().await;
    let mail = pair.post.one().await;
    assert_eq!(mail.header("subject"), "2 notifications");
    let (text, _) = mail.bodies();
    let lines = text.lines().filter(|line| line.starts_with("- "));
    assert_eq!(lines.count(), 2, "{text}");
    assert_eq!(pair.count(later).await, 0);

    // All of it read: nothing to send.
    pair.share("editor").await;
    pair.sql("UPDATE notifications SET read_at = now()").await;
    pair.send_all().await;
    assert_eq!(pair.post.server.received().len(), 1);
    assert_eq!(
        pair.count("SELECT count(*) FROM jobs WHERE kind LIKE 'mail.%'")
            .await,
        0
    );

    // Its link stops all that comes daily and nothing else.
    pair.choose(CHANGED, json!({ "mail": "now" })).await;
    let link = mail.header("list-unsubscribe");
    let answer = pair.post_to(path(&link), "", FORM).await;
    assert_eq!(answer.status, 204);
    assert_eq!(pair.chosen(ADDED).await, "off");
    assert_eq!(pair.chosen(CHANGED).await, "now");
}

/// Of a notification that is written while the digest is being sent, the job of the digest is in
/// the way of the next one.
#[tokio::test]
async fn what_comes_while_a_digest_is_sent_is_in_the_next_one() {
    let pair = Pair::new().await;
    for kind in [ADDED, CHANGED] {
        pair.choose(kind, json!({ "mail": "daily" })).await;
    }
    pair.share("viewer").await;
    pair.sql("UPDATE jobs SET due_at = now() WHERE kind = 'mail.digest.1'")
        .await;
    pair.post.server.holds(true);
    let worker = pair.work();
    let come = async || (!pair.post.server.received().is_empty()).then_some(());
    until("the mail", SOON, come).await.unwrap();
    pair.share("editor").await;
    pair.post.server.holds(false);
    let next = "SELECT count(*) FROM jobs WHERE kind = 'mail.digest.1' AND due_at > now() \
                AND failures = 0";
    let waits = async || (pair.count(next).await == 1).then_some(());
    until("the next digest", SOON, waits).await.unwrap();
    worker.stop().await;
    pair.send_all().await;
    let all = pair.post.server.received();
    let texts: Vec<String> = all.iter().map(|mail| mail.bodies().0).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts[0].contains("You are a member"), "{}", texts[0]);
    assert!(texts[1].contains("is editor now"), "{}", texts[1]);
    assert!(!texts[1].contains("You are a member"), "{}", texts[1]);
}
