//! Attacks by shape, each with 2,000 attempts: what is admitted of them, and whether the owner still gets in.

use std::time::{Duration, Instant};

use chartroom::auth::limiter::{AccountKey, Policy};

use super::replica::{Replica, account, prefix};
use crate::support::database::TestDatabase;

const ATTEMPTS: usize = 2_000;

/// What a rate adds in the time a test took, rounded up.
fn regained(begun: Instant, an_hour: u64) -> usize {
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap();
    usize::try_from(milliseconds * an_hour / 3_600_000 + 1).unwrap()
}

#[tokio::test]
async fn one_prefix_against_one_account() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, begun) = (account(), Instant::now());
    let admitted = replica.admitted(victim, prefix(1), ATTEMPTS).await;
    assert!(
        (5..=5 + regained(begun, 10)).contains(&admitted),
        "{admitted}"
    );
    // The owner, from a place where nobody has signed in before.
    let begun = Instant::now();
    let attempt = replica.check(victim, prefix(2)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    attempt.succeeded(&replica.db).await;
}

#[tokio::test]
async fn many_prefixes_against_one_account() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, home, begun) = (account(), prefix(1_000_000), Instant::now());
    replica
        .check(victim, home)
        .await
        .unwrap()
        .succeeded(&replica.db)
        .await;
    let admitted = replica.admitted_from_many(victim, 0..2_000).await;
    assert!(
        (50..=50 + regained(begun, 50)).contains(&admitted),
        "{admitted}"
    );
    // From elsewhere nobody gets in, which shows that the account's bucket is what holds the attack.
    let refused = replica.check(victim, prefix(2_000_000)).await.unwrap_err();
    assert_eq!(refused.policy, Policy::Account);
    // The owner from home, mistyping first, with the attack going on.
    for _ in 0..10 {
        replica
            .check(victim, home)
            .await
            .unwrap()
            .succeeded(&replica.db)
            .await;
        replica.admitted_from_many(victim, 3_000..3_010).await;
    }
    assert_eq!(
        replica.admitted(victim, home, 8).await,
        5,
        "what is proven is bounded too"
    );
    // Another account at the same place has nothing of it.
    let stranger = account();
    let emptied = replica.admitted_from_many(stranger, 0..60).await;
    assert_eq!(
        (emptied, replica.admitted(stranger, home, 1).await),
        (50, 0)
    );
}

#[tokio::test]
async fn one_prefix_against_many_accounts() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, begun) = (account(), Instant::now());
    assert_eq!(replica.admitted(victim, prefix(7), 5).await, 5);
    let mut admitted = 0;
    for number in 0..ATTEMPTS {
        let name = AccountKey::unknown(&format!("user-{number}@example.test"));
        admitted += replica.admitted(name, prefix(1), 1).await;
    }
    assert!(
        (10..=10 + regained(begun, 600)).contains(&admitted),
        "{admitted}"
    );
    // The flood of other names has not pushed out what was counted for the victim.
    assert_eq!(replica.admitted(victim, prefix(7), 1).await, 0);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_limited_like_one_that_does() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let mut seen = Vec::new();
    for (place, key) in [account(), AccountKey::unknown("nobody@example.test")]
        .into_iter()
        .enumerate()
    {
        let place = u32::try_from(place).unwrap() * 10_000;
        let pair = replica.admitted(key, prefix(place), 7).await;
        let refused = replica.check(key, prefix(place)).await.unwrap_err();
        let all = replica.admitted_from_many(key, place + 1..place + 60).await;
        seen.push((pair, refused.policy, refused.quota, refused.window, all));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].4, 45);
}
