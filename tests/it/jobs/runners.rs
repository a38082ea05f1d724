//! What a runner does: everything once, nobody's jobs before all others', nothing that it does not
//! know, and a good end.

use super::*;

/// Does as it is told: the first runs as `ends` says, the last of them again and again.
#[derive(Serialize, Deserialize)]
struct Scripted {
    ends: Vec<String>,
}

impl Job for Scripted {
    const KIND: &'static str = "test.scripted.1";
    const LANE: Lane = Lane::Urgent;
    const MAX_FAILURES: i32 = 2;
    type Tools = std::sync::atomic::AtomicUsize;

    async fn run(&self, _: &Context, runs: &Self::Tools) -> JobResult<Ended> {
        let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match self.ends[run.min(self.ends.len() - 1)].as_str() {
            "done" => Ok(Ended::Done),
            "snooze" => Ok(Ended::Snooze(Duration::ZERO)),
            "panic" => panic!("as told"),
            end => Err(anyhow::anyhow!("{end}").into()),
        }
    }

    fn pause(_: i32) -> Duration {
        Duration::ZERO
    }
}

/// How often each outcome was counted of a kind.
fn runs(queue: &Queue, kind: &str) -> String {
    let counter = &queue.app.app.metrics.job_runs_total;
    let count = |outcome| counter.with_label_values(&[kind, outcome]).get();
    let all = ["done", "snoozed", "failed", "dead", "cancelled", "lost"];
    let counted = all.into_iter().filter(|outcome| count(outcome) > 0);
    let texts: Vec<_> = counted
        .map(|outcome| format!("{outcome} {}", count(outcome)))
        .collect();
    texts.join(", ")
}

#[tokio::test]
async fn runs_end_as_they_say() {
    for (ends, expected) in [
        (vec!["done"], "done 1"),
        (
            vec!["snooze", "snooze", "snooze", "snooze", "done"],
            "done 1, snoozed 4",
        ),
        (vec!["no", "panic", "done"], "done 1, failed 2"),
        (
            vec!["no", "snooze", "no", "snooze", "no"],
            "snoozed 2, failed 2, dead 1",
        ),
        (vec!["panic"], "failed 2, dead 1"),
    ] {
        let queue = Queue::new().await;
        let job = Scripted {
            ends: ends.iter().map(|end| (*end).to_owned()).collect(),
        };
        queue.enqueue(NewJob::of(&job)).await.unwrap();
        let kinds = Kinds::default().with::<Scripted>(0.into());
        let worker = queue.worker(kinds, quick(LEASE));
        queue.until("SELECT count(*) FROM jobs", 0).await;
        worker.stop().await;
        assert_eq!(runs(&queue, Scripted::KIND), expected, "{ends:?}");
        let dead = i64::from(expected.contains("dead"));
        assert_eq!(queue.number("SELECT count(*) FROM dead_jobs").await, dead);
    }
}

#[tokio::test]
async fn every_job_is_done_once_by_one_of_three() {
    let queue = Queue::new().await;
    queue
        .sql(
            "INSERT INTO jobs (lane, kind, args, max_failures) SELECT 1, 'test.note.1', \
            jsonb_build_object('n', n), 3 FROM generate_series(1, 500) n",
        )
        .await;
    let workers: Vec<_> = ["a", "b", "c"]
        .map(|name| queue.worker(Kinds::default().with::<Note>(name), quick(LEASE)))
        .into_iter()
        .collect();
    queue.until("SELECT count(*) FROM jobs", 0).await;
    for worker in workers {
        worker.stop().await;
    }
    let once =
        "SELECT count(*) FROM (SELECT n FROM effects GROUP BY n HAVING count(*) = 1) AS once";
    assert_eq!(queue.number(once).await, 500);
    assert_eq!(runs(&queue, Note::KIND), "done 500");
}

#[tokio::test]
async fn a_kind_that_is_not_known_is_left_alone() {
    let queue = Queue::new().await;
    for _ in 0..20 {
        queue
            .enqueue(NewJob::of(&Scripted { ends: vec![] }))
            .await
            .unwrap();
    }
    queue.sql("UPDATE jobs SET lane = 1").await;
    queue.enqueue(NewJob::of(&Note { n: 1 })).await.unwrap();
    let worker = queue.worker(Kinds::default().with::<Note>("old"), quick(LEASE));
    queue.until("SELECT count(*) FROM effects", 1).await;
    worker.stop().await;
    let untouched = "SELECT count(*) FROM jobs WHERE claims = 0 AND kind = 'test.scripted.1'";
    assert_eq!(queue.number(untouched).await, 20);
}

/// A job that ends its process never says that it failed.
#[tokio::test]
async fn a_job_that_kills_its_workers_is_dead_after_its_bound() {
    let queue = Queue::new().await;
    queue.enqueue(NewJob::of(&Note { n: 1 })).await.unwrap();
    let mut connection = queue.connection().await;
    let bound = Note::MAX_FAILURES + 5;
    for lost in 0..=bound {
        let run = claimed(&mut connection, 1).await.remove(0);
        assert_eq!(run.lost, lost);
        queue.expire().await;
    }
    let kinds = || Kinds::default().with::<Note>("w");
    let worker = queue.worker(kinds(), quick(LEASE));
    queue.until("SELECT count(*) FROM dead_jobs", 1).await;
    assert_eq!(queue.number("SELECT count(*) FROM effects").await, 0);
    // One loss less, and it is tried again.
    queue.enqueue(NewJob::of(&Note { n: 2 })).await.unwrap();
    queue.until("SELECT count(*) FROM effects", 1).await;
    worker.stop().await;
    queue.enqueue(NewJob::of(&Note { n: 3 })).await.unwrap();
    queue
        .sql(&format!(
            "UPDATE jobs SET lost = {bound} WHERE args->>'n' = '3'"
        ))
        .await;
    let worker = queue.worker(kinds(), quick(LEASE));
    queue
        .until("SELECT count(*) FROM effects WHERE n = 3", 1)
        .await;
    worker.stop().await;
}

#[tokio::test]
async fn one_owner_leaves_half_of_the_lane_to_others() {
    let queue = Queue::new().await;
    let [ann, bob] = [Uuid::now_v7(), Uuid::now_v7()];
    for n in 0..30 {
        queue
            .enqueue(NewJob::of(&Gated { n }).owned_by(ann))
            .await
            .unwrap();
    }
    let gate = Gate::new("w");
    let worker = queue.worker(Kinds::default().with::<Gated>(gate.clone()), quick(LEASE));
    gate.begun(4).await;
    // However often it looks, she has no more than her half; his come as soon as they are there.
    for n in 100..104 {
        queue
            .enqueue(NewJob::of(&Gated { n }).owned_by(bob))
            .await
            .unwrap();
    }
    worker.wake.notify_one();
    gate.begun(4).await;
    let of = |who: Uuid| format!("SELECT count(*) FROM jobs WHERE claims > 0 AND owner = '{who}'");
    assert_eq!(queue.number(&of(ann)).await, 4);
    assert_eq!(queue.number(&of(bob)).await, 4);
    gate.open(34);
    queue.until("SELECT count(*) FROM jobs", 0).await;
    worker.stop().await;
    assert_eq!(queue.number("SELECT count(*) FROM effects").await, 34);
    assert_eq!(
        queue.number("SELECT count(DISTINCT n) FROM effects").await,
        34
    );
}

/// A lane that is full keeps nothing in another from running.
#[tokio::test]
async fn lanes_do_not_wait_for_each_other() {
    let queue = Queue::new().await;
    for n in 0..20 {
        queue.enqueue(NewJob::of(&Gated { n })).await.unwrap();
    }
    let gate = Gate::new("w");
    let kinds = Kinds::default()
        .with::<Gated>(gate.clone())
        .with::<Scripted>(0.into());
    let worker = queue.worker(kinds, quick(LEASE));
    gate.begun(8).await;
    let job = Scripted {
        ends: vec!["done".to_owned()],
    };
    queue.enqueue(NewJob::of(&job)).await.unwrap();
    queue
        .until("SELECT count(*) FROM jobs WHERE lane = 0", 0)
        .await;
    assert_eq!(
        queue
            .number("SELECT count(*) FROM jobs WHERE claims > 0")
            .await,
        8
    );
    gate.open(20);
    queue.until("SELECT count(*) FROM jobs", 0).await;
    worker.stop().await;
}

/// A job that goes on past its lease keeps it, says how far it is, and hears that it is cancelled.
#[derive(Serialize, Deserialize)]
struct Lengthy {}

impl Job for Lengthy {
    const KIND: &'static str = "test.lengthy.1";
    const LANE: Lane = Lane::Long;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        context.progress(serde_json::json!({ "rows": 12 }));
        let why = context.stopped().await;
        Err(anyhow::anyhow!("stopped: {why:?}").into())
    }
}

#[tokio::test]
async fn a_long_job_keeps_its_lease_and_hears_of_a_cancel() {
    let queue = Queue::new().await;
    let lease = Duration::from_millis(600);
    queue
        .enqueue(NewJob::of(&Lengthy {}).unique("it"))
        .await
        .unwrap();
    let kinds = || Kinds::default().with::<Lengthy>(());
    let workers = [(); 2].map(|()| queue.worker(kinds(), quick(lease)));
    queue
        .until(
            "SELECT coalesce((progress->>'rows')::bigint, 0) FROM jobs",
            12,
        )
        .await;
    // Three leases later the other one has not taken it, though it looks all the time.
    let begun = "SELECT (extract(epoch FROM lease_until) * 1000)::bigint FROM jobs";
    let first = queue.number(begun).await;
    let renewed = format!(
        "SELECT count(*) FROM jobs WHERE lease_until > to_timestamp(({first} + 1800) / 1000.0)"
    );
    queue.until(&renewed, 1).await;
    assert_eq!(queue.number("SELECT claims::bigint FROM jobs").await, 1);
    let mut connection = queue.connection().await;
    chartroom::jobs::enqueue::cancel::<Lengthy>(&mut connection, "it")
        .await
        .unwrap();
    queue.until("SELECT count(*) FROM jobs", 0).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(runs(&queue, Lengthy::KIND), "cancelled 1");
}

#[tokio::test]
async fn a_drain_takes_nothing_more_finishes_what_ends_and_gives_back_the_rest() {
    let queue = Queue::new().await;
    let gate = Gate::new("w");
    for n in 0..12 {
        queue.enqueue(NewJob::of(&Gated { n })).await.unwrap();
    }
    let worker = queue.worker(Kinds::default().with::<Gated>(gate.clone()), quick(LEASE));
    gate.begun(8).await;
    worker.shutdown.begin();
    gate.open(3);
    queue.until("SELECT count(*) FROM effects", 3).await;
    worker.stop().await;
    let state = "SELECT format('%s free, %s begun, %s lost', count(*) FILTER (WHERE lease_until \
        IS NULL), count(*) FILTER (WHERE claims > 0), sum(lost)) FROM jobs";
    assert_eq!(queue.text(state).await, "9 free, 5 begun, 0 lost");
    // The next worker need not wait for a lease.
    gate.open(9);
    let next = queue.worker(Kinds::default().with::<Gated>(gate.clone()), quick(LEASE));
    queue.until("SELECT count(*) FROM jobs", 0).await;
    next.stop().await;
    assert_eq!(queue.number("SELECT count(*) FROM effects").await, 12);
}

/// With a poll that never comes, a wake is all there is.
#[tokio::test]
async fn a_wake_is_heard_at_once() {
    let queue = Queue::new().await;
    let timing = Timing {
        lease: LEASE,
        poll: EVENTUALLY * 60,
        at_once: 8,
    };
    let worker = queue.worker(Kinds::default().with::<Note>("w"), timing);
    let looked =
        async || (queue.app.app.metrics.jobs_looked_timestamp_seconds.get() > 0).then_some(());
    wait::until("a first look", EVENTUALLY, looked)
        .await
        .unwrap();
    queue.enqueue(NewJob::of(&Note { n: 1 })).await.unwrap();
    worker.wake.notify_one();
    queue.until("SELECT count(*) FROM effects", 1).await;
    worker.stop().await;
}

#[tokio::test]
async fn the_depth_of_each_lane_is_shown() {
    let queue = Queue::new().await;
    for n in 0..3 {
        queue.enqueue(NewJob::of(&Note { n })).await.unwrap();
    }
    queue
        .enqueue(NewJob::of(&Note { n: 4 }).after(LEASE))
        .await
        .unwrap();
    queue
        .sql("UPDATE jobs SET due_at = now() - interval '90 seconds' WHERE id = 1")
        .await;
    let worker = queue.worker(Kinds::default().with::<Scripted>(0.into()), quick(LEASE));
    let metrics = &queue.app.app.metrics;
    let waiting = metrics.jobs_waiting.with_label_values(&["normal"]);
    let seen = async || (waiting.get() == 3).then_some(());
    wait::until("three jobs", EVENTUALLY, seen).await.unwrap();
    let age = metrics
        .jobs_oldest_age_seconds
        .with_label_values(&["normal"]);
    assert!(age.get() >= 90, "{}", age.get());
    worker.stop().await;
}

/// One that failed waits for its next try, and its lane does not count it.
#[tokio::test]
async fn mails_are_counted_until_they_are_sent() {
    let queue = Queue::new().await;
    queue
        .sql(
            "INSERT INTO jobs (kind, lane, max_failures, args, due_at, failures, created_at) \
             SELECT kind, 1, 5, '{}', now() + interval '1 hour', 1, now() - age \
             FROM (VALUES ('mail.notification.1', interval '2 hours'), \
                 ('mail.email_confirm.1', '5 minutes'), ('mail.digest.1', '20 hours'), \
                 ('mailing.other.1', '30 hours')) AS mails (kind, age)",
        )
        .await;
    let worker = queue.worker(Kinds::default().with::<Scripted>(0.into()), quick(LEASE));
    let metrics = &queue.app.app.metrics;
    let seen = async || (metrics.chartroom_mail_waiting.get() == 2).then_some(());
    wait::until("two mails", EVENTUALLY, seen).await.unwrap();
    let age = metrics.chartroom_mail_oldest_age_seconds.get();
    assert!((7_200..7_500).contains(&age), "{age}");
    worker.stop().await;
}
