//! Sessions: their settings, how long they live, which errors they survive, and whose password
//! opens them.

use std::sync::Arc;
use std::time::Duration;

use chartroom::config::Secret;
use chartroom::config::endpoint::Endpoint;
use chartroom::db::pool::PoolSettings;
use chartroom::db::{Db, DbError};
use chartroom::telemetry::metrics::Metrics;
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};

use super::{Bench, DEADLINE, insert, pid, settings, sleep, write};
use crate::support::process::TempDir;
use crate::support::wait::until;

#[derive(diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

#[tokio::test]
async fn every_session_is_set_up() {
    let bench = Bench::new().await;
    let setting = async |name: &str| {
        let read = bench.db.read(async |conn| {
            let query = sql_query("SELECT current_setting($1) AS value").bind::<Text, _>(name);
            Ok(query.get_result::<Setting>(conn).await?.value)
        });
        read.await.unwrap()
    };
    for (name, expected) in [
        ("application_name", "chartroom/write"),
        ("search_path", "public, pg_temp"),
        ("statement_timeout", "1min"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("client_connection_check_interval", "1s"),
        ("TimeZone", "UTC"),
        ("client_encoding", "UTF8"),
    ] {
        assert_eq!(setting(name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_connection_survives_what_certainly_left_it_clean_and_nothing_else() {
    let bench = Bench::new().await;
    bench
        .session
        .batch_execute("CREATE UNIQUE INDEX ledger_entry_key ON ledger (entry)")
        .await
        .unwrap();
    write(&bench.db, "once").await.unwrap();
    let before = bench.db.read(pid).await.unwrap();

    let answer = write(&bench.db, "once").await;
    assert!(matches!(answer, Err(DbError::Query(_))), "{answer:?}");
    let absent = bench.db.read(async |conn| {
        let query = sql_query("SELECT entry AS value FROM ledger WHERE entry = 'absent'");
        query.get_result::<Setting>(conn).await
    });
    assert!(matches!(absent.await, Err(DbError::Query(_))));
    assert_eq!(bench.db.read(pid).await.unwrap(), before);

    for statement in ["SELEC 1", "SELECT 1/0", "SELECT * FROM absent"] {
        let before = bench.db.read(pid).await.unwrap();
        let answer = bench
            .db
            .write(async |conn| conn.batch_execute(statement).await);
        let answer = answer.await;
        assert!(
            matches!(answer, Err(DbError::Query(_))),
            "{statement}: {answer:?}"
        );
        assert_ne!(bench.db.read(pid).await.unwrap(), before, "{statement}");
    }
}

#[tokio::test]
async fn a_transaction_left_open_does_not_return_to_the_pool() {
    use diesel_async::{AsyncConnection, TransactionManager as _};
    let bench = Bench::new().await;
    let left_open = bench.db.write(async |conn| {
        <AsyncPgConnection as AsyncConnection>::TransactionManager::begin_transaction(conn).await?;
        insert(conn, "left open").await
    });
    left_open.await.unwrap();
    assert_eq!(bench.idle(), 0);
    bench.wait_for_sessions("true", |n| n == 0).await;
    assert_eq!(bench.entries("%").await, 0);
}

#[tokio::test]
async fn connections_are_made_anew_when_they_are_old() {
    let max_age = Duration::from_millis(300);
    let bench = Bench::with(PoolSettings {
        max_age,
        ..settings()
    })
    .await;
    let first = bench.db.read(pid).await.unwrap();
    assert_eq!(bench.db.read(pid).await.unwrap(), first);
    until("a new connection", max_age * 10, async || {
        (bench.db.read(pid).await.unwrap() != first).then_some(())
    })
    .await
    .unwrap();
    bench.wait_for_sessions("true", |n| n == 1).await;
}

#[tokio::test]
async fn a_rotated_password_counts_for_new_connections_and_old_ones_live_on() {
    let bench = Bench::new().await;
    let role = format!("{}_rotated", bench.database.name);
    let folder = TempDir::new("password").unwrap();
    let file = folder.0.join("password");
    let rotate = async |password: &str| {
        let statement = format!("ALTER ROLE {role} PASSWORD '{password}'");
        bench.session.batch_execute(&statement).await.unwrap();
    };
    let create = format!("CREATE ROLE {role} LOGIN; GRANT ALL ON ledger TO {role}");
    bench.session.batch_execute(&create).await.unwrap();
    rotate("first").await;
    std::fs::write(&file, "first\n").unwrap();
    let endpoint = match super::through(&bench.proxy, &bench.database.endpoint) {
        Endpoint::Fields {
            host,
            port,
            dbname,
            tls,
            ..
        } => Endpoint::Fields {
            host,
            port,
            dbname,
            tls,
            user: role.clone(),
            password: Some(Secret::File(file.clone())),
        },
        Endpoint::Url(_) => unreachable!(),
    };
    let age = Duration::from_millis(500);
    let db = Db::new(
        endpoint,
        None,
        PoolSettings {
            max_age: age,
            ..settings()
        },
        DEADLINE,
        Arc::new(Metrics::new().unwrap()),
    )
    .unwrap();
    let old = db.read(pid).await.unwrap();
    // One keeps the old connection for a while, so that the other needs a new one.
    let both = async |seconds: f64| {
        tokio::join!(
            db.read(async |conn| {
                sleep(conn, seconds).await?;
                pid(conn).await
            }),
            async {
                bench
                    .wait_for_sessions("wait_event = 'PgSleep'", |n| n == 1)
                    .await;
                db.read(pid).await
            }
        )
    };

    rotate("second").await;
    tokio::time::sleep(age).await;
    let (living, waited) = both(0.1).await;
    assert_eq!(
        living.unwrap(),
        old,
        "no other can be made, so its age does not count"
    );
    assert_eq!(waited.unwrap(), old, "it becomes free soon enough");
    let (living, refused) = both(2.0).await;
    assert_eq!(living.unwrap(), old);
    let Err(DbError::NoConnection(cause)) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        cause.contains("refused the user or the password"),
        "{cause}"
    );

    std::fs::write(&file, "second\n").unwrap();
    until("a connection with the new password", DEADLINE, async || {
        (db.read(pid).await.unwrap() != old).then_some(())
    })
    .await
    .unwrap();
    db.close();
    drop(db);
    bench.wait_for_sessions("true", |n| n == 0).await;
    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    bench.session.batch_execute(&drop).await.unwrap();
}
