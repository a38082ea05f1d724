//! Connections that are lost, silent or all busy: every answer in bounded time, no write done
//! twice, no broken connection reused.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use chartroom::db::DbError;
use chartroom::db::pool::PoolSettings;
use diesel_async::AsyncConnection as _;

use super::{Bench, DEADLINE, SLACK, insert, pid, settings, sleep, write};
use crate::support::chaos_proxy::Mode;
use crate::support::wait::until;

#[tokio::test]
async fn a_silent_connection_is_given_up_at_the_deadline_and_not_used_again() {
    let bench = Bench::new().await;
    bench.fill().await;
    let before = bench.db.read(pid).await.unwrap();
    bench.proxy.set(Mode::Blackhole).await;

    let begun = Instant::now();
    let answer = write(&bench.db, "silent").await;
    let took = begun.elapsed();
    assert!(matches!(answer, Err(DbError::Interrupted)), "{answer:?}");
    assert!(took >= DEADLINE && took < DEADLINE + SLACK, "{took:?}");
    // The others are as silent; finding that out must not take a deadline for each.
    let begun = Instant::now();
    let answer = bench.db.read(pid).await;
    let took = begun.elapsed();
    assert!(
        matches!(answer, Err(DbError::NoConnection(_))),
        "{answer:?}"
    );
    assert!(took < DEADLINE + SLACK, "{took:?}");

    bench.proxy.set(Mode::Forward).await;
    let after = bench.db.read(pid).await.unwrap();
    assert_ne!(before, after);
    write(&bench.db, "after").await.unwrap();
    assert_eq!(bench.entries("after").await, 1);
    assert!(bench.entries("silent").await <= 1);
    bench.proxy.assert_no_cancel_request();
}

#[tokio::test]
async fn busy_connections_are_waited_for_only_so_long() {
    let bench = Bench::new().await;
    bench.fill().await;
    let slow = || bench.db.write(async |conn| sleep(conn, 2.5).await);
    let late = async {
        bench
            .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 4)
            .await;
        let begun = Instant::now();
        let answer = write(&bench.db, "late").await;
        assert!(matches!(answer, Err(DbError::Busy)), "{answer:?}");
        let took = begun.elapsed();
        assert!(
            took >= settings().wait && took < settings().wait + SLACK,
            "{took:?}"
        );
    };
    let (a, b, c, d, ()) = tokio::join!(slow(), slow(), slow(), slow(), late);
    for answer in [a, b, c, d] {
        answer.unwrap();
    }
    write(&bench.db, "recovered").await.unwrap();
    assert_eq!((bench.idle(), bench.entries("%").await), (4, 1));
}

#[tokio::test]
async fn sessions_ended_while_idle_cost_reads_nothing_and_no_write_runs_twice() {
    let bench = Bench::new().await;
    let mut failed = 0;
    for round in 0..12 {
        bench.fill().await;
        assert_eq!(bench.terminate().await, 4);
        let entry = format!("entry {round}");
        if round % 2 == 0 {
            bench.db.read(pid).await.unwrap();
        }
        match write(&bench.db, &entry).await {
            Ok(()) => assert_eq!(bench.entries(&entry).await, 1),
            Err(DbError::Interrupted) => {
                failed += 1;
                assert!(bench.entries(&entry).await <= 1);
                // One announced the end of all: the next write meets none of them.
                write(&bench.db, &format!("again {round}")).await.unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(failed <= 6, "a read always clears the pool of the dead");
}

#[tokio::test]
async fn sessions_ended_in_flight_are_retried_for_reads_only() {
    let bench = Bench::new().await;
    for round in 0..10 {
        bench.fill().await;
        let (reads, writes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let entry = format!("entry {round}");
        let reading = bench.db.read(async |conn| {
            let again = reads.fetch_add(1, SeqCst) > 0;
            sleep(conn, if again { 0.0 } else { 2.5 }).await
        });
        let writing = bench.db.write(async |conn| {
            writes.fetch_add(1, SeqCst);
            conn.transaction(async |conn| {
                insert(conn, &entry).await?;
                sleep(conn, 2.5).await
            })
            .await
        });
        let killer = async {
            bench
                .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 2)
                .await;
            bench.terminate().await
        };
        let (read, written, killed) = tokio::join!(reading, writing, killer);
        assert_eq!(killed, 4);
        read.unwrap();
        assert!(matches!(written, Err(DbError::Interrupted)), "{written:?}");
        assert_eq!((reads.into_inner(), writes.into_inner()), (2, 1));
        assert_eq!(bench.entries(&entry).await, 0);
        write(&bench.db, "next").await.unwrap();
    }
    assert_eq!(bench.entries("next").await, 10);
}

#[tokio::test]
async fn a_connection_reset_under_a_write_leaves_its_outcome_unknown() {
    let bench = Bench::new().await;
    let writing = bench.db.write(async |conn| {
        insert(conn, "reset").await?;
        sleep(conn, 5.0).await
    });
    let cutter = async {
        bench
            .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 1)
            .await;
        bench.proxy.reset_live();
    };
    let (written, ()) = tokio::join!(writing, cutter);
    assert!(matches!(written, Err(DbError::Interrupted)), "{written:?}");
    assert_eq!(bench.entries("reset").await, 1, "it was done, once");
    bench.db.read(pid).await.unwrap();
}

#[tokio::test]
async fn a_retry_does_not_exceed_the_deadline() {
    let bench = Bench::new().await;
    let begun = Instant::now();
    let reading = bench.db.read(async |conn| sleep(conn, 10.0).await);
    let killer = async {
        bench
            .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 1)
            .await;
        tokio::time::sleep_until((begun + DEADLINE * 2 / 3).into()).await;
        bench.terminate().await
    };
    let (answer, killed) = tokio::join!(reading, killer);
    assert!(matches!(answer, Err(DbError::Interrupted)), "{answer:?}");
    assert_eq!(killed, 1);
    let took = begun.elapsed();
    assert!(took >= DEADLINE && took < DEADLINE + SLACK, "{took:?}");
}

#[tokio::test]
async fn without_a_server_there_is_no_connection_in_bounded_time() {
    let connect_timeout = Duration::from_millis(800);
    let bench = Bench::with(PoolSettings {
        connect_timeout,
        ..settings()
    })
    .await;
    for (mode, at_least) in [
        (Mode::Refuse, Duration::ZERO),
        (Mode::Reset, Duration::ZERO),
        (Mode::Blackhole, connect_timeout),
    ] {
        bench.proxy.set(mode).await;
        let begun = Instant::now();
        let answer = write(&bench.db, "nowhere").await;
        let took = begun.elapsed();
        assert!(
            matches!(answer, Err(DbError::NoConnection(_))),
            "{mode:?}: {answer:?}"
        );
        assert!(
            took >= at_least && took < at_least + SLACK,
            "{mode:?}: {took:?}"
        );
    }
    bench.proxy.set(Mode::Forward).await;
    until("a connection", Duration::from_secs(10), async || {
        write(&bench.db, "somewhere").await.ok()
    })
    .await
    .unwrap();
    assert_eq!(bench.entries("%").await, 1);
}
