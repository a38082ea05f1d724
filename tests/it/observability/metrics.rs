//! The metrics' names are an interface: dashboards and alerts are written against them.

use chartroom::app::ops::Listeners;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::exposition;
use crate::platform::routes::router;
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::process::{installed, or_skip};
use crate::support::snapshot;
use crate::support::sockets::Served;

/// A scrape after which every family has a sample.
async fn scraped() -> String {
    let app = TestApp::with(&[], router()).await;
    for path in [
        "/test/row",
        "/test/failure",
        "/nothing",
        "/test/panic",
        "/docs",
    ] {
        app.get(path).await;
    }
    let ops = Served::ops(app.app.clone()).await;
    let answer = Client::fresh(ops.addr).get("/metrics").await.unwrap();
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    answer.text()
}

#[tokio::test]
async fn names_types_and_labels_are_the_ones_on_record() {
    let text = scraped().await;
    let families = exposition::parse(&text).unwrap();
    let mut listed = String::new();
    for (name, family) in families {
        let labels = family.labels.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(
            listed,
            "{name} {} [{labels}]\n    {}",
            family.kind, family.help
        )
        .unwrap();
    }
    snapshot::file(Path::new("tests/it/snapshots/metrics.txt"), &listed);
    assert!(exposition::series(&text).len() < 1_000);
}

#[tokio::test]
async fn prometheus_own_checker_is_content() {
    let Some(promtool) = or_skip("promtool", installed("promtool", &[])) else {
        return;
    };
    let text = scraped().await;
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[tokio::test]
async fn scrapes_at_once_count_nothing_twice() {
    let app = TestApp::new().await;
    let listeners = Listeners::default();
    let ops = Served::ops_of(app.app.clone(), listeners.clone()).await;
    listeners
        .ops
        .accepted
        .store(1_000, std::sync::atomic::Ordering::Relaxed);
    let mut scrapes = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = Client::fresh(ops.addr);
        scrapes.spawn(async move { client.get("/metrics").await.unwrap().text() });
    }
    for text in scrapes.join_all().await {
        assert!(text.contains("http_server_connections_total{listener=\"ops\"} 1000\n"));
    }
}
