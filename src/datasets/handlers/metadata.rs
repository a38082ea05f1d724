//! A dataset as catalogues of others describe data.

use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::IntoParams;

use super::VersionNumber;
use crate::datasets::access::DatasetAccess;
use crate::datasets::metadata::{CroissantDataset, DataPackage, Described};
use crate::datasets::versions::{self, Version};
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::Edition;
use crate::http::body::extract::ValidQuery;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::DatasetId;
use crate::projects::access::Viewer;

const JSON_LD: HeaderValue = HeaderValue::from_static("application/ld+json");

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DescribedVersion {
    /// The version to describe, which is the last one unless told
    #[param(inline)]
    version: Option<VersionNumber>,
}

/// A dataset as a Frictionless Data Package
///
/// `datapackage.json` with the schema of the records, where they are as CSV, and what the dataset
/// says of itself. Whoever reads the records needs credentials of their own.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/datapackage.json",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), DescribedVersion),
    responses(
        (status = OK, body = DataPackage),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_data_package(
    access: DatasetAccess<Viewer>,
    app: AppState,
    conditions: Conditions,
    ValidQuery(asked): ValidQuery<DescribedVersion>,
) -> ApiResult<Versioned<DataPackage>> {
    let version = version(&access, &app, asked.version.map(VersionNumber::get)).await?;
    let described = described(&access, &app, version.as_ref());
    conditions.read(edition(&access, version.as_ref()), || described.package())
}

/// A dataset as Croissant describes it
///
/// JSON-LD of MLCommons Croissant 1.0 with the fields of the records, where they are as CSV, and
/// what the dataset says of itself. Whoever reads the records needs credentials of their own.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/croissant.json",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), DescribedVersion),
    responses(
        (status = OK, content_type = "application/ld+json", body = CroissantDataset),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_croissant(
    access: DatasetAccess<Viewer>,
    app: AppState,
    conditions: Conditions,
    ValidQuery(asked): ValidQuery<DescribedVersion>,
) -> ApiResult<Response> {
    let version = version(&access, &app, asked.version.map(VersionNumber::get)).await?;
    let described = described(&access, &app, version.as_ref());
    let edition = edition(&access, version.as_ref());
    let mut response = conditions
        .read(edition, || described.croissant())?
        .into_response();
    if response.headers().contains_key(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, JSON_LD);
    }
    Ok(response)
}

async fn version(
    access: &DatasetAccess<Viewer>,
    app: &AppState,
    asked: Option<i64>,
) -> ApiResult<Option<Version>> {
    let dataset = &access.dataset;
    // Before the first change there is no version.
    let Some(version) = asked.or((dataset.version > 0).then_some(dataset.version)) else {
        return Ok(None);
    };
    let id = dataset.id;
    let found = app
        .db
        .look_up(async |connection| versions::find(connection, id, version).await)
        .await?;
    found.map(Some).ok_or(ApiError::not_found("version"))
}

fn described<'a>(
    access: &'a DatasetAccess<Viewer>,
    app: &'a AppState,
    version: Option<&'a Version>,
) -> Described<'a> {
    Described {
        dataset: &access.dataset,
        version,
        public_url: &app.public_url,
    }
}

/// It shows the version and what the dataset says of itself.
fn edition(access: &DatasetAccess<Viewer>, version: Option<&Version>) -> Edition {
    let revision = access.dataset.revision.to_be_bytes();
    Edition::with_rest(
        version.map_or(0, |version| version.version),
        [revision.as_slice()],
    )
}
