//! What those say who have something to be done: in their own transactions, one statement each.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Double, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Untyped,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::kind::Job;
use crate::db::sql::Writer;

/// A job to be.
pub struct NewJob<'a> {
    kind: &'static str,
    lane: i16,
    max_failures: i32,
    args: Result<Value, serde_json::Error>,
    unique_key: Option<&'a str>,
    owner: Option<Uuid>,
    due: Due,
    trace: Option<&'a str>,
}

enum Due {
    In(Duration),
    At(DateTime<Utc>),
}

impl<'a> NewJob<'a> {
    /// To be done as soon as there is room.
    pub fn of<J: Job>(job: &J) -> Self {
        Self {
            kind: J::KIND,
            lane: J::LANE.number(),
            max_failures: J::MAX_FAILURES,
            args: serde_json::to_value(job),
            unique_key: None,
            owner: None,
            due: Due::In(Duration::ZERO),
            trace: None,
        }
    }

    /// Of its kind, at most one job has this key at a time. It has it until it has ended.
    #[must_use]
    pub fn unique(mut self, key: &'a str) -> Self {
        self.unique_key = Some(key);
        self
    }

    /// Who started it, or what it is done for.
    #[must_use]
    pub fn owned_by(mut self, owner: Uuid) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Not before this time has passed, by the database's clock.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.due = Due::In(time);
        self
    }

    #[must_use]
    pub fn at(mut self, time: DateTime<Utc>) -> Self {
        self.due = Due::At(time);
        self
    }

    /// The `traceparent` of what it comes from.
    #[must_use]
    pub fn traced(mut self, trace: &'a str) -> Self {
        self.trace = Some(trace);
        self
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

const PUT: &str = "INSERT INTO jobs (kind, lane, max_failures, args, unique_key, owner, \
    due_at, trace) \
     VALUES (:kind, :lane, :max_failures, :args, :key, :owner, \
         coalesce(:at, now() + make_interval(secs => :after)), :trace) \
     ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO ";

const OR_LEAVE: &str = "NOTHING RETURNING id";

/// What a transaction that enqueues leaves behind, so that this process looks at once:
/// `tx.after_commit(Enqueued)`. Without it, the job is found within about a second.
pub struct Enqueued;

/// Puts a job into the queue when the transaction commits; says its id, or nothing where a job of
/// the same kind has the key.
pub async fn enqueue(
    connection: &mut AsyncPgConnection,
    job: NewJob<'_>,
) -> QueryResult<Option<i64>> {
    put(connection, job, OR_LEAVE).await
}

const OR_MOVE: &str = "UPDATE SET args = excluded.args, due_at = excluded.due_at, failures = 0, \
     claims = jobs.claims + 1, lease_until = NULL, worker = NULL, cancel = false RETURNING id";

/// Moves the job with the same key to another time, with other arguments, or makes one where there
/// is none. A run that is under way loses the job: its effect, if it has none yet, is refused.
pub async fn enqueue_or_move(
    connection: &mut AsyncPgConnection,
    job: NewJob<'_>,
) -> QueryResult<Option<i64>> {
    put(connection, job, OR_MOVE).await
}

async fn put(
    connection: &mut AsyncPgConnection,
    job: NewJob<'_>,
    on_conflict: &'static str,
) -> QueryResult<Option<i64>> {
    let NewJob {
        kind,
        lane,
        max_failures,
        args,
        unique_key,
        owner,
        due,
        trace,
    } = job;
    let args = args.map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let (at, after) = match due {
        Due::At(time) => (Some(time), 0.0),
        Due::In(time) => (None, time.as_secs_f64()),
    };
    let put: Option<Id> = Writer::default()
        .texts(&[PUT, on_conflict])
        .bind::<Text, _>("kind", kind)
        .bind::<SmallInt, _>("lane", lane)
        .bind::<Integer, _>("max_failures", max_failures)
        .bind::<Jsonb, _>("args", args)
        .bind::<Nullable<Text>, _>("key", unique_key)
        .bind::<Nullable<diesel::sql_types::Uuid>, _>("owner", owner)
        .bind::<Nullable<Timestamptz>, _>("at", at)
        .bind::<Double, _>("after", after)
        .bind::<Nullable<Text>, _>("trace", trace)
        .statement::<Untyped>()
        .get_result(connection)
        .await
        .optional()?;
    Ok(put.map(|put| put.id))
}

/// Where a job has the key, it stays as it is, and its row is locked until the transaction ends: a
/// run of it that ends meanwhile sees, after that, what the transaction has written.
const ENQUEUE_ALL: &str = "INSERT INTO jobs (kind, lane, max_failures, args, unique_key, owner, \
    due_at) \
     SELECT $1, $2, $3, args, unique_key, $6, coalesce($7, now()) FROM unnest($4, $5) \
        AS each(args, unique_key) \
     ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO UPDATE SET due_at = jobs.due_at";

/// Many jobs of a kind in one statement, each with its key, if it has one. No key is there twice.
pub async fn enqueue_all<J: Job>(
    connection: &mut AsyncPgConnection,
    all: &[(J, Option<String>)],
    owner: Uuid,
    at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let args = all.iter().map(|(job, _)| serde_json::to_value(job));
    let args: Vec<Value> = args
        .collect::<Result<_, _>>()
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let keys: Vec<Option<&str>> = all.iter().map(|(_, key)| key.as_deref()).collect();
    diesel::sql_query(ENQUEUE_ALL)
        .bind::<Text, _>(J::KIND)
        .bind::<SmallInt, _>(J::LANE.number())
        .bind::<Integer, _>(J::MAX_FAILURES)
        .bind::<Array<Jsonb>, _>(args)
        .bind::<Array<Nullable<Text>>, _>(keys)
        .bind::<diesel::sql_types::Uuid, _>(owner)
        .bind::<Nullable<Timestamptz>, _>(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// What cancelling came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and is gone.
    Removed,
    /// It is being worked on, and its worker is told.
    Told,
    /// There was none.
    Nothing,
}

impl Cancelled {
    pub(super) fn of(removed: i64, told: i64) -> Self {
        match (removed, told) {
            (0, 0) => Self::Nothing,
            (0, _) => Self::Told,
            _ => Self::Removed,
        }
    }
}

#[derive(QueryableByName)]
pub(super) struct Counts {
    #[diesel(sql_type = BigInt)]
    pub removed: i64,
    #[diesel(sql_type = BigInt)]
    pub told: i64,
}

// Removed first: a job that is claimed at this moment is not removed, and then its newest version
// is told.
const CANCEL: &str = "WITH removed AS (DELETE FROM jobs WHERE kind = $1 AND unique_key = $2 \
         AND (lease_until IS NULL OR lease_until < now()) RETURNING id), \
     told AS (UPDATE jobs SET cancel = true WHERE kind = $1 AND unique_key = $2 \
         AND NOT EXISTS (SELECT FROM removed) RETURNING id) \
     SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM told) AS told";

/// Takes the job with this key back, by its kind.
pub async fn cancel<J: Job>(
    connection: &mut AsyncPgConnection,
    unique_key: &str,
) -> QueryResult<Cancelled> {
    let Counts { removed, told } = diesel::sql_query(CANCEL)
        .bind::<Text, _>(J::KIND)
        .bind::<Text, _>(unique_key)
        .get_result(connection)
        .await?;
    Ok(Cancelled::of(removed, told))
}
