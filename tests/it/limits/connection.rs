//! What becomes of revocations when the feed's connection is cut, held or cannot be made.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use chartroom::identity::revocation::feed::FRESH;
use chartroom::identity::revocation::{State, Verdict};
use chrono::Utc;
use uuid::Uuid;

use super::follower::{AT_ONCE, Follower, SOON, insert};
use crate::support::chaos_proxy::Mode;
use crate::support::database::{TestDatabase, behind_proxy};
use crate::support::wait::until;

#[tokio::test]
async fn a_terminated_connection_costs_no_revocation() {
    let database = TestDatabase::migrated().await;
    let replica = Follower::fresh(&database.endpoint).await;
    let writer = database.session().await;
    for _ in 0..3 {
        let killed = writer
            .query_one(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE application_name = 'chartroom/listen' AND datname = current_database()",
                &[],
            )
            .await
            .unwrap();
        let session = insert(&writer).await;
        assert_eq!(killed.get::<_, i64>(0), 1, "nothing was cut");
        replica.until_known(session, FRESH).await.unwrap();
        replica.until(State::Fresh, SOON).await;
    }
    let cut = async || (replica.metric("revocations_poll_failures_total ") >= 3.0).then_some(());
    until("the failures", SOON, cut).await.unwrap();
    assert!(
        replica.delay(&writer).await < AT_ONCE,
        "notifications are back"
    );
}

#[tokio::test]
async fn a_silent_connection_costs_no_revocation() {
    let database = TestDatabase::migrated().await;
    let (proxy, endpoint) = behind_proxy(&database).await;
    let replica = Follower::fresh(&endpoint).await;
    let writer = database.session().await;
    replica.just_looked().await;
    proxy.hold_live();
    let (session, begun) = (insert(&writer).await, Instant::now());
    replica.until_known(session, FRESH).await.unwrap();
    // Control: it did not come by the connection that was held.
    assert!(begun.elapsed() > AT_ONCE && proxy.counts.held.load(SeqCst) > 0);
    assert!(proxy.counts.connections.load(SeqCst) >= 2);
    assert!(
        replica.delay(&writer).await < AT_ONCE,
        "notifications are back"
    );
}

#[tokio::test]
async fn without_a_database_the_feed_is_stale_and_recovers() {
    let database = TestDatabase::migrated().await;
    let (proxy, endpoint) = behind_proxy(&database).await;
    let writer = database.session().await;
    let known = insert(&writer).await;
    let replica = Follower::fresh(&endpoint).await;
    for mode in [Mode::Blackhole, Mode::Refuse] {
        replica.just_looked().await;
        let begun = Instant::now();
        proxy.set(mode).await;
        proxy.reset_live();
        let session = insert(&writer).await;
        replica
            .until(State::Stale, FRESH + Duration::from_secs(1))
            .await;
        // Control: it was fresh for as long as it may be, and what was cut off did not come.
        assert!(
            begun.elapsed() > FRESH - Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        assert!(!replica.knows(session));
        let verdict = |id| replica.feed.verdict(id, Uuid::nil(), Utc::now());
        assert_eq!(
            (verdict(session), verdict(known)),
            (Verdict::AskDatabase, Verdict::Revoked)
        );
        proxy.set(Mode::Forward).await;
        replica.until(State::Fresh, FRESH).await;
        assert!(replica.knows(session), "fresh and yet ignorant");
    }
    assert!(
        !replica.shutdown.draining(),
        "a database failure is no reason to stop"
    );
}
