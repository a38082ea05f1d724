//! What a run has: the way to its effect, to saying how far it is, and to hearing that it should
//! stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::claim::Claimed;
use super::hold::{self, Hold};
use super::kind::{JobError, JobResult};
use crate::db::Db;
use crate::db::operation::Operation;
use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::kernel::actor::Actor;

/// Why a run should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody cancelled the job.
    Cancelled,
    /// Another worker has it.
    Lost,
    /// The process ends. The job is given back, and another worker begins it anew.
    Draining,
}

/// Ends a job as the last work of a transaction that is not the context's own, as that of an
/// import. Work that turns out to be another's by then is rolled back.
pub struct Fence {
    hold: Hold,
    is_lost: AtomicBool,
}

impl Fence {
    pub async fn close(&self, tx: &mut Tx<'_>) -> Work<()> {
        if hold::fence(tx, self.hold).await? {
            return Ok(());
        }
        self.is_lost.store(true, Ordering::Relaxed);
        Err(Failure::Query(diesel::result::Error::RollbackTransaction))
    }

    /// Whether the job was another's.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }
}

/// One run of one job.
pub struct Context {
    db: Arc<Db>,
    hold: Hold,
    failures: i32,
    progress: Mutex<Option<Value>>,
    /// Set once the effect has ended the job.
    has_ended: AtomicBool,
    stop: OnceLock<Stop>,
    stopped: CancellationToken,
}

impl Context {
    pub fn new(db: Arc<Db>, claimed: &Claimed) -> Self {
        Self {
            db,
            hold: claimed.hold(),
            failures: claimed.failures,
            progress: Mutex::default(),
            has_ended: AtomicBool::new(false),
            stop: OnceLock::new(),
            stopped: CancellationToken::new(),
        }
    }

    pub fn db(&self) -> &Arc<Db> {
        &self.db
    }

    /// The job and the claim that this run has of it.
    pub fn hold(&self) -> Hold {
        self.hold
    }

    /// How often the job has failed before.
    pub fn failures(&self) -> i32 {
        self.failures
    }

    /// The effect of the job, in one transaction with its end: both happen, once, or neither does.
    /// The job ends first, so that its row is the lock that keeps others out meanwhile. For what
    /// takes at most as long as a statement may.
    pub async fn effect<T, F>(&self, work: F) -> JobResult<T>
    where
        T: Send,
        F: for<'c, 't> AsyncFnOnce(&'c mut Tx<'t>) -> Work<T>
            + for<'c, 't> Operation<&'c mut Tx<'t>, Work<T>, Fut: Send>
            + Send,
    {
        let (hold, actor) = (self.hold, Actor::default());
        let effect = transaction(&self.db, &actor, async |tx: &mut Tx<'_>| {
            if !hold::fence(tx, hold).await? {
                return Ok(None);
            }
            Ok(Some(work(tx).await?))
        });
        self.end(effect.await?)
    }

    /// The same for what takes longer: the job ends last, so that its lease can be renewed while
    /// the work goes on. Work that turns out to be another's by then is rolled back.
    pub async fn long_effect<T, F>(&self, work: F) -> JobResult<T>
    where
        T: Send,
        F: for<'c, 't> AsyncFnOnce(&'c mut Tx<'t>) -> Work<T>
            + for<'c, 't> Operation<&'c mut Tx<'t>, Work<T>, Fut: Send>
            + Send,
    {
        let (fence, actor) = (self.fence(), Actor::default());
        let effect = transaction(&self.db, &actor, async |tx: &mut Tx<'_>| {
            let done = work(&mut *tx).await?;
            fence.close(tx).await?;
            Ok(done)
        });
        let done = effect.await;
        if fence.is_lost() {
            return Err(JobError::Lost);
        }
        self.end(Some(done?))
    }

    /// For a long effect in a transaction of somebody else's. Who has committed it says so by
    /// [`Context::is_committed`].
    pub fn fence(&self) -> Fence {
        Fence {
            hold: self.hold,
            is_lost: AtomicBool::new(false),
        }
    }

    pub fn is_committed(&self) {
        self.has_ended.store(true, Ordering::Release);
    }

    fn end<T>(&self, done: Option<T>) -> JobResult<T> {
        let done = done.ok_or(JobError::Lost)?;
        self.is_committed();
        Ok(done)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// How far the run is, for those who look at the job. Written with the next renewal of the
    /// lease.
    pub fn progress(&self, progress: Value) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    pub(super) fn take_progress(&self) -> Option<Value> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.take()
    }

    /// Why the run should stop, once it should.
    pub fn stop(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    /// Resolves when the run should stop.
    pub async fn stopped(&self) -> Option<Stop> {
        self.stopped.cancelled().await;
        self.stop()
    }

    /// The first reason counts.
    pub(super) fn ask_to_stop(&self, why: Stop) {
        let _ = self.stop.set(why);
        self.stopped.cancel();
    }
}
