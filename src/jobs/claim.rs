//! Taking jobs, and removing those that are done: one statement for all lanes, which is a function
//! of the database (`claim_jobs`), because its plan must not depend on how full the queue was when
//! it was made.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Untyped,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::hold::{Hold, apart};
use crate::db::sql::Writer;

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

/// The number is the key of a lock: one process at a time looks from the beginning.
const CLAIM: &str = "SELECT * FROM claim_jobs(:lanes, :floors, :rooms, :shares, :kinds, \
    :owner_lanes, :owners, :rests, :whole AND pg_try_advisory_xact_lock(7022365680606078322), \
    :lease, :worker, :finished, :claims)";

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
    let rows: Vec<Claimed> = Writer::default()
        .text(CLAIM)
        .bind::<Array<SmallInt>, _>("lanes", lanes)
        .bind::<Array<Timestamptz>, _>("floors", floors)
        .bind::<Array<Integer>, _>("rooms", rooms)
        .bind::<Array<Integer>, _>("shares", shares)
        .bind::<Array<Text>, _>("kinds", *kinds)
        .bind::<Array<SmallInt>, _>("owner_lanes", owner_lanes)
        .bind::<Array<diesel::sql_types::Uuid>, _>("owners", owner_ids)
        .bind::<Array<Integer>, _>("rests", rests)
        .bind::<Bool, _>("whole", *whole)
        .bind::<Double, _>("lease", *lease)
        .bind::<diesel::sql_types::Uuid, _>("worker", *worker)
        .bind::<Array<BigInt>, _>("finished", finished)
        .bind::<Array<Integer>, _>("claims", claims)
        .statement::<Untyped>()
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
