//! What is asked about datasets, a file for each matter.

pub mod aggregate;
pub mod datasets;
pub mod diff;
pub mod imports;
pub mod metadata;
pub mod picture;
pub mod pins;
pub mod profile;
pub mod record;
pub mod records;
pub mod update;
pub mod versions;

use super::model::Dataset;
use crate::db::transaction::{Tx, Work, transaction};
use crate::identity::api::AppState;
use crate::jobs::enqueue::{Enqueued, NewJob, enqueue};
use crate::jobs::kind::Job;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::kernel::values::number;

/// The dataset as it is now, for who found that its table was replaced between two looks.
async fn look_again(app: &AppState, who: PrincipalId, id: DatasetId) -> ApiResult<Dataset> {
    let found = app
        .db
        .read_primary(async |connection| Dataset::find(connection, who, id).await)
        .await?;
    found.ok_or(ApiError::not_found("dataset"))
}

/// Begins a job about a version, unless one of its kind is under way.
async fn begin<J: Job>(
    app: &AppState,
    actor: &Actor,
    job: &J,
    dataset: DatasetId,
    version: i64,
) -> ApiResult<()> {
    let key = format!("{dataset}/{version}");
    transaction(&app.db, actor, async |tx: &mut Tx<'_>| -> Work<()> {
        enqueue(tx, NewJob::of(job).unique(&key).owned_by(dataset.0)).await?;
        tx.after_commit(Enqueued);
        Ok(())
    })
    .await
}

number! {
    /// The number of a version
    VersionNumber(i64): 1..=9_007_199_254_740_991;
}

/// It was replaced again.
fn replaced() -> ApiError {
    ApiError::new(
        Code::Conflict,
        "the dataset was replaced while it was read; repeat the request",
    )
}
