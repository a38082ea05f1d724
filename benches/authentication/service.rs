//! The service under test: the library's own, twice, on one private PostgreSQL, with two routes
//! that do nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chartroom::app::embedded;
use chartroom::app::features;
use chartroom::app::serve::app;
use chartroom::config::Config;
use chartroom::db::migrate::{self, MIGRATIONS};
use chartroom::http::caller::{Anyone, Signed, routes};
use chartroom::identity::api::AppState;
use chartroom::identity::password::Passwords;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::server::{self, ConnectionLimits};
use chartroom::telemetry::metrics::Metrics;
use chartroom_embedded::{Embedded, Options, Stop};
use clap::{Args as _, Command, FromArgMatches as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use utoipa_axum::router::OpenApiRouter;

use crate::machine::Clock;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const NO_OP: &str = "{\"done\":true}";
/// Everybody has a token, so that the cache has more than one to find.
const PEOPLE: usize = 50;

pub(crate) struct Service {
    pub(crate) cached: SocketAddr,
    /// The same without the cache of verified tokens.
    pub(crate) uncached: SocketAddr,
    pub(crate) tokens: Vec<String>,
    /// One request for each person.
    pub(crate) sign_ins: Vec<String>,
    /// How many passwords it hashes at once.
    pub(crate) hashes: usize,
    pub(crate) hash: String,
    postgres: Embedded,
    directory: Directory,
    shutdown: Shutdown,
}

/// Removed however the bench ends; PostgreSQL's watchdog ends what is still in it.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Nobody is asked for
#[utoipa::path(get, path = "/public", security(()), responses((status = OK)))]
async fn public(_: Anyone) -> axum::Json<serde_json::Value> {
    no_op()
}

/// A caller is asked for
#[utoipa::path(get, path = "/caller", security(("caller" = [])), responses((status = OK)))]
async fn caller(_: Signed) -> axum::Json<serde_json::Value> {
    no_op()
}

fn no_op() -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({"done": true}))
}

fn config(flags: &[&str]) -> Config {
    let arguments = [
        "bench",
        "--log-format=json",
        "--registration=open",
        "--rate-limit=1000000000",
        "--signin-per-address-burst=1000000",
        "--signin-per-address-per-minute=1000000",
        "--signin-per-account-per-hour=1000000",
        "--signin-per-pair-burst=200000",
        "--signin-per-pair-per-hour=200000",
    ];
    let matches = Config::augment_args(Command::new("bench"))
        .try_get_matches_from(arguments.iter().chain(flags))
        .unwrap();
    Config::from_arg_matches(&matches).unwrap()
}

impl Service {
    pub(crate) async fn start() -> Self {
        let directory =
            Directory(std::env::temp_dir().join(format!("chartroom-bench-{}", std::process::id())));
        std::fs::create_dir(&directory.0).unwrap();
        let keys = directory.0.join("keys");
        chartroom::identity::keys::generate(&keys, Duration::ZERO).unwrap();
        let keys = format!("--keys-dir={}", keys.display());
        let cached = config(&[&keys]);
        let telemetry = chartroom::telemetry::install(&cached.telemetry).unwrap();
        // Until the process ends.
        std::mem::forget(telemetry);
        let postgres = Embedded::start(Options::new(directory.0.join("data")))
            .await
            .unwrap();
        let endpoint = embedded::endpoint(&postgres);
        migrate::up(&endpoint, || MIGRATIONS, Duration::from_secs(60))
            .await
            .unwrap();
        let shutdown = Shutdown::new(Timings::default());
        let start = |config| {
            let app = app(config, endpoint.clone(), None, shutdown.clone()).unwrap();
            listen(app, &shutdown)
        };
        let limits = cached.sign_in.clone();
        let uncached = start(config(&[&keys, "--token-cache=0"]));
        let mut this = Self {
            cached: start(cached),
            uncached,
            tokens: Vec::new(),
            sign_ins: Vec::new(),
            hashes: limits.hashes(),
            hash: Passwords::new(&limits, Metrics::new().unwrap().password_hashes_total)
                .hash(PASSWORD.into())
                .await
                .unwrap(),
            postgres,
            directory,
            shutdown,
        };
        this.sign_up().await;
        this
    }

    /// By hand what the load will ask, and with it the tokens.
    async fn sign_up(&mut self) {
        for person in 0..PEOPLE {
            let email = format!("person{person}@bench.test");
            let body = serde_json::json!({"email": email, "password": PASSWORD}).to_string();
            let (status, text) = ask(
                self.cached,
                &post("/api/v1/users", "application/json", &body),
            )
            .await;
            assert_eq!(status, 201, "{text}");
            let fields = [
                ("grant_type", "password"),
                ("username", &email),
                ("password", PASSWORD),
            ];
            let body = serde_urlencoded::to_string(fields).unwrap();
            let sign_in = post("/auth/token", "application/x-www-form-urlencoded", &body);
            let (status, text) = ask(self.cached, &sign_in).await;
            assert_eq!(status, 200, "{text}");
            let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
            self.tokens
                .push(answer["access_token"].as_str().unwrap().to_owned());
            self.sign_ins.push(sign_in);
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        let file = self.directory.0.join("data/pgdata/postmaster.pid");
        let file = std::fs::read_to_string(file).unwrap();
        Clock::read(file.lines().next().unwrap().trim().parse().unwrap())
    }

    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        self.postgres.stop(Stop::Fast).await;
    }
}

/// As `serve` does it.
fn listen(app: AppState, shutdown: &Shutdown) -> SocketAddr {
    let routes = OpenApiRouter::new()
        .routes(routes!(public))
        .routes(routes!(caller));
    let shell = features::public_with(app.clone(), routes).unwrap();
    let service = tower::service_fn(move |request| {
        let shell = shell.clone();
        async move { Ok(Box::pin(shell.handle(request)).await) }
    });
    let listener = server::listen("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let served = server::serve(
        listener,
        service,
        ConnectionLimits::default(),
        shutdown.clone(),
        Arc::default(),
    );
    tokio::spawn(served);
    address
}

fn post(path: &str, kind: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench/1\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One request on a connection of its own: status and body.
async fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}
