//! What comes every so often comes once, however many replicas notice.

use chartroom::jobs::kind::Schedule;
use chartroom::jobs::periods::tick;
use chrono::{DateTime, Utc};

use super::*;
use crate::support::app::config;

const TICKS: i64 = 50;

fn schedule(keeps_all: bool) -> [Schedule; 1] {
    [Schedule {
        kind: "test.tick.1",
        lane: Lane::Normal,
        max_failures: 3,
        every: 60,
        keeps_all,
    }]
}

#[derive(Serialize, Deserialize)]
struct Tick {}

impl Job for Tick {
    const KIND: &'static str = "test.tick.1";
    const LANE: Lane = Lane::Normal;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        let n = context.hold().id;
        context.effect(noting!(n, "")).await?;
        Ok(Ended::Done)
    }
}

/// Somewhere within the n-th minute of a day, another moment for each replica.
fn moment(n: i64, replica: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + n * 60 + replica * 19, 0).unwrap()
}

#[tokio::test]
async fn three_runners_and_fifty_ticks_make_fifty_runs() {
    let queue = Queue::new().await;
    let kinds = || Kinds::default().with::<Tick>(());
    let workers: Vec<_> = (0..3)
        .map(|_| queue.worker(kinds(), quick(LEASE)))
        .collect();
    let mut replicas = tokio::task::JoinSet::new();
    for replica in 0..3 {
        let mut connection = queue.connection().await;
        replicas.spawn(async move {
            let mut begun = 0;
            for n in 0..TICKS {
                let at = Some(moment(n, replica));
                begun += tick(&mut connection, &schedule(true), at).await.unwrap();
            }
            begun
        });
    }
    let begun: usize = replicas.join_all().await.into_iter().sum();
    assert_eq!(begun, 50);
    queue.until("SELECT count(*) FROM jobs", 0).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(queue.number("SELECT count(*) FROM effects").await, TICKS);
    assert_eq!(queue.number("SELECT count(*) FROM periods").await, TICKS);
}

#[tokio::test]
async fn a_tick_whose_predecessor_waits_is_left_out_unless_all_are_kept() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    for (keeps_all, expected) in [(false, 1), (true, 3)] {
        queue.sql("TRUNCATE jobs, periods").await;
        for n in 0..3 {
            let at = Some(moment(n, 0));
            tick(&mut connection, &schedule(keeps_all), at)
                .await
                .unwrap();
        }
        assert_eq!(queue.number("SELECT count(*) FROM jobs").await, expected);
    }
}

/// The time is the database's, cut to the period.
#[tokio::test]
async fn a_period_begins_at_a_whole_multiple() {
    let queue = Queue::new().await;
    let mut connection = queue.connection().await;
    assert_eq!(
        tick(&mut connection, &schedule(false), None).await.unwrap(),
        1
    );
    let whole = "SELECT count(*) FROM periods WHERE extract(epoch FROM starts_at) % 60 = 0 \
                 AND starts_at <= now() AND starts_at > now() - interval '2 minutes'";
    assert_eq!(queue.number(whole).await, 1);
}

/// Each of the service's own sweeps is a job, and removes what it should.
#[tokio::test]
async fn the_sweeps_are_jobs() {
    let queue = Queue::new().await;
    queue
        .sql(
            "INSERT INTO attempt_buckets (key, tokens, counted_at, forget_at) \
             VALUES ('\\x00', 1, now() - interval '3 hours', now() - interval '2 hours'); \
             INSERT INTO periods VALUES ('old', now() - interval '36 days'), ('new', now() - \
             interval '34 days')",
        )
        .await;
    let metrics = chartroom::telemetry::metrics::Metrics::new().unwrap();
    let kinds = chartroom::app::features::kinds(&config(&[]), &metrics.into());
    // Reminders, profiles and files of versions, and checks and scores of models come because
    // somebody asks for them.
    assert_eq!(kinds.schedules().len() + 5, kinds.names().len());
    let worker = queue.worker(kinds, quick(LEASE));
    queue.until("SELECT count(*) FROM attempt_buckets", 0).await;
    let old = "SELECT count(*) FROM periods WHERE name = 'old'";
    queue.until(old, 0).await;
    worker.stop().await;
    assert_eq!(
        queue
            .number("SELECT count(*) FROM periods WHERE name = 'new'")
            .await,
        1
    );
    assert_eq!(queue.number("SELECT count(*) FROM dead_jobs").await, 0);
}
