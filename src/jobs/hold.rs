//! What a worker says of the jobs that it claimed. Each statement names the claim as well as the
//! job, and touches nothing where somebody has claimed the job since: that is the fence.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

/// A job, and the number it was claimed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hold {
    pub id: i64,
    pub claims: i32,
}

pub(super) fn apart(holds: &[Hold]) -> (Vec<i64>, Vec<i32>) {
    holds.iter().map(|hold| (hold.id, hold.claims)).unzip()
}

const FENCE: &str = "DELETE FROM jobs WHERE id = $1 AND claims = $2 AND NOT cancel";

/// Ends the job in the transaction of its effect; says whether it was still this worker's.
pub async fn fence(connection: &mut AsyncPgConnection, hold: Hold) -> QueryResult<bool> {
    let gone = diesel::sql_query(FENCE)
        .bind::<BigInt, _>(hold.id)
        .bind::<Integer, _>(hold.claims)
        .execute(connection)
        .await?;
    Ok(gone == 1)
}

const FAIL: &str = "UPDATE jobs SET failures = failures + 1, due_at = now() + make_interval(secs \
    => $3), last_error = left($4, 2000), \
     lease_until = NULL, worker = NULL WHERE id = $1 AND claims = $2";

/// It failed, and comes again after `pause`.
pub async fn fail(
    connection: &mut AsyncPgConnection,
    hold: Hold,
    pause: Duration,
    error: &str,
) -> QueryResult<bool> {
    let changed = diesel::sql_query(FAIL)
        .bind::<BigInt, _>(hold.id)
        .bind::<Integer, _>(hold.claims)
        .bind::<Double, _>(pause.as_secs_f64())
        .bind::<Text, _>(error)
        .execute(connection)
        .await?;
    Ok(changed == 1)
}

const SNOOZE: &str = "UPDATE jobs SET due_at = now() + make_interval(secs => $3), lease_until = \
    NULL, worker = NULL \
     WHERE id = $1 AND claims = $2";

/// It comes again after `pause`, and nothing has failed.
pub async fn snooze(
    connection: &mut AsyncPgConnection,
    hold: Hold,
    pause: Duration,
) -> QueryResult<bool> {
    let changed = diesel::sql_query(SNOOZE)
        .bind::<BigInt, _>(hold.id)
        .bind::<Integer, _>(hold.claims)
        .bind::<Double, _>(pause.as_secs_f64())
        .execute(connection)
        .await?;
    Ok(changed == 1)
}

const BURY: &str = "WITH gone AS (DELETE FROM jobs WHERE id = $1 AND claims = $2 RETURNING *) \
     INSERT INTO dead_jobs (id, lane, kind, args, unique_key, owner, due_at, claims, failures, \
     max_failures, lost, progress, trace, \
         last_error, created_at, reason) \
     SELECT id, lane, kind, args, unique_key, owner, due_at, claims, failures + $3, \
     max_failures, lost, progress, trace, \
         coalesce(left($4, 2000), last_error), created_at, $5 FROM gone";

/// It is tried no more. `error` is that of a failure that is not counted yet.
pub async fn bury(
    connection: &mut AsyncPgConnection,
    hold: Hold,
    error: Option<&str>,
    reason: &str,
) -> QueryResult<bool> {
    let buried = diesel::sql_query(BURY)
        .bind::<BigInt, _>(hold.id)
        .bind::<Integer, _>(hold.claims)
        .bind::<Integer, _>(i32::from(error.is_some()))
        .bind::<Nullable<Text>, _>(error)
        .bind::<Text, _>(reason)
        .execute(connection)
        .await?;
    Ok(buried == 1)
}

/// A row that a transaction holds is left out: its effect is being committed, or its lease runs
/// out.
const GIVE_BACK: &str = "UPDATE jobs SET lease_until = NULL, worker = NULL WHERE id = ANY (ARRAY( \
         SELECT id FROM jobs WHERE id = ANY ($1) AND (id, claims) IN (SELECT * FROM unnest($1, \
         $2)) FOR UPDATE SKIP LOCKED))";

/// The worker stops: others may take these at once.
pub async fn give_back(connection: &mut AsyncPgConnection, holds: &[Hold]) -> QueryResult<usize> {
    let (ids, claims) = apart(holds);
    diesel::sql_query(GIVE_BACK)
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Array<Integer>, _>(claims)
        .execute(connection)
        .await
}

/// A job that goes on, and what it says of how far it is.
#[derive(Clone, Debug)]
pub struct Beat {
    pub hold: Hold,
    pub progress: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    GoesOn,
    /// Somebody wants it to stop.
    Cancelled,
    /// It is another worker's, or gone.
    Lost,
}

#[derive(QueryableByName)]
struct Heard {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    is_held: bool,
    #[diesel(sql_type = Bool)]
    is_cancelled: bool,
}

/// A row that is locked is passed over: its own transaction is about to end the job, and must not
/// keep the others from being renewed. Whether it is still held is told by what is visible.
const BEAT: &str = "WITH asked AS (SELECT * FROM unnest($1, $2, $3) AS asked(id, claims, \
    progress)), \
     renewed AS (UPDATE jobs SET lease_until = now() + make_interval(secs => $4), \
         progress = coalesce((SELECT asked.progress FROM asked WHERE asked.id = jobs.id), \
         jobs.progress) \
         WHERE jobs.id = ANY (ARRAY(SELECT held.id FROM jobs held WHERE held.id = ANY ($1) \
             AND (held.id, held.claims) IN (SELECT asked.id, asked.claims FROM asked) FOR UPDATE \
             SKIP LOCKED))) \
     SELECT asked.id, jobs.id IS NOT NULL AS is_held, coalesce(jobs.cancel, false) AS is_cancelled \
     FROM asked LEFT JOIN jobs ON jobs.id = asked.id AND jobs.claims = asked.claims AND jobs.id \
     = ANY ($1)";

/// Renews the leases of all that goes on, in one statement, and says how each stands.
pub async fn beat(
    connection: &mut AsyncPgConnection,
    beats: &[Beat],
    lease: Duration,
) -> QueryResult<HashMap<i64, Pulse>> {
    let ids: Vec<i64> = beats.iter().map(|beat| beat.hold.id).collect();
    let claims: Vec<i32> = beats.iter().map(|beat| beat.hold.claims).collect();
    let progress: Vec<Option<&Value>> = beats.iter().map(|beat| beat.progress.as_ref()).collect();
    let heard: Vec<Heard> = diesel::sql_query(BEAT)
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Array<Integer>, _>(claims)
        .bind::<Array<Nullable<Jsonb>>, _>(progress)
        .bind::<Double, _>(lease.as_secs_f64())
        .load(connection)
        .await?;
    let pulse = |heard: Heard| {
        let pulse = match heard {
            Heard { is_held: false, .. } => Pulse::Lost,
            Heard {
                is_cancelled: true, ..
            } => Pulse::Cancelled,
            _ => Pulse::GoesOn,
        };
        (heard.id, pulse)
    };
    Ok(heard.into_iter().map(pulse).collect())
}
