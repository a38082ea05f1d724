//! Bodies of strangers, and of one caller: whoever dribbles them holds a share, and refuses nobody
//! else a request.

use std::sync::Arc;
use std::time::Duration;

use chartroom::server::ConnectionLimits;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::app::TestApp;
use crate::support::client::{Answer, Client, HttpRequest, post};
use crate::support::sockets::Served;
use crate::support::wait::until;

const PASSWORD: &str = "correct horse battery";
const SOON: Duration = Duration::from_secs(30);
/// Proxies are believed, so that a request can come from any network. A body has long enough to
/// arrive on a slow machine too.
const FLAGS: &[&str] = &[
    "--registration=open",
    "--trusted-proxies=127.0.0.1",
    "--request-deadline=30s",
    // Strangers of one network share that limit, and these begin anew as fast as they can.
    "--rate-limit=0",
];

/// A chunked body that has no end: so much of it at once, and nothing more until the service has
/// enough of it. Then another one.
#[derive(Clone)]
struct Dribble {
    head: String,
    at_once: usize,
}

impl Dribble {
    fn to(target: &str, from: &str, more: &str, at_once: usize) -> Self {
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {from}\r\n{more}transfer-encoding: chunked\r\n\r\n"
        );
        Self { head, at_once }
    }

    async fn once(&self, served: &Served) -> std::io::Result<()> {
        let piece = format!("400\r\n{}\r\n", " ".repeat(1024));
        let mut stream = TcpStream::connect(served.addr).await?;
        stream.write_all(self.head.as_bytes()).await?;
        let (mut reader, mut writer) = stream.split();
        let sending = async {
            for _ in 0..self.at_once / 1024 {
                writer.write_all(piece.as_bytes()).await?;
            }
            std::future::pending().await
        };
        let mut answer = [0; 1024];
        tokio::select! {
            sent = sending => sent,
            _ = reader.read(&mut answer) => Ok(()),
        }
    }

    /// So many connections that begin anew whenever one ends. They end with the set.
    fn start(&self, served: &Arc<Served>, connections: usize) -> JoinSet<()> {
        let mut all = JoinSet::new();
        for _ in 0..connections {
            let (one, served) = (self.clone(), served.clone());
            all.spawn(async move {
                loop {
                    let _ = one.once(&served).await;
                }
            });
        }
        all
    }
}

/// Somebody with an account, at an address.
#[derive(Clone)]
struct Person {
    client: Client,
    email: String,
    from: &'static str,
    authorization: String,
}

impl Person {
    async fn new(served: &Served, name: &str, from: &'static str) -> Self {
        let mut person = Self {
            client: Client::keep_alive(served.addr),
            email: format!("{name}@example.com"),
            from,
            authorization: String::new(),
        };
        let account = json!({ "email": person.email, "password": PASSWORD }).to_string();
        let made = person
            .client
            .send(post("/api/v1/users", account))
            .await
            .unwrap();
        assert_eq!(made.status, 201, "{}", made.text());
        let answer = person.sign_in().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        person.authorization = format!("Bearer {token}");
        person
    }

    async fn form(&self, target: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(target)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-forwarded-for", self.from)
            .body(Full::from(serde_urlencoded::to_string(form).unwrap()));
        self.client.send(request.unwrap()).await.unwrap()
    }

    async fn sign_in(&self) -> Answer {
        let form = [
            ("grant_type", "password"),
            ("username", &self.email),
            ("password", PASSWORD),
        ];
        self.form("/auth/token", &form).await
    }

    async fn revoke(&self) -> Answer {
        self.form("/auth/revoke", &[("token", "crr_of-nobody")])
            .await
    }

    async fn json(&self, method: Method, target: &str, body: Value) -> Answer {
        let request = self.request(method, target, body.to_string());
        self.client.send(request).await.unwrap()
    }

    fn request(&self, method: Method, target: &str, body: String) -> HttpRequest {
        Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/json")
            .header("authorization", &self.authorization)
            .header("x-forwarded-for", self.from)
            .body(Full::from(body))
            .unwrap()
    }
}

/// A thousand requests with bodies, forty sign-ins among them; how many were refused, and what they
/// were told.
async fn refusals(person: &Person) -> Vec<String> {
    let judge = |answer: &Answer| {
        let is_good = answer.status.is_success();
        (!is_good).then(|| format!("{} {}", answer.status, answer.text()))
    };
    let sign_ins = async {
        let mut refused = Vec::new();
        for _ in 0..40 {
            refused.extend(judge(&person.sign_in().await));
        }
        refused
    };
    let others = async |what: u8| {
        let mut refused = Vec::new();
        for number in 0..320 {
            let answer = match what {
                0 => person.revoke().await,
                1 => {
                    let body = json!({ "name": format!("number {number}") });
                    person.json(Method::PATCH, "/api/v1/me", body).await
                }
                _ => {
                    let body = json!({ "title": format!("number {number}"), "content": "c" });
                    person.json(Method::POST, "/api/v1/posts", body).await
                }
            };
            refused.extend(judge(&answer));
        }
        refused
    };
    let (a, b, c, d) = tokio::join!(sign_ins, others(0), others(1), others(2));
    [a, b, c, d].concat()
}

async fn bench() -> (Arc<TestApp>, Arc<Served>) {
    let app = TestApp::with(FLAGS, Default::default()).await;
    let served = Served::new(app.shell.clone(), ConnectionLimits::default()).await;
    (app.into(), served.into())
}

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const JSON: &str = "content-type: application/json\r\n";
const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m3_64_strangers_who_dribble_bodies_refuse_nobody() {
    let (app, served) = bench().await;
    let person = Person::new(&served, "ann", "192.0.2.1").await;
    // From the person's own network, which is the worst place.
    let [to_revoke, to_register] = [("/auth/revoke", FORM), ("/api/v1/users", JSON)]
        .map(|(target, kind)| Dribble::to(target, "192.0.2.7", kind, MIB));
    let _strangers = (to_revoke.start(&served, 48), to_register.start(&served, 16));
    let held = &app.app.metrics.http_server_body_bytes;
    let begun = async || (held.get() > 64 << 10).then_some(());
    until("some bodies", SOON, begun).await.unwrap();
    assert_eq!(refusals(&person).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m3_one_caller_who_dribbles_posts_refuses_nobody_else() {
    let (app, served) = bench().await;
    let person = Person::new(&served, "ann", "192.0.2.1").await;
    let other = Person::new(&served, "eve", "192.0.2.7").await;
    let kind = format!("{JSON}authorization: {}\r\n", other.authorization);
    let dribble = Dribble::to("/api/v1/posts", other.from, &kind, MIB);
    let _all = dribble.start(&served, 64);
    let held = &app.app.metrics.http_server_body_bytes;
    let full = async || (held.get() > 12 << 20).then_some(());
    until("12 MiB of one caller's bodies", SOON, full)
        .await
        .unwrap();
    assert_eq!(refusals(&person).await, Vec::<String>::new());
    assert!(held.get() < 16 << 20, "{}", held.get());
    // The control: it is refused itself.
    let body = json!({ "title": "t", "content": "c".repeat(90_000), "project_id": null });
    let body = format!("{body}{}", " ".repeat(900_000));
    let itself = async || {
        let request = other.request(Method::POST, "/api/v1/posts", body.clone());
        let answer = other.client.send(request).await.unwrap();
        (answer.status == 503).then_some(answer)
    };
    let refused = until("a refusal", SOON, itself).await.unwrap();
    assert_eq!(refused.json()["code"], "overloaded");
}

/// The control of the above: where a share is used up, what is refused is seen, and it is those of
/// that network alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_uses_its_share_up_is_refused_alone() {
    let (app, served) = bench().await;
    let (near, far) = (
        Person::new(&served, "ann", "192.0.2.1").await,
        Person::new(&served, "eve", "198.51.100.1").await,
    );
    // 2 MiB are 128 times 16 KiB.
    let dribble = Dribble::to("/auth/revoke", "192.0.2.7", FORM, 15 << 10);
    let _strangers = dribble.start(&served, 200);
    let held = &app.app.metrics.http_server_body_bytes;
    let full = async || (held.get() > (2 << 20) - 4096).then_some(());
    until("a share of bodies", SOON, full).await.unwrap();
    // As much as fits the route, so that it does not fit into what is left by chance.
    let token = "t".repeat(15_000);
    let near_by = async || {
        let answer = near.form("/auth/revoke", &[("token", &token)]).await;
        (answer.status == 503).then_some(answer)
    };
    for _ in 0..20 {
        let refused = until("a refusal", SOON, near_by).await.unwrap();
        assert_eq!(refused.json()["code"], "overloaded");
        let known = near.json(Method::PATCH, "/api/v1/me", json!({ "name": "Ann" }));
        let known = known.await;
        assert_eq!(known.status, 200, "{}", known.text());
        let answer = far.form("/auth/revoke", &[("token", &token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(held.get() <= (2 << 20) + (32 << 10), "{}", held.get());
}
