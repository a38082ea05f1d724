//! More requests than permits: the rest is refused at once, probes answer, and it passes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chartroom::server::ConnectionLimits;
use http::StatusCode;

use super::routes::router;
use crate::support::app::TestApp;
use crate::support::client::{Client, get};
use crate::support::load::{Load, Outcome, Report, open_loop};
use crate::support::sockets::Served;
use crate::support::wait::until;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn without_a_permit_the_answer_is_no_at_once() {
    let app =
        Arc::new(TestApp::with(&["--max-in-flight=4", "--request-deadline=1m"], router()).await);
    let ops = Served::ops(app.app.clone()).await;
    let metrics = app.app.metrics.clone();
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let app = app.clone();
        working.spawn(async move { app.get("/test/sleep?ms=60000").await.status });
    }
    let in_flight = &metrics.http_server_requests_in_flight;
    until("four at work", SOON, async || {
        (in_flight.get() == 4).then_some(())
    })
    .await
    .unwrap();
    let mut delays = BTreeSet::new();
    let begun = Instant::now();
    for _ in 0..200 {
        let answer = app.get("/api/v1/version").await;
        assert_eq!(
            (answer.problem().as_str(), answer.status),
            ("overloaded", StatusCode::SERVICE_UNAVAILABLE)
        );
        delays.insert(answer.header("retry-after").parse::<u8>().unwrap());
    }
    assert!(begun.elapsed() / 200 < Duration::from_millis(50));
    assert!(
        delays.iter().all(|seconds| (1..=5).contains(seconds)) && delays.len() >= 4,
        "{delays:?}"
    );
    assert_eq!(metrics.http_server_requests_shed_total.get(), 200);
    assert_eq!(
        Client::fresh(ops.addr).get("/livez").await.unwrap().status,
        StatusCode::OK
    );
    // A request that cannot be worked on anyway is not told to come back.
    assert_eq!(app.get("/nothing").await.problem(), "not-found");
    working.shutdown().await;
    assert_eq!(in_flight.get(), 0);
    assert_eq!(app.get("/api/v1/version").await.status, StatusCode::OK);
}

/// A hundred a second is what eight permits of 80 ms give.
const SLOW: &str = "/test/sleep?ms=80";
const OFFERED: Load = Load {
    per_second: 500,
    count: 1_500,
    timeout: Duration::from_secs(5),
};

async fn offered(max_in_flight: &str) -> (Report, Report, Duration) {
    let app = TestApp::with(&[max_in_flight], router()).await;
    let served = Served::new(app.shell.clone(), ConnectionLimits::default()).await;
    let ops = Served::ops(app.app.clone()).await;
    let (client, probe) = (
        Client::keep_alive(served.addr),
        Client::keep_alive(ops.addr),
    );
    let probes = Load {
        per_second: 20,
        count: 60,
        ..OFFERED
    };
    let (report, probes) = tokio::join!(
        open_loop(&client, OFFERED, |_| get(SLOW)),
        open_loop(&probe, probes, |_| get("/livez"))
    );
    let begun = Instant::now();
    until("an answer", SOON, async || {
        let answer = client.get(SLOW).await.ok()?;
        (answer.status == StatusCode::OK).then_some(())
    })
    .await
    .unwrap();
    (report, probes, begun.elapsed())
}

fn with_status(report: &Report, status: u16) -> Report {
    let records = report
        .records
        .iter()
        .filter(|record| record.outcome == Outcome::Status(status));
    Report {
        records: records.cloned().collect(),
    }
}

#[tokio::test]
async fn five_times_the_load_is_shed_and_passes() {
    let (report, probes, recovered) = offered("--max-in-flight=8").await;
    println!("{report}\nprobes: {probes}\nback after {recovered:?}");
    report.write_json("overload").unwrap();
    let (taken, shed) = (with_status(&report, 200), with_status(&report, 503));
    assert_eq!(
        taken.records.len() + shed.records.len(),
        1_500,
        "every request is answered: {report}"
    );
    assert!(
        taken.records.len() > 150 && shed.records.len() > 800,
        "{report}"
    );
    // Generous for a machine that does other things; a queue of 1,200 requests would take 12
    // seconds.
    assert!(
        shed.latency(500) < Duration::from_millis(50)
            && shed.latency(990) < Duration::from_millis(300),
        "{shed}"
    );
    assert!(taken.latency(990) < Duration::from_millis(500), "{taken}");
    assert_eq!(with_status(&probes, 200).records.len(), 60, "{probes}");
    assert!(probes.latency(500) < Duration::from_millis(100), "{probes}");
    assert!(recovered < SOON);

    // The same load without the limit: it is the limit that sheds, and the load is what it says.
    let (control, ..) = offered("--max-in-flight=100000").await;
    assert_eq!(with_status(&control, 200).records.len(), 1_500, "{control}");
}
