//! Spans: exported with their place in the caller's trace, only where wanted, and never at a
//! request's cost.

use std::time::Instant;

use axum::body::Body;
use chartroom::telemetry::trace;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::apart::{self, Apart};
use super::collector::{Collector, attribute, hex};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const ALL: &str = "--trace-ratio=1";
const NONE: &str = "--trace-ratio=0";
/// Whoever asks here is a proxy that is believed.
const TRUSTED: &str = "--trusted-proxies=127.0.0.1";

/// In the other process: sends requests one after the other.
pub(super) async fn requests(apart: &Apart, input: &Value) -> Value {
    let mut answers = Vec::new();
    let mut times = Vec::new();
    for _ in 0..input["times"].as_u64().unwrap_or(1) {
        for asked in input["requests"].as_array().unwrap() {
            let mut request = Request::get(asked[0].as_str().unwrap()).header("host", "localhost");
            if let Some(parent) = asked[1].as_str() {
                request = request
                    .header("traceparent", parent)
                    .header("baggage", "a=b")
                    .header("tracestate", "x=y");
            }
            let begun = Instant::now();
            let response = apart.send(request.body(Body::empty()).unwrap()).await;
            times.push(begun.elapsed());
            let header = response
                .headers()
                .get("traceresponse")
                .map(|it| it.to_str().unwrap().to_owned());
            answers.push(json!([response.status().as_u16(), header]));
        }
    }
    answers.truncate(100);
    times.sort_unstable();
    let span_is_made = !trace::request_span(&Method::GET, "/x", None).is_disabled();
    json!({
        "answers": answers,
        "span_is_made": span_is_made,
        "median_us": times[times.len() / 2].as_micros(),
        "p99_us": times[times.len() * 99 / 100].as_micros(),
        "worst_us": times[times.len() - 1].as_micros(),
    })
}

#[tokio::test]
async fn a_request_is_a_span_in_the_callers_trace_and_its_operations_are_below_it() {
    let collector = Collector::start().await;
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let asked = json!([
        ["/test/row", parent],
        ["/api/v1/version", null],
        ["/test/failure", null],
        ["/nothing/at/all", null]
    ]);
    let result = apart::run(
        "requests",
        &[&collector.flag(), ALL, TRUSTED],
        json!({"requests": asked}),
    )
    .await;
    let spans = collector.spans();
    let named = |name: &str| {
        spans
            .iter()
            .find(|it| it.name == name)
            .unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    let status = |name: &str| attribute(named(name), "http.response.status_code");

    let row = named("GET /test/row");
    assert_eq!(
        (hex(&row.trace_id), hex(&row.parent_span_id)),
        (TRACE.to_owned(), SPAN.to_owned())
    );
    assert_eq!(row.kind, 2, "server");
    assert_eq!(
        (
            attribute(row, "http.request.method"),
            attribute(row, "http.route")
        ),
        ("GET".to_owned(), "/test/row".to_owned())
    );
    assert_eq!(status("GET /test/row"), "200");
    let operation = spans
        .iter()
        .find(|it| it.parent_span_id == row.span_id)
        .unwrap();
    assert_eq!(
        (operation.name.as_str(), operation.kind, &operation.trace_id),
        ("read", 3, &row.trace_id)
    );
    assert_eq!(attribute(operation, "db.system.name"), "postgresql");
    assert!(
        row.start_time_unix_nano <= operation.start_time_unix_nano
            && operation.end_time_unix_nano <= row.end_time_unix_nano
    );

    let version = named("GET /api/v1/version");
    assert!(version.parent_span_id.is_empty() && hex(&version.trace_id) != TRACE);
    assert_eq!(status("GET /api/v1/version"), "200");
    let failure = named("GET /test/failure");
    assert_eq!(
        (
            status("GET /test/failure").as_str(),
            failure.status.as_ref().unwrap().code
        ),
        ("500", 2)
    );
    assert_eq!(status("GET unmatched"), "404");
    for span in &spans {
        let shown = format!("{span:?}");
        assert!(
            !shown.contains("src/")
                && !shown.contains("thread")
                && !shown.contains("code.")
                && !shown.contains("no_such_table"),
            "{shown}"
        );
    }

    // The answer names the span, so that a caller without a trace of its own finds it.
    for (index, span) in [row, version].into_iter().enumerate() {
        let header = format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
        assert_eq!(result["answers"][index][1], header);
    }
    assert_eq!(result["span_is_made"], true);
}

#[tokio::test]
async fn a_trusted_caller_decides_and_then_the_operator() {
    let collector = Collector::start().await;
    let asked = json!([
        ["/test/row", format!("00-{TRACE}-{SPAN}-00")],
        ["/test/row", "junk"]
    ]);
    // A caller who does not want it is heard although the operator traces all, and junk is as if
    // absent.
    let result = apart::run(
        "requests",
        &[&collector.flag(), ALL, TRUSTED],
        json!({"requests": asked}),
    )
    .await;
    assert!(
        collector
            .spans()
            .iter()
            .all(|it| hex(&it.trace_id) != TRACE),
        "{:#?}",
        collector.spans()
    );
    assert_eq!(
        collector.spans().len(),
        3,
        "the second request, its operation, and the task's own span: {:#?}",
        collector.spans()
    );
    assert_eq!(
        (
            &result["answers"][0][1],
            result["answers"][1][1].is_string()
        ),
        (&Value::Null, true)
    );

    let collector = Collector::start().await;
    let asked = json!([
        ["/test/row", null],
        ["/api/v1/version", format!("00-{TRACE}-{SPAN}-01")],
        ["/test/row", null]
    ]);
    let result = apart::run(
        "requests",
        &[&collector.flag(), NONE, TRUSTED],
        json!({"requests": asked}),
    )
    .await;
    let spans = collector.spans();
    assert_eq!(
        spans.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["GET /api/v1/version"]
    );
    assert_eq!(
        (
            &result["answers"][0][1],
            result["answers"][1][1].is_string()
        ),
        (&Value::Null, true)
    );
}

/// A stranger names a trace, and its id is kept, but whether it is exported is drawn here.
#[tokio::test]
async fn audit_l13_a_stranger_forces_no_export() {
    const TIMES: usize = 400;
    let share = async |ratio: &str, flags: &str| {
        let collector = Collector::start().await;
        let asked = json!([["/api/v1/version", format!("00-{TRACE}-{SPAN}-{flags}")]]);
        let ratio = format!("--trace-ratio={ratio}");
        let input = json!({ "requests": asked, "times": TIMES });
        let result = apart::run("requests", &[&collector.flag(), &ratio], input).await;
        let spans = collector.spans();
        let sent = || spans.iter().filter(|it| it.name == "GET /api/v1/version");
        assert!(sent().all(|it| hex(&it.trace_id) == TRACE && hex(&it.parent_span_id) == SPAN));
        // The header says so of those that are exported, and of no other.
        let answers = result["answers"].as_array().unwrap();
        let named = answers.iter().filter(|it| it[1].is_string()).count();
        (sent().count(), named, answers.len())
    };
    assert_eq!(share("0", "01").await, (0, 0, 100));
    // Nor does a stranger keep the operator from seeing.
    assert_eq!(share("1", "00").await, (TIMES, 100, 100));
    // The same trace all the time: it is not its id that is drawn. Four standard deviations from
    // the mean are 40.
    let (drawn, ..) = share("0.5", "01").await;
    assert!((160..=240).contains(&drawn), "{drawn}");
}

#[tokio::test]
async fn without_a_collector_no_span_is_made_and_a_dead_one_slows_nothing() {
    let asked = json!({"requests": [["/api/v1/version", null]], "times": 2_000});
    let none = apart::run("requests", &[], asked.clone()).await;
    assert_eq!(
        (&none["span_is_made"], &none["answers"][0]),
        (&json!(false), &json!([200, null]))
    );

    // Nobody there; somebody who accepts nothing; somebody who accepts and says nothing.
    let refused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_addr = mute.local_addr().unwrap();
    let _mute = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = mute.accept().await {
            held.push(stream);
        }
    }));
    for (name, addr) in [
        ("refused", refused),
        ("deaf", deaf.local_addr().unwrap()),
        ("mute", mute_addr),
    ] {
        let flag = format!("--otlp-endpoint=http://{addr}");
        let dead = apart::run("requests", &[&flag, ALL], asked.clone()).await;
        println!(
            "{name}: {} us at the median, {} at worst, {} without a collector; gone after {} ms",
            dead["median_us"], dead["worst_us"], none["median_us"], dead["finish_ms"]
        );
        let at = |result: &Value, which: &str| result[which].as_u64().unwrap();
        assert_eq!(dead["span_is_made"], true);
        assert!(
            at(&dead, "p99_us") < 50_000 && at(&dead, "worst_us") < 1_000_000,
            "{name}: {dead}"
        );
        assert!(at(&dead, "finish_ms") < 4_000, "{name}: {dead}");
    }
}

#[test]
fn a_collector_behind_tls_is_refused_by_its_key() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_chartroom"))
        .args(["serve", "--otlp-endpoint=https://collector.test:4317"])
        .args([
            "--database-url=postgres://nobody@127.0.0.1:1/none",
            "--listen=127.0.0.1:0",
            "--ops-listen=127.0.0.1:0",
        ])
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(
        said.lines().count() == 1
            && said.contains("CHARTROOM_OTLP_ENDPOINT")
            && !said.contains("collector.test"),
        "{said}"
    );
}
