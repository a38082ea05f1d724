//! Attacks by shape, each with 2,000 attempts: what is admitted of them, and whether the owner
//! still gets in.

use std::time::{Duration, Instant};

use chartroom::identity::limiter::{NameKey, Policy};

use super::replica::{Replica, name, prefix};
use crate::support::database::TestDatabase;

const ATTEMPTS: usize = 2_000;

/// What a rate adds in the time a test took, rounded up.
fn regained(begun: Instant, an_hour: u64) -> usize {
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap();
    usize::try_from(milliseconds * an_hour / 3_600_000 + 1).unwrap()
}

#[tokio::test]
async fn one_prefix_against_one_name() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, begun) = (name(), Instant::now());
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
async fn many_prefixes_against_one_name() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, home, begun) = (name(), prefix(1_000_000), Instant::now());
    replica
        .check(victim, home)
        .await
        .unwrap()
        .succeeded(&replica.db)
        .await;
    let admitted = replica.admitted_from_many(victim, 0..2_000).await;
    assert!(
        (25..=25 + regained(begun, 25)).contains(&admitted),
        "{admitted}"
    );
    // From elsewhere nobody gets in, which shows that the name's bucket is what holds the attack.
    let refused = replica.check(victim, prefix(2_000_000)).await.unwrap_err();
    assert_eq!(refused.policy, Policy::Name);
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
    let stranger = name();
    let emptied = replica.admitted_from_many(stranger, 0..60).await;
    assert_eq!(
        (emptied, replica.admitted(stranger, home, 1).await),
        (25, 0)
    );
}

#[tokio::test]
async fn one_prefix_against_many_accounts() {
    let database = TestDatabase::migrated().await;
    let replica = Replica::new(&database);
    let (victim, begun) = (name(), Instant::now());
    assert_eq!(replica.admitted(victim, prefix(7), 5).await, 5);
    let mut admitted = 0;
    for number in 0..ATTEMPTS {
        let other = NameKey::of(&format!("user-{number}@example.test"));
        admitted += replica.admitted(other, prefix(1), 1).await;
    }
    assert!(
        (10..=10 + regained(begun, 600)).contains(&admitted),
        "{admitted}"
    );
    // The flood of other names has not pushed out what was counted for the victim.
    assert_eq!(replica.admitted(victim, prefix(7), 1).await, 0);
}
