//! The application in process: real router, middleware and database, no sockets.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use chartroom::app::features::PublicShell;
use chartroom::config::Config;
use chartroom::config::endpoint::Endpoint;
use chartroom::http::openapi::access::Access;
use chartroom::http::shell::routes::operations;
use chartroom::identity::api::AppState;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::process::Runner;
use clap::{Args as _, Command, FromArgMatches as _};
use http::{HeaderMap, Method, Request, StatusCode};
use utoipa_axum::router::OpenApiRouter;

use super::database::TestDatabase;

/// An application on a database of its own.
pub(crate) struct TestApp {
    pub(crate) app: AppState,
    pub(crate) shell: Arc<PublicShell>,
    pub(crate) database: Arc<TestDatabase>,
}

/// One signing key for all tests of a run.
pub(crate) static KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{}", uuid::Uuid::new_v4()));
    chartroom::identity::keys::generate(&directory, Duration::ZERO).unwrap();
    directory
});

/// Settings as `flags` make them, everything else at its default.
pub(crate) fn config(flags: &[&str]) -> Config {
    let command = Config::augment_args(Command::new("chartroom"));
    // The environment of the developer must not reach the tests.
    let names: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.get_env().is_some())
        .map(|arg| arg.get_id().clone())
        .collect();
    let command = names.into_iter().fold(command, |command, name| {
        command.mut_arg(name, |arg| arg.env(None::<&str>))
    });
    let keys = ["--keys-dir", KEYS.to_str().unwrap()];
    let has_own = flags.iter().any(|flag| flag.starts_with("--keys-dir"));
    let arguments = ["chartroom"]
        .into_iter()
        .chain(keys.into_iter().filter(|_| !has_own))
        .chain(flags.iter().copied());
    Config::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
}

/// The service with routes of a test; these are public unless they say otherwise, as most tests do
/// not care who asks.
pub(crate) fn shell_with(app: &AppState, mut routes: OpenApiRouter<AppState>) -> Arc<PublicShell> {
    public_unless_said(routes.get_openapi_mut());
    chartroom::app::features::public_with(app.clone(), routes).unwrap()
}

fn public_unless_said(document: &mut utoipa::openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            if operation.security.is_none() {
                operation.security = Some(Vec::new());
                Access::Public.declare(operation);
            }
        }
    }
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(&[], OpenApiRouter::new()).await
    }

    /// With settings and with routes that only a test needs.
    pub(crate) async fn with(flags: &[&str], routes: OpenApiRouter<AppState>) -> Self {
        let database: Arc<TestDatabase> = TestDatabase::migrated().await.into();
        let endpoint = database.runtime();
        Self::on(database, endpoint, flags, routes)
    }

    /// With what reads files, which is the program itself and not this test.
    pub(crate) async fn with_files() -> Self {
        let database: Arc<TestDatabase> = TestDatabase::migrated().await.into();
        let shutdown = Shutdown::new(Timings::default());
        let endpoint = database.runtime();
        let mut app = chartroom::app::serve::app(config(&[]), endpoint, None, shutdown).unwrap();
        let api = Arc::get_mut(&mut app.0).unwrap();
        let core = Arc::get_mut(&mut api.core).unwrap();
        let metrics = core.metrics.clone();
        let runner = Runner::new(Some(64 << 20), metrics);
        core.runner = runner.of(
            env!("CARGO_BIN_EXE_chartroom"),
            60,
            Duration::from_secs(120),
        );
        let shell = shell_with(&app, OpenApiRouter::new());
        Self {
            app,
            shell,
            database,
        }
    }

    /// Another replica: the same database, settings of its own.
    pub(crate) fn beside(&self, flags: &[&str]) -> Self {
        let endpoint = self.database.runtime();
        Self::on(self.database.clone(), endpoint, flags, OpenApiRouter::new())
    }

    /// The same, reaching its database by another way.
    pub(crate) fn on(
        database: Arc<TestDatabase>,
        endpoint: Endpoint,
        flags: &[&str],
        routes: OpenApiRouter<AppState>,
    ) -> Self {
        let shutdown = Shutdown::new(Timings::default());
        let app = chartroom::app::serve::app(config(flags), endpoint, None, shutdown).unwrap();
        let shell = shell_with(&app, routes);
        Self {
            app,
            shell,
            database,
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, &[], Body::empty()).await
    }

    pub(crate) async fn post_json(&self, target: &str, body: impl Into<Body>) -> Answer {
        self.send(
            Method::POST,
            target,
            &[("content-type", "application/json")],
            body.into(),
        )
        .await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .extension(chartroom::server::Peer(([127, 0, 0, 1], 40_000).into()));
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(self.shell.clone().handle(request.body(body).unwrap()).await).await
    }

    /// With a credential, and JSON where there is a body.
    pub(crate) async fn send_as(
        &self,
        authorization: &str,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<serde_json::Value>,
    ) -> Answer {
        let mut all = vec![("authorization", authorization)];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(method, target, &all, body).await
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    async fn of(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap()
            .to_vec();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All that a caller can tell answers apart by: but for the request id, and for how many
    /// requests are left, which is one less with each.
    pub(crate) fn telling(&self) -> (u16, Vec<(String, String)>, String) {
        let id = self.header("x-request-id");
        let headers = self.headers.iter().map(|(name, value)| {
            let value = value.to_str().unwrap().replace(id, "-");
            match (name.as_str(), value.split_once(";r=")) {
                ("ratelimit", Some((policy, _left))) => (name.to_string(), policy.to_owned()),
                _ => (name.to_string(), value),
            }
        });
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        (self.status.as_u16(), headers, self.text().replace(id, "-"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The `code` of a problem document, after checking that it is a whole one.
    pub(crate) fn problem(&self) -> String {
        let problem = self.json();
        // The token endpoints answer as RFC 6749, 5.2 asks.
        let kind = if problem["error_description"].is_string() {
            "application/json"
        } else {
            "application/problem+json"
        };
        assert_eq!(self.header("content-type"), kind);
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["instance"], self.header("x-request-id"));
        let code = problem["code"].as_str().unwrap();
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/errors/{code}"))
        );
        assert!(
            !problem["title"].as_str().unwrap().is_empty()
                && !problem["detail"].as_str().unwrap().is_empty()
        );
        for shown in [&problem["title"], &problem["detail"], &problem["errors"]] {
            let shown = shown.to_string();
            for inside in INTERNALS {
                assert!(!shown.contains(inside), "{inside:?} shows in {shown}");
            }
        }
        code.to_owned()
    }
}

/// What no answer may show: source files, crates, SQL, addresses, and the secrets that the tests
/// hide.
const INTERNALS: &[&str] = &[
    ".rs",
    "src/",
    "/root",
    "/home",
    "/tmp",
    "/work",
    "secret",
    "panicked",
    "thread",
    "diesel",
    "axum",
    "hyper",
    "serde",
    "tokio",
    "utoipa",
    "chartroom::",
    "SELECT",
    "relation",
    "no_such_table",
    "pg_",
    "127.0.0.1",
    "postgres://",
    "0x",
    "Error(",
    "struct ",
];

/// Status and `code`, which is empty for a success.
pub(crate) fn outcome(answer: &Answer) -> (u16, String) {
    let code = if answer.status.is_success() {
        String::new()
    } else {
        answer.problem()
    };
    (answer.status.as_u16(), code)
}
