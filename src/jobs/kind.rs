//! What a kind of job is, and the table of all kinds that this process knows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::Context;
use crate::kernel::error::ApiError;

/// A queue of its own: what waits in one keeps nothing in another from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Urgent,
    Normal,
    Bulk,
    /// For what takes minutes.
    Long,
}

impl Lane {
    pub const ALL: [Self; 4] = [Self::Urgent, Self::Normal, Self::Bulk, Self::Long];

    /// As the column `lane` has it.
    pub fn number(self) -> i16 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
            Self::Long => 3,
        }
    }

    pub fn of(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.number() == number)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
            Self::Long => "long",
        }
    }

    /// How many jobs of the lane one process runs at once that runs so many of each quick lane.
    pub fn slots(self, at_once: usize) -> usize {
        match self {
            Self::Urgent | Self::Normal => at_once,
            Self::Bulk => (at_once / 4).max(1),
            Self::Long => 1,
        }
    }

    /// How many of them one owner may have.
    pub fn share(self, at_once: usize) -> usize {
        (self.slots(at_once) / 2).max(1)
    }
}

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// It comes again after this time, and nothing has failed.
    Snooze(Duration),
}

/// Why a run did not end well.
#[derive(Debug)]
pub enum JobError {
    /// The job is not this run's any more: another worker has it, or it was moved or cancelled.
    Lost,
    Failed(anyhow::Error),
    /// It failed, and the next try would fail the same way: the job is dead at once, and waits for
    /// an administrator.
    Hopeless(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        let ApiError {
            code,
            detail,
            cause,
            ..
        } = error;
        Self::Failed(match cause {
            Some(cause) => anyhow::anyhow!("{}: {cause:#}", code.as_str()),
            None => anyhow::anyhow!("{}: {detail}", code.as_str()),
        })
    }
}

pub type JobResult<T> = Result<T, JobError>;

/// A kind of job. The value is its arguments, which are kept as JSON: ids and numbers, no secrets.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `<thing>.<deed>.<version>`, such as `sessions.purge.1`. It is a format between releases:
    /// arguments that an older binary would misread get another version.
    const KIND: &'static str;
    const LANE: Lane;
    /// With one failure more, the job is dead.
    const MAX_FAILURES: i32 = 10;
    /// What `app` hands to each run.
    type Tools: Send + Sync + 'static;

    /// May run more than once: a worker can die at any point. What must happen once happens in
    /// [`Context::effect`].
    fn run(
        &self,
        context: &Context,
        tools: &Self::Tools,
    ) -> impl Future<Output = JobResult<Ended>> + Send;

    /// How long to wait after the n-th failure.
    fn pause(failures: i32) -> Duration {
        doubling(failures)
    }
}

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

fn doubling(failures: i32) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0);
    let factor = 2_u32.saturating_pow(doublings);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

type Run = dyn Fn(Value, Arc<Context>) -> BoxFuture<'static, JobResult<Ended>> + Send + Sync;

pub(super) struct Kind {
    pub run: Box<Run>,
    pub pause: fn(i32) -> Duration,
}

/// Something that happens every so often, whatever the number of replicas.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub kind: &'static str,
    pub lane: Lane,
    pub max_failures: i32,
    /// In whole seconds.
    pub every: i32,
    /// Whether a time counts at which the job of the time before has not ended yet.
    pub keeps_all: bool,
}

/// The kinds of jobs that this process runs. It leaves all others alone.
#[derive(Default)]
pub struct Kinds {
    all: BTreeMap<&'static str, Kind>,
    schedules: Vec<Schedule>,
}

impl Kinds {
    #[must_use]
    pub fn with<J: Job>(mut self, tools: J::Tools) -> Self {
        let tools = Arc::new(tools);
        let run = move |args: Value, context: Arc<Context>| -> BoxFuture<'static, _> {
            let tools = tools.clone();
            Box::pin(async move {
                let job: J = serde_json::from_value(args)?;
                job.run(&context, &tools).await
            })
        };
        let kind = Kind {
            run: Box::new(run),
            pause: J::pause,
        };
        self.all.insert(J::KIND, kind);
        self
    }

    /// The same of a job that is begun every `every`; its arguments are an empty object. A time at
    /// which the job before has not ended is left out.
    #[must_use]
    pub fn every<J: Job>(mut self, every: Duration, tools: J::Tools) -> Self {
        self.schedules.push(Schedule {
            kind: J::KIND,
            lane: J::LANE,
            max_failures: J::MAX_FAILURES,
            every: i32::try_from(every.as_secs()).unwrap_or(i32::MAX).max(1),
            keeps_all: false,
        });
        self.with::<J>(tools)
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.all.keys().copied().collect()
    }

    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    pub(super) fn get(&self, kind: &str) -> Option<&Kind> {
        self.all.get(kind)
    }

    /// The name as a label: one of those that are known.
    pub(super) fn label(&self, kind: &str) -> &'static str {
        let known = self.all.get_key_value(kind);
        known.map_or("unknown", |(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |failures| doubling(failures).as_secs();
        assert_eq!([1, 2, 3, 4].map(seconds), [2, 4, 8, 16]);
        assert_eq!([12, 40, i32::MAX].map(seconds), [3_600; 3]);
    }

    #[test]
    fn an_owner_has_half_of_a_lane_and_at_least_one_slot() {
        assert_eq!(Lane::ALL.map(|lane| lane.slots(8)), [8, 8, 2, 1]);
        assert_eq!(Lane::ALL.map(|lane| lane.share(8)), [4, 4, 1, 1]);
        assert_eq!(Lane::ALL.map(|lane| lane.slots(1)), [1; 4]);
        assert_eq!(
            Lane::ALL.map(|lane| Lane::of(lane.number())),
            Lane::ALL.map(Some)
        );
    }
}
