//! Revocations reach every replica by notification, by poll, at a start and however late they
//! commit; old ones go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chartroom::db::transaction::{Listeners, in_transaction};
use chartroom::identity::revocation::feed::{FRESH, MOST};
use chartroom::identity::revocation::{Revoked, State, Subject, Verdict, ask, purge, revoke};
use chartroom::kernel::actor::Actor;
use chartroom::kernel::error::ApiError;
use chartroom::kernel::shutdown::Phase;
use chartroom::kernel::types::{ApiTokenId, PrincipalId, SessionId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::follower::{AT_ONCE, Follower, SOON, diesel, insert};
use super::replica::Replica;
use crate::support::database::TestDatabase;
use crate::support::wait::until;

/// What a process hears of its own commits.
struct Heard {
    listeners: Listeners,
    revoked: Arc<Mutex<Vec<Revoked>>>,
}

impl Default for Heard {
    fn default() -> Self {
        let (listeners, revoked) = (Listeners::default(), Arc::<Mutex<Vec<_>>>::default());
        let kept = revoked.clone();
        listeners.on_commit(move |mut new: Vec<Revoked>| kept.lock().unwrap().append(&mut new));
        Self { listeners, revoked }
    }
}

impl Heard {
    fn subjects(&self) -> Vec<Uuid> {
        let revoked = self.revoked.lock().unwrap();
        revoked.iter().map(|revoked| revoked.subject).collect()
    }
}

#[tokio::test]
async fn a_revocation_reaches_two_replicas_by_notification() {
    let database = TestDatabase::migrated().await;
    let replicas = [
        Follower::fresh(&database.endpoint).await,
        Follower::fresh(&database.endpoint).await,
    ];
    let (session, token, user) = (
        SessionId::fresh(),
        ApiTokenId::fresh(),
        PrincipalId::fresh(),
    );
    let mut connection = diesel(&database).await;
    let before: DateTime<Utc> = Utc::now() - Duration::from_secs(1);
    let subjects = [
        Subject::Session(session),
        Subject::ApiToken(token),
        Subject::User(user),
    ];
    let (nobody, heard) = (Actor::default(), Heard::default());
    let revoked = in_transaction(&mut connection, &nobody, &heard.listeners, async |tx| {
        Ok(revoke(tx, &subjects).await?)
    });
    revoked.await.unwrap().unwrap();
    assert_eq!(heard.subjects(), [session.0, token.0, user.0]);
    for replica in &replicas {
        for id in [session.0, token.0] {
            replica.until_known(id, FRESH).await.unwrap();
        }
        let other = Uuid::now_v7();
        assert_eq!(
            replica.feed.verdict(other, user.0, before),
            Verdict::Revoked
        );
        let later = Utc::now() + Duration::from_secs(1);
        assert_eq!(replica.feed.verdict(other, user.0, later), Verdict::Good);
        assert!(ask(&mut connection, other, user.0, before).await.unwrap());
        assert!(!ask(&mut connection, other, user.0, later).await.unwrap());
        assert!(ask(&mut connection, session.0, other, later).await.unwrap());
        let looked = until("the metric", SOON, async || {
            (replica.metric("revocations_held ") == 3.0).then_some(())
        });
        looked.await.unwrap();
        assert!(replica.metric("revocations_polled_timestamp_seconds ") > 1.7e9);
    }

    let writer = database.session().await;
    let mut notified = Vec::new();
    for _ in 0..5 {
        notified.push(replicas[0].delay(&writer).await);
    }
    notified.sort();
    assert!(notified[2] < Duration::from_millis(200), "{notified:?}");
    // Control: without notifications the same takes until the next poll, and no longer.
    writer
        .batch_execute("ALTER TABLE revocations DISABLE TRIGGER revocations_announced")
        .await
        .unwrap();
    let polled = replicas[0].delay(&writer).await;
    assert!(polled > AT_ONCE && polled < FRESH, "{polled:?}");
}

#[tokio::test]
async fn what_rolls_back_is_not_revoked() {
    let database = TestDatabase::migrated().await;
    let replica = Follower::fresh(&database.endpoint).await;
    let mut connection = diesel(&database).await;
    let session = SessionId::fresh();
    let (nobody, heard) = (Actor::default(), Heard::default());
    let rolled_back = in_transaction(&mut connection, &nobody, &heard.listeners, async |tx| {
        revoke(tx, &[Subject::Session(session)]).await?;
        Err::<(), _>(ApiError::not_found("reason").into())
    });
    rolled_back.await.unwrap().unwrap_err();
    assert!(heard.subjects().is_empty());
    let next = insert(&database.session().await).await;
    replica.until_known(next, FRESH).await.unwrap();
    assert!(!replica.knows(session.0));
}

#[tokio::test]
async fn what_commits_late_is_not_missed() {
    let database = TestDatabase::migrated().await;
    let replica = Follower::fresh(&database.endpoint).await;
    let (late, writer) = (database.session().await, database.session().await);
    // Polls alone must find it.
    writer
        .batch_execute("ALTER TABLE revocations DISABLE TRIGGER revocations_announced")
        .await
        .unwrap();
    late.batch_execute("BEGIN").await.unwrap();
    let early_id = insert(&late).await;
    for _ in 0..3 {
        let next = insert(&writer).await;
        replica.until_known(next, SOON).await.unwrap();
    }
    // Control: whoever remembers the highest id, or the newest time, has gone past it.
    let newest = writer
        .query_one("SELECT max(id), max(revoked_at) FROM revocations", &[])
        .await
        .unwrap();
    assert!(!replica.knows(early_id));
    late.batch_execute("COMMIT").await.unwrap();
    let passed_over = writer
        .query_one(
            "SELECT id < $2 AND revoked_at < $3 FROM revocations WHERE subject = $1",
            &[
                &early_id,
                &newest.get::<_, i64>(0),
                &newest.get::<_, DateTime<Utc>>(1),
            ],
        )
        .await
        .unwrap();
    assert!(passed_over.get::<_, bool>(0));
    replica.until_known(early_id, FRESH).await.unwrap();
}

#[tokio::test]
async fn a_start_loads_what_is_needed_and_a_stop_ends_the_feed() {
    let database = TestDatabase::migrated().await;
    let writer = database.session().await;
    let [needed, over] = [insert(&writer).await, insert(&writer).await];
    let age = "UPDATE revocations SET revoked_at = now() - interval '1 day', \
         needed_until = now() + make_interval(mins => $2) WHERE subject = $1";
    writer.execute(age, &[&needed, &1]).await.unwrap();
    writer.execute(age, &[&over, &-1]).await.unwrap();
    let replica = Follower::fresh(&database.endpoint).await;
    assert!(replica.knows(needed) && !replica.knows(over));
    let shutdown = replica.shutdown.clone();
    drop(replica);
    tokio::time::timeout(SOON, shutdown.wait_for(Phase::Stopped))
        .await
        .unwrap();
    shutdown.outcome().unwrap();
}

#[tokio::test]
async fn old_entries_are_dropped_here_and_there() {
    let database = TestDatabase::migrated().await;
    let writer = database.session().await;
    let replica = Follower::fresh(&database.endpoint).await;
    let brief = "INSERT INTO revocations (subject, needed_until) \
         VALUES (gen_random_uuid(), clock_timestamp() + interval '2 seconds') RETURNING subject";
    let first: Uuid = writer.query_one(brief, &[]).await.unwrap().get(0);
    replica.until_known(first, SOON).await.unwrap();
    let gone = async || replica.feed.revocations().is_empty().then_some(());
    until("the end of the need", SOON, gone).await.unwrap();
    let kept = insert(&writer).await;
    let other = Replica::new(&database);
    assert_eq!(purge(&other.db).await.unwrap(), 0);
    let age = "UPDATE revocations SET revoked_at = revoked_at - interval '1 hour', \
         needed_until = needed_until - interval '1 hour'";
    writer.execute(age, &[]).await.unwrap();
    assert_eq!(purge(&other.db).await.unwrap(), 1);
    let left = writer
        .query_one("SELECT subject FROM revocations", &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, Uuid>(0), kept);
}

#[tokio::test]
async fn many_revocations_take_bounded_memory_and_too_many_none() {
    let database = TestDatabase::migrated().await;
    let writer = database.session().await;
    let replica = Follower::fresh(&database.endpoint).await;
    const { assert!(50_000 < MOST) };
    let overfull = Follower::new(&database.endpoint, 50_000);
    overfull.until(State::Fresh, SOON).await;
    let fill = "INSERT INTO revocations (subject) SELECT gen_random_uuid() FROM generate_series(1, 100000)";
    writer.execute(fill, &[]).await.unwrap();
    let all = async || (replica.feed.revocations().len() == 100_000).then_some(());
    until("a hundred thousand entries", SOON, all)
        .await
        .unwrap();
    assert!(replica.feed.revocations().bytes() < 8 * 1024 * 1024);
    replica.until(State::Fresh, SOON).await;
    overfull.until(State::Stale, SOON).await;
    assert!(overfull.feed.revocations().is_empty());
    // It keeps looking, and is fresh again when they are not needed any more.
    writer
        .execute("UPDATE revocations SET needed_until = now()", &[])
        .await
        .unwrap();
    overfull.until(State::Fresh, SOON).await;
}
