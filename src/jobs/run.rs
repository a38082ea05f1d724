//! One run of one job, from its claim to what became of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use futures_util::FutureExt as _;

use super::claim::Claimed;
use super::context::{Context, Stop};
use super::hold::{self, Hold};
use super::kind::{Ended, JobError, JobResult, Kinds};
use crate::db::{Db, DbError};
use crate::kernel::chance::jittered;

/// A job may be lost this much more often than it may fail before it counts as what kills its
/// workers.
pub(super) const MORE_LOST: i32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Snoozed,
    Failed,
    Dead,
    Cancelled,
    /// Another worker has the job; nothing of this run counts.
    Lost,
}

impl Outcome {
    pub(super) const ALL: [Self; 6] = [
        Self::Done,
        Self::Snoozed,
        Self::Failed,
        Self::Dead,
        Self::Cancelled,
        Self::Lost,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Snoozed => "snoozed",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}

/// What became of a run.
pub(super) struct Report {
    pub claimed: Claimed,
    pub outcome: Outcome,
    /// Whether the row is still to be removed, with others: `outcome` holds where it was there.
    pub is_to_finish: bool,
    pub took: Duration,
    pub error: Option<String>,
}

impl Report {
    pub(super) fn hold(&self) -> Hold {
        self.claimed.hold()
    }
}

pub(super) async fn run(
    db: Arc<Db>,
    kinds: Arc<Kinds>,
    claimed: Claimed,
    context: Arc<Context>,
) -> Report {
    let begun = Instant::now();
    let (outcome, is_to_finish, error) = if claimed.cancel {
        (Outcome::Cancelled, true, None)
    } else if claimed.lost > claimed.max_failures.saturating_add(MORE_LOST) {
        let reason = "its workers were lost too often: it may be what ends them";
        let buried = bury(&db, claimed.hold(), None, reason).await;
        let outcome = if buried { Outcome::Dead } else { Outcome::Lost };
        (outcome, false, Some(reason.to_owned()))
    } else {
        let ended = attempt(&kinds, &claimed, &context).await;
        settle(&db, &kinds, &claimed, &context, ended).await
    };
    Report {
        claimed,
        outcome,
        is_to_finish,
        took: begun.elapsed(),
        error,
    }
}

/// A panic is a failure like any other.
async fn attempt(kinds: &Kinds, claimed: &Claimed, context: &Arc<Context>) -> JobResult<Ended> {
    let Some(kind) = kinds.get(&claimed.kind) else {
        return Err(anyhow::anyhow!("the kind is not known here").into());
    };
    let run = || (kind.run)(claimed.args.clone(), context.clone());
    let run = async { run().await };
    match AssertUnwindSafe(run).catch_unwind().await {
        Ok(ended) => ended,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&'static str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            Err(anyhow::anyhow!("panic: {}", text.unwrap_or("no message")).into())
        }
    }
}

/// Outcome, whether the row is still to be removed, and what went wrong.
async fn settle(
    db: &Db,
    kinds: &Kinds,
    claimed: &Claimed,
    context: &Context,
    ended: JobResult<Ended>,
) -> (Outcome, bool, Option<String>) {
    let hold = claimed.hold();
    let is_cancelled = context.stop() == Some(Stop::Cancelled);
    match ended {
        Ok(_) if context.has_ended() => (Outcome::Done, false, None),
        // What went wrong after the effect does not undo it.
        Err(JobError::Failed(error) | JobError::Hopeless(error)) if context.has_ended() => {
            (Outcome::Done, false, Some(format!("{error:#}")))
        }
        Ok(Ended::Done) => (Outcome::Done, true, None),
        Ok(Ended::Snooze(_)) | Err(JobError::Failed(_) | JobError::Hopeless(_)) if is_cancelled => {
            (Outcome::Cancelled, true, None)
        }
        Ok(Ended::Snooze(pause)) => {
            let snoozed = settled(db, async |connection| {
                hold::snooze(connection, hold, pause).await
            });
            (kept(snoozed.await, Outcome::Snoozed), false, None)
        }
        // Where it was cancelled, the row is there and goes; where it is another's, it stays.
        Err(JobError::Lost) => (Outcome::Cancelled, true, None),
        Err(JobError::Hopeless(error)) => {
            let error = format!("{error:#}");
            let buried = bury(db, hold, Some(&error), "another try would fail as well").await;
            (kept(buried, Outcome::Dead), false, Some(error))
        }
        Err(JobError::Failed(error)) => {
            let error = format!("{error:#}");
            let failures = claimed.failures.saturating_add(1);
            let outcome = if failures > claimed.max_failures {
                let buried = bury(db, hold, Some(&error), "it failed too often").await;
                kept(buried, Outcome::Dead)
            } else {
                let pause = kinds.get(&claimed.kind).map(|kind| (kind.pause)(failures));
                let pause = jittered(pause.unwrap_or_default());
                let failed = settled(db, async |connection| {
                    hold::fail(connection, hold, pause, &error).await
                });
                kept(failed.await, Outcome::Failed)
            };
            (outcome, false, Some(error))
        }
    }
}

fn kept(is_kept: bool, outcome: Outcome) -> Outcome {
    if is_kept { outcome } else { Outcome::Lost }
}

async fn bury(db: &Db, hold: Hold, error: Option<&str>, reason: &str) -> bool {
    let bury = async |connection: &mut AsyncPgConnection| {
        hold::bury(connection, hold, error, reason).await
    };
    settled(db, bury).await
}

/// Whether a statement found the job to be this run's. Where the database does not answer, the
/// lease runs out and the job comes again.
async fn settled<F>(db: &Db, statement: F) -> bool
where
    F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> diesel::QueryResult<bool>
        + for<'c> crate::db::operation::Operation<
            &'c mut AsyncPgConnection,
            diesel::QueryResult<bool>,
            Fut: Send,
        > + Send,
{
    let settled: Result<bool, DbError> = db.write(statement).await;
    settled.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "the end of a job is not recorded: its lease runs out");
        false
    })
}
