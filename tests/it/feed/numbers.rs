//! Numbers have no gaps, none is given twice, and an event that commits late is not lost.

use std::collections::BTreeSet;
use std::time::Duration;

use chartroom::events::sequencer::{self, Moved, sequence};
use chartroom::telemetry::metrics::Metrics;
use tokio_postgres::Client;

use super::*;
use crate::support::wait::until;

const EACH: usize = 120;
const WRITERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);

async fn put(session: &Client, data: i64) {
    let put = "INSERT INTO outbox (id, kind, project_id, subject, at, data) \
               VALUES (gen_random_uuid(), 'test', gen_random_uuid(), 's', now(), to_jsonb($1::bigint))";
    session.execute(put, &[&data]).await.unwrap();
}

async fn number(session: &Client, query: &str) -> i64 {
    session.query_one(query, &[]).await.unwrap().get(0)
}

/// Four writers, every tenth of whose transactions rolls back, one transaction that is open for two
/// seconds, and two that number.
#[tokio::test]
async fn two_who_number_leave_no_gap_and_lose_nothing_that_commits_late() {
    let app = app(&[]).await;
    let late = app.database.session().await;
    late.batch_execute("BEGIN").await.unwrap();
    put(&late, -1).await;
    let numbering: Vec<_> = (0..2)
        .map(|_| {
            let (db, metrics) = (app.app.db.clone(), Metrics::new().unwrap());
            let wake = std::sync::Arc::<tokio::sync::Notify>::default();
            let waking = wake.clone();
            let running = sequencer::run(db, &[], wake, std::sync::Arc::new(metrics));
            let running = tokio::spawn(async move { match running.await {} });
            let pulse = tokio::spawn(async move {
                loop {
                    waking.notify_one();
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            });
            [running, pulse].map(tokio_util::task::AbortOnDropHandle::new)
        })
        .collect();
    let writers = (0..WRITERS).map(|writer| {
        let database = app.database.clone();
        tokio::spawn(async move {
            let session = database.session().await;
            let mut kept = BTreeSet::new();
            for nth in 0..EACH {
                let data = i64::try_from(writer * EACH + nth).unwrap();
                session.batch_execute("BEGIN").await.unwrap();
                put(&session, data).await;
                if nth % 10 == 3 {
                    session.batch_execute("ROLLBACK").await.unwrap();
                } else {
                    session.batch_execute("COMMIT").await.unwrap();
                    kept.insert(data);
                }
            }
            kept
        })
    });
    let mut kept = BTreeSet::new();
    for writer in writers.collect::<Vec<_>>() {
        kept.append(&mut writer.await.unwrap());
    }
    let session = app.database.session().await;
    // Everything that was numbered by now has a larger place in the outbox than the late one.
    let some =
        async || (number(&session, "SELECT last FROM event_sequence").await > 0).then_some(());
    until("some numbers", PATIENCE, some).await.unwrap();
    let passed = number(&session, "SELECT max(seq) FROM events").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    late.batch_execute("COMMIT").await.unwrap();
    kept.insert(-1);
    let want = i64::try_from(kept.len()).unwrap();
    let all =
        async || (number(&session, "SELECT count(*) FROM events").await == want).then_some(());
    until("all events", PATIENCE, all).await.unwrap();
    drop(numbering);
    let rows = session
        .query(
            "SELECT seq, data::text::bigint FROM events ORDER BY seq",
            &[],
        )
        .await
        .unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(numbers, (1..=want).collect::<Vec<_>>());
    let data: BTreeSet<i64> = rows.iter().map(|row| row.get(1)).collect();
    assert_eq!(data, kept);
    // The late one came late, so who had read up to then reads it. Control: who remembers the
    // largest place in the outbox, which is given at the insert, has gone past it.
    let late: i64 = number(&session, "SELECT seq FROM events WHERE data = '-1'").await;
    assert!(late > passed, "{late} {passed}");
    let first = rows.iter().position(|row| row.get::<_, i64>(1) == -1);
    assert!(first > Some(0), "its place was the first of all");
}

/// Who finds nothing writes nothing, and one transaction moves no more than it may.
#[tokio::test]
async fn an_idle_process_writes_nothing() {
    let app = app(&["--jobs=off"]).await;
    numbered(&app).await;
    let session = app.database.session().await;
    // A lock, too, would be written into the row.
    let row = "SELECT (xmin::text || '/' || xmax::text || ' ' || ctid::text) FROM event_sequence";
    let row = async || -> String { session.query_one(row, &[]).await.unwrap().get(0) };
    let before = row().await;
    for _ in 0..20 {
        assert_eq!(sequence(&app.app.db, &[], 10).await.unwrap(), None);
    }
    assert_eq!(row().await, before);
    let before = number(&session, "SELECT last FROM event_sequence").await;
    for data in 0..3 {
        put(&session, data).await;
    }
    let (db, last) = (&app.app.db, before);
    let moved = [
        sequence(db, &[], 2).await.unwrap(),
        sequence(db, &[], 2).await.unwrap(),
        sequence(db, &[], 2).await.unwrap(),
    ];
    let moves = moved.into_iter().flatten().collect::<Vec<_>>();
    // The service's own may have been quicker with some.
    assert!(
        moves
            .iter()
            .all(|Moved { first, last: to }| *first > last && to - first < 2)
    );
    numbered(&app).await;
    assert_eq!(
        number(&session, "SELECT last FROM event_sequence").await,
        before + 3
    );
}
