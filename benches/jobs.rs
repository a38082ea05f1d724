//! The queue drained and timed, for `benches/jobs`, which runs it beside other queues.
//!
//! `jobs drain JOBS WORKERS AT_ONCE` makes so many jobs that do nothing, and says how many a second
//! the workers do; `jobs latency JOBS` makes one each 20 ms, and says how long each waited. The
//! database is `CHARTROOM_DATABASE_URL`, which is migrated. A worker is what a process has: a
//! runner with its own connections, metrics, and a line in the log for each job.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot go on stops"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chartroom::config::Config;
use chartroom::config::endpoint::Endpoint;
use chartroom::db::Db;
use chartroom::db::pool::PoolSettings;
use chartroom::db::transaction::{Tx, transaction};
use chartroom::jobs::context::Context;
use chartroom::jobs::enqueue::{Enqueued, NewJob, enqueue};
use chartroom::jobs::kind::{Ended, Job, JobResult, Kinds, Lane};
use chartroom::jobs::runner::{Runner, Timing};
use chartroom::kernel::actor::Actor;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::telemetry::metrics::Metrics;
use clap::{Args as _, Command, FromArgMatches as _};
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const LEASE: Duration = Duration::from_secs(30);
const EVERY: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_millis(2);

#[derive(Default)]
struct Seen {
    done: AtomicUsize,
    /// From when it was made until it began, in milliseconds.
    waited: Mutex<Vec<f64>>,
}

#[derive(Serialize, Deserialize)]
struct Nothing {
    /// In nanoseconds since 1970; 0 where nobody asks.
    made_at: u64,
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

impl Job for Nothing {
    const KIND: &'static str = "bench.nothing.1";
    const LANE: Lane = Lane::Normal;
    type Tools = Arc<Seen>;

    async fn run(&self, _: &Context, seen: &Arc<Seen>) -> JobResult<Ended> {
        if self.made_at > 0 {
            let waited = Duration::from_nanos(now().saturating_sub(self.made_at));
            let mut all = seen.waited.lock().unwrap();
            all.push(waited.as_secs_f64() * 1e3);
        }
        seen.done.fetch_add(1, Ordering::Relaxed);
        Ok(Ended::Done)
    }
}

struct Worker {
    db: Arc<Db>,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Worker {
    fn start(endpoint: &Endpoint, seen: &Arc<Seen>, at_once: usize) -> Self {
        let metrics = Arc::new(Metrics::new().unwrap());
        let db = Arc::new(connected(endpoint, &metrics));
        let wake = Arc::<Notify>::default();
        let told = wake.clone();
        db.listeners().on_commit(move |Enqueued| told.notify_one());
        let kinds = Arc::new(Kinds::default().with::<Nothing>(seen.clone()));
        let timing = Timing::new(LEASE, at_once);
        let runner = Runner::new(db.clone(), kinds, metrics, wake, timing);
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: LEASE,
        });
        let stopping = shutdown.clone();
        let task = shutdown
            .tracker()
            .spawn(async move { runner.run(&stopping).await });
        Self { db, shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.task.await.unwrap();
    }
}

fn connected(endpoint: &Endpoint, metrics: &Arc<Metrics>) -> Db {
    let settings = PoolSettings {
        connections: 10,
        queue: 10,
        wait: LEASE,
        connect_timeout: LEASE,
        max_age: LEASE * 100,
    };
    Db::new(endpoint.clone(), None, settings, LEASE, metrics.clone()).unwrap()
}

async fn sql(db: &Db, statement: String) {
    let run = async |connection: &mut AsyncPgConnection| {
        diesel_async::SimpleAsyncConnection::batch_execute(connection, &statement).await
    };
    db.write(run).await.unwrap();
}

#[derive(diesel::QueryableByName)]
struct Position {
    #[diesel(sql_type = diesel::sql_types::Text)]
    lsn: String,
}

/// Where the server's log ends.
async fn position(db: &Db) -> String {
    let ask = async |connection: &mut AsyncPgConnection| {
        let position = diesel::sql_query("SELECT pg_current_wal_insert_lsn()::text AS lsn");
        diesel_async::RunQueryDsl::get_result::<Position>(position, connection).await
    };
    db.write(ask).await.unwrap().lsn
}

async fn drain(endpoint: &Endpoint, jobs: usize, workers: usize, at_once: usize) {
    let seen = Arc::<Seen>::default();
    let db = connected(endpoint, &Arc::new(Metrics::new().unwrap()));
    let kind = Nothing::KIND;
    let fill = format!(
        "TRUNCATE jobs; INSERT INTO jobs (kind, lane, max_failures, args) \
         SELECT '{kind}', 1, 10, '{{\"made_at\": 0}}' FROM generate_series(1, {jobs}); \
         ANALYZE jobs"
    );
    sql(&db, fill).await;
    let from = position(&db).await;
    let begun = Instant::now();
    let workers: Vec<Worker> = (0..workers)
        .map(|_| Worker::start(endpoint, &seen, at_once))
        .collect();
    while seen.done.load(Ordering::Relaxed) < jobs {
        tokio::time::sleep(LOOK).await;
    }
    // Done is what is also gone.
    for worker in workers {
        worker.stop().await;
    }
    let took = begun.elapsed().as_secs_f64();
    let (ran, to) = (seen.done.load(Ordering::Relaxed), position(&db).await);
    println!(
        "{}",
        serde_json::json!({ "ran": ran, "seconds": took, "from": from, "to": to })
    );
}

async fn latency(endpoint: &Endpoint, jobs: usize) {
    let seen = Arc::<Seen>::default();
    let worker = Worker::start(endpoint, &seen, 8);
    sql(&worker.db, "TRUNCATE jobs".to_owned()).await;
    let actor = Actor::default();
    let mut ticks = tokio::time::interval(EVERY);
    for _ in 0..jobs {
        ticks.tick().await;
        let job = Nothing { made_at: now() };
        let make = async |tx: &mut Tx<'_>| {
            enqueue(tx, NewJob::of(&job)).await?;
            tx.after_commit(Enqueued);
            Ok(())
        };
        transaction(&worker.db, &actor, make).await.unwrap();
    }
    while seen.done.load(Ordering::Relaxed) < jobs {
        tokio::time::sleep(LOOK).await;
    }
    worker.stop().await;
    let mut waited = std::mem::take(&mut *seen.waited.lock().unwrap());
    waited.sort_by(f64::total_cmp);
    let at = |share: usize| waited[waited.len() * share / 100];
    println!("{}", serde_json::json!({ "p50": at(50), "p99": at(99) }));
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let matches = Config::augment_args(Command::new("bench"))
        .try_get_matches_from(["bench", "--log", "info", "--log-format", "json"])
        .unwrap();
    let config = Config::from_arg_matches(&matches).unwrap();
    let telemetry = chartroom::telemetry::install(&config.telemetry).unwrap();
    let endpoint = Endpoint::from_settings(&config.database.endpoint()).unwrap();
    let number = |word: &str| -> usize { word.parse().unwrap() };
    match words.as_slice() {
        ["drain", jobs, workers, at_once] => {
            drain(&endpoint, number(jobs), number(workers), number(at_once)).await;
        }
        ["latency", jobs] => latency(&endpoint, number(jobs)).await,
        // What `cargo bench` itself says.
        _ => println!("benches/jobs runs this beside other queues"),
    }
    telemetry.finish();
}
