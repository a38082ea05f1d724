//! The versions of a dataset.

use crate::datasets::access::DatasetAccess;
use crate::datasets::versions::{self, Version, VersionSort};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::DatasetId;
use crate::projects::access::Viewer;

/// The versions of a dataset
///
/// Every committed change to its records is a version: an import, or an edit. What is read with
/// `version` is as it was then.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/versions",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), PageParams<VersionSort>),
    responses((status = OK, body = Page<Version>), ApiError),
)]
pub async fn list_dataset_versions(
    access: DatasetAccess<Viewer>,
    app: AppState,
    page: PageParams<VersionSort>,
) -> ApiResult<Listed<Version>> {
    let id = access.dataset.id;
    let found = app
        .db
        .read(async |connection| versions::page(connection, id, &page).await)
        .await?;
    Ok(page.respond(found, |version| version))
}
