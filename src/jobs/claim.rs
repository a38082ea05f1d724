//! Taking jobs, and removing those that are done: one statement for all lanes.
//!
//! The statement walks the index of a lane from its floor, so that rows which are finished and not
//! yet vacuumed, as all are while somebody holds a snapshot, are not walked over again by each
//! claim. It is planned for each execution, because a plan made for an empty table reads all of a
//! full one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::hold::{Hold, apart};

/// A job that this process has the lease of.
#[derive(Clone, Debug, QueryableByName)]
pub struct Claimed {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Integer)]
    pub claims: i32,
    #[diesel(sql_type = SmallInt)]
    pub lane: i16,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Jsonb)]
    pub args: Value,
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    pub owner: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    #[diesel(sql_type = Integer)]
    pub max_failures: i32,
    #[diesel(sql_type = Integer)]
    pub lost: i32,
    #[diesel(sql_type = Bool)]
    pub cancel: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub trace: Option<String>,
    /// How long it waited, in seconds, by the database's clock.
    #[diesel(sql_type = Double)]
    pub waited: f64,
}

impl Claimed {
    pub fn hold(&self) -> Hold {
        Hold {
            id: self.id,
            claims: self.claims,
        }
    }
}

/// What is asked of a lane.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub lane: i16,
    /// Jobs that were due before are not looked for; `None` looks from the beginning.
    pub floor: Option<DateTime<Utc>>,
    pub room: i32,
    /// How many of an owner's are taken at most.
    pub share: i32,
}

/// How many more of a lane's jobs an owner may have who has some already.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    pub lane: i16,
    pub owner: Uuid,
    pub rest: i32,
}

/// A whole round.
#[derive(Clone, Debug)]
pub struct Round<'a> {
    pub worker: Uuid,
    /// Jobs that are done, whose rows go.
    pub finished: &'a [Hold],
    /// In seconds.
    pub lease: f64,
    pub wanted: &'a [Wanted],
    pub owners: &'a [Rest],
    pub kinds: &'a [&'static str],
    /// Whether to look from the beginning, unless another process is just doing so: at what was
    /// committed late, and at leases that have run out.
    pub whole: bool,
}

/// What a round has come to.
#[derive(Debug, Default)]
pub struct Taken {
    pub jobs: Vec<Claimed>,
    /// Of the finished ones those that were another worker's by then, or nobody's.
    pub lost: Vec<Hold>,
}

/// Names of the parameters, in their order: lanes, floors, rooms, shares, kinds, lanes of owners,
/// owners, their rests, whole, lease, worker, finished jobs, their claims. The number is the key of
/// the lock. A finished job is not taken again, even where its lease has run out meanwhile. The rows
/// with claims below nought are finished jobs that are lost.
pub const CLAIM: &str = "\
WITH look AS MATERIALIZED (SELECT $9 AND pg_try_advisory_xact_lock(7022365680606078322) AS whole), \
finished AS (DELETE FROM jobs WHERE id = ANY ($12) AND (id, claims) IN (SELECT * FROM \
    unnest($12, $13)) RETURNING id, claims), \
claimed AS (UPDATE jobs SET claims = claims + 1, lost = lost + (lease_until IS NOT NULL)::integer, \
    lease_until = now() + make_interval(secs => $10), worker = $11 \
WHERE id <> ALL ($12) AND id = ANY (ARRAY( \
    SELECT chosen.id FROM unnest($1, $2, $3, $4) AS wanted(lane, floor, room, share) \
    CROSS JOIN LATERAL ( \
        SELECT near.id FROM ( \
            SELECT ready.id, ready.owner, \
                row_number() OVER (PARTITION BY ready.owner ORDER BY ready.due_at, ready.id) AS \
                nth \
            FROM ( \
                SELECT jobs.id, jobs.owner, jobs.due_at FROM jobs \
                WHERE jobs.lane = wanted.lane AND jobs.due_at <= now() \
                    AND jobs.due_at >= CASE WHEN (SELECT whole FROM look) THEN \
                    '-infinity'::timestamptz ELSE wanted.floor END \
                    AND (jobs.lease_until IS NULL OR jobs.lease_until < now()) \
                    AND jobs.kind = ANY ($5) \
                    AND NOT EXISTS (SELECT FROM unnest($6, $7, $8) AS held(lane, owner, rest) \
                        WHERE held.lane = wanted.lane AND held.owner = jobs.owner AND held.rest \
                        <= 0) \
                ORDER BY jobs.due_at, jobs.id LIMIT wanted.room FOR UPDATE SKIP LOCKED) AS \
                ready) AS near \
        WHERE near.owner IS NULL OR near.nth <= coalesce( \
            (SELECT held.rest FROM unnest($6, $7, $8) AS held(lane, owner, rest) \
                WHERE held.lane = wanted.lane AND held.owner = near.owner), wanted.share)) AS \
                chosen)) \
RETURNING id, claims, lane, kind, args, owner, due_at, failures, max_failures, lost, cancel, \
    trace, \
    greatest(extract(epoch FROM now() - due_at), 0)::float8 AS waited) \
SELECT * FROM claimed \
UNION ALL SELECT id, -claims, 0::smallint, '', 'null', NULL, now(), 0, 0, 0, false, NULL, 0 \
    FROM (SELECT * FROM unnest($12, $13) EXCEPT SELECT * FROM finished) AS lost(id, claims)";

/// The next jobs, in place of those that are done.
pub async fn claim(connection: &mut AsyncPgConnection, round: &Round<'_>) -> QueryResult<Taken> {
    let Round {
        worker,
        finished,
        lease,
        wanted,
        owners,
        kinds,
        whole,
    } = round;
    let long_ago = DateTime::<Utc>::UNIX_EPOCH;
    let lanes: Vec<i16> = wanted.iter().map(|wanted| wanted.lane).collect();
    let floors: Vec<DateTime<Utc>> = wanted
        .iter()
        .map(|wanted| wanted.floor.unwrap_or(long_ago))
        .collect();
    let rooms: Vec<i32> = wanted.iter().map(|wanted| wanted.room).collect();
    let shares: Vec<i32> = wanted.iter().map(|wanted| wanted.share).collect();
    let owner_lanes: Vec<i16> = owners.iter().map(|owner| owner.lane).collect();
    let owner_ids: Vec<Uuid> = owners.iter().map(|owner| owner.owner).collect();
    let rests: Vec<i32> = owners.iter().map(|owner| owner.rest).collect();
    let (finished, claims) = apart(finished);
    let rows: Vec<Claimed> = diesel::sql_query(CLAIM)
        .bind::<Array<SmallInt>, _>(lanes)
        .bind::<Array<Timestamptz>, _>(floors)
        .bind::<Array<Integer>, _>(rooms)
        .bind::<Array<Integer>, _>(shares)
        .bind::<Array<Text>, _>(*kinds)
        .bind::<Array<SmallInt>, _>(owner_lanes)
        .bind::<Array<diesel::sql_types::Uuid>, _>(owner_ids)
        .bind::<Array<Integer>, _>(rests)
        .bind::<Bool, _>(*whole)
        .bind::<Double, _>(*lease)
        .bind::<diesel::sql_types::Uuid, _>(*worker)
        .bind::<Array<BigInt>, _>(finished)
        .bind::<Array<Integer>, _>(claims)
        .load(connection)
        .await?;
    let mut taken = Taken::default();
    for row in rows {
        match row.claims {
            ..0 => taken.lost.push(Hold {
                id: row.id,
                claims: row.claims.saturating_neg(),
            }),
            _ => taken.jobs.push(row),
        }
    }
    Ok(taken)
}
