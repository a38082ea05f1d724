//! Row B1: five times what the permits can carry, with posts and votes instead of a route that
//! sleeps.

use std::time::Duration;

use super::{Bench, SOON, assert_clean, done, refused};
use crate::support::app::TestApp;
use crate::support::chaos_proxy::Mode;
use crate::support::client::Client;
use crate::support::database::{TestDatabase, behind_proxy};
use crate::support::load::{Load, Outcome, Report, open_loop};
use crate::support::sockets::Served;
use crate::support::wait::until;

fn with(report: &Report, is_wanted: fn(u16) -> bool) -> Report {
    let wanted = |record: &&crate::support::load::Record| match record.outcome {
        Outcome::Status(status) => is_wanted(status),
        Outcome::Failed(_) => false,
    };
    Report {
        records: report.records.iter().filter(wanted).cloned().collect(),
    }
}

/// A statement takes 80 ms on its way, so three permits carry less than 40 requests a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_times_the_load_of_real_requests_is_shed_and_passes() {
    let seconds = if super::is_long() { 60 } else { 3 };
    let database = TestDatabase::migrated().await;
    let (proxy, endpoint) = behind_proxy(&database).await;
    let app = TestApp::on(
        database.into(),
        endpoint,
        &["--max-in-flight=3"],
        Default::default(),
    );
    let bench = Bench::of(app).await;
    proxy.set(Mode::late(Duration::from_millis(40))).await;
    let ops = Served::ops(bench.app.app.clone()).await;
    let at = |per_second| Load {
        per_second,
        count: per_second * seconds,
        timeout: SOON,
    };
    // What is done once, connections and statements, is not what is measured.
    bench.scene.load(&bench.client, at(10)).await;
    let probe = Client::keep_alive(ops.addr);
    let (report, probes) = tokio::join!(
        bench.scene.load(&bench.client, at(200)),
        open_loop(&probe, at(20), |_| crate::support::client::get("/livez"))
    );
    println!("{report}\nprobes: {probes}");
    assert_clean(&report);
    let (taken, shed) = (
        with(&report, |status| status < 300),
        with(&report, |status| status == 503),
    );
    assert!(refused(&report) > report.records.len() / 2, "{report}");
    assert!(done(&report) >= 10, "{report}");
    // Generous for a machine that does other things: in a queue the last of them would wait for ten
    // seconds.
    assert!(shed.latency(500) < Duration::from_millis(500), "{shed}");
    assert!(taken.latency(500) < Duration::from_secs(2), "{taken}");
    let alive = probes.count(&Outcome::Status(200));
    assert_eq!(alive, probes.records.len(), "{probes}");
    assert!(probes.latency(500) < Duration::from_millis(500), "{probes}");
    let within = async || {
        let report = bench.scene.load(&bench.client, at(3)).await;
        (refused(&report) == 0).then_some(())
    };
    // The control as well: a load that fits is not shed.
    until("the load that fits", SOON, within).await.unwrap();
}
