//! Two endpoints: a primary that only reads for a while, and a replica that is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chartroom::db::{Db, DbError, sourced};
use chartroom::telemetry::metrics::Metrics;
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};

use super::{Bench, DEADLINE, pid, settings, socket, through, write};
use crate::support::chaos_proxy::{ChaosProxy, Mode};
use crate::support::wait::until;

#[tokio::test]
async fn a_primary_that_only_reads_says_so_and_is_used_again_when_it_writes() {
    let bench = Bench::new().await;
    bench.fill().await;
    let read_only = |on: &str| {
        format!(
            "ALTER DATABASE {} SET default_transaction_read_only = {on}",
            bench.database.name
        )
    };
    bench.session.batch_execute(&read_only("on")).await.unwrap();
    bench.terminate().await;
    let mut refused = 0;
    until("read-only", Duration::from_secs(10), async || {
        match write(&bench.db, "refused").await {
            Err(DbError::ReadOnly) => refused += 1,
            // A session whose end was not noticed yet.
            Err(DbError::Interrupted) => {}
            answer => panic!("{answer:?}"),
        }
        (refused == 3).then_some(())
    })
    .await
    .unwrap();
    assert_eq!(bench.idle(), 0);
    bench
        .session
        .batch_execute(&read_only("off"))
        .await
        .unwrap();
    write(&bench.db, "accepted").await.unwrap();
    assert_eq!(bench.entries("%").await, 1);
}

#[tokio::test]
async fn a_primary_demoted_under_a_session_costs_all_its_connections() {
    let bench = Bench::new().await;
    bench.fill().await;
    let demote = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
    bench
        .db
        .write(async |conn| conn.batch_execute(demote).await)
        .await
        .unwrap();
    // Whichever comes first out of the pool.
    let refused = async || write(&bench.db, "refused").await;
    until("25006", Duration::from_secs(10), async || {
        matches!(refused().await, Err(DbError::ReadOnly)).then_some(())
    })
    .await
    .unwrap();
    assert_eq!(bench.idle(), 0);
    write(&bench.db, "accepted").await.unwrap();
    assert_eq!(bench.entries("accepted").await, 1);
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Which pool served the read.
async fn served_by(conn: &mut AsyncPgConnection) -> diesel::QueryResult<String> {
    let query = sql_query("SELECT current_setting('application_name') AS name");
    Ok(query.get_result::<Name>(conn).await?.name)
}

#[tokio::test]
async fn who_has_just_changed_something_reads_where_it_was_written() {
    let bench = Bench::new().await;
    let endpoint = bench.database.endpoint.clone();
    let metrics = Arc::new(Metrics::new().unwrap());
    let replica = Some(endpoint.clone());
    let db = Db::new(endpoint, replica, settings(), DEADLINE, metrics.clone()).unwrap();
    for (needs_primary, name) in [(false, "chartroom/read"), (true, "chartroom/write")] {
        let read = async { db.read(served_by).await.unwrap() };
        assert_eq!(sourced(read, needs_primary).await, name);
    }
    // Nothing was away.
    assert_eq!(metrics.database_read_fallbacks_total.get(), 0);
}

#[tokio::test]
async fn reads_fall_back_to_the_primary_while_the_replica_is_away() {
    let bench = Bench::new().await;
    let replica = ChaosProxy::start(socket()).await;
    let metrics = Arc::new(Metrics::new().unwrap());
    let endpoint = through(&replica, &bench.database.endpoint);
    let db = Db::new(
        through(&bench.proxy, &bench.database.endpoint),
        Some(endpoint),
        settings(),
        DEADLINE,
        metrics.clone(),
    )
    .unwrap();
    let fallbacks = || metrics.database_read_fallbacks_total.get();
    let read = async || db.read(served_by).await.unwrap();
    let write = async || db.write(served_by).await.unwrap();
    let (replica_name, primary_name) = ("chartroom/read", "chartroom/write");
    assert_eq!((read().await.as_str(), fallbacks()), (replica_name, 0));

    for mode in [Mode::Refuse, Mode::Blackhole] {
        replica.set(mode).await;
        replica.reset_live();
        let before = fallbacks();
        let begun = Instant::now();
        assert_eq!(read().await, primary_name, "{mode:?}");
        assert!(
            begun.elapsed() < DEADLINE,
            "{mode:?}: {:?}",
            begun.elapsed()
        );
        // Known to be away, it is not waited for again.
        let begun = Instant::now();
        for _ in 0..5 {
            assert_eq!(read().await, primary_name, "{mode:?}");
        }
        assert!(
            begun.elapsed() < DEADLINE / 2,
            "{mode:?}: {:?}",
            begun.elapsed()
        );
        assert_eq!(fallbacks(), before + 6, "{mode:?}");
        assert_eq!(write().await, primary_name);

        replica.set(Mode::Forward).await;
        until("the replica", Duration::from_secs(10), async || {
            (read().await == replica_name).then_some(())
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_replica_that_was_away_is_asked_at_once_when_the_primary_is() {
    let bench = Bench::new().await;
    let replica = ChaosProxy::start(socket()).await;
    let db = Db::new(
        through(&bench.proxy, &bench.database.endpoint),
        Some(through(&replica, &bench.database.endpoint)),
        settings(),
        DEADLINE,
        Arc::new(Metrics::new().unwrap()),
    )
    .unwrap();
    replica.set(Mode::Refuse).await;
    assert_eq!(db.read(served_by).await.unwrap(), "chartroom/write");
    replica.set(Mode::Forward).await;
    bench.proxy.set(Mode::Refuse).await;
    bench.proxy.reset_live();
    until("both resets", Duration::from_secs(10), async || {
        (db.read(served_by).await.ok()? == "chartroom/read").then_some(())
    })
    .await
    .unwrap();
    let answer = db.write(served_by).await;
    assert!(
        matches!(answer, Err(DbError::NoConnection(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_replica_that_fails_a_read_is_no_reason_to_fail_it() {
    let bench = Bench::new().await;
    let metrics = Arc::new(Metrics::new().unwrap());
    let db = Db::new(
        bench.database.endpoint.clone(),
        Some(bench.database.endpoint.clone()),
        settings(),
        DEADLINE,
        metrics.clone(),
    )
    .unwrap();
    // What a standby says when it had to remove rows that the read still wanted.
    let conflict = async |conn: &mut AsyncPgConnection| {
        if served_by(conn).await? == "chartroom/read" {
            let raise =
                "DO $$ BEGIN RAISE 'conflict with recovery' USING ERRCODE = '40001'; END $$";
            conn.batch_execute(raise).await?;
        }
        served_by(conn).await
    };
    assert_eq!(db.read(conflict).await.unwrap(), "chartroom/write");
    assert_eq!(metrics.database_read_fallbacks_total.get(), 1);
    // It answers, so it is asked again at once.
    assert_eq!(db.read(served_by).await.unwrap(), "chartroom/read");
    assert_eq!(bench.db.read(pid).await.map(|pid| pid > 0).ok(), Some(true));
}
