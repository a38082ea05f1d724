//! Versions as Parquet files that stay: made once, by a job that the first request for one begins,
//! and kept for as long as the version.

use std::pin::pin;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::export::{Selected, parts};
use super::query::Filters;
use super::typed::Typed;
use super::versions::{purged, with_columns};
use crate::blobs::{Blob, BlobWriter};
use crate::db::snapshot::SnapshotError;
use crate::db::sql::Writer;
use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::db::{Db, DbError};
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{BlobId, DatasetId};
use crate::process::{FileFormat, Runner};
use crate::schema::{dataset_files, dataset_versions};

const FIND: &str = "SELECT v.purged_at IS NOT NULL, blob.id, blob.size, blob.sha256 \
    FROM dataset_versions AS v \
    LEFT JOIN dataset_files AS file ON file.dataset_id = v.dataset_id AND file.version = v.version \
    LEFT JOIN blobs AS blob ON blob.id = file.blob_id \
    WHERE v.dataset_id = :dataset AND v.version = :version";

type FoundFile = (bool, Option<BlobId>, Option<i64>, Option<Vec<u8>>);

/// The file of a version, if it has been made; or that there is no such version or it is not kept.
pub async fn find(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    version: i64,
) -> QueryResult<ApiResult<Option<Blob>>> {
    let mut sql = Writer::default();
    sql.text(FIND).bind::<Uuid, _>("dataset", dataset);
    sql.bind::<BigInt, _>("version", version);
    let find = sql.statement::<(Bool, Nullable<Uuid>, Nullable<BigInt>, Nullable<Binary>)>();
    let found: Option<FoundFile> = find.get_result(connection).await.optional()?;
    Ok(match found {
        None => Err(ApiError::not_found("version")),
        Some((true, ..)) => Err(purged(version)),
        Some((false, Some(id), Some(size), Some(sha256))) => Ok(Some(Blob {
            id,
            size: u64::try_from(size).unwrap_or(0),
            sha256,
        })),
        Some(_) => Ok(None),
    })
}

/// Makes the file of a version.
#[derive(Serialize, Deserialize)]
pub struct WriteVersion {
    pub dataset: DatasetId,
    pub version: i64,
}

impl WriteVersion {
    /// Nothing is made where the version is gone, or has a file.
    pub async fn make(&self, db: &Db, runner: &Runner) -> JobResult<()> {
        let (dataset, version) = (self.dataset, self.version);
        let found = db.read_primary(async |connection| find(connection, dataset, version).await);
        if !matches!(found.await?, Ok(None)) {
            return Ok(());
        }
        let failed = |error: SnapshotError| DbError::from(error);
        let snapshot = db.snapshot().await?;
        let (mut connection, guard) = snapshot.connection().await.map_err(failed)?;
        let Some(rows) = self.rows(&mut connection).await? else {
            return Ok(());
        };
        let format = FileFormat::Parquet;
        let typed = Typed::begin(&mut connection, dataset, &rows, format, runner).await?;
        let mut file = pin!(parts(async move |to| {
            let sent = typed.send(connection, &rows, &to).await;
            drop(guard);
            sent.map(|_is_taken| ())
        }));
        let mut blob = BlobWriter::begin(db).await?;
        while let Some(part) = file.try_next().await? {
            blob.write(&part).await?;
        }
        let blob = blob.end().await?;
        let nobody = Actor::default();
        let kept = transaction(db, &nobody, async |tx: &mut Tx<'_>| -> Work<bool> {
            if !self.is_kept(tx).await? {
                return Ok(false);
            }
            blob.complete(tx).await?;
            let written = diesel::insert_into(dataset_files::table)
                .values((
                    dataset_files::dataset_id.eq(dataset),
                    dataset_files::version.eq(version),
                    dataset_files::blob_id.eq(blob.id),
                ))
                .on_conflict_do_nothing()
                .execute(tx.connection())
                .await?;
            match written {
                // Another run was first, and nobody gets this one.
                0 => Err(Failure::Query(diesel::result::Error::RollbackTransaction)),
                _ => Ok(true),
            }
        });
        if !kept.await? {
            tracing::debug!(%dataset, version, "a version is gone whose file has been made");
        }
        Ok(())
    }

    async fn rows(&self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Selected>> {
        let found = with_columns(connection, self.dataset, self.version).await?;
        Ok(found.map(|(columns, shown)| Selected {
            places: (0..columns.0.len()).collect(),
            columns,
            filters: Filters::default(),
            shown,
        }))
    }

    /// Whoever purges versions locks their dataset first, so it stays until the transaction ends.
    async fn is_kept(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let mut lock = Writer::default();
        lock.text("SELECT version FROM datasets WHERE id = :dataset FOR NO KEY UPDATE");
        lock.bind::<Uuid, _>("dataset", self.dataset);
        lock.statement::<BigInt>().execute(connection).await?;
        let version = dataset_versions::table.find((self.dataset, self.version));
        let kept = version.filter(dataset_versions::purged_at.is_null());
        diesel::select(diesel::dsl::exists(kept))
            .get_result(connection)
            .await
    }
}

impl Job for WriteVersion {
    const KIND: &'static str = "datasets.file.1";
    const LANE: Lane = Lane::Long;
    /// Who asks again begins another.
    const MAX_FAILURES: i32 = 3;
    /// Children of its own, so that those who read files slowly keep none from being made.
    type Tools = Arc<Runner>;

    async fn run(&self, context: &Context, runner: &Arc<Runner>) -> JobResult<Ended> {
        self.make(context.db(), runner).await?;
        Ok(Ended::Done)
    }
}
