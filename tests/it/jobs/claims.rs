//! Which jobs are taken, and what becomes of them.

use chartroom::jobs::claim::Rest;
use chartroom::jobs::enqueue::{Cancelled, cancel, enqueue_or_move};
use chartroom::jobs::hold::{Beat, Pulse, beat, fail, fence, snooze};

use diesel_async::SimpleAsyncConnection as _;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_job_is_made_with_its_transaction_or_not_at_all() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    for end in ["ROLLBACK", "COMMIT"] {
        connection.batch_execute("BEGIN").await.unwrap();
        enqueue(&mut connection, NewJob::of(&Note { n: 1 }))
            .await
            .unwrap();
        connection.batch_execute(end).await.unwrap();
    }
    assert_eq!(queue.number("SELECT count(*) FROM jobs").await, 1);
}

#[tokio::test]
async fn what_is_due_first_is_taken_first_and_nothing_before_its_time() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    let later = queue
        .enqueue(NewJob::of(&Note { n: 0 }).after(MINUTE))
        .await;
    let now = chrono::Utc::now();
    let at = |n: i64| NewJob::of(&Note { n }).at(now - Duration::from_secs(n.unsigned_abs()));
    let mut made = Vec::new();
    for n in [10, 30, 20] {
        made.push(queue.enqueue(at(n)).await.unwrap());
    }
    let first = claimed(&mut connection, 1).await;
    assert_eq!(first[0].id, made[1]);
    assert_eq!((first[0].claims, first[0].lost), (1, 0));
    let mut rest: Vec<_> = claimed(&mut connection, 8)
        .await
        .iter()
        .map(|it| it.id)
        .collect();
    rest.sort();
    assert_eq!(rest, [made[0], made[2]]);
    queue
        .sql("UPDATE jobs SET due_at = due_at - interval '1 minute'")
        .await;
    assert_eq!(Some(claimed(&mut connection, 8).await[0].id), later);
}

#[tokio::test]
async fn of_a_key_there_is_one_job_until_it_ends() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    let keyed = |n| NewJob::of(&Note { n }).unique("key");
    let first = queue.enqueue(keyed(1)).await.unwrap();
    assert_eq!(queue.enqueue(keyed(2)).await, None);
    // Another kind has keys of its own.
    let other = Gated { n: 3 };
    assert!(
        queue
            .enqueue(NewJob::of(&other).unique("key"))
            .await
            .is_some()
    );
    let taken = claimed(&mut connection, 8).await;
    assert_eq!(queue.enqueue(keyed(4)).await, None);
    let hold = taken.iter().find(|it| it.id == first).unwrap().hold();
    assert!(fence(&mut connection, hold).await.unwrap());
    assert!(queue.enqueue(keyed(5)).await.is_some());
}

#[tokio::test]
async fn a_job_is_moved_and_its_run_loses_it() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    let keyed = |n| NewJob::of(&Note { n }).unique("key");
    let id = enqueue_or_move(&mut connection, keyed(1).after(MINUTE))
        .await
        .unwrap();
    assert!(claimed(&mut connection, 8).await.is_empty());
    assert_eq!(
        enqueue_or_move(&mut connection, keyed(2)).await.unwrap(),
        id
    );
    let run = claimed(&mut connection, 8).await.remove(0);
    assert_eq!(run.args["n"], 2);
    // While it runs: it comes again at its new time, whatever the run does.
    assert_eq!(
        enqueue_or_move(&mut connection, keyed(3).after(MINUTE))
            .await
            .unwrap(),
        id
    );
    assert!(!fence(&mut connection, run.hold()).await.unwrap());
    assert!(claimed(&mut connection, 8).await.is_empty());
    queue
        .sql("UPDATE jobs SET due_at = due_at - interval '1 minute'")
        .await;
    let run = claimed(&mut connection, 8).await.remove(0);
    assert_eq!((run.args["n"].as_i64(), run.lost), (Some(3), 0));
    assert!(fence(&mut connection, run.hold()).await.unwrap());
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_and_one_that_runs_is_told() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    let keyed = || NewJob::of(&Note { n: 1 }).unique("key");
    assert_eq!(
        cancel::<Note>(&mut connection, "key").await.unwrap(),
        Cancelled::Nothing
    );
    queue.enqueue(keyed()).await.unwrap();
    assert_eq!(
        cancel::<Gated>(&mut connection, "key").await.unwrap(),
        Cancelled::Nothing
    );
    assert_eq!(
        cancel::<Note>(&mut connection, "key").await.unwrap(),
        Cancelled::Removed
    );
    queue.enqueue(keyed()).await.unwrap();
    let hold = claimed(&mut connection, 8).await.remove(0).hold();
    assert_eq!(
        cancel::<Note>(&mut connection, "key").await.unwrap(),
        Cancelled::Told
    );
    let beats = [Beat {
        hold,
        progress: None,
    }];
    let heard = beat(&mut connection, &beats, LEASE).await.unwrap();
    assert_eq!(heard[&hold.id], Pulse::Cancelled);
    assert!(
        !fence(&mut connection, hold).await.unwrap(),
        "a cancelled job has no effect"
    );
    // Its worker dies: the next removes it and does not begin it.
    queue.expire().await;
    let worker = queue.worker(Kinds::default().with::<Note>("w"), quick(LEASE));
    queue.until("SELECT count(*) FROM jobs", 0).await;
    worker.stop().await;
    assert_eq!(queue.number("SELECT count(*) FROM effects").await, 0);
}

#[tokio::test]
async fn a_failure_counts_and_a_snooze_does_not() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    queue.enqueue(NewJob::of(&Note { n: 1 })).await.unwrap();
    let run = claimed(&mut connection, 8).await.remove(0);
    assert!(
        fail(&mut connection, run.hold(), MINUTE, "why")
            .await
            .unwrap()
    );
    assert!(claimed(&mut connection, 8).await.is_empty());
    queue
        .sql("UPDATE jobs SET due_at = due_at - interval '1 minute'")
        .await;
    let run = claimed(&mut connection, 8).await.remove(0);
    assert_eq!((run.claims, run.failures, run.lost), (2, 1, 0));
    assert!(snooze(&mut connection, run.hold(), MINUTE).await.unwrap());
    assert!(claimed(&mut connection, 8).await.is_empty());
    queue
        .sql("UPDATE jobs SET due_at = due_at - interval '1 minute'")
        .await;
    let run = claimed(&mut connection, 8).await.remove(0);
    assert_eq!((run.claims, run.failures, run.lost), (3, 1, 0));
    queue.expire().await;
    let run = claimed(&mut connection, 8).await.remove(0);
    assert_eq!((run.claims, run.failures, run.lost), (4, 1, 1));
}

#[tokio::test]
async fn a_lane_with_a_floor_begins_there_until_it_is_looked_at_whole() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    let now = chrono::Utc::now();
    queue
        .enqueue(NewJob::of(&Note { n: 1 }).at(now - MINUTE))
        .await
        .unwrap();
    let wanted = [Wanted {
        lane: 1,
        floor: Some(now - MINUTE / 2),
        room: 8,
        share: 8,
    }];
    let mut round = Round {
        worker: Uuid::now_v7(),
        finished: &[],
        lease: 30.0,
        wanted: &wanted,
        owners: &[],
        kinds: KINDS,
        whole: false,
    };
    assert!(
        claim(&mut connection, &round)
            .await
            .unwrap()
            .jobs
            .is_empty()
    );
    round.whole = true;
    assert_eq!(claim(&mut connection, &round).await.unwrap().jobs.len(), 1);
}

#[tokio::test]
async fn an_owner_gets_its_share_and_others_the_rest() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    let [ann, bob] = [Uuid::now_v7(), Uuid::now_v7()];
    for n in 0..20 {
        queue
            .enqueue(NewJob::of(&Note { n }).owned_by(ann))
            .await
            .unwrap();
    }
    queue
        .enqueue(NewJob::of(&Note { n: 20 }).owned_by(bob))
        .await
        .unwrap();
    queue.enqueue(NewJob::of(&Note { n: 21 })).await.unwrap();
    let mut round = Round {
        worker: Uuid::now_v7(),
        finished: &[],
        lease: 30.0,
        wanted: &[Wanted {
            lane: 1,
            floor: None,
            room: 8,
            share: 4,
        }],
        owners: &[],
        kinds: KINDS,
        whole: true,
    };
    let first = claim(&mut connection, &round).await.unwrap().jobs;
    assert_eq!(first.iter().filter(|it| it.owner == Some(ann)).count(), 4);
    assert_eq!(first.len(), 4, "the rest of the window is hers");
    round.owners = &[];
    let rests = [Rest {
        lane: 1,
        owner: ann,
        rest: 0,
    }];
    round.owners = &rests;
    let second = claim(&mut connection, &round).await.unwrap().jobs;
    let owners: Vec<_> = second.iter().map(|it| it.owner).collect();
    assert_eq!(owners.len(), 2, "{owners:?}");
    assert!(owners.contains(&Some(bob)) && owners.contains(&None));
    // In another lane she has others.
    let rests = [
        Rest {
            lane: 0,
            owner: ann,
            rest: 0,
        },
        Rest {
            lane: 1,
            owner: ann,
            rest: 1,
        },
    ];
    round.owners = &rests;
    assert_eq!(claim(&mut connection, &round).await.unwrap().jobs.len(), 1);
    assert_eq!(queue.number("SELECT sum(claims) FROM jobs").await, 7);
}

/// Who claims while another claim is not committed yet neither waits for it nor takes its jobs.
#[tokio::test]
async fn two_that_claim_at_once_get_different_jobs() {
    let queue = Queue::new().await;
    for n in 0..8 {
        queue.enqueue(NewJob::of(&Note { n })).await.unwrap();
    }
    let [mut one, mut other] = [queue.connection().await, queue.connection().await];
    one.batch_execute("BEGIN").await.unwrap();
    // It would fail instead of waiting for ever.
    other
        .batch_execute("SET lock_timeout = '2s'")
        .await
        .unwrap();
    let first = claimed(&mut one, 4).await;
    let second = claimed(&mut other, 8).await;
    one.batch_execute("COMMIT").await.unwrap();
    let ids: std::collections::BTreeSet<_> = first.iter().chain(&second).map(|it| it.id).collect();
    assert_eq!((first.len(), second.len(), ids.len()), (4, 4, 8));
    assert_eq!(
        queue.number("SELECT max(claims)::bigint FROM jobs").await,
        1
    );
}
