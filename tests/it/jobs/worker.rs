//! `chartroom worker` as a process of its own.

use super::*;
use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service, chartroom, run_with, text};

#[tokio::test]
async fn a_worker_does_jobs_serves_its_probes_and_stops_in_good_order() {
    let (dir, ports) = (TempDir::new("worker").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    let forgotten = "INSERT INTO attempt_buckets (key, tokens, counted_at, forget_at) \
                     VALUES ('\\x00', 1, now() - interval '3 hours', now() - interval '2 hours')";
    session.batch_execute(forgotten).await.unwrap();
    let mut command = chartroom(&dir.0);
    // No key: a worker signs nothing.
    command
        .args(["worker", "--ops-listen", &ports.ops.to_string()])
        .args(["--listen", &ports.public.to_string()])
        .env("CHARTROOM_DATABASE_URL", database.url())
        .env("CHARTROOM_DRAIN_DELAY", "0ms");
    let mut worker = Service::spawn(command, ports.public, ports.ops);
    worker.wait_ready(PATIENCE).await;
    let swept = async || {
        let left = "SELECT count(*) FROM attempt_buckets";
        let left: i64 = session.query_one(left, &[]).await.unwrap().get(0);
        (left == 0).then_some(())
    };
    wait::until("the sweep", PATIENCE, swept).await.unwrap();
    let counted = async || {
        let metrics = worker.ops("/metrics").await?.text();
        let done = r#"job_runs_total{kind="attempts.purge.1",outcome="done"} 1"#;
        metrics.contains(done).then_some(())
    };
    wait::until("the metric", PATIENCE, counted).await.unwrap();
    let line = worker.wait_line("attempts.purge.1").await;
    assert!(line.contains(r#""outcome":"done""#), "{line}");
    // The public listener is not there.
    assert!(tokio::net::TcpStream::connect(ports.public).await.is_err());
    worker.signal("TERM");
    let status = worker.exit(PATIENCE).await;
    assert_eq!(status.code(), Some(0), "{:#?}", worker.lines());
}

#[tokio::test]
async fn a_worker_without_a_database_is_refused() {
    let output = run_with(&["worker"], &[]).await;
    assert_eq!(output.status.code(), Some(78));
    let said = text(&output.stderr);
    assert!(said.contains("CHARTROOM_DATABASE_URL"), "{said}");
}

/// With jobs off, serving leaves them to workers.
#[tokio::test]
async fn a_service_with_jobs_off_does_none() {
    let (dir, ports) = (TempDir::new("worker").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let variables = [("CHARTROOM_DATABASE_URL", url.as_str())];
    let off = [variables[0], ("CHARTROOM_JOBS", "off")];
    let service = Service::start(&dir.0, &ports, &off);
    service.wait_ready(PATIENCE).await;
    let session = database.session().await;
    let periods = async || -> i64 {
        let count = "SELECT count(*) FROM periods";
        session.query_one(count, &[]).await.unwrap().get(0)
    };
    assert_eq!(periods().await, 0);
    // The control: beside it, one that does them begins at once.
    let ports = Ports::reserve();
    let _inside = Service::start(&dir.0, &ports, &variables);
    let begun = async || (periods().await > 0).then_some(());
    wait::until("a period", PATIENCE, begun).await.unwrap();
}

/// Another process migrates: where it has not yet, what this build does may not fit.
#[tokio::test]
async fn a_worker_begins_once_the_schema_is_the_one_that_it_knows() {
    let (dir, ports) = (TempDir::new("worker").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    let taken = "DELETE FROM __diesel_schema_migrations WHERE version = \
                 (SELECT max(version) FROM __diesel_schema_migrations) RETURNING version";
    let newest: String = session.query_one(taken, &[]).await.unwrap().get(0);
    let mut command = chartroom(&dir.0);
    command
        .args(["worker", "--ops-listen", &ports.ops.to_string()])
        .env("CHARTROOM_DATABASE_URL", database.url());
    let worker = Service::spawn(command, ports.public, ports.ops);
    let refused = async || {
        let said = worker.ops("/readyz?gate=start").await?.text();
        said.contains("migration").then_some(())
    };
    wait::until("the reason", PATIENCE, refused).await.unwrap();
    // A runner begins periods at once.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let periods = async || -> i64 {
        let count = "SELECT count(*) FROM periods";
        session.query_one(count, &[]).await.unwrap().get(0)
    };
    assert_eq!(periods().await, 0);
    let back = "INSERT INTO __diesel_schema_migrations (version) VALUES ($1)";
    session.execute(back, &[&newest]).await.unwrap();
    let begun = async || (periods().await > 0).then_some(());
    wait::until("a period", PATIENCE, begun).await.unwrap();
    worker.wait_ready(PATIENCE).await;
}
