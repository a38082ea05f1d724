//! Which versions are kept. Of the others the numbers, times and messages stay, and what only they
//! needed goes, step by step: rows that no kept version shows, and with the last version of a table
//! the table (`sweep.rs`).
//!
//! The newest version, those with a pin, and those that what is set keeps are kept: so many of the
//! newest, and those that were the newest at some time in so many days. Where nothing is set, all
//! are.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::db::Db;
use crate::db::sql::Writer;
use crate::db::transaction::{Tx, Work, transaction};
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;
use crate::kernel::types::DatasetId;
use crate::kernel::values::number;

number! {
    /// How many of the newest versions are kept
    KeepVersions(i32): 1..=1_000_000;
    /// For how many days a version is kept after another has taken its place
    KeepDays(i32): 1..=36_500;
}

/// What datasets keep that say nothing themselves. Nothing keeps all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    pub versions: Option<i32>,
    pub days: Option<i32>,
}

/// Versions that one statement purges, and rows that one removes.
const VERSIONS: i64 = 1_000;
const ROWS: i64 = 10_000;
/// Datasets and tables of one run, and statements for each.
const AT_ONCE: i64 = 50;
const STEPS: usize = 50;

/// Versions that nothing keeps. Of each it has to be known when the next one took its place.
const PURGEABLE: &str = " FROM dataset_versions AS v JOIN datasets ON datasets.id = v.dataset_id \
    JOIN dataset_versions AS next ON next.dataset_id = v.dataset_id AND next.version = v.version + 1 \
    CROSS JOIN LATERAL (SELECT coalesce(datasets.keep_versions, datasets.keep_days) IS NULL AS usual) AS its \
    CROSS JOIN LATERAL (SELECT CASE WHEN usual THEN :versions ELSE datasets.keep_versions END AS versions, \
    CASE WHEN usual THEN :days ELSE datasets.keep_days END AS days) AS keep \
    WHERE v.purged_at IS NULL AND (keep.versions IS NOT NULL OR keep.days IS NOT NULL) \
    AND (keep.versions IS NULL OR v.version <= datasets.version - keep.versions) \
    AND (keep.days IS NULL OR next.made_at < now() - make_interval(days => keep.days)) \
    AND NOT EXISTS (SELECT FROM dataset_pins AS pin \
    WHERE pin.dataset_id = v.dataset_id AND pin.version = v.version)";

/// Tables with rows that purged versions alone needed. Who began to read such a version has gone on
/// for long enough.
const UNCLEAR: &str = "SELECT DISTINCT v.dataset_id, v.generation FROM dataset_versions AS v \
    WHERE v.purged_at < now() - interval '2 minutes' AND v.cleared_at IS NULL \
    ORDER BY v.generation LIMIT :most";

const CLEARED: &str = "UPDATE dataset_versions SET cleared_at = now() WHERE dataset_id = :dataset \
    AND generation = :generation AND purged_at < now() - interval '2 minutes' AND cleared_at IS NULL";

/// Whether a version needs the table. Where none does, it is dropped with all its rows.
const NEEDED: &str = "SELECT EXISTS (SELECT FROM dataset_versions WHERE dataset_id = :dataset \
    AND generation = :generation AND purged_at IS NULL)";

#[derive(Serialize, Deserialize)]
pub struct PurgeVersions {}

impl Job for PurgeVersions {
    const KIND: &'static str = "datasets.purge.1";
    const LANE: Lane = Lane::Bulk;
    /// The next one comes soon.
    const MAX_FAILURES: i32 = 3;
    /// What datasets keep that say nothing themselves.
    type Tools = Retention;

    async fn run(&self, context: &Context, usual: &Retention) -> JobResult<Ended> {
        purge(context.db(), *usual).await?;
        clear(context.db()).await?;
        Ok(Ended::Done)
    }
}

fn with<'v>(sql: &mut Writer<'v>, usual: Retention) {
    sql.bind::<Nullable<Integer>, _>("versions", usual.versions);
    sql.bind::<Nullable<Integer>, _>("days", usual.days);
}

/// Takes the versions away from readers that nothing keeps.
pub async fn purge(db: &Db, usual: Retention) -> ApiResult<()> {
    let found = db.read_primary(async |connection| {
        let mut sql = Writer::default();
        sql.text("SELECT DISTINCT v.dataset_id").text(PURGEABLE);
        sql.text(" LIMIT :most").bind::<BigInt, _>("most", AT_ONCE);
        with(&mut sql, usual);
        let ids: Vec<DatasetId> = sql.statement::<Uuid>().load(connection).await?;
        Ok(ids)
    });
    let nobody = Actor::default();
    for dataset in found.await? {
        for _ in 0..STEPS {
            let purged = transaction(db, &nobody, async |tx: &mut Tx<'_>| -> Work<usize> {
                Ok(purge_some(tx, dataset, usual).await?)
            });
            if purged.await? == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// The lock comes first, so that the statement after it sees every pin.
async fn purge_some(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    usual: Retention,
) -> QueryResult<usize> {
    let mut lock = Writer::default();
    lock.text("SELECT version FROM datasets WHERE id = :dataset FOR NO KEY UPDATE");
    lock.bind::<Uuid, _>("dataset", dataset);
    let locked: Option<i64> = lock
        .statement::<BigInt>()
        .get_result(connection)
        .await
        .optional()?;
    if locked.is_none() {
        return Ok(0);
    }
    let mut sql = Writer::default();
    sql.text("WITH old AS (SELECT v.dataset_id, v.version")
        .text(PURGEABLE);
    sql.text(" AND v.dataset_id = :dataset ORDER BY v.version LIMIT :most), ");
    sql.text("unseen AS (DELETE FROM dataset_profiles AS profile USING old ");
    sql.text("WHERE profile.dataset_id = old.dataset_id AND profile.version = old.version)");
    sql.text(", unfiled AS (DELETE FROM dataset_files AS file USING old ");
    sql.text("WHERE file.dataset_id = old.dataset_id AND file.version = old.version) ");
    sql.text("UPDATE dataset_versions AS v SET purged_at = now() FROM old ");
    sql.text("WHERE v.dataset_id = old.dataset_id AND v.version = old.version");
    sql.bind::<Uuid, _>("dataset", dataset);
    sql.bind::<BigInt, _>("most", VERSIONS);
    with(&mut sql, usual);
    sql.statement::<BigInt>().execute(connection).await
}

/// Removes the rows that no kept version shows.
pub async fn clear(db: &Db) -> ApiResult<()> {
    let found = db.read_primary(async |connection| {
        let mut sql = Writer::default();
        sql.text(UNCLEAR).bind::<BigInt, _>("most", AT_ONCE);
        let found: Vec<(DatasetId, i64)> =
            sql.statement::<(Uuid, BigInt)>().load(connection).await?;
        Ok(found)
    });
    for (dataset, generation) in found.await? {
        let table = Table(generation);
        let mut is_clear = !db
            .read_primary(async |connection| is_needed(connection, dataset, table).await)
            .await?;
        for _ in 0..STEPS {
            if is_clear {
                break;
            }
            let removed = db.write(async |connection| remove(connection, dataset, table).await);
            is_clear = removed.await? == 0;
        }
        if is_clear {
            db.write(async |connection| {
                let mut sql = Writer::default();
                of(sql.text(CLEARED), dataset, table);
                sql.statement::<BigInt>().execute(connection).await
            })
            .await?;
        }
    }
    Ok(())
}

fn of(sql: &mut Writer<'_>, dataset: DatasetId, table: Table) {
    sql.bind::<Uuid, _>("dataset", dataset);
    sql.bind::<BigInt, _>("generation", table.0);
}

async fn is_needed(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    table: Table,
) -> QueryResult<bool> {
    let mut sql = Writer::default();
    of(sql.text(NEEDED), dataset, table);
    let find = sql.statement::<diesel::sql_types::Bool>();
    find.get_result(connection).await
}

/// A row came with one version and went with another; those between, and the first, show it.
async fn remove(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    table: Table,
) -> QueryResult<usize> {
    let mut sql = Writer::default();
    table.name(sql.text("DELETE FROM "));
    sql.text(" WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM ");
    table.name(&mut sql);
    sql.text(" AS r JOIN dataset_versions AS came ON came.dataset_id = :dataset AND came.change = r.came ");
    sql.text(
        "JOIN dataset_versions AS gone ON gone.dataset_id = :dataset AND gone.change = r.gone ",
    );
    sql.text("WHERE r.gone IS NOT NULL AND NOT EXISTS (SELECT FROM dataset_versions AS kept ");
    sql.text("WHERE kept.dataset_id = :dataset AND kept.generation = :generation ");
    sql.text("AND kept.purged_at IS NULL ");
    sql.text("AND kept.version >= came.version AND kept.version < gone.version) LIMIT :most))");
    of(&mut sql, dataset, table);
    sql.bind::<BigInt, _>("most", ROWS);
    sql.statement::<BigInt>().execute(connection).await
}
