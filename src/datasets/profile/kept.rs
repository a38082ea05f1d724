//! Profiles that have been computed, and the job that computes those of large versions.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use super::{Profile, Subject};
use crate::datasets::versions::with_columns;
use crate::db::snapshot::SnapshotError;
use crate::db::sql::Writer;
use crate::db::{Db, DbError};
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobResult, Lane};
use crate::kernel::types::DatasetId;
use crate::schema::{dataset_profiles, dataset_versions};

/// A version with fewer values is profiled while its reader waits.
const QUICK: i64 = 200_000;
const QUICK_COLUMNS: usize = 50;
/// For a whole profile in a job.
const PATIENCE: Duration = Duration::from_secs(3_600);

pub fn is_quick(rows: i64, columns: usize) -> bool {
    let values = i64::try_from(columns).map_or(i64::MAX, |columns| columns.saturating_mul(rows));
    columns <= QUICK_COLUMNS && values <= QUICK
}

pub async fn find(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    version: i64,
) -> QueryResult<Option<Profile>> {
    let found: Option<Value> = dataset_profiles::table
        .find((dataset, version))
        .select(dataset_profiles::profile)
        .first(connection)
        .await
        .optional()?;
    // What another release has written in another form is computed again.
    Ok(found.and_then(|profile| serde_json::from_value(profile).ok()))
}

/// How many records the version has.
pub async fn rows(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    version: i64,
) -> QueryResult<Option<i64>> {
    dataset_versions::table
        .find((dataset, version))
        .select(dataset_versions::row_count)
        .first(connection)
        .await
        .optional()
}

/// Nothing is kept of a version that is gone by now.
const KEEP: &str = "INSERT INTO dataset_profiles (dataset_id, version, profile) \
    SELECT dataset_id, version, :profile FROM dataset_versions \
    WHERE dataset_id = :dataset AND version = :version \
    ON CONFLICT (dataset_id, version) DO UPDATE SET profile = excluded.profile";

pub async fn keep(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    profile: &Profile,
) -> QueryResult<usize> {
    let shown = serde_json::to_value(profile)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let mut sql = Writer::default();
    sql.text(KEEP).bind::<Jsonb, _>("profile", shown);
    sql.bind::<Uuid, _>("dataset", dataset);
    sql.bind::<BigInt, _>("version", profile.version);
    sql.statement::<BigInt>().execute(connection).await
}

/// Profiles a version that is too large for a request.
#[derive(Serialize, Deserialize)]
pub struct ProfileVersion {
    pub dataset: DatasetId,
    pub version: i64,
}

impl ProfileVersion {
    pub async fn compute(&self, db: &Db) -> JobResult<()> {
        let failed = |error: SnapshotError| DbError::from(error);
        let snapshot = db.snapshot().await?;
        let (mut connection, guard) = snapshot.connection().await.map_err(failed)?;
        let profiled = timeout(PATIENCE, self.profile(&mut connection)).await?;
        drop((connection, guard));
        if let Some(profile) = profiled? {
            let dataset = self.dataset;
            db.write(async |connection| keep(connection, dataset, &profile).await)
                .await?;
        }
        Ok(())
    }

    /// `None` where the version is gone.
    async fn profile(&self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Profile>> {
        let found = with_columns(connection, self.dataset, self.version).await?;
        let rows = rows(connection, self.dataset, self.version).await?;
        let Some(((columns, shown), rows)) = found.zip(rows) else {
            return Ok(None);
        };
        let subject = Subject {
            shown: &shown,
            columns: &columns,
            rows,
        };
        subject.profile(connection).await.map(Some)
    }
}

impl Job for ProfileVersion {
    const KIND: &'static str = "datasets.profile.1";
    const LANE: Lane = Lane::Long;
    /// Who asks again begins another.
    const MAX_FAILURES: i32 = 3;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        self.compute(context.db()).await?;
        Ok(Ended::Done)
    }
}
