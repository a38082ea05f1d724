//! What the columns of a version hold.

use axum::response::{IntoResponse as _, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::records::shown;
use super::{VersionNumber, begin, picture};
use crate::datasets::access::DatasetAccess;
use crate::datasets::model::Dataset;
use crate::datasets::pictures::of_profile;
use crate::datasets::profile::kept::{self, ProfileVersion, find, is_quick, keep};
use crate::datasets::profile::{Profile, Subject};
use crate::datasets::query::{invalid, place};
use crate::http::answer::conditional::Conditions;
use crate::http::body::extract::ValidQuery;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, words};
use crate::projects::access::Viewer;

/// When it is worth to ask again, in seconds.
const AGAIN: u64 = 5;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProfileParams {
    /// The version to profile, which is the last one unless told
    #[param(inline)]
    version: Option<VersionNumber>,
    /// Only this field. A picture is of one
    column: Option<String>,
    /// `svg` for a picture, which an `Accept` that prefers `image/svg+xml` asks for as well
    #[param(pattern = "^(json|svg)$")]
    format: Option<String>,
}

words! {
    /// What becomes of a profile that is not there yet
    ProfileState {
        Computing = "computing",
    }
}

/// A profile that is not there yet
#[derive(Serialize, ToSchema)]
pub struct PendingProfile {
    /// The version of the dataset that it is of
    version: i64,
    state: ProfileState,
}

/// What the columns of a version hold
///
/// For each column how many values there are, the least and the largest, which are frequent and how
/// they are spread. A profile is computed once for a version. That of a large version is computed
/// after the first request for it, which is answered 202 until it is there.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/profile",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), ProfileParams),
    responses(
        (
            status = OK,
            description = "The profile, or a picture of one column.",
            content((Profile = "application/json"), (String = "image/svg+xml")),
        ),
        (status = ACCEPTED, description = "It is being computed; ask again after `Retry-After`.", body = PendingProfile),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_profile(
    access: DatasetAccess<Viewer>,
    app: AppState,
    actor: Actor,
    headers: HeaderMap,
    conditions: Conditions,
    ValidQuery(asked): ValidQuery<ProfileParams>,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    // Before the first change there is no version.
    let version = asked.version.map(VersionNumber::get);
    let version = version.or((dataset.version > 0).then_some(dataset.version));
    let is_picture = picture::is_asked(asked.format.as_deref(), &headers)?;
    let column = asked.column.as_deref();
    let column = column.map(|field| place(&dataset.columns, "column", field));
    let column = column.transpose()?;
    if is_picture && column.is_none() {
        return Err(invalid(
            "column",
            "a picture is of one column; say of which",
        ));
    }
    let Some(mut profile) = profile(&app, &actor, &dataset, version).await? else {
        return Ok(pending(version.unwrap_or_default()));
    };
    let found = column.and_then(|place| profile.columns.get(place).cloned());
    if let Some(column) = found {
        if is_picture {
            let chart = of_profile(&dataset, &profile, &column)?;
            return picture::answer(&conditions, &dataset, profile.version, &chart);
        }
        profile.columns = vec![column];
    }
    let version = profile.version;
    Ok(conditions.read(version, || profile)?.into_response())
}

fn pending(version: i64) -> Response {
    let body = PendingProfile {
        version,
        state: ProfileState::Computing,
    };
    let headers = [(RETRY_AFTER, AGAIN.to_string())];
    (StatusCode::ACCEPTED, headers, axum::Json(body)).into_response()
}

/// `None` where a job computes it.
pub async fn profile(
    app: &AppState,
    actor: &Actor,
    dataset: &Dataset,
    version: Option<i64>,
) -> ApiResult<Option<Profile>> {
    let (id, columns) = (dataset.id, &dataset.columns);
    let shown = shown(app, dataset, version).await?;
    let mut rows = 0;
    if let Some(version) = version {
        let known = app
            .db
            .read(async |connection| {
                let rows = kept::rows(connection, id, version).await?;
                Ok((find(connection, id, version).await?, rows))
            })
            .await?;
        if let (Some(profile), _) = known {
            return Ok(Some(profile));
        }
        rows = known.1.ok_or(ApiError::not_found("version"))?;
        if !is_quick(rows, columns.0.len()) {
            let job = ProfileVersion {
                dataset: id,
                version,
            };
            begin(app, actor, &job, id, version).await?;
            return Ok(None);
        }
    }
    let subject = Subject {
        shown: &shown,
        columns,
        rows,
    };
    let profile = app
        .db
        .read(async |connection| subject.profile(connection).await)
        .await?;
    if let Some(version) = version {
        let kept = app
            .db
            .write(async |connection| keep(connection, id, &profile).await);
        if let Err(error) = kept.await {
            tracing::debug!(%error, dataset = %id, version, "a profile could not be kept");
        }
    }
    Ok(Some(profile))
}
