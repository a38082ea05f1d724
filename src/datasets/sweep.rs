//! The jobs that clean up after datasets: imports whose process is gone, tables that are no
//! dataset's any more, and files that no version has.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

use super::import::model::Import;
use super::import::rejects;
use super::table::Table;
use crate::blobs;
use crate::db::Db;
use crate::db::purge::in_batches;
use crate::db::sql::Writer;
use crate::db::transaction::{Tx, transaction};
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;
use crate::schema::dataset_generations;

/// Tables that one run drops at most.
const AT_ONCE: i64 = 20;
/// A reader who goes on with a table makes everybody wait behind its drop, so the drop gives up
/// first and comes again.
const PATIENCE: &str = "SET LOCAL lock_timeout = '200ms'";

/// Those of deleted datasets, and those that no version needs. Who began to read one that is not
/// kept any more has gone on for long enough.
const UNUSED: &str = "SELECT generation.id FROM dataset_generations AS generation \
    LEFT JOIN datasets ON datasets.id = generation.dataset_id WHERE datasets.id IS NULL OR ( \
    datasets.generation IS DISTINCT FROM generation.id \
    AND NOT EXISTS (SELECT FROM dataset_versions AS version WHERE version.dataset_id = datasets.id \
    AND version.generation = generation.id \
    AND (version.purged_at IS NULL OR version.purged_at > now() - interval '2 minutes')) \
    AND NOT EXISTS (SELECT FROM dataset_imports AS import WHERE import.dataset_id = datasets.id \
    AND import.ended_at IS NULL)) ORDER BY generation.id LIMIT :most";

#[derive(Serialize, Deserialize)]
pub struct SweepDatasets {}

impl Job for SweepDatasets {
    const KIND: &'static str = "datasets.sweep.1";
    const LANE: Lane = Lane::Bulk;
    /// The next minute brings another.
    const MAX_FAILURES: i32 = 3;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        sweep(context.db()).await?;
        Ok(Ended::Done)
    }
}

/// Ends what nobody works on any more, and drops what nobody needs.
pub async fn sweep(db: &Db) -> ApiResult<()> {
    let abandoned = db.write(async |connection| Import::end_abandoned(connection).await);
    abandoned.await?;
    in_batches(db, async |connection| rejects::purge(connection).await).await?;
    blobs::sweep(db).await?;
    let unused = db.read_primary(async |connection| unused(connection).await);
    let nobody = Actor::default();
    for table in unused.await? {
        let dropped = transaction(db, &nobody, async |tx: &mut Tx<'_>| {
            diesel::sql_query(PATIENCE).execute(tx.connection()).await?;
            let mut drop = table.drop();
            drop.statement::<BigInt>().execute(tx.connection()).await?;
            let row = dataset_generations::table.find(table.0);
            diesel::delete(row).execute(tx.connection()).await?;
            Ok(())
        });
        if let Err(error) = dropped.await {
            tracing::debug!(error = %error.detail, table = table.0, "a table is still read");
        }
    }
    Ok(())
}

async fn unused(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Table>> {
    let mut sql = Writer::default();
    sql.text(UNUSED).bind::<BigInt, _>("most", AT_ONCE);
    let ids: Vec<i64> = sql.statement::<BigInt>().load(connection).await?;
    Ok(ids.into_iter().map(Table).collect())
}
