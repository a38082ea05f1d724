//! The runner among others: locks it waits for, indexes it finds half made, and what it says when
//! it gives up.

use std::time::{Duration, Instant};

use chartroom::db::migrate::{self, MIGRATIONS, MigrateError};

use super::PATIENCE;
use super::source::{Migrations, Source, Step, steps};
use crate::support::database::TestDatabase;
use crate::support::schema::texts;
use crate::support::wait::until;

const TABLE: Step = Step {
    version: "00000000000001",
    up: "CREATE TABLE items (name text NOT NULL); INSERT INTO items SELECT n::text FROM generate_series(1, 1000) n",
    down: "DROP TABLE items",
    in_transaction: true,
};
const INDEX: Step = Step {
    version: "00000000000002",
    up: "CREATE INDEX CONCURRENTLY IF NOT EXISTS items_name_idx ON items (name)",
    down: "DROP INDEX CONCURRENTLY IF EXISTS items_name_idx",
    in_transaction: false,
};
const WRONG: Step = Step {
    version: "00000000000003",
    up: "ALTER TABLE items ADD COLUMN gone text; SELECT 1/0",
    down: "",
    in_transaction: true,
};

fn table() -> Migrations {
    steps([TABLE])
}

fn table_and_index() -> Migrations {
    steps([TABLE, INDEX])
}

fn table_and_wrong() -> Migrations {
    steps([TABLE, WRONG])
}

const INDEXES: &str = "SELECT format('%s %s', c.relname, CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END) \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'items_name_idx'";
const BUILDING: &str = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
     AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONCURRENTLY%'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_left_invalid_by_an_interrupted_run_is_repaired_by_the_next() {
    let database = TestDatabase::empty().await;
    let session = database.session().await;
    migrate::up(&database.endpoint, || Source(table), PATIENCE)
        .await
        .unwrap();
    // An open transaction that wrote to the table: building waits for its end.
    let mut writer = database.session().await;
    let writer = writer.transaction().await.unwrap();
    writer
        .batch_execute("INSERT INTO items VALUES ('open')")
        .await
        .unwrap();

    let run = || {
        let endpoint = database.endpoint.clone();
        tokio::spawn(
            async move { migrate::up(&endpoint, || Source(table_and_index), PATIENCE).await },
        )
    };
    let first = run();
    let building = async || texts(&session, BUILDING).await.pop();
    let pid = until("an index being built", PATIENCE, building)
        .await
        .unwrap();
    let others = [run(), run(), run()];
    session
        .execute(&format!("SELECT pg_terminate_backend({pid})"), &[])
        .await
        .unwrap();
    let answer = first.await.unwrap();
    let Err(MigrateError::Failed { version, .. }) = &answer else {
        panic!("{answer:?}")
    };
    assert_eq!(version, INDEX.version);
    assert_eq!(texts(&session, INDEXES).await, ["items_name_idx invalid"]);

    writer.rollback().await.unwrap();
    let mut applied = Vec::new();
    for other in others {
        applied.extend(other.await.unwrap().unwrap());
    }
    assert_eq!(applied, [INDEX.version], "by one of them");
    assert_eq!(texts(&session, INDEXES).await, ["items_name_idx valid"]);
    let reverted = migrate::down(&database.endpoint, || Source(table_and_index), PATIENCE).await;
    assert_eq!(reverted.unwrap(), INDEX.version);
    assert_eq!(texts(&session, INDEXES).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_not_to_be_had_soon_is_tried_for_again() {
    let database = TestDatabase::empty().await;
    let session = database.session().await;
    migrate::up(&database.endpoint, || Source(table), PATIENCE)
        .await
        .unwrap();
    let mut writer = database.session().await;
    let writer = writer.transaction().await.unwrap();
    writer
        .batch_execute("INSERT INTO items VALUES ('open')")
        .await
        .unwrap();
    let endpoint = database.endpoint.clone();
    let run =
        tokio::spawn(
            async move { migrate::up(&endpoint, || Source(table_and_index), PATIENCE).await },
        );
    // The second attempt begins by removing what the first, out of time, left behind.
    let dropping = BUILDING.replace("CREATE INDEX CONCURRENTLY", "DROP INDEX");
    until("a second attempt", PATIENCE, async || {
        texts(&session, &dropping).await.pop()
    })
    .await
    .unwrap();
    assert_eq!(texts(&session, INDEXES).await, ["items_name_idx invalid"]);
    // Meanwhile the traffic goes on as soon as the attempt has given up.
    session
        .batch_execute("INSERT INTO items VALUES ('traffic')")
        .await
        .unwrap();
    writer.rollback().await.unwrap();
    assert_eq!(run.await.unwrap().unwrap(), [INDEX.version]);
    assert_eq!(texts(&session, INDEXES).await, ["items_name_idx valid"]);
}

#[tokio::test]
async fn another_run_is_waited_for_only_so_long() {
    let database = TestDatabase::empty().await;
    let other = database.session().await;
    other
        .execute("SELECT pg_advisory_lock(x'6368617274726d'::bigint)", &[])
        .await
        .unwrap();
    let patience = Duration::from_millis(700);
    let begun = Instant::now();
    let answer = migrate::up(&database.endpoint, || MIGRATIONS, patience).await;
    assert!(matches!(answer, Err(MigrateError::Locked(_))), "{answer:?}");
    assert!(begun.elapsed() >= patience && begun.elapsed() < patience * 4);
    other
        .execute("SELECT pg_advisory_unlock(x'6368617274726d'::bigint)", &[])
        .await
        .unwrap();
    migrate::up(&database.endpoint, || MIGRATIONS, patience)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failing_migration_is_named_and_leaves_the_ones_before_it() {
    let database = TestDatabase::empty().await;
    let session = database.session().await;
    for _ in 0..2 {
        let answer = migrate::up(&database.endpoint, || Source(table_and_wrong), PATIENCE).await;
        let Err(MigrateError::Failed { version, problem }) = &answer else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (version.as_str(), problem.contains("division by zero")),
            (WRONG.version, true),
            "{problem}"
        );
    }
    let columns =
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'items'";
    assert_eq!(texts(&session, columns).await, ["name"]);
    let reverted = migrate::down(&database.endpoint, || Source(table), PATIENCE).await;
    assert_eq!(reverted.unwrap(), TABLE.version);
    let answer = migrate::down(&database.endpoint, || Source(table), PATIENCE).await;
    assert!(
        matches!(answer, Err(MigrateError::NothingToRevert)),
        "{answer:?}"
    );
    // A migration of a newer binary is not reverted by one that does not know it.
    migrate::up(&database.endpoint, || Source(table), PATIENCE)
        .await
        .unwrap();
    let answer = migrate::down(&database.endpoint, || MIGRATIONS, PATIENCE).await;
    assert!(
        matches!(&answer, Err(MigrateError::Unknown(version)) if version == TABLE.version),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_database_that_only_reads_is_not_migrated() {
    let database = TestDatabase::empty().await;
    let statement = format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name
    );
    database
        .session()
        .await
        .batch_execute(&statement)
        .await
        .unwrap();
    let answer = migrate::up(&database.endpoint, || MIGRATIONS, PATIENCE).await;
    assert!(matches!(answer, Err(MigrateError::ReadOnly)), "{answer:?}");
    // Looking is allowed.
    let state = migrate::status(&database.endpoint).await.unwrap();
    assert!(state.check().unwrap_err().contains("lacks migration"));
}

#[tokio::test]
async fn a_database_that_is_not_there_yet_is_waited_for() {
    let database = TestDatabase::empty().await;
    let session = database.session().await;
    let later = format!("{}_later", database.name);
    let endpoint = crate::support::database::database(&database.endpoint, &later);
    let said = std::sync::Mutex::new(Vec::new());
    let say = |problem: &str| said.lock().unwrap().push(problem.to_owned());

    let impatient = migrate::writable(&endpoint, Duration::ZERO, say).await;
    assert!(matches!(impatient, Err(MigrateError::Connect(_))));
    assert!(said.lock().unwrap().is_empty());

    let created = async {
        until("it is waited for", PATIENCE, async || {
            (!said.lock().unwrap().is_empty()).then_some(())
        })
        .await
        .unwrap();
        let create = format!("CREATE DATABASE {later}");
        session.batch_execute(&create).await.unwrap();
    };
    let (waited, ()) = tokio::join!(migrate::writable(&endpoint, PATIENCE, say), created);
    waited.unwrap();
    // Once, however often it looked.
    assert_eq!(*said.lock().unwrap(), ["the database does not exist"]);
    session
        .batch_execute(&format!("DROP DATABASE {later} WITH (FORCE)"))
        .await
        .unwrap();
}
