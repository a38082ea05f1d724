//! The versions of a dataset, and each as a file.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::RETRY_AFTER;
use tokio::time::{Instant, sleep};

use super::begin;
use crate::blobs::Blob;
use crate::datasets::access::DatasetAccess;
use crate::datasets::export::PARQUET;
use crate::datasets::files::{self, WriteVersion};
use crate::datasets::versions::{self, Version, VersionSort};
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::Edition;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::answer::ranged::Ranges;
use crate::http::body::extract::ValidPath;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
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

/// For a file to be made, before its reader is told to come again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look whether it is there.
const EVERY: Duration = Duration::from_millis(200);
/// When it is worth to ask again, in seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("10");

/// A version as a Parquet file
///
/// All its records, with a length, a strong `ETag` and ranges, so that programs read what they need
/// of it by its URL. It is made when it is asked for the first time, which the answer waits for; if
/// that takes too long, it is 503 `file-pending`. From then on it stays the same, for as long as
/// the version is kept.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/versions/{version}/data.parquet",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("download"))),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("version" = i64, Path, description = "Number of the version", minimum = 1),
        ("Range" = Option<String>, Header, description = "A range of bytes; several are answered with the whole file"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the file that the range is of; another one is answered with the whole file"),
    ),
    responses(
        (status = OK, description = "The file.", content((String = "application/vnd.apache.parquet"))),
        (status = PARTIAL_CONTENT, description = "The range of it.", content((String = "application/vnd.apache.parquet"))),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_version_file(
    _: DatasetAccess<Viewer>,
    app: AppState,
    actor: Actor,
    conditions: Conditions,
    ranges: Ranges,
    ValidPath(path): ValidPath<(DatasetId, i64)>,
) -> ApiResult<Response> {
    let (dataset, version) = path;
    let blob = made(&app, &actor, WriteVersion { dataset, version }).await?;
    let edition = Edition::with_rest(version, [blob.sha256.as_slice()]);
    match conditions.read(edition, || ())? {
        Versioned::Body { .. } => {}
        same => return Ok(same.into_response()),
    }
    let (size, kind) = (blob.size, HeaderValue::from_static(PARQUET));
    ranges.answer(edition, size, kind, |range| {
        blob.read(app.db.clone(), range)
    })
}

/// The file, once it is there.
async fn made(app: &AppState, actor: &Actor, job: WriteVersion) -> ApiResult<Blob> {
    let until = Instant::now() + PATIENCE;
    let mut is_begun = false;
    loop {
        let WriteVersion { dataset, version } = job;
        let found = app
            .db
            .read_primary(async |connection| files::find(connection, dataset, version).await);
        if let Some(blob) = found.await?? {
            return Ok(blob);
        }
        if !is_begun {
            begin(app, actor, &job, dataset, version).await?;
            is_begun = true;
        }
        if Instant::now() >= until {
            let error = ApiError::new(
                Code::FilePending,
                format!("the file of version {version} is being made; ask again"),
            );
            return Err(error.with_header(RETRY_AFTER, AGAIN));
        }
        sleep(EVERY).await;
    }
}
