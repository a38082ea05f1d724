//! The watch on readiness: a database that was never migrated, is migrated, is newer, goes away and
//! comes back.

use std::sync::Arc;
use std::time::Duration;

use chartroom::db::migrate::{self, MIGRATIONS};
use chartroom::db::monitor::{self, DatabaseHealth};
use tokio_util::task::AbortOnDropHandle;

use super::{socket, through};
use crate::support::chaos_proxy::{ChaosProxy, Mode};
use crate::support::database::TestDatabase;
use crate::support::wait::until;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn readiness_follows_the_schema_and_the_connection() {
    let database = TestDatabase::empty().await;
    let proxy = ChaosProxy::start(socket()).await;
    let health = Arc::<DatabaseHealth>::default();
    let language = "klingon".to_owned();
    let watch = monitor::watch(
        through(&proxy, &database.endpoint),
        language,
        None,
        health.clone(),
    );
    let _watch = AbortOnDropHandle::new(tokio::spawn(watch));
    let says = async |within: u64, part: &str| {
        until(part, Duration::from_secs(within), async || {
            let said = health.check().err().unwrap_or_else(|| "ready".to_owned());
            said.contains(part).then_some(())
        })
        .await
        .unwrap();
    };

    let has_begun = |wanted: bool, when: &str| {
        assert_eq!(health.check_begun().is_ok(), wanted, "{when}");
    };

    says(5, "lacks migration").await;
    has_begun(false, "before the first success");
    migrate::up(&database.endpoint, || MIGRATIONS, PATIENCE)
        .await
        .unwrap();
    says(5, "no text search configuration klingon").await;
    has_begun(false, "before the first success");
    let session = database.session().await;
    let learn = "CREATE TEXT SEARCH CONFIGURATION klingon (COPY = simple)";
    session.batch_execute(learn).await.unwrap();
    says(5, "ready").await;
    has_begun(true, "at the first success");

    let window = async |least: &str| {
        let update = format!("UPDATE schema_window SET min_compatible = '{least}'");
        session.batch_execute(&update).await.unwrap();
    };
    window("99991231235959").await;
    says(3, "deploy a newer one").await;
    has_begun(false, "with a schema that it cannot serve");
    window("20261121000000").await;
    says(3, "ready").await;
    has_begun(true, "with a schema that it can serve again");
    // Newer than this binary, which it still admits.
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')";
    session.batch_execute(newer).await.unwrap();
    let state = migrate::status(&database.endpoint).await.unwrap();
    assert_eq!((state.applied.len() > 1, state.check()), (true, Ok(())));
    let undo = "DELETE FROM __diesel_schema_migrations WHERE version LIKE '9999%'";
    session.batch_execute(undo).await.unwrap();

    for mode in [Mode::Blackhole, Mode::Refuse] {
        proxy.set(mode).await;
        proxy.reset_live();
        says(7, "the database").await;
        has_begun(true, "while the database is away");
        proxy.set(Mode::Forward).await;
        says(5, "ready").await;
    }
    migrate::down(&database.endpoint, || MIGRATIONS, PATIENCE)
        .await
        .unwrap();
    says(5, "lacks migration").await;
    has_begun(false, "with a schema that lacks something");
}
