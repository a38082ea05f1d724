//! What happens every so often. Every replica that notices that a period has begun inserts its row
//! and its job in one statement; the row is the period, so one of them does. The time is the
//! database's.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::kind::{Ended, Job, JobResult, Lane, Schedule};
use crate::db::purge::{BATCH, in_batches};
use crate::jobs::context::Context;

const TICK: &str = "\
WITH wanted AS (SELECT * FROM unnest($1, $2, $3, $4, $5) AS wanted(kind, lane, max_failures, \
    every, keeps_all)), \
begun AS (INSERT INTO periods (name, starts_at) \
    SELECT kind, to_timestamp(floor(extract(epoch FROM coalesce($6, now())) / every) * every) \
    FROM wanted \
    ON CONFLICT DO NOTHING RETURNING name, starts_at) \
INSERT INTO jobs (kind, lane, max_failures, args, unique_key) \
SELECT kind, lane, max_failures, '{}', CASE WHEN keeps_all THEN 'period ' || starts_at ELSE \
    'period' END \
FROM begun JOIN wanted ON wanted.kind = begun.name \
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING";

/// Begins the periods that have come and that nobody has begun; says how many jobs there are for
/// it. `at` is another time than the database's now.
pub async fn tick(
    connection: &mut AsyncPgConnection,
    schedules: &[Schedule],
    at: Option<DateTime<Utc>>,
) -> QueryResult<usize> {
    let kinds: Vec<&str> = schedules.iter().map(|it| it.kind).collect();
    let lanes: Vec<i16> = schedules.iter().map(|it| it.lane.number()).collect();
    let most: Vec<i32> = schedules.iter().map(|it| it.max_failures).collect();
    let every: Vec<i32> = schedules.iter().map(|it| it.every).collect();
    let keeps: Vec<bool> = schedules.iter().map(|it| it.keeps_all).collect();
    sql_query(TICK)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SmallInt>, _>(lanes)
        .bind::<Array<Integer>, _>(most)
        .bind::<Array<Integer>, _>(every)
        .bind::<Array<Bool>, _>(keeps)
        .bind::<Nullable<Timestamptz>, _>(at)
        .execute(connection)
        .await
}

/// Forgets periods that began long ago: no clock says that they begin now.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct PurgePeriods {}

impl Job for PurgePeriods {
    const KIND: &'static str = "periods.purge.1";
    const LANE: Lane = Lane::Bulk;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        in_batches(context.db(), async |connection| {
            sql_query(
                "DELETE FROM periods WHERE (name, starts_at) IN (SELECT name, starts_at FROM \
                    periods \
                 WHERE starts_at < now() - interval '35 days' ORDER BY starts_at LIMIT $1 FOR \
                 UPDATE SKIP LOCKED)",
            )
            .bind::<Integer, _>(BATCH)
            .execute(connection)
            .await
        })
        .await?;
        Ok(Ended::Done)
    }
}
