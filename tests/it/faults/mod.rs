//! Projects, posts and votes while something is broken: the faults that are promised to be
//! survived, with the real routes. Each has a control that shows that the fault is one, or that the
//! check sees it.

mod busy;
mod dropped;
mod flood;
mod frozen;
mod full;
mod imports;
mod killed;
mod readers;
mod replicated;
mod standby;
mod terminated;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::client::{Answer, Client, Failure, HttpRequest, post};
use crate::support::is_long;
use crate::support::load::{Load, Outcome, Report, open_loop_seen};
use crate::support::sockets::Served;

/// What has to happen happens within this, on a slow machine too.
const SOON: Duration = Duration::from_secs(20);
const PASSWORD: &str = "correct horse battery";
/// What a 503 may be about.
const BROKEN: [&str; 4] = [
    "database-unavailable",
    "outcome-unknown",
    "overloaded",
    "read-only",
];

/// What somebody new signs in with.
async fn account(client: &Client, email: &str) -> String {
    let account = json!({ "email": email, "password": PASSWORD }).to_string();
    let answer = client.send(post("/api/v1/users", account)).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let form = [
        ("grant_type", "password"),
        ("username", email),
        ("password", PASSWORD),
    ];
    let form = Request::post("/auth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(serde_urlencoded::to_string(form).unwrap()))
        .unwrap();
    let answer = client.send(form).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json()["access_token"].take();
    format!("Bearer {}", token.as_str().unwrap())
}

/// Somebody signed in, and what they have: a project, and a post in it.
#[derive(Clone)]
struct Scene {
    authorization: String,
    project: String,
    post: String,
}

impl Scene {
    async fn new(client: &Client) -> Self {
        Self::of(client, "ann@example.com").await
    }

    async fn of(client: &Client, email: &str) -> Self {
        let mut scene = Self {
            authorization: account(client, email).await,
            project: String::new(),
            post: String::new(),
        };
        let made = async |scene: &Self, target, body| {
            let answer = client
                .send(scene.request(Method::POST, target, Some(body), None))
                .await
                .unwrap();
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["id"].as_str().unwrap().to_owned()
        };
        scene.project = made(&scene, "/api/v1/projects", json!({ "name": "A project" })).await;
        let body = json!({ "title": "A post", "content": "Text", "project_id": scene.project });
        scene.post = made(&scene, "/api/v1/posts", body).await;
        scene
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> HttpRequest {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("authorization", &self.authorization);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", format!("\"{key}\""));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        request.body(Full::from(body)).unwrap()
    }

    /// One after the other, what can be read.
    fn read(&self, number: u32) -> HttpRequest {
        let Self { project, post, .. } = self;
        let target = match number % 5 {
            0 => format!("/api/v1/posts/{post}"),
            1 => format!("/api/v1/posts?limit=10&project_id={project}"),
            2 => format!("/api/v1/projects/{project}"),
            3 => "/api/v1/projects".to_owned(),
            _ => format!("/api/v1/posts/{post}/votes"),
        };
        self.request(Method::GET, &target, None, None)
    }

    /// One after the other, what can be written. What makes something has its number in its name
    /// and in its key.
    fn write(&self, number: u32) -> HttpRequest {
        let Self { project, post, .. } = self;
        let name = format!("number {number}");
        match number % 4 {
            0 => self.create(&name),
            1 => self.request(
                Method::PUT,
                &format!("/api/v1/posts/{post}/vote"),
                None,
                None,
            ),
            2 => {
                let body = json!({ "content": name });
                let target = format!("/api/v1/posts/{post}");
                self.request(Method::PATCH, &target, Some(body), None)
            }
            _ => {
                let body = json!({ "description": name });
                let target = format!("/api/v1/projects/{project}");
                self.request(Method::PATCH, &target, Some(body), None)
            }
        }
    }

    /// A new post, by its title, which makes its key.
    fn create(&self, title: &str) -> HttpRequest {
        let key = title.replace(' ', "-");
        let body = json!({ "title": title, "content": "c", "project_id": self.project });
        self.request(Method::POST, "/api/v1/posts", Some(body), Some(&key))
    }

    /// Reads and writes at a fixed rate, each answer judged by [`clean`].
    async fn load(&self, client: &Client, load: Load) -> Report {
        let request = |number: u32| match number % 2 {
            0 => self.read(number / 2),
            _ => self.write(number / 2),
        };
        open_loop_seen(client, load, request, |_, answer| clean(answer)).await
    }

    /// Writes `title` until it is there, as a client does that is not told; says whether an answer
    /// was a repetition's.
    async fn insist(&self, client: &Client, title: &str) -> bool {
        for _ in 0..200 {
            match client.send(self.create(title)).await {
                Ok(answer) if answer.status == 201 => {
                    return answer.headers.contains_key("idempotency-replayed");
                }
                // In flight: another of our own requests, which was not given up yet, has the key.
                Ok(answer) if [409, 503].contains(&answer.status.as_u16()) => {}
                Ok(answer) => panic!("{title}: {} {}", answer.status, answer.text()),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{title} was never made");
    }
}

/// An answer as it may be while something is broken: a success, or a 503 that says what a client
/// can do about it.
fn clean(answer: &Answer) -> Outcome {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Outcome::Status(status);
    }
    let flaw = |what: &str| {
        // Without what differs from answer to answer, so that the same ones count as one.
        let text = answer.text();
        let text = text.split("\"instance\"").next().unwrap_or_default();
        Outcome::Failed(Failure::Other(format!("{what}: {status} {text}")))
    };
    if status != 503 {
        return flaw("neither done nor 503");
    }
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .map_or("", |it| it.to_str().unwrap())
    };
    if header("content-type") != "application/problem+json" {
        return flaw("no problem document");
    }
    let problem = answer.json();
    let code = problem["code"].as_str().unwrap_or_default();
    let wait = header("retry-after").parse().unwrap_or(0_u8);
    if !(BROKEN.contains(&code) || code == "deadline-exceeded")
        || !(1..=5).contains(&wait)
        || problem["instance"] != header("x-request-id")
        || ["SELECT", "pg_", ".rs", "tokio"]
            .iter()
            .any(|inside| answer.text().contains(inside))
    {
        return flaw("not as promised");
    }
    Outcome::Status(503)
}

/// All that were answered, and cleanly.
fn assert_clean(report: &Report) {
    let failed = |(outcome, count): (Outcome, usize)| match outcome {
        Outcome::Status(_) => None,
        Outcome::Failed(failure) => Some((failure, count)),
    };
    let failures: Vec<_> = report.by_outcome().into_iter().filter_map(failed).collect();
    assert!(failures.is_empty(), "{failures:?}\n{report}");
}

fn refused(report: &Report) -> usize {
    report.count(&Outcome::Status(503))
}

fn done(report: &Report) -> usize {
    report.records.len() - refused(report)
}

/// An application behind real sockets, in this process.
struct Bench {
    app: Arc<TestApp>,
    served: Served,
    client: Client,
    scene: Scene,
    session: tokio_postgres::Client,
}

impl Bench {
    async fn new(flags: &[&str]) -> Self {
        Self::of(TestApp::with(flags, Default::default()).await).await
    }

    async fn of(app: TestApp) -> Self {
        let served = Served::new(app.shell.clone(), Default::default()).await;
        let client = Client::keep_alive(served.addr);
        let scene = Scene::new(&client).await;
        let session = app.database.session().await;
        Self {
            app: app.into(),
            served,
            client,
            scene,
            session,
        }
    }

    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Sessions of the service of which `condition` holds.
    async fn sessions(&self, condition: &str) -> i64 {
        let query = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name IN ('chartroom/write', 'chartroom/read') AND ({condition})"
        );
        self.number(&query).await
    }

    /// A session that keeps everybody else from the posts until it is dropped.
    async fn locked(&self) -> tokio_postgres::Client {
        let session = self.app.database.session().await;
        let lock = "BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE";
        session.batch_execute(lock).await.unwrap();
        session
    }

    /// Posts of one title, of which there should be one.
    async fn assert_each_once(&self, like: &str, number: usize) {
        let of = format!("FROM posts WHERE title LIKE '{like}'");
        let rows = self.number(&format!("SELECT count(*) {of}")).await;
        let titles = self
            .number(&format!("SELECT count(DISTINCT title) {of}"))
            .await;
        let number = i64::try_from(number).unwrap();
        assert_eq!((rows, titles), (number, number), "{like}");
    }
}
