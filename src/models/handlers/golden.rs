//! The golden test of a version: setting it, and trying it before an alias moves.

use std::sync::Arc;

use futures_util::future::join_all;
use http::StatusCode;

use super::VersionPath;
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::{ValidJson, ValidPath};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;
use crate::models::access::ModelAccess;
use crate::models::model::Model;
use crate::models::oip::golden::{Golden, Verdict, failed};
use crate::models::serving::{Models, route};
use crate::models::version::{GoldenState, Version, not_ready, with_goldens};
use crate::projects::access::{Editor, Viewer};

/// The golden test of a version
///
/// What the version is asked, and what it has to answer. Whether it does is `golden_state` of the
/// version.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/versions/{version}/golden",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    responses(
        (status = OK, body = Golden),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_model_golden(
    access: ModelAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
) -> ApiResult<Versioned<Golden>> {
    let (id, number) = (access.model.id, path.version);
    let found = app
        .db
        .look_up(async |connection| with_goldens(connection, id, &[number]).await)
        .await?;
    let found = found.into_iter().next();
    let found = found.and_then(|(version, golden)| Some((version, golden?)));
    let (version, golden) = found.ok_or(ApiError::not_found("golden test"))?;
    conditions.read(version.revision, || golden)
}

/// Set the golden test of a version
///
/// The version is asked at once, and `golden_state` of the answer says whether it answered as
/// expected; where it did not, `golden_problem` says where. It is asked again by `verify`, and
/// before an alias is moved to it: no alias moves to a version that fails its golden test (409
/// `golden-failed`). The version has to be ready. You need the role `editor`.
#[utoipa::path(
    put,
    path = "/api/v1/models/{name}/versions/{version}/golden",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    request_body = Golden,
    responses((status = OK, body = Version), ApiError),
)]
pub async fn set_model_golden(
    access: ModelAccess<Editor>,
    app: AppState,
    models: Models,
    actor: Actor,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
    ValidJson(golden): ValidJson<Golden>,
) -> ApiResult<Versioned<Version>> {
    golden.check()?;
    let ModelAccess { model, who, .. } = access;
    let version = super::version(&app.db, model.id, path.version).await?;
    conditions.write(Some(version.revision))?;
    let verdict = ask(&models, &model, &version, &golden).await?;
    let tested = (golden, verdict);
    let set = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Version> {
        set(tx, who, &path, &conditions, Some(&tested)).await
    })
    .await?;
    Ok(Versioned::new(set.revision, set))
}

/// Take the golden test of a version away
///
/// You need the role `editor`.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}/versions/{version}/golden",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    responses((status = NO_CONTENT, description = "The version has no golden test any more."), ApiError),
)]
pub async fn delete_model_golden(
    access: ModelAccess<Editor>,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<VersionPath>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let who = access.who;
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Version> {
        set(tx, who, &path, &conditions, None).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set(
    tx: &mut Tx<'_>,
    who: PrincipalId,
    path: &VersionPath,
    conditions: &Conditions,
    tested: Option<&(Golden, Verdict)>,
) -> Work<Version> {
    let model = ModelAccess::<Editor>::to_write(tx, who, &path.name)
        .await?
        .model;
    let found = Version::find(tx.connection(), model.id, path.version).await?;
    let found = found.ok_or(ApiError::not_found("version"))?;
    if tested.is_none() && found.golden_state.is_none() {
        return Err(ApiError::not_found("golden test").into());
    }
    conditions.write(Some(found.revision))?;
    let set = Version::set_golden(tx.connection(), model.id, found.version, tested).await?;
    tx.tell(Event::ModelVersionDescribed {
        project: model.project_id,
        model: model.id,
        name: model.name,
        version: found.version,
    })
    .await?;
    Ok(set)
}

/// Whether a version answers as its golden test wants.
async fn ask(
    models: &Models,
    model: &Model,
    version: &Version,
    golden: &Golden,
) -> ApiResult<Verdict> {
    let asked = asked(model, version)?;
    let (inputs, expected) = golden.read(&asked.signature)?;
    let answer = models.0.ask(&asked, inputs, None).await?;
    Ok(expected.verdict(&answer))
}

/// A version as it is asked by itself.
fn asked(model: &Model, version: &Version) -> ApiResult<Arc<route::Version>> {
    let signature = version.signature.as_ref();
    let signature = signature.ok_or_else(|| not_ready(version.version, version.state.as_str()))?;
    Ok(Arc::new(route::Version {
        model: model.id,
        name: model.name.clone(),
        number: version.version,
        signature: signature.0.clone(),
        bytes: version.bytes(),
        logged: None,
    }))
}

/// These versions with their golden tests.
async fn found(
    app: &AppState,
    model: &Model,
    versions: &[i64],
) -> ApiResult<Vec<(Version, Option<Golden>)>> {
    let found = app
        .db
        .read_primary(async |connection| with_goldens(connection, model.id, versions).await)
        .await?;
    Ok(found)
}

/// Loads versions to which an alias is to go back, so that nobody waits for that. They have stood
/// their golden tests before, and going back has to be quick.
pub(super) async fn load(
    app: &AppState,
    models: &Models,
    model: &Model,
    versions: &[i64],
) -> ApiResult<()> {
    let found = found(app, model, versions).await?;
    let all = found.iter().map(|(version, _)| asked(model, version));
    let all = all.collect::<ApiResult<Vec<_>>>()?;
    join_all(all.iter().map(|version| models.0.warm(version))).await;
    Ok(())
}

/// Before an alias leads to versions: refuses them where one does not answer as its golden test
/// wants, keeps what was found, and loads those that have none, so that nobody waits for that.
pub(super) async fn try_out(
    app: &AppState,
    models: &Models,
    model: &Model,
    versions: &[i64],
) -> ApiResult<()> {
    let found = found(app, model, versions).await?;
    let mut untested = Vec::new();
    for (version, golden) in found {
        let Some(golden) = golden else {
            untested.push(asked(model, &version)?);
            continue;
        };
        let verdict = ask(models, model, &version, &golden).await?;
        let number = version.version;
        if version.golden_state != Some(GoldenState::of(&verdict)) {
            app.db
                .write(async |connection| {
                    Version::keep_verdict(connection, model.id, number, &golden, &verdict).await
                })
                .await?;
        }
        verdict.map_err(|difference| failed(number, &difference))?;
    }
    join_all(untested.iter().map(|version| models.0.warm(version))).await;
    Ok(())
}
