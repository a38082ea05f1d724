//! A process of its own for what a process has only once: the subscriber for logs and spans, and
//! its memory.
//!
//! The test binary starts itself again for one test, which does nothing unless it was started so.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use chartroom::app::features::PublicShell;
use chartroom::config::Config;
use chartroom::config::endpoint::Endpoint;
use chartroom::identity::api::AppState;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use http::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::process::Command;
use tower::ServiceExt as _;

use super::{flood, traces};
use crate::platform::routes::router;
use crate::support::app::{config, shell_with};
use crate::support::database::TestDatabase;

const TASK: &str = "CHARTROOM_TEST_TASK";
const MARK: &str = "RESULT ";
const WITHIN: Duration = Duration::from_secs(120);

/// Runs a task in a process of its own and returns what it found.
pub(super) async fn run(task: &str, flags: &[&str], input: Value) -> Value {
    run_with(task, flags, input, Stdio::null()).await.0
}

/// The same, with the JSON lines of its log.
pub(crate) async fn run_and_read(task: &str, flags: &[&str], input: Value) -> (Value, Vec<Value>) {
    let (found, log) = run_with(task, flags, input, Stdio::piped()).await;
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    (found, lines.collect())
}

async fn run_with(task: &str, flags: &[&str], input: Value, log: Stdio) -> (Value, String) {
    let database = TestDatabase::migrated().await;
    let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    flags.push(format!("--database-url={}", database.url()));
    let program: PathBuf = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["observability::apart::task", "--exact", "--nocapture"])
        .env(
            TASK,
            json!({"task": task, "flags": flags, "input": input}).to_string(),
        )
        .stdin(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(WITHIN, output).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{task}: {said}");
    let result = said.lines().find_map(|line| Some(line.split_once(MARK)?.1));
    let result = result.unwrap_or_else(|| panic!("{task}: no result in {said}"));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_str(result).unwrap(), log)
}

/// The application of the other process.
pub(crate) struct Apart {
    pub(crate) app: AppState,
    pub(super) shell: Arc<PublicShell>,
}

impl Apart {
    fn new(config: Config) -> Self {
        let endpoint = Endpoint::from_settings(&config.database.endpoint()).unwrap();
        let shutdown = Shutdown::new(Timings::default());
        let app = chartroom::app::serve::app(config, endpoint, None, shutdown).unwrap();
        let shell = shell_with(&app, router());
        Self { app, shell }
    }

    pub(super) async fn send(&self, mut request: Request<Body>) -> http::Response<Body> {
        let peer = chartroom::server::Peer(([127, 0, 0, 1], 40_000).into());
        request.extensions_mut().insert(peer);
        self.shell.clone().handle(request).await
    }

    pub(super) async fn scrape(&self) -> String {
        let router = chartroom::app::ops::router(self.app.clone(), Default::default());
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let body = router.oneshot(request).await.unwrap().into_body();
        let text = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }
}

/// A field of `/proc/self/status`, in KiB.
pub(crate) fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let task: Value = serde_json::from_str(&task).unwrap();
    let flags: Vec<&str> = task["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| flag.as_str().unwrap())
        .collect();
    let config = config(&flags);
    let telemetry = chartroom::telemetry::install(&config.telemetry).unwrap();
    let apart = Apart::new(config);
    let mut result = match task["task"].as_str().unwrap() {
        "requests" => traces::requests(&apart, &task["input"]).await,
        "flood" => flood::flood(&apart, &task["input"]).await,
        "bomb" => flood::bomb(&apart).await,
        "streams" => crate::streams::memory::stream(&apart, &task["input"]).await,
        other => unreachable!("{other}"),
    };
    let begun = std::time::Instant::now();
    telemetry.finish();
    result["finish_ms"] = json!(begun.elapsed().as_millis());
    println!("{MARK}{result}");
}
