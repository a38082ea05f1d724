//! The metrics' names are an interface: dashboards and alerts are written against them.

use chartroom::app::ops::Listeners;
use chartroom::telemetry::metrics::Metrics;
use http::Method;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::exposition;
use crate::platform::routes::router;
use crate::streams;
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::process::{installed, or_skip};
use crate::support::snapshot;
use crate::support::sockets::Served;

/// A family with a series for each route, method and status: thousands, of which few are ever used.
const BY_ROUTE: [&str; 2] = [
    "http_server_request_duration_seconds",
    "http_server_stream_duration_seconds",
];

/// A first scrape, and one after which every family has a sample.
async fn scraped() -> [String; 2] {
    // Nobody asks the provider.
    let flags = [
        "--oidc-issuer=https://login.example.org",
        "--oidc-client-id=chartroom",
        "--oidc-client-secret=of-nobody",
    ];
    let app = TestApp::with(&flags, router().merge(streams::routes::router())).await;
    let ops = Served::ops(app.app.clone()).await;
    let scrape = async || {
        let answer = Client::fresh(ops.addr).get("/metrics").await.unwrap();
        assert_eq!(
            answer.headers["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        answer.text()
    };
    let first = scrape().await;
    for path in [
        "/test/row",
        "/test/rows?rows=1",
        "/test/failure",
        "/nothing",
        "/test/panic",
        "/docs",
    ] {
        app.get(path).await;
    }
    let form = "grant_type=password&username=nobody%40example.org&password=wrong";
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    app.send(Method::POST, "/auth/token", &kind, form.into())
        .await;
    [first, scrape().await]
}

/// `rate()` misses the event that makes its series.
#[tokio::test]
async fn what_can_be_counted_is_at_nought_from_the_start() {
    let [first, later] = scraped().await;
    let families = exposition::parse(&first).unwrap();
    let mut absent = Metrics::FAMILIES.to_vec();
    absent.retain(|name| !families.contains_key(*name));
    assert_eq!(absent, BY_ROUTE);
    let known = exposition::series(&first);
    let mut made = exposition::series(&later);
    made.retain(|series| !known.contains(series));
    assert!(!made.is_empty(), "the control: some are made by requests");
    made.retain(|series| !BY_ROUTE.iter().any(|name| series.starts_with(name)));
    assert_eq!(made, BTreeSet::new());
    let attempts = r#"signin_attempts_total{outcome="admitted"} "#;
    assert!(first.contains(&format!("{attempts}0\n")), "{first}");
    assert!(later.contains(&format!("{attempts}1\n")), "{later}");
}

#[tokio::test]
async fn names_types_and_labels_are_the_ones_on_record() {
    let [_, text] = scraped().await;
    let families = exposition::parse(&text).unwrap();
    for name in Metrics::FAMILIES {
        assert!(families.contains_key(*name), "{name} is not on record");
    }
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
    assert!(exposition::series(&text).len() < 1_100);
}

#[tokio::test]
async fn prometheus_own_checker_is_content() {
    let Some(promtool) = or_skip("promtool", installed("promtool", &[])) else {
        return;
    };
    let [_, text] = scraped().await;
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
