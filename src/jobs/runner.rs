//! The loop that claims jobs and runs them: one a process, for all lanes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use uuid::Uuid;

use super::claim::{Claimed, Round, Wanted, claim};
use super::context::{Context, Stop};
use super::hold::{Beat, Hold, Pulse, beat, give_back};
use super::kind::Kinds;
use super::periods::tick;
use super::report;
use super::run::{Outcome, Report, run};
use super::slots::Slots;
use crate::db::Db;
use crate::kernel::chance::jittered;
use crate::kernel::shutdown::{Phase, Shutdown};
use crate::telemetry::metrics::Metrics;

/// How often a lane is looked at from its beginning.
const WHOLE_EVERY: Duration = Duration::from_secs(1);
/// How often periods are looked for that have begun.
const TICK_EVERY: Duration = Duration::from_secs(5);
const DEPTHS_EVERY: Duration = Duration::from_secs(15);
/// From one claim to the next at least: what ends meanwhile is removed with it.
const GAP: Duration = Duration::from_millis(2);
/// After `Closing`, the time for jobs to end before they are given back.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a job is its worker's without a sign of life.
    pub lease: Duration,
    /// About how often an idle process looks.
    pub poll: Duration,
    /// How many jobs of each quick lane run at once.
    pub at_once: usize,
}

impl Timing {
    pub fn new(lease: Duration, at_once: usize) -> Self {
        Self {
            lease,
            poll: Duration::from_secs(1),
            at_once,
        }
    }
}

pub struct Runner {
    db: Arc<Db>,
    kinds: Arc<Kinds>,
    names: Vec<&'static str>,
    metrics: Arc<Metrics>,
    /// Told when there may be something to do.
    wake: Arc<Notify>,
    timing: Timing,
    worker: Uuid,
    slots: Slots<Arc<Context>>,
    tasks: JoinSet<Report>,
    /// Runs that are done and whose rows are still there.
    finished: Vec<Report>,
    looked_whole: Option<Instant>,
}

impl Runner {
    pub fn new(
        db: Arc<Db>,
        kinds: Arc<Kinds>,
        metrics: Arc<Metrics>,
        wake: Arc<Notify>,
        timing: Timing,
    ) -> Self {
        Self {
            db,
            names: kinds.names(),
            kinds,
            metrics,
            wake,
            timing,
            worker: Uuid::now_v7(),
            slots: Slots::new(timing.at_once),
            tasks: JoinSet::new(),
            finished: Vec::new(),
            looked_whole: None,
        }
    }

    /// Works until the process stops. From `Draining` on it takes nothing more; what has not ended
    /// shortly after `Closing` is given back.
    pub async fn run(mut self, shutdown: &Shutdown) {
        let draining = shutdown.wait_for(Phase::Draining);
        Box::pin(self.work(draining)).await;
        for context in self.slots.contexts() {
            context.ask_to_stop(Stop::Draining);
        }
        let closing = shutdown.wait_for(Phase::Closing);
        let last = async {
            closing.await;
            tokio::time::sleep(GRACE).await;
        };
        Box::pin(self.drain(last)).await;
    }

    async fn work(&mut self, draining: impl Future<Output = ()>) {
        let mut draining = pin!(draining);
        let wake = self.wake.clone();
        let mut beats = ticker(self.timing.lease / 3);
        let mut ticks = ticker(TICK_EVERY);
        let mut depths = ticker(DEPTHS_EVERY);
        loop {
            let soon = tokio::time::Instant::now() + GAP;
            // What is claimed now may not be all there is.
            let mut next = match self.round().await {
                true => soon,
                false => tokio::time::Instant::now() + jittered(self.timing.poll),
            };
            loop {
                tokio::select! {
                    biased;
                    () = &mut draining => return,
                    _ = beats.tick() => self.beat().await,
                    _ = ticks.tick() => if self.tick().await { next = soon },
                    _ = depths.tick() => self.look_at_depths().await,
                    Some(ended) = self.tasks.join_next() => {
                        self.ended(ended.ok());
                        self.gather();
                        next = soon;
                    }
                    () = wake.notified() => next = soon,
                    () = sleep_until(next) => break,
                }
            }
        }
    }

    async fn drain(&mut self, last: impl Future<Output = ()>) {
        let mut last = pin!(last);
        let mut beats = ticker(self.timing.lease / 3);
        while !self.slots.is_empty() {
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next() => self.ended(ended.ok()),
                _ = beats.tick() => self.beat().await,
                () = &mut last => break,
            }
            self.gather();
            self.turn(&[], false).await;
        }
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(ended.ok());
        }
        self.turn(&[], false).await;
        let holds = self.slots.holds();
        if holds.is_empty() {
            return;
        }
        let given = self
            .db
            .write(async |connection: &mut AsyncPgConnection| give_back(connection, &holds).await)
            .await;
        match given {
            Ok(given) => tracing::info!(jobs = given, "jobs that did not end are given back"),
            Err(error) => {
                tracing::warn!(error = %error, "jobs are not given back: their leases run out");
            }
        }
    }

    /// Sends what has finished, and claims what there is room for; says whether to look again at
    /// once.
    async fn round(&mut self) -> bool {
        self.gather();
        let wanted = match self.names.is_empty() {
            true => Vec::new(),
            false => self.slots.wanted(),
        };
        let is_time = |at: Instant| at.elapsed() >= WHOLE_EVERY;
        self.turn(&wanted, self.looked_whole.is_none_or(is_time))
            .await
    }

    /// The statement of a round. Where it fails, what has finished is sent with the next one.
    async fn turn(&mut self, wanted: &[Wanted], whole: bool) -> bool {
        if wanted.is_empty() && self.finished.is_empty() {
            return false;
        }
        let finished: Vec<Hold> = self.finished.iter().map(Report::hold).collect();
        let (owners, names) = (self.slots.rests(), self.names.as_slice());
        let round = Round {
            worker: self.worker,
            finished: &finished,
            lease: self.timing.lease.as_secs_f64(),
            wanted,
            owners: &owners,
            kinds: names,
            whole,
        };
        let taken = self
            .db
            .write(async |connection: &mut AsyncPgConnection| claim(connection, &round).await)
            .await;
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(error = %error, "jobs cannot be claimed at present");
                return false;
            }
        };
        for mut report in std::mem::take(&mut self.finished) {
            if taken.lost.contains(&report.hold()) {
                report.outcome = Outcome::Lost;
            }
            report::ended(&self.metrics, &self.kinds, &report);
        }
        if whole {
            self.looked_whole = Some(Instant::now());
        }
        for job in &taken.jobs {
            self.start(job);
        }
        self.slots.raise_floors(&taken.jobs);
        report::running(&self.metrics, &self.slots);
        !taken.jobs.is_empty()
    }

    /// Whatever else has ended by now.
    fn gather(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.ended(ended.ok());
        }
    }

    fn start(&mut self, claimed: &Claimed) {
        let context = Arc::new(Context::new(self.db.clone(), claimed));
        self.slots.start(claimed, context.clone());
        let (db, kinds) = (self.db.clone(), self.kinds.clone());
        self.tasks.spawn(run(db, kinds, claimed.clone(), context));
    }

    /// `None` for a run that was aborted: its job is still held.
    fn ended(&mut self, report: Option<Report>) {
        let Some(report) = report else {
            return;
        };
        self.slots.end(report.hold());
        if report.is_to_finish {
            self.finished.push(report);
        } else {
            report::ended(&self.metrics, &self.kinds, &report);
        }
    }

    /// Renews the leases, and tells runs that should stop.
    async fn beat(&mut self) {
        let contexts: Vec<Arc<Context>> = self.slots.contexts().cloned().collect();
        if contexts.is_empty() {
            return;
        }
        let beats: Vec<Beat> = contexts
            .iter()
            .map(|context| Beat {
                hold: context.hold(),
                progress: context.take_progress(),
            })
            .collect();
        let lease = self.timing.lease;
        let heard = self
            .db
            .write(async |connection: &mut AsyncPgConnection| beat(connection, &beats, lease).await)
            .await;
        let heard = match heard {
            Ok(heard) => heard,
            Err(error) => {
                tracing::debug!(error = %error, "leases cannot be renewed at present");
                return;
            }
        };
        for context in contexts {
            match heard.get(&context.hold().id) {
                Some(Pulse::Lost) if !context.has_ended() => context.ask_to_stop(Stop::Lost),
                Some(Pulse::Cancelled) => context.ask_to_stop(Stop::Cancelled),
                _ => {}
            }
        }
    }

    /// Whether there is a new job.
    async fn tick(&self) -> bool {
        let schedules = self.kinds.schedules();
        if schedules.is_empty() {
            return false;
        }
        let ticked = self
            .db
            .write(async |connection: &mut AsyncPgConnection| {
                tick(connection, schedules, None).await
            })
            .await;
        ticked.is_ok_and(|begun| begun > 0)
    }

    async fn look_at_depths(&self) {
        if let Ok(depths) = self.db.write(report::depths).await {
            depths.show(&self.metrics);
        }
    }
}

fn ticker(every: Duration) -> tokio::time::Interval {
    let mut ticker = interval(every);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
