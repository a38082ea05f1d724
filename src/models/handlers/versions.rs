//! The versions of a model: finding, describing and deleting them, and their bytes.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use diesel::result::{DatabaseErrorKind, Error};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{VersionPath, version};
use crate::db::json::AsJson;
use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::Edition;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::answer::ranged::Ranges;
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::body::patch::{Change, MergePatch, Patch};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::access::ModelAccess;
use crate::models::lineage::{self, TrainedOn};
use crate::models::version::{
    self, ModelLicence, ModelVersionSort, Version, VersionChanges, VersionDescription,
    VersionState, VersionTag,
};
use crate::projects::access::{Editor, Viewer};

const MOST_TAGS: usize = 20;
const MOST_METRICS: usize = 100;
const LONGEST_METRIC: usize = 100;
const MOST_TRAINED_ON: usize = 50;

/// Changes to what a version says of itself
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateModelVersion {
    #[serde(default)]
    #[schema(value_type = Option<VersionDescription>)]
    description: Patch<VersionDescription>,
    #[serde(default)]
    #[schema(value_type = Option<ModelLicence>)]
    licence: Patch<ModelLicence>,
    /// All of them, at most 20
    #[serde(default)]
    #[schema(value_type = Vec<VersionTag>, max_items = 20, required = false)]
    tags: Change<Vec<VersionTag>>,
    /// All of them, at most 100: what you measured, by name
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, f64>, required = false)]
    metrics: Change<BTreeMap<String, f64>>,
    /// All versions of datasets that it was trained on, at most 50, each of which you may see; of
    /// those that were said before, the ones that you may not see stay. Lineage shows them
    #[serde(default)]
    #[schema(value_type = Vec<TrainedOn>, max_items = 50, required = false)]
    trained_on: Change<Vec<TrainedOn>>,
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ModelVersionFilter {
    /// Only versions in this state
    #[param(inline)]
    state: Option<VersionState>,
}

/// The versions of a model
///
/// A number is given once, so those of deleted versions are missing.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/versions",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        PageParams<ModelVersionSort>,
        ModelVersionFilter,
    ),
    responses((status = OK, body = Page<Version>), ApiError),
)]
pub async fn list_model_versions(
    access: ModelAccess<Viewer>,
    app: AppState,
    page: PageParams<ModelVersionSort>,
    ValidQuery(filter): ValidQuery<ModelVersionFilter>,
) -> ApiResult<Listed<Version>> {
    let (id, state) = (access.model.id, filter.state);
    let found = app
        .db
        .read(async |connection| version::page(connection, id, state, &page).await)
        .await?;
    Ok(page.respond(found, |version| version))
}

/// A version of a model
///
/// Its bytes never change. Its `ETag` changes with its state and with what it says of itself.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/versions/{version}",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    responses(
        (status = OK, body = Version),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_model_version(
    access: ModelAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
) -> ApiResult<Versioned<Version>> {
    let found = version(&app.db, access.model.id, path.version).await?;
    conditions.read(found.revision, || found)
}

/// The bytes of a version
///
/// The ONNX file as it was uploaded, with its length, a strong `ETag` and ranges.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/versions/{version}/bytes",
    tag = "models",
    security(("caller" = [])),
    extensions(("x-policy" = json!("download"))),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
        ("Range" = Option<String>, Header, description = "Which bytes of the file; several ranges are answered with the whole file"),
    ),
    responses(
        (status = OK, description = "The file.", content((String = "application/octet-stream"))),
        (status = PARTIAL_CONTENT, description = "The range of it.", content((String = "application/octet-stream"))),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_model_bytes(
    access: ModelAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
    ranges: Ranges,
) -> ApiResult<Response> {
    let found = version(&app.db, access.model.id, path.version).await?;
    let blob = found.bytes();
    let edition = Edition::with_rest(found.version, [blob.sha256.as_slice()]);
    match conditions.read(edition, || ())? {
        Versioned::Body { .. } => {}
        same => return Ok(same.into_response()),
    }
    let kind = HeaderValue::from_static("application/octet-stream");
    ranges.answer(edition, blob.size, kind, |range| {
        blob.read(app.db.clone(), range)
    })
}

/// Describe a version
///
/// A merge patch: members that you leave out stay as they are. You need the role `editor`.
#[utoipa::path(
    patch,
    path = "/api/v1/models/{name}/versions/{version}",
    tag = "models",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    request_body(content = UpdateModelVersion, content_type = "application/merge-patch+json"),
    responses((status = OK, body = Version), ApiError),
)]
pub async fn update_model_version(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdateModelVersion>,
) -> ApiResult<Versioned<Version>> {
    let me = who.id;
    let (tags, metrics) = (tags(&patch.tags)?, measured(&patch.metrics)?);
    let trained_on = trained_on(&patch.trained_on)?;
    let changed = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Version> {
        let model = ModelAccess::<Editor>::to_write(tx, me, &path.name)
            .await?
            .model;
        let found = Version::find(tx.connection(), model.id, path.version).await?;
        let found = found.ok_or(ApiError::not_found("version"))?;
        conditions.write(Some(found.revision))?;
        let changes = VersionChanges {
            description: patch.description.as_update(),
            licence: patch.licence.as_update(),
            tags: tags.clone(),
            metrics: metrics.clone().map(AsJson),
        };
        let changed = Version::update(tx, model.id, found.version, changes).await?;
        if let Some(on) = trained_on {
            lineage::train(tx, me, (model.id, found.version), on).await?;
        }
        tx.tell(Event::ModelVersionDescribed {
            project: model.project_id,
            model: model.id,
            name: model.name,
            version: found.version,
        })
        .await?;
        Ok(changed)
    })
    .await?;
    Ok(Versioned::new(changed.revision, changed))
}

/// The tags in their order and each once.
fn tags(change: &Change<Vec<VersionTag>>) -> ApiResult<Option<Vec<String>>> {
    let Some(tags) = change.value() else {
        return Ok(None);
    };
    if tags.len() > MOST_TAGS {
        return Err(ApiError::wrong_field(
            "/tags",
            "too-many-items",
            "a version has at most 20 tags",
        ));
    }
    let mut tags: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    tags.sort();
    tags.dedup();
    Ok(Some(tags))
}

fn measured(change: &Change<BTreeMap<String, f64>>) -> ApiResult<Option<BTreeMap<String, f64>>> {
    let Some(metrics) = change.value() else {
        return Ok(None);
    };
    if metrics.len() > MOST_METRICS {
        let detail = "a version has at most 100 metrics";
        return Err(ApiError::wrong_field("/metrics", "too-many-items", detail));
    }
    let is_name = |name: &String| {
        (1..=LONGEST_METRIC).contains(&name.chars().count()) && !name.contains(char::is_control)
    };
    if !metrics.keys().all(is_name) {
        let detail = "the name of a metric has 1 to 100 characters and no control characters";
        return Err(ApiError::wrong_field("/metrics", "invalid-value", detail));
    }
    Ok(Some(metrics.clone()))
}

fn trained_on(change: &Change<Vec<TrainedOn>>) -> ApiResult<Option<&[TrainedOn]>> {
    match change.value() {
        Some(on) if on.len() > MOST_TRAINED_ON => {
            let detail = "a version names at most 50 versions of datasets that it was trained on";
            Err(ApiError::wrong_field(
                "/trained_on",
                "too-many-items",
                detail,
            ))
        }
        on => Ok(on.map(Vec::as_slice)),
    }
}

/// Delete a version
///
/// Deletes its bytes for good; its number is not given again. You need the role `editor`. For as
/// long as an alias leads to it, the answer is 409.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}/versions/{version}",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    responses((status = NO_CONTENT, description = "The version is deleted."), ApiError),
)]
pub async fn delete_model_version(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let me = who.id;
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let model = ModelAccess::<Editor>::to_write(tx, me, &path.name)
            .await?
            .model;
        let found = Version::find(tx.connection(), model.id, path.version).await?;
        let found = found.ok_or(ApiError::not_found("version"))?;
        conditions.write(Some(found.revision))?;
        Version::delete(tx, model.id, found.version)
            .await
            .map_err(in_use)?;
        tx.tell(Event::ModelVersionDeleted {
            project: model.project_id,
            model: model.id,
            name: model.name,
            version: found.version,
        })
        .await?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn in_use(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info)
            if info.constraint_name() == Some("model_alias_targets_version_fkey") =>
        {
            ApiError::new(
                Code::AliasInUse,
                "an alias of the model leads to this version; move or remove the alias first",
            )
            .into()
        }
        _ => error.into(),
    }
}
