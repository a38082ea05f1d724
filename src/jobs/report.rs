//! What is told of jobs: metrics, and one line in the log for each run.

use chrono::Utc;
use diesel::sql_types::{BigInt, Double, SmallInt};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::kind::{Kinds, Lane};
use super::run::{Outcome, Report};
use super::slots::Slots;
use crate::telemetry::metrics::Metrics;

/// All series that there will be, at nought.
pub fn announce(metrics: &Metrics, kinds: &Kinds) {
    for kind in kinds.names() {
        for outcome in Outcome::ALL {
            let _ = metrics
                .job_runs_total
                .with_label_values(&[kind, outcome.name()]);
        }
        let _ = metrics.job_run_duration_seconds.with_label_values(&[kind]);
    }
    for lane in Lane::ALL {
        for gauge in [
            &metrics.jobs_waiting,
            &metrics.jobs_oldest_age_seconds,
            &metrics.jobs_running,
        ] {
            gauge.with_label_values(&[lane.name()]).set(0);
        }
    }
}

pub(super) fn running<C>(metrics: &Metrics, slots: &Slots<C>) {
    for lane in Lane::ALL {
        let count = i64::try_from(slots.count(lane)).unwrap_or(i64::MAX);
        metrics
            .jobs_running
            .with_label_values(&[lane.name()])
            .set(count);
    }
}

/// One line a run, as there is one a request.
pub(super) fn ended(metrics: &Metrics, kinds: &Kinds, report: &Report) {
    let kind = kinds.label(&report.claimed.kind);
    let outcome = report.outcome;
    metrics
        .job_runs_total
        .with_label_values(&[kind, outcome.name()])
        .inc();
    metrics
        .job_run_duration_seconds
        .with_label_values(&[kind])
        .observe(report.took.as_secs_f64());
    if outcome == Outcome::Lost {
        metrics.job_leases_lost_total.inc();
    }
    let lane = Lane::of(report.claimed.lane).map_or("", Lane::name);
    let took_ms = report.took.as_secs_f64() * 1_000.0;
    let waited_ms = report.claimed.waited * 1_000.0;
    tracing::info!(
        job = report.claimed.id,
        kind,
        lane,
        outcome = outcome.name(),
        claim = report.claimed.claims,
        failures = report.claimed.failures,
        waited_ms = (waited_ms * 10.0).round() / 10.0,
        took_ms = (took_ms * 10.0).round() / 10.0,
        trace = report.claimed.trace.as_deref(),
        error = report.error.as_deref(),
        "job"
    );
}

#[derive(QueryableByName)]
struct Depth {
    #[diesel(sql_type = SmallInt)]
    lane: i16,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Double)]
    age: f64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
}

/// Counts stop at 10,000, so that a look costs the same however much there is.
const DEPTHS: &str = "\
SELECT lanes.lane, count(due.due_at) AS waiting, \
    greatest(coalesce(extract(epoch FROM now() - min(due.due_at)), 0), 0)::float8 AS age, \
    (SELECT count(*) FROM (SELECT FROM dead_jobs LIMIT 10000) AS dead) AS dead \
FROM unnest('{0,1,2,3}'::smallint[]) AS lanes(lane) \
LEFT JOIN LATERAL (SELECT due_at FROM jobs WHERE jobs.lane = lanes.lane AND due_at <= now() \
    AND (lease_until IS NULL OR lease_until < now()) ORDER BY due_at LIMIT 10000) AS due ON true \
GROUP BY lanes.lane";

#[derive(QueryableByName)]
struct Mails {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Double)]
    age: f64,
}

/// A mail that failed is due again later, so its lane does not count it meanwhile: it is counted
/// from when it was enqueued. Those of a day's notifications are enqueued long before their time.
pub const MAILS: &str = "\
SELECT count(*) AS waiting, \
    greatest(coalesce(extract(epoch FROM now() - min(created_at)), 0), 0)::float8 AS age \
FROM (SELECT created_at FROM jobs WHERE kind LIKE 'mail.%' AND kind NOT LIKE 'mail.digest.%' \
    ORDER BY created_at LIMIT 10000) AS mails";

pub(super) struct Depths {
    lanes: Vec<Depth>,
    mails: Mails,
}

pub(super) async fn depths(connection: &mut AsyncPgConnection) -> QueryResult<Depths> {
    Ok(Depths {
        lanes: sql_query(DEPTHS).load(connection).await?,
        mails: sql_query(MAILS).get_result(connection).await?,
    })
}

fn whole_seconds(age: f64) -> i64 {
    let age = std::time::Duration::try_from_secs_f64(age).unwrap_or_default();
    i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
}

impl Depths {
    pub(super) fn show(&self, metrics: &Metrics) {
        for depth in &self.lanes {
            let Some(lane) = Lane::of(depth.lane) else {
                continue;
            };
            let set = |gauge: &prometheus::IntGaugeVec, value| {
                gauge.with_label_values(&[lane.name()]).set(value);
            };
            set(&metrics.jobs_waiting, depth.waiting);
            set(&metrics.jobs_oldest_age_seconds, whole_seconds(depth.age));
            metrics.jobs_dead.set(depth.dead);
        }
        metrics.chartroom_mail_waiting.set(self.mails.waiting);
        metrics
            .chartroom_mail_oldest_age_seconds
            .set(whole_seconds(self.mails.age));
        metrics
            .jobs_looked_timestamp_seconds
            .set(Utc::now().timestamp());
    }
}
