//! What is asked about datasets, a file for each matter.

pub mod aggregate;
pub mod datasets;
pub mod imports;
pub mod record;
pub mod records;
pub mod versions;

use super::model::Dataset;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, PrincipalId};

/// The dataset as it is now, for who found that its table was replaced between two looks.
async fn look_again(app: &AppState, who: PrincipalId, id: DatasetId) -> ApiResult<Dataset> {
    let found = app
        .db
        .read_primary(async |connection| Dataset::find(connection, who, id).await)
        .await?;
    found.ok_or(ApiError::not_found("dataset"))
}

/// It was replaced again.
fn replaced() -> ApiError {
    ApiError::new(
        Code::Conflict,
        "the dataset was replaced while it was read; repeat the request",
    )
}
