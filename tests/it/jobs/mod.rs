//! The queue: what its statements do, what its runners do, and what neither lets happen.

mod api;
mod claims;
mod fence;
mod histories;
mod periods;
mod plans;
mod runners;
mod wake;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use chartroom::db::transaction::Tx;
use chartroom::jobs::claim::{Claimed, Round, Wanted, claim};
use chartroom::jobs::context::Context;
use chartroom::jobs::enqueue::{NewJob, enqueue};
use chartroom::jobs::hold::Hold;
use chartroom::jobs::kind::{Ended, Job, JobError, JobResult, Kinds, Lane};
use chartroom::jobs::runner::{Runner, Timing};
use chartroom::kernel::shutdown::{Shutdown, Timings};
use diesel::sql_types::BigInt;
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::wait;

/// Long enough for anything that comes at all.
const EVENTUALLY: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(30);

/// A database with a queue, and a table that tells what jobs did.
struct Queue {
    app: TestApp,
    session: tokio_postgres::Client,
}

impl Queue {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let session = app.database.session().await;
        // No key: what is done twice is there twice.
        let effects = "CREATE TABLE effects (n bigint NOT NULL, worker text NOT NULL)";
        session.batch_execute(effects).await.unwrap();
        Self { app, session }
    }

    /// A session of the role that the service runs as.
    async fn connection(&self) -> AsyncPgConnection {
        let client = self.app.database.runtime_session().await;
        AsyncPgConnection::try_from(client).await.unwrap()
    }

    async fn enqueue(&self, job: NewJob<'_>) -> Option<i64> {
        enqueue(&mut self.connection().await, job).await.unwrap()
    }

    async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    /// A number that a query gives.
    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn text(&self, query: &str) -> String {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Waits until the query gives the number.
    async fn until(&self, query: &str, expected: i64) {
        let is_so = async || (self.number(query).await == expected).then_some(());
        let waited = wait::until(query, EVENTUALLY, is_so).await;
        if let Err(error) = waited {
            panic!(
                "{error}: {} instead of {expected}",
                self.number(query).await
            );
        }
    }

    fn worker(&self, kinds: Kinds, timing: Timing) -> Worker {
        Worker::start(&self.app, kinds, timing)
    }

    /// As if the leases of all jobs had run out.
    async fn expire(&self) {
        let expire = "UPDATE jobs SET lease_until = now() - interval '1 second' \
                      WHERE lease_until IS NOT NULL";
        self.sql(expire).await;
    }
}

/// A runner, as a process has one. It stops when it is dropped, and drains when it is stopped.
struct Worker {
    shutdown: Shutdown,
    task: AbortOnDropHandle<()>,
    wake: Arc<Notify>,
}

impl Worker {
    fn start(app: &TestApp, kinds: Kinds, timing: Timing) -> Self {
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: Duration::from_secs(60),
        });
        let wake = Arc::new(Notify::new());
        let (db, metrics) = (app.app.db.clone(), app.app.metrics.clone());
        let runner = Runner::new(db, Arc::new(kinds), metrics, wake.clone(), timing);
        let stopping = shutdown.clone();
        // Tracked, as a process's is: `Closing` waits for it.
        let task = shutdown
            .tracker()
            .spawn(async move { runner.run(&stopping).await });
        Self {
            shutdown,
            task: AbortOnDropHandle::new(task),
            wake,
        }
    }

    async fn stop(self) {
        self.shutdown.begin();
        tokio::time::timeout(EVENTUALLY, self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

/// Looks often, so that a test waits for nothing but its jobs.
fn quick(lease: Duration) -> Timing {
    Timing {
        lease,
        poll: Duration::from_millis(20),
        at_once: 8,
    }
}

macro_rules! noting {
    ($n:expr, $worker:expr) => {
        async |tx: &mut Tx<'_>| {
            use diesel_async::RunQueryDsl as _;
            diesel::sql_query("INSERT INTO effects (n, worker) VALUES ($1, $2)")
                .bind::<BigInt, _>($n)
                .bind::<diesel::sql_types::Text, _>($worker)
                .execute(tx.connection())
                .await?;
            Ok(())
        }
    };
}

use noting;

/// Writes its number down, with the end of the job.
#[derive(Serialize, Deserialize)]
struct Note {
    n: i64,
}

impl Job for Note {
    const KIND: &'static str = "test.note.1";
    const LANE: Lane = Lane::Normal;
    const MAX_FAILURES: i32 = 2;
    type Tools = &'static str;

    async fn run(&self, context: &Context, worker: &&'static str) -> JobResult<Ended> {
        let (n, worker) = (self.n, *worker);
        context.effect(noting!(n, worker)).await?;
        Ok(Ended::Done)
    }

    fn pause(_: i32) -> Duration {
        Duration::ZERO
    }
}

/// Tells that it runs, waits until it may go on, and does what [`Note`] does.
#[derive(Serialize, Deserialize)]
struct Gated {
    n: i64,
}

struct Gate {
    worker: &'static str,
    running: Semaphore,
    may_go_on: Semaphore,
}

impl Gate {
    fn new(worker: &'static str) -> Arc<Self> {
        Arc::new(Self {
            worker,
            running: Semaphore::new(0),
            may_go_on: Semaphore::new(0),
        })
    }

    /// Waits until so many jobs have begun since the last time.
    async fn begun(&self, jobs: u32) {
        let begun = tokio::time::timeout(EVENTUALLY, self.running.acquire_many(jobs));
        begun.await.unwrap().unwrap().forget();
    }

    fn open(&self, jobs: usize) {
        self.may_go_on.add_permits(jobs);
    }
}

impl Job for Gated {
    const KIND: &'static str = "test.gated.1";
    const LANE: Lane = Lane::Normal;
    type Tools = Arc<Gate>;

    async fn run(&self, context: &Context, gate: &Arc<Gate>) -> JobResult<Ended> {
        gate.running.add_permits(1);
        gate.may_go_on.acquire().await?.forget();
        let (n, worker) = (self.n, gate.worker);
        context.effect(noting!(n, worker)).await?;
        Ok(Ended::Done)
    }
}

const KINDS: &[&str] = &[Note::KIND, Gated::KIND];

/// One claim of the normal lane, as a worker of its own that knows the kinds of these tests.
async fn claimed(connection: &mut AsyncPgConnection, room: i32) -> Vec<Claimed> {
    let wanted = [Wanted {
        lane: Lane::Normal.number(),
        floor: None,
        room,
        share: room,
    }];
    let round = Round {
        worker: Uuid::now_v7(),
        finished: &[],
        lease: LEASE.as_secs_f64(),
        wanted: &wanted,
        owners: &[],
        kinds: KINDS,
        whole: true,
    };
    claim(connection, &round).await.unwrap().jobs
}

/// A round that takes nothing; says which of the jobs were not the worker's any more.
async fn finish(connection: &mut AsyncPgConnection, finished: &[Hold]) -> Vec<Hold> {
    let round = Round {
        worker: Uuid::now_v7(),
        finished,
        lease: LEASE.as_secs_f64(),
        wanted: &[],
        owners: &[],
        kinds: KINDS,
        whole: false,
    };
    let taken = claim(connection, &round).await.unwrap();
    assert!(taken.jobs.is_empty());
    taken.lost
}
