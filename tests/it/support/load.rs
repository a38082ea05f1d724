//! Open-loop load: requests leave on a schedule that the answers cannot slow down, and are timed
//! from that schedule.

use super::client::{Answer, Client, Failure, HttpRequest};
use serde_json::json;
use std::{collections::BTreeMap, fmt, fs, io, path::Path, path::PathBuf, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

/// Bounded in count, and in time by `count / per_second + timeout`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub per_second: u32,
    pub count: u32,
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Status(u16),
    Failed(Failure),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Failed(failure) => write!(f, "{failure}"),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// When it was to leave, from the start of the run.
    pub planned: Duration,
    /// How much later it left: the load client's own fault, not the server's.
    pub lag: Duration,
    /// From the planned moment, so that time spent waiting to be sent is not omitted.
    pub latency: Duration,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub records: Vec<Record>,
}

pub(crate) async fn open_loop(
    client: &Client,
    load: Load,
    request: impl Fn(u32) -> HttpRequest,
) -> Report {
    let status = |_, answer: &Answer| Outcome::Status(answer.status.as_u16());
    open_loop_seen(client, load, request, status).await
}

/// The same where more than the status is looked at: `judge` sees the number of the request and its
/// answer.
pub(crate) async fn open_loop_seen(
    client: &Client,
    load: Load,
    request: impl Fn(u32) -> HttpRequest,
    judge: impl Fn(u32, &Answer) -> Outcome + Clone + Send + 'static,
) -> Report {
    let start = Instant::now();
    let mut flying = JoinSet::new();
    for number in 0..load.count {
        let planned = Duration::from_secs(1) * number / load.per_second;
        let due = start + planned;
        sleep_until(due).await;
        let (client, request, judge) = (client.clone(), request(number), judge.clone());
        flying.spawn(async move {
            let lag = due.elapsed();
            let outcome = match timeout_at(due + load.timeout, client.send(request)).await {
                Ok(Ok(answer)) => judge(number, &answer),
                Ok(Err(failure)) => Outcome::Failed(failure),
                Err(_) => Outcome::Failed(Failure::Timeout),
            };
            Record {
                planned,
                lag,
                latency: due.elapsed(),
                outcome,
            }
        });
    }
    let mut records = flying.join_all().await;
    records.sort_by_key(|record| record.planned);
    Report { records }
}

impl Report {
    pub(crate) fn by_outcome(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for record in &self.records {
            *counts.entry(record.outcome.clone()).or_default() += 1;
        }
        counts
    }

    pub(crate) fn count(&self, outcome: &Outcome) -> usize {
        self.by_outcome().get(outcome).copied().unwrap_or_default()
    }

    /// Those that were to leave in a part of the run: before, during, after the fault.
    pub(crate) fn between(&self, from: Duration, to: Duration) -> Self {
        let within = |record: &&Record| (from..to).contains(&record.planned);
        Self {
            records: self.records.iter().filter(within).cloned().collect(),
        }
    }

    /// Nearest rank, in per mille: 500 is the median, 999 is p99.9, 1000 the slowest.
    pub(crate) fn latency(&self, per_mille: usize) -> Duration {
        nth(
            self.records.iter().map(|record| record.latency).collect(),
            per_mille,
        )
    }

    pub(crate) fn worst_lag(&self) -> Duration {
        nth(self.records.iter().map(|record| record.lag).collect(), 1000)
    }

    /// Beside the test binary's other output, for the evidence of a run.
    pub(crate) fn write_json(&self, name: &str) -> io::Result<PathBuf> {
        let outcomes: BTreeMap<String, usize> = self
            .by_outcome()
            .into_iter()
            .map(|(outcome, n)| (outcome.to_string(), n))
            .collect();
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let result = json!({
            "planned": self.records.len(),
            "outcomes": outcomes,
            "latency_ms": {
                "p50": millis(self.latency(500)),
                "p90": millis(self.latency(900)),
                "p99": millis(self.latency(990)),
                "p999": millis(self.latency(999)),
                "max": millis(self.latency(1000)),
            },
            "worst_lag_ms": millis(self.worst_lag()),
        });
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
        fs::write(&file, format!("{result:#}\n"))?;
        Ok(file)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests:", self.records.len())?;
        for (outcome, count) in self.by_outcome() {
            write!(f, " {count} x {outcome},")?;
        }
        let [p50, p99, max] = [500, 990, 1000].map(|at| self.latency(at));
        write!(
            f,
            " p50 {p50:?}, p99 {p99:?}, max {max:?}, sent at most {:?} late",
            self.worst_lag()
        )
    }
}

fn nth(mut values: Vec<Duration>, per_mille: usize) -> Duration {
    values.sort_unstable();
    let rank = (values.len() * per_mille).div_ceil(1000).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}
