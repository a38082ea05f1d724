//! Sign-in limits: tokens taken exactly, given back, regained, forgotten; and what a stuck row
//! costs.

use std::time::{Duration, Instant};

use chartroom::identity::limiter::{self, Policy, Refused};
use chartroom::kernel::error::ApiError;
use futures_util::future::join_all;

use super::replica::{Replica, name, pass, prefix, rows};
use crate::support::database::TestDatabase;

#[tokio::test]
async fn a_pair_has_five_and_regains_ten_an_hour() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, here) = (name(), prefix(1));
    assert_eq!(replica.admitted(victim, here, 8).await, 5);
    let refused = replica.check(victim, here).await.unwrap_err();
    assert_eq!(refused.policy, Policy::Name);
    let wait = refused.retry_after.as_secs();
    assert!((350..=360).contains(&wait), "{wait}");
    pass(&database, 340.0).await;
    assert_eq!(replica.admitted(victim, here, 1).await, 0);
    pass(&database, 20.0).await;
    assert_eq!(replica.admitted(victim, here, 2).await, 1);
    pass(&database, 3_600.0).await;
    assert_eq!(
        replica.admitted(victim, here, 8).await,
        5,
        "never more than the burst"
    );
}

#[tokio::test]
async fn a_prefix_has_ten_and_regains_ten_a_minute() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let mut admitted = 0;
    for _ in 0..15 {
        admitted += replica.admitted(name(), prefix(1), 1).await;
    }
    assert!((10..=11).contains(&admitted), "{admitted}");
    let refused = replica.check(name(), prefix(1)).await.unwrap_err();
    assert_eq!(refused.policy, Policy::Address);
    let error = ApiError::from(refused);
    let header = |name: &str| {
        let found = error.headers.iter().find(|(had, _)| had == name);
        found.unwrap().1.to_str().unwrap().to_owned()
    };
    assert_eq!(error.code.as_str(), "too-many-requests");
    let wait: u64 = header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(header("ratelimit-policy"), "\"signin-address\";q=10;w=60");
    assert_eq!(
        header("ratelimit"),
        format!("\"signin-address\";r=0;t={wait}")
    );
    assert_eq!(
        replica.admitted(name(), prefix(2), 1).await,
        1,
        "another prefix"
    );
    pass(&database, 12.0).await;
    let regained =
        replica.admitted(name(), prefix(1), 1).await + replica.admitted(name(), prefix(1), 1).await;
    assert_eq!(regained, 2);
    let counted = &replica.metrics.signin_attempts_total;
    let by_address = counted.with_label_values(&["signin-address"]).get();
    let refused = u64::try_from(15 + 1 - admitted).unwrap();
    assert_eq!(by_address, refused);
}

#[tokio::test]
async fn a_refused_attempt_costs_nothing_and_leaves_no_row() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    for _ in 0..12 {
        replica.admitted(name(), prefix(1), 1).await;
    }
    let before = rows(&database).await;
    let victim = name();
    assert_eq!(replica.admitted(victim, prefix(1), 20).await, 0);
    assert_eq!(rows(&database).await, before);
    assert_eq!(replica.admitted(victim, prefix(2), 8).await, 5);
}

#[tokio::test]
async fn a_success_gives_back_what_it_took() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let owner = name();
    for _ in 0..70 {
        let attempt = replica.check(owner, prefix(1)).await.unwrap();
        attempt.succeeded(&replica.db).await;
    }
    for _ in 0..70 {
        let attempt = replica.check(owner, prefix(2)).await.unwrap();
        attempt.not_made(&replica.db).await;
    }
    // Nothing more than what it took: somebody's successes must not fill a bucket that his guesses
    // emptied.
    assert_eq!(replica.admitted(owner, prefix(3), 4).await, 4);
    let attempt = replica.check(owner, prefix(3)).await.unwrap();
    attempt.succeeded(&replica.db).await;
    assert_eq!(replica.admitted(owner, prefix(3), 5).await, 1);
}

#[tokio::test]
async fn fifty_at_once_on_two_replicas_take_exactly_the_tokens() {
    let database = TestDatabase::migrated().await;
    let replicas = [Replica::new(&database), Replica::new(&database)];
    join_all(replicas.iter().map(|replica| replica.warm())).await;
    // One pair; then one name from sixty prefixes, of which twenty-five are admitted.
    for (spread, attempts, expected) in [(0, 50, 5), (1, 60, 25)] {
        let victim = name();
        let all = (0..attempts).map(|number| {
            let replica = &replicas[usize::try_from(number % 2).unwrap()];
            replica.check(victim, prefix(1_000 + number * spread))
        });
        let admitted = join_all(all)
            .await
            .into_iter()
            .filter(Result::is_ok)
            .count();
        assert_eq!(admitted, expected);
    }
}

#[tokio::test]
async fn counts_outlive_the_process() {
    let database = TestDatabase::migrated().await;
    let victim = name();
    let first = Replica::new(&database);
    assert_eq!(first.admitted(victim, prefix(1), 4).await, 4);
    drop(first);
    assert_eq!(
        Replica::new(&database).admitted(victim, prefix(1), 4).await,
        1
    );
}

#[tokio::test]
async fn purge_removes_full_buckets_and_keeps_the_proven() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (owner, victim) = (name(), name());
    replica
        .check(owner, prefix(1))
        .await
        .unwrap()
        .succeeded(&replica.db)
        .await;
    assert_eq!(replica.admitted(victim, prefix(2), 5).await, 5);
    assert_eq!(limiter::purge(&replica.db).await.unwrap(), 0);
    // The addresses and the owner's account are full after six minutes; the victim's pair and
    // account after thirty and six.
    pass(&database, 299.0).await;
    assert_eq!(limiter::purge(&replica.db).await.unwrap(), 3);
    assert_eq!(
        replica.admitted(victim, prefix(2), 1).await,
        0,
        "a full bucket was invented"
    );
    pass(&database, 1_600.0).await;
    assert_eq!(limiter::purge(&replica.db).await.unwrap(), 2);
    assert_eq!(rows(&database).await, 1, "what is proven stays");
    pass(&database, 30.0 * 86_400.0).await;
    assert_eq!(limiter::purge(&replica.db).await.unwrap(), 1);
    assert_eq!(rows(&database).await, 0);
    // More than one batch.
    let fill = "INSERT INTO attempt_buckets SELECT sha256(n::text::bytea), 1, now(), NULL, now() - interval '1 second' \
         FROM generate_series(1, 2500) AS n";
    database.session().await.execute(fill, &[]).await.unwrap();
    assert_eq!(limiter::purge(&replica.db).await.unwrap(), 2_500);
}

#[tokio::test]
async fn a_stuck_row_refuses_its_own_and_stalls_nobody_else() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    replica.warm().await;
    let victim = name();
    assert_eq!(replica.admitted(victim, prefix(1), 1).await, 1);
    let session = database.session().await;
    session
        .batch_execute("BEGIN; SELECT FROM attempt_buckets FOR UPDATE")
        .await
        .unwrap();
    let flood =
        join_all((2..40).map(|number| replica.limiter.check(&replica.db, victim, prefix(number))));
    tokio::pin!(flood);
    // The rest of the pool is free all the while: no read fails, and the half of them takes next to
    // no time.
    let mut took = Vec::new();
    let answers = loop {
        let begun = Instant::now();
        tokio::select! {
            answers = &mut flood => break answers,
            () = replica.read() => took.push(begun.elapsed()),
        }
    };
    assert!(
        answers.iter().all(Result::is_err),
        "admitted without a count"
    );
    took.sort();
    assert!(
        took.len() > 10 && took[took.len() / 2] < Duration::from_millis(100),
        "{took:?}"
    );
    let begun = Instant::now();
    let refused = replica.limiter.check(&replica.db, victim, prefix(50)).await;
    let Err(Refused::Limited(refused)) = refused else {
        panic!("{refused:?}")
    };
    assert!(refused.is_busy && refused.retry_after == Duration::from_secs(1));
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        replica.admitted(name(), prefix(51), 1).await,
        1,
        "another account"
    );
    session.batch_execute("ROLLBACK").await.unwrap();
    // The short wait ends with the statement: every connection of the pool has its own back.
    let left = replica.db.write(async |connection| {
        let shortened = "SELECT WHERE current_setting('lock_timeout') <> '10s'";
        diesel_async::RunQueryDsl::execute(diesel::sql_query(shortened), connection).await
    });
    assert_eq!(left.await.unwrap(), 0);
    // Nothing was taken by those that gave up: their pairs and prefixes are still full.
    assert_eq!(replica.admitted(victim, prefix(2), 8).await, 5);
}
