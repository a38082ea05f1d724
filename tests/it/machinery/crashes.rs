//! Connections that die at the worst moment, and the repetition that follows.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use chartroom::config::endpoint::{Endpoint, Tls};
use chartroom::config::{Secret, SslMode};
use chartroom::kernel::shutdown::{Shutdown, Timings};
use http::StatusCode;

use super::handlers;
use super::idempotency::{count, create};
use super::things::{TABLE, app, caller};
use crate::support::app::{TestApp, config, shell_with};
use crate::support::chaos_proxy::{ChaosProxy, Mode, Target};
use crate::support::database::{SERVER, TestDatabase};
use crate::support::pump::Shape;

/// Ends the session that works on a slow thing, once there is one.
async fn kill_worker(session: &tokio_postgres::Client) {
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND wait_event = 'PgSleep'";
    loop {
        if !session.query(kill, &[]).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn killed_in_the_middle_and_repeated_there_is_one() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    for round in 0..10 {
        let key = format!("round-{round}");
        let headers = [
            ("x-caller", who.as_str()),
            ("idempotency-key", key.as_str()),
        ];
        let (killed, ()) = tokio::join!(create(&app, &headers, "slow1"), kill_worker(&session));
        assert_eq!(
            killed.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            killed.text()
        );
        assert_eq!(killed.problem(), "outcome-unknown");
        assert_eq!(
            count(&session, "things").await,
            round,
            "what was killed left nothing"
        );
        // The same request may be fast now: the trigger knows the title alone.
        session
            .batch_execute("ALTER TABLE things DISABLE TRIGGER things_pause")
            .await
            .unwrap();
        let again = create(&app, &headers, "slow1").await;
        assert_eq!(
            (again.status, again.header("idempotency-replayed")),
            (StatusCode::CREATED, "")
        );
        session
            .batch_execute("ALTER TABLE things ENABLE TRIGGER things_pause")
            .await
            .unwrap();
        assert_eq!(count(&session, "things").await, round + 1);
        assert_eq!(count(&session, "idempotent_answers").await, round + 1);
    }
}

/// An application whose database is behind a proxy.
async fn proxied() -> (TestApp, Arc<ChaosProxy>) {
    let database = TestDatabase::migrated().await;
    let address = &SERVER.address;
    let socket = address
        .socket_dir
        .join(format!(".s.PGSQL.{}", address.port));
    let proxy = Arc::new(ChaosProxy::start(Target::Unix(socket)).await);
    let endpoint = Endpoint::Fields {
        host: proxy.addr.ip().to_string(),
        port: proxy.addr.port(),
        dbname: database.name.clone(),
        user: address.user.to_owned(),
        password: Some(Secret::Value(address.password.clone())),
        tls: Tls {
            mode: SslMode::Disable,
            ca_file: None,
        },
    };
    let shutdown = Shutdown::new(Timings::default());
    let app = chartroom::app::serve::app(config(&[]), endpoint, None, shutdown).unwrap();
    let shell = shell_with(&app, handlers::router());
    (
        TestApp {
            app,
            shell,
            database: database.into(),
        },
        proxy,
    )
}

/// The way back is held while the work commits, then the connection is reset: done, and nobody was
/// told.
#[tokio::test]
async fn committed_but_never_answered_is_answered_by_the_repetition() {
    let (app, proxy) = proxied().await;
    let session = app.database.session().await;
    session.batch_execute(TABLE).await.unwrap();
    let who = caller(&session).await;
    // Long enough inside COMMIT to take the way back away before its answer is sent.
    session
        .batch_execute(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER things_hold AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION hold();",
        )
        .await
        .unwrap();
    for round in 0..5_i64 {
        let key = format!("round-{round}");
        let headers = [
            ("x-caller", who.as_str()),
            ("idempotency-key", key.as_str()),
        ];
        let cut = async {
            // Asleep inside COMMIT, where the deferred trigger runs: from here on no answer comes
            // through.
            let asleep = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                          AND wait_event = 'PgSleep' AND query LIKE 'COMMIT%'";
            while session.query(asleep, &[]).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let stall = Shape {
                stall: true,
                ..Shape::default()
            };
            proxy
                .set(Mode::Shaped {
                    up: Shape::default(),
                    down: stall,
                })
                .await;
            while count(&session, "things").await == round {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            proxy.reset_live();
            proxy.set(Mode::Forward).await;
        };
        let (lost, ()) = tokio::join!(create(&app, &headers, "a"), cut);
        assert_eq!(lost.problem(), "outcome-unknown", "{}", lost.text());
        let again = create(&app, &headers, "a").await;
        assert_eq!(
            (again.status, again.header("idempotency-replayed")),
            (StatusCode::CREATED, "true")
        );
        assert_eq!(count(&session, "things").await, round + 1);
    }
    assert!(
        proxy.counts.resets.load(SeqCst) >= 5,
        "the faults were not injected"
    );
}
