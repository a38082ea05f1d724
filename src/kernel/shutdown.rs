//! How the process stops: phases, the tasks it waits for, the deadlines it keeps whatever else
//! hangs.

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// From `Stopped` on the rest of `main` has this long; then the process is ended from outside it.
const EXIT_GRACE: Duration = Duration::from_secs(4);
/// The same after a second signal: gone within a second.
const FORCED_GRACE: Duration = Duration::from_millis(800);
const EXIT_UNFINISHED: i32 = 1;

#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// Unready but still accepting, so that load balancers notice before the listener closes.
    pub drain_delay: Duration,
    /// From the signal on, all phases together.
    pub hard_deadline: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            drain_delay: Duration::from_secs(5),
            hard_deadline: Duration::from_secs(25),
        }
    }
}

/// Only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Running,
    /// Not ready; still accepting; every response says `Connection: close`.
    Draining,
    /// Public listeners and idle connections are closed, what is in flight is finished.
    Closing,
    /// Nothing public is left, or the hard deadline has passed: what remains is dropped.
    Stopped,
    /// A second signal: do not wait for anything.
    Forced,
}

impl Phase {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Draining,
        Self::Closing,
        Self::Stopped,
        Self::Forced,
    ];

    fn rank(self) -> u8 {
        match self {
            Self::Running => 0,
            Self::Draining => 1,
            Self::Closing => 2,
            Self::Stopped => 3,
            Self::Forced => 4,
        }
    }
}

/// A background task that ended while the process still needed it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("background task {task} ended: {reason}")]
pub struct TaskCrashed {
    pub task: &'static str,
    pub reason: String,
}

#[derive(Clone)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

struct Inner {
    rank: AtomicU8,
    /// One for each phase after `Running`. Each fires once, so waiting for one means registering
    /// once: connections do so when they open and then only read `rank`.
    reached: [CancellationToken; 4],
    timings: Timings,
    tracker: TaskTracker,
    crashed: OnceLock<TaskCrashed>,
    owns_process: AtomicBool,
}

impl Shutdown {
    #[must_use]
    pub fn new(timings: Timings) -> Self {
        Self {
            inner: Arc::new(Inner {
                rank: AtomicU8::new(Phase::Running.rank()),
                reached: Default::default(),
                timings,
                tracker: TaskTracker::new(),
                crashed: OnceLock::new(),
                owns_process: AtomicBool::new(false),
            }),
        }
    }

    /// SIGTERM and SIGINT call [`begin`](Self::begin). From then on the process ends in time even
    /// if `main` hangs.
    ///
    /// The signals have a thread of their own: a runtime whose workers are all stuck must still
    /// hear the second one.
    pub fn install_signals(&self) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (mut terminate, mut interrupt) = {
            let _context = runtime.enter();
            (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
            )
        };
        self.inner.owns_process.store(true, Ordering::Relaxed);
        let this = self.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    loop {
                        let name = tokio::select! {
                            Some(()) = terminate.recv() => "SIGTERM",
                            Some(()) = interrupt.recv() => "SIGINT",
                            else => return,
                        };
                        tracing::info!(signal = name, phase = ?this.phase(), "shutdown.signal");
                        this.begin();
                    }
                });
            })?;
        Ok(())
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        let rank = self.inner.rank.load(Ordering::Acquire);
        Phase::ALL
            .get(usize::from(rank))
            .copied()
            .unwrap_or(Phase::Forced)
    }

    /// One relaxed load: cheap enough for every response.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.inner.rank.load(Ordering::Relaxed) != 0
    }

    /// Resolves once `phase` or a later one is reached.
    pub fn wait_for(&self, phase: Phase) -> impl Future<Output = ()> + Send + 'static + use<> {
        let place = usize::from(phase.rank()).checked_sub(1);
        let token = place.and_then(|place| self.inner.reached.get(place));
        let reached = token.cloned().map(CancellationToken::cancelled_owned);
        async move {
            if let Some(reached) = reached {
                reached.await;
            }
        }
    }

    /// Starts the shutdown; called again, forces it.
    pub fn begin(&self) {
        if !self.start() {
            self.advance(Phase::Forced);
        }
    }

    /// `Closing` lasts until everything tracked here has ended.
    #[must_use]
    pub fn tracker(&self) -> &TaskTracker {
        &self.inner.tracker
    }

    /// Spawns a task the process cannot do without. It should end by itself soon after `Closing`
    /// ([`wait_for`](Self::wait_for)) and is dropped at `Stopped`; an error, a panic or an early
    /// end stops the process, and [`outcome`](Self::outcome) says why.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let this = self.clone();
        let stopped = self.wait_for(Phase::Stopped);
        self.inner.tracker.spawn(async move {
            let ended = tokio::select! {
                ended = AssertUnwindSafe(task).catch_unwind() => ended,
                () = stopped => return,
            };
            let reason = match ended {
                Ok(Ok(())) if this.draining() => return,
                Ok(Ok(())) => "it returned while the process was running".to_owned(),
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => panic_text(panic.as_ref()),
            };
            this.crash(TaskCrashed { task: name, reason });
        });
    }

    /// Ends the process in good order with an error: the first one reported is the outcome.
    pub fn crash(&self, crashed: TaskCrashed) {
        tracing::error!(task = crashed.task, reason = %crashed.reason, "shutdown.task_crashed");
        let _ = self.inner.crashed.set(crashed);
        self.start();
    }

    /// What `main` returns: a crashed task is a non-zero exit code.
    pub fn outcome(&self) -> Result<(), TaskCrashed> {
        self.inner.crashed.get().cloned().map_or(Ok(()), Err)
    }

    fn start(&self) -> bool {
        if !self.advance(Phase::Draining) {
            return false;
        }
        // A thread, not a task: the deadlines must hold when no worker is free, or no runtime is
        // entered.
        let this = self.clone();
        let began = Instant::now();
        let spawned = thread::Builder::new()
            .name("shutdown".to_owned())
            .spawn(move || this.run(began));
        if spawned.is_err() {
            self.advance(Phase::Stopped);
        }
        true
    }

    fn run(&self, began: Instant) {
        // Time only: it takes no file descriptor, which a process being shut down may have run out
        // of.
        match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(async {
                self.sequence(began).await;
                self.end_process().await;
            }),
            Err(_) => {
                self.advance(Phase::Stopped);
            }
        }
    }

    async fn sequence(&self, began: Instant) {
        let Timings {
            drain_delay,
            hard_deadline,
        } = self.inner.timings;
        let forced = self.wait_for(Phase::Forced);
        tokio::pin!(forced);
        let drained = sleep_until(began + drain_delay.min(hard_deadline));
        tokio::select! {
            () = drained => {}
            () = &mut forced => return,
        }
        self.advance(Phase::Closing);
        self.inner.tracker.close();
        tokio::select! {
            () = self.inner.tracker.wait() => {}
            () = sleep_until(began + hard_deadline) => {
                tracing::warn!(tasks = self.inner.tracker.len(), "shutdown.deadline_passed");
            }
            () = &mut forced => return,
        }
        self.advance(Phase::Stopped);
    }

    async fn end_process(&self) {
        if !self.inner.owns_process.load(Ordering::Relaxed) {
            return;
        }
        // Elapsed or forced, the next step is the same.
        let _ = timeout(EXIT_GRACE, self.wait_for(Phase::Forced)).await;
        if self.phase() == Phase::Forced {
            sleep(FORCED_GRACE).await;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the last resort, when main has not returned in its time"
        )]
        process::exit(EXIT_UNFINISHED);
    }

    fn advance(&self, next: Phase) -> bool {
        let before = self.inner.rank.fetch_max(next.rank(), Ordering::AcqRel);
        for reached in self.inner.reached.iter().take(usize::from(next.rank())) {
            reached.cancel();
        }
        before < next.rank()
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}
