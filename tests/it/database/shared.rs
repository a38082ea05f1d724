//! Connections that lookups share: one for many, none the worse for what another does on it, and
//! every answer its asker's own.

use std::time::Duration;

use chartroom::db::{DbError, pool::PoolSettings};
use diesel::result::QueryResult;
use diesel::sql_query;
use diesel::sql_types::{Double, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use futures_util::future::join_all;

use super::{Bench, Pid, settings};
use crate::support::wait::until;

/// Lookups that one connection takes at once, of the four that the pool has.
const ABREAST: usize = 16;

impl Bench {
    /// Opens all connections and has one of them shared; the process that serves it.
    async fn with_a_line(settings: PoolSettings) -> (Self, i32) {
        let bench = Self::with(settings).await;
        bench.fill().await;
        let line = async || {
            let pid = bench.pid().await.unwrap();
            (bench.shared() == 1).then_some(pid)
        };
        // What it was asked for first it does alone.
        until("a shared connection", Duration::from_secs(8), line)
            .await
            .unwrap();
        let pid = bench.pid().await.unwrap();
        (bench, pid)
    }

    /// Which server process serves a lookup.
    async fn pid(&self) -> Result<i32, DbError> {
        self.db.look_up(async |conn| pid(conn).await).await
    }

    async fn slow(&self, seconds: f64) -> Result<(), DbError> {
        self.db
            .look_up(async |conn| sleep(conn, seconds).await)
            .await
    }

    fn shared(&self) -> usize {
        self.db.pool_status().next().unwrap().1.shared
    }
}

async fn pid(mut conn: &AsyncPgConnection) -> QueryResult<i32> {
    let query = sql_query("SELECT pg_backend_pid() AS pid");
    Ok(query.get_result::<Pid>(&mut conn).await?.pid)
}

async fn sleep(mut conn: &AsyncPgConnection, seconds: f64) -> QueryResult<()> {
    let query = sql_query("SELECT pg_sleep($1)").bind::<Double, _>(seconds);
    query.execute(&mut conn).await.map(drop)
}

/// The number, after a time in which the asker may have gone.
async fn echo(mut conn: &AsyncPgConnection, number: i32) -> QueryResult<i32> {
    let query = sql_query("SELECT $1 AS pid FROM pg_sleep(0.001)").bind::<Integer, _>(number);
    Ok(query.get_result::<Pid>(&mut conn).await?.pid)
}

#[tokio::test]
async fn many_lookups_share_a_connection_and_the_next_one_does_not_wait_for_them() {
    let (bench, line) = Bench::with_a_line(settings()).await;
    let same = join_all((0..ABREAST).map(|_| bench.pid())).await;
    assert!(
        same.iter()
            .all(|pid| matches!(pid, Ok(pid) if *pid == line)),
        "{same:?}"
    );

    let slow = join_all((0..ABREAST).map(|_| bench.slow(0.05)));
    let late = async {
        bench
            .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 1)
            .await;
        bench.pid().await.unwrap()
    };
    let (slow, late) = tokio::join!(slow, late);
    assert_ne!(late, line);
    assert!(slow.iter().all(Result::is_ok), "{slow:?}");
    assert_eq!(
        (bench.pid().await.unwrap(), bench.shared(), bench.idle()),
        (line, 1, 3)
    );
}

#[tokio::test]
async fn a_lookup_behind_a_slow_one_is_answered_by_another_connection() {
    let (bench, line) = Bench::with_a_line(settings()).await;
    let stuck = bench.slow(20.0);
    let behind = async {
        bench
            .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 1)
            .await;
        join_all((1..ABREAST).map(|_| bench.pid())).await
    };
    let (stuck, behind) = tokio::join!(stuck, behind);
    assert!(matches!(stuck, Err(DbError::Interrupted)), "{stuck:?}");
    assert!(
        behind
            .iter()
            .all(|pid| matches!(pid, Ok(pid) if *pid != line)),
        "{behind:?}"
    );
    // The server notices that nobody waits for its answer any more.
    bench
        .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 0)
        .await;
    for _ in 0..5 {
        assert_ne!(bench.pid().await.unwrap(), line);
    }
    assert_eq!(bench.shared(), 1);
}

#[tokio::test]
async fn lookups_survive_the_end_of_their_session() {
    // All fall back on connections of their own at once, for which they may have to wait.
    let patient = PoolSettings {
        wait: Duration::from_secs(20),
        ..settings()
    };
    let (bench, mut line) = Bench::with_a_line(patient).await;
    for round in 0..10 {
        let asked = join_all((0..ABREAST).map(|_| bench.slow(0.02)));
        let killer = async {
            bench
                .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 1)
                .await;
            bench.terminate().await
        };
        let (asked, killed) = tokio::join!(asked, killer);
        assert!(killed > 0);
        assert!(asked.iter().all(Result::is_ok), "{round}: {asked:?}");
        let again =
            async || (bench.pid().await.unwrap() != line && bench.shared() == 1).then_some(());
        until("another shared connection", Duration::from_secs(8), again)
            .await
            .unwrap();
        line = bench.pid().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_whose_asker_has_gone_is_nobody_elses() {
    let (bench, line) = Bench::with_a_line(settings()).await;
    for round in 0..40 {
        let asked = (0..12).map(async |number| {
            // Every third one waits for as long as it takes.
            let patience = if number % 3 == 0 {
                60_000_000
            } else {
                300 * number
            };
            let number = i32::try_from(round * 12 + number).unwrap();
            let asked = bench.db.look_up(async |conn| echo(conn, number).await);
            let answer = tokio::time::timeout(Duration::from_micros(patience), asked).await;
            (number, answer)
        });
        let mut answered = 0;
        for (number, answer) in join_all(asked).await {
            if let Ok(answer) = answer {
                assert_eq!(answer.unwrap(), number);
                answered += 1;
            }
        }
        assert!(answered >= 4);
    }
    assert_eq!(
        (bench.pid().await.unwrap(), bench.shared(), bench.idle()),
        (line, 1, 3)
    );
}

#[tokio::test]
async fn a_shared_connection_is_replaced_when_it_is_old() {
    let (bench, line) = Bench::with_a_line(PoolSettings {
        max_age: Duration::from_secs(2),
        ..settings()
    })
    .await;
    let other = async || {
        let pid = bench.pid().await.unwrap();
        (pid != line && bench.sessions(&format!("pid = {line}")).await == 0).then_some(())
    };
    until("another connection", Duration::from_secs(8), other)
        .await
        .unwrap();
    assert!(bench.sessions("true").await <= 4);
}

#[tokio::test]
async fn a_small_pool_shares_nothing() {
    let bench = Bench::with(PoolSettings {
        connections: 3,
        ..settings()
    })
    .await;
    for _ in 0..5 {
        bench.pid().await.unwrap();
    }
    assert_eq!(bench.shared(), 0);
}
