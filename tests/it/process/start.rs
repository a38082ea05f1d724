//! Row C2: whatever is missing at the start, the process lives, says what it waits for, and is
//! ready soon after it has come.

use std::time::Duration;

use super::{Pulse, READY_AGAIN, ROUTE, failures, socket, url_through};
use crate::support::{
    chaos_proxy::{ChaosProxy, Mode, Target, reserve_port},
    client::{Client, get},
    database::{TestDatabase, newest_migration},
    load::{Load, open_loop},
    process::TempDir,
    service::{PATIENCE, Ports, Service, run_with, text},
};

async fn starts_without_its_database(absent: Mode) {
    let (dir, ports) = (TempDir::new("start").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let proxy = ChaosProxy::start(Target::Unix(socket())).await;
    proxy.set(absent).await;
    let service = Service::start(
        &dir.0,
        &ports,
        &[
            (
                "CHARTROOM_DATABASE_URL",
                url_through(proxy.addr, &database).as_str(),
            ),
            // Whoever makes the probes wait for a connection makes them wait that long.
            ("CHARTROOM_DATABASE_CONNECT_TIMEOUT", "1m"),
        ],
    );
    let pulse = {
        tokio::time::timeout(Duration::from_secs(20), service.wait_live())
            .await
            .unwrap();
        Pulse::of(service.ops)
    };
    let reason = service.wait_unready("the database", PATIENCE).await;
    assert!(!reason.contains(&database.name), "{reason}");
    let answer = Client::fresh(service.public).get(ROUTE).await.unwrap();
    assert_eq!(answer.status, 200, "what needs no database is served");

    proxy.set(Mode::Forward).await;
    service.wait_ready(READY_AGAIN).await;

    // Gone again under a running service: unready, and back as soon.
    proxy.set(absent).await;
    proxy.reset_live();
    service.wait_unready("the database", PATIENCE).await;
    proxy.set(Mode::Forward).await;
    service.wait_ready(READY_AGAIN).await;
    pulse.assert_steady(20).await;
}

#[tokio::test]
async fn starts_while_the_database_refuses_and_is_ready_soon_after_it_accepts() {
    starts_without_its_database(Mode::Refuse).await;
}

#[tokio::test]
async fn starts_while_the_database_is_silent_and_is_ready_soon_after_it_speaks() {
    starts_without_its_database(Mode::Blackhole).await;
}

#[tokio::test]
async fn an_unmigrated_database_is_named_and_serves_soon_after_the_migration() {
    let (dir, ports) = (TempDir::new("start").unwrap(), Ports::reserve());
    let database = TestDatabase::empty().await;
    let url = database.url();
    let service = Service::start(&dir.0, &ports, &[("CHARTROOM_DATABASE_URL", &url)]);
    service.wait_live().await;
    let pulse = Pulse::of(service.ops);
    let reason = service.wait_unready("chartroom migrate up", PATIENCE).await;
    assert!(
        reason.contains(&newest_migration()) || reason.contains("lacks migration"),
        "{reason}"
    );
    let up = run_with(&["migrate", "up"], &[("CHARTROOM_DATABASE_URL", &url)]).await;
    assert!(up.status.success(), "{}", text(&up.stderr));
    service.wait_ready(READY_AGAIN).await;
    pulse.assert_steady(2).await;
}

#[tokio::test]
async fn a_newer_schema_serves_as_long_as_it_admits_this_binary() {
    const LATER: &str = "29990101000000";
    let (dir, ports) = (TempDir::new("start").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    session
        .batch_execute(&format!(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('{LATER}')"
        ))
        .await
        .unwrap();
    let service = Service::start(
        &dir.0,
        &ports,
        &[("CHARTROOM_DATABASE_URL", database.url())],
    );
    service.wait_ready(PATIENCE).await;

    let window = async |least: &str| {
        session
            .execute("UPDATE schema_window SET min_compatible = $1", &[&least])
            .await
            .unwrap()
    };
    window(LATER).await;
    let reason = service.wait_unready(LATER, READY_AGAIN).await;
    assert!(reason.contains("deploy a newer one"), "{reason}");
    window(&newest_migration()).await;
    service.wait_ready(READY_AGAIN).await;
}

/// Starts with traces on, answers a load and stops, whatever became of the collector.
async fn serves_with_collector(endpoint: &str) {
    let (dir, ports) = (TempDir::new("start").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let mut service = Service::start(
        &dir.0,
        &ports,
        &[
            ("CHARTROOM_DATABASE_URL", database.url().as_str()),
            ("CHARTROOM_OTLP_ENDPOINT", endpoint),
            ("CHARTROOM_TRACE_RATIO", "1"),
            ("CHARTROOM_DRAIN_DELAY", "0ms"),
        ],
    );
    service.wait_ready(PATIENCE).await;
    // Ten seconds: longer than a batch waits before it is sent and than an export takes until it is
    // given up.
    let load = Load {
        per_second: 50,
        count: 500,
        timeout: Duration::from_secs(10),
    };
    let client = Client::keep_alive(service.public);
    let report = open_loop(&client, load, |_| get(ROUTE)).await;
    assert_eq!(report.records.len() - failures(&report), 500, "{report}");
    assert!(report.latency(990) < Duration::from_secs(1), "{report}");
    service.signal("TERM");
    let status = service.exit(Duration::from_secs(15)).await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_silent_collector_slows_no_request() {
    let silent = ChaosProxy::start(Target::Unix("/nonexistent".into())).await;
    silent.set(Mode::Blackhole).await;
    serves_with_collector(&format!("http://{}", silent.addr)).await;
    let held = silent.counts.held.load(std::sync::atomic::Ordering::SeqCst);
    assert!(held > 0, "the exporter never came");
}

#[tokio::test]
async fn an_absent_collector_slows_no_request() {
    let (_port, addr) = reserve_port().unwrap();
    serves_with_collector(&format!("http://{addr}")).await;
}
