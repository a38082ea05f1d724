//! A worker that was frozen past its lease has no say: neither a finish nor an effect nor a
//! heartbeat of its counts.

use chartroom::jobs::hold::{Beat, Hold, Pulse, beat, bury, fail, fence, give_back, snooze};

use super::*;

/// A job that was claimed twice, because the first lease had run out: the claims of both.
async fn taken_over(queue: &Queue) -> (AsyncPgConnection, Hold, Hold) {
    let mut connection = queue.connection().await;
    queue.enqueue(NewJob::of(&Note { n: 1 })).await.unwrap();
    let zombie = claimed(&mut connection, 8).await.remove(0).hold();
    assert!(claimed(&mut connection, 8).await.is_empty());
    queue.expire().await;
    let holder = claimed(&mut connection, 8).await.remove(0).hold();
    assert_eq!((zombie.id, zombie.claims + 1), (holder.id, holder.claims));
    (connection, zombie, holder)
}

const ROW: &str = "SELECT jobs::text FROM jobs";

#[tokio::test]
async fn nothing_that_a_zombie_says_counts() {
    let queue = Queue::new().await;
    let (mut connection, zombie, holder) = taken_over(&queue).await;
    let before = queue.text(ROW).await;
    assert_eq!(finish(&mut connection, &[zombie]).await, [zombie]);
    assert!(!fence(&mut connection, zombie).await.unwrap());
    let pause = Duration::ZERO;
    assert!(!fail(&mut connection, zombie, pause, "no").await.unwrap());
    assert!(!snooze(&mut connection, zombie, pause).await.unwrap());
    assert!(!bury(&mut connection, zombie, None, "no").await.unwrap());
    assert_eq!(give_back(&mut connection, &[zombie]).await.unwrap(), 0);
    let beats = [Beat {
        hold: zombie,
        progress: Some(serde_json::json!("no")),
    }];
    let heard = beat(&mut connection, &beats, LEASE * 100).await.unwrap();
    assert_eq!(heard[&zombie.id], Pulse::Lost);
    assert_eq!(queue.text(ROW).await, before);
    // Who has it is believed in all of this.
    let beats = [Beat {
        hold: holder,
        progress: Some(serde_json::json!({ "done": 7 })),
    }];
    let heard = beat(&mut connection, &beats, LEASE).await.unwrap();
    assert_eq!(heard[&holder.id], Pulse::GoesOn);
    let progress = "SELECT progress::text FROM jobs";
    assert_eq!(queue.text(progress).await, r#"{"done": 7}"#);
    assert_eq!(finish(&mut connection, &[zombie, holder]).await, [zombie]);
    assert_eq!(queue.number("SELECT count(*) FROM jobs").await, 0);
}

/// The control: a guard by the job's id and state, as other queues have it, lets the zombie end
/// what the next worker is doing.
#[tokio::test]
async fn a_guard_by_id_lets_the_zombie_through() {
    let queue = Queue::new().await;
    let (_, zombie, _) = taken_over(&queue).await;
    let by_id = "DELETE FROM jobs WHERE id = $1 AND lease_until IS NOT NULL";
    let gone = queue.session.execute(by_id, &[&zombie.id]).await.unwrap();
    assert_eq!(gone, 1);
}

/// What fails after the end of the job, in the effect's transaction, takes the end back.
#[tokio::test]
async fn an_effect_and_the_end_of_its_job_are_one() {
    let queue = Queue::new().await;
    queue.sql("CREATE UNIQUE INDEX once ON effects (n)").await;
    queue.sql("INSERT INTO effects VALUES (1, 'before')").await;
    for n in [1, 2] {
        queue.enqueue(NewJob::of(&Note { n })).await.unwrap();
    }
    let worker = queue.worker(Kinds::default().with::<Note>("w"), quick(LEASE));
    queue.until("SELECT count(*) FROM dead_jobs", 1).await;
    queue.until("SELECT count(*) FROM jobs", 0).await;
    worker.stop().await;
    let all = "SELECT string_agg(n || ' ' || worker, ', ' ORDER BY n) FROM effects";
    assert_eq!(queue.text(all).await, "1 before, 2 w");
    let dead = "SELECT format('%s %s %s %s', args, claims, failures, reason) FROM dead_jobs";
    assert_eq!(
        queue.text(dead).await,
        r#"{"n": 1} 3 3 it failed too often"#
    );
    let error = queue.text("SELECT last_error FROM dead_jobs").await;
    assert!(error.contains("unique"), "{error}");
}

/// A process that stands still: its runner has a thread of its own, which a job blocks.
struct Still {
    go_on: std::sync::mpsc::Sender<()>,
    begun: std::sync::mpsc::Receiver<()>,
    thread: Option<std::thread::JoinHandle<()>>,
    shutdown: Shutdown,
}

#[derive(Serialize, Deserialize)]
struct Freezing {
    n: i64,
    is_long: bool,
}

/// Tells that the job stands still, and until when.
type Ice = std::sync::Mutex<(std::sync::mpsc::Sender<()>, std::sync::mpsc::Receiver<()>)>;

enum Holder {
    /// Whose process stands still.
    Zombie(Ice),
    /// Who has the job afterwards.
    Next(Arc<Gate>),
}

impl Job for Freezing {
    const KIND: &'static str = "test.freezing.1";
    const LANE: Lane = Lane::Normal;
    type Tools = Holder;

    async fn run(&self, context: &Context, holder: &Holder) -> JobResult<Ended> {
        let worker = match holder {
            Holder::Zombie(ice) => {
                let ice = ice.lock().unwrap();
                ice.0.send(()).unwrap();
                // Not one task of this runtime goes on, its heartbeats no more than this.
                ice.1.recv().unwrap();
                "zombie"
            }
            Holder::Next(gate) => {
                gate.running.add_permits(1);
                gate.may_go_on.acquire().await?.forget();
                gate.worker
            }
        };
        let n = self.n;
        let ended = if self.is_long {
            context.long_effect(noting!(n, worker)).await
        } else {
            context.effect(noting!(n, worker)).await
        };
        if matches!(holder, Holder::Zombie(_)) {
            assert!(matches!(ended, Err(JobError::Lost)), "{ended:?}");
        }
        ended?;
        Ok(Ended::Done)
    }
}

impl Still {
    fn start(queue: &Queue, lease: Duration) -> Self {
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        let ice = std::sync::Mutex::new((begun, may_go_on));
        let kinds = Kinds::default().with::<Freezing>(Holder::Zombie(ice));
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: EVENTUALLY,
        });
        let (stopping, database) = (shutdown.clone(), queue.app.database.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let app = TestApp::on(
                    database.clone(),
                    database.runtime(),
                    &[],
                    Default::default(),
                );
                let (db, metrics) = (app.app.db.clone(), app.app.metrics.clone());
                let runner = Runner::new(
                    db,
                    Arc::new(kinds),
                    metrics.clone(),
                    Arc::default(),
                    quick(lease),
                );
                runner.run(&stopping).await;
                let lost = metrics
                    .job_runs_total
                    .with_label_values(&[Freezing::KIND, "lost"]);
                assert_eq!((lost.get(), metrics.job_leases_lost_total.get()), (1, 1));
            });
        });
        Self {
            go_on,
            begun: has_begun,
            thread: Some(thread),
            shutdown,
        }
    }

    /// Waits until the job stands still.
    async fn begun(self) -> Self {
        tokio::task::spawn_blocking(move || {
            self.begun.recv_timeout(EVENTUALLY).unwrap();
            self
        })
        .await
        .unwrap()
    }

    /// Goes on, and ends.
    async fn thaw(mut self) {
        self.go_on.send(()).unwrap();
        self.shutdown.begin();
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join().unwrap())
            .await
            .unwrap();
    }
}

/// Frozen past its lease, a worker wakes up while the next one is at work on the job, or later.
#[tokio::test]
async fn a_frozen_worker_does_nothing_twice() {
    let lease = Duration::from_millis(300);
    for (is_long, wakes_late) in [(false, false), (false, true), (true, false), (true, true)] {
        let queue = Queue::new().await;
        let job = Freezing { n: 1, is_long };
        queue.enqueue(NewJob::of(&job)).await.unwrap();
        let still = Still::start(&queue, lease).begun().await;
        // The next worker gets it by itself, once the lease has run out.
        let gate = Gate::new("next");
        let kinds = Kinds::default().with::<Freezing>(Holder::Next(gate.clone()));
        let worker = queue.worker(kinds, quick(lease));
        gate.begun(1).await;
        if wakes_late {
            gate.open(1);
            queue.until("SELECT count(*) FROM jobs", 0).await;
            still.thaw().await;
        } else {
            still.thaw().await;
            assert_eq!(queue.number("SELECT count(*) FROM effects").await, 0);
            gate.open(1);
            queue.until("SELECT count(*) FROM jobs", 0).await;
        }
        worker.stop().await;
        let all = "SELECT string_agg(n || ' ' || worker, ', ') FROM effects";
        assert_eq!(queue.text(all).await, "1 next");
    }
}
