//! The log of a model's predictions: whether it is kept, and where.

use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::datasets::access::DatasetAccess;
use crate::datasets::column::of_file;
use crate::datasets::model::Dataset;
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidJson;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::models::access::ModelAccess;
use crate::models::log::{LogShare, PredictionLog, Told};
use crate::models::model::Model;
use crate::models::serving::route::{self, DEFAULT};
use crate::projects::access::{Editor, Owner, Viewer};

/// Which answers of a model are to be kept
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPredictionLog {
    /// The dataset that they are to be records of, where you need the role `editor` in its project.
    /// One that has no columns yet gets those of the log
    dataset: DatasetId,
    share: LogShare,
}

/// The log of a model's predictions
///
/// Which share of the answers is kept in which dataset, how many records that were, and why the
/// last ones were not loaded, if they were not. Its `ETag` changes also when records are loaded.
/// 404 says that no answers are kept.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/log",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    responses(
        (status = OK, body = PredictionLog),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_model_log(
    access: ModelAccess<Viewer>,
    app: AppState,
    conditions: Conditions,
) -> ApiResult<Versioned<PredictionLog>> {
    let id = access.model.id;
    let found = app
        .db
        .look_up(async |connection| PredictionLog::find(connection, id).await)
        .await?;
    let log = found.ok_or(ApiError::not_found("log"))?;
    conditions.read(log.revision, || log)
}

/// Keep a share of a model's answers
///
/// From then on, within about a second, this share of the questions is kept with its answers, and
/// within a minute they are records of the dataset: when the model was asked, by which version,
/// with which `id`, in how many milliseconds, the inputs and the outputs, a record for each row. A
/// tensor of the shape `[-1]` or `[-1, 1]` is the column of its name, and one of the shape `[-1,
/// n]` the columns `name_0` to `name_(n-1)`. You need the role `owner`, and records are loaded as
/// yours.
///
/// Questions that are answered faster than they can be kept are left out, and so is one with more
/// than 200,000 values.
#[utoipa::path(
    put,
    path = "/api/v1/models/{name}/log",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    request_body = SetPredictionLog,
    responses((status = OK, body = PredictionLog), ApiError),
)]
pub async fn set_model_log(
    access: ModelAccess<Owner>,
    app: AppState,
    actor: Actor,
    conditions: Conditions,
    ValidJson(body): ValidJson<SetPredictionLog>,
) -> ApiResult<Versioned<PredictionLog>> {
    let (me, name) = (access.who, &access.model.name);
    let set = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| {
        let model = changeable(tx, me, name, &conditions).await?.0;
        let told = told(tx, me, &model).await?;
        let dataset = DatasetAccess::<Editor>::to_write(tx, me, body.dataset)
            .await?
            .dataset;
        if dataset.columns.0.is_empty() {
            Dataset::set_columns(tx, dataset.id, &of_file(told.columns())).await?;
            tx.tell(Event::DatasetDescribed {
                project: dataset.project_id,
                dataset: dataset.id,
            })
            .await?;
        } else {
            told.fits(&dataset.columns)?;
        }
        let set = PredictionLog::set(tx, model.id, dataset.id, body.share, me).await?;
        tx.tell(Event::ModelLogSet {
            project: model.project_id,
            model: model.id,
            name: model.name,
            dataset: dataset.id,
            share: body.share.get(),
        })
        .await?;
        Ok(set)
    })
    .await?;
    Ok(Versioned::new(set.revision, set))
}

/// Keep no answers of a model any more
///
/// Records that are in the dataset stay there; those that still wait to be loaded are dropped. You
/// need the role `owner`.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}/log",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    responses((status = NO_CONTENT, description = "No answers are kept any more."), ApiError),
)]
pub async fn delete_model_log(
    access: ModelAccess<Owner>,
    app: AppState,
    actor: Actor,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let (me, name) = (access.who, &access.model.name);
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let (model, log) = changeable(tx, me, name, &conditions).await?;
        log.ok_or(ApiError::not_found("log"))?;
        PredictionLog::delete(tx, model.id).await?;
        tx.tell(Event::ModelLogRemoved {
            project: model.project_id,
            model: model.id,
            name: model.name,
        })
        .await?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The model, which nobody else changes meanwhile, and its log as it is.
async fn changeable(
    tx: &mut Tx<'_>,
    me: PrincipalId,
    name: &str,
    conditions: &Conditions,
) -> Work<(Model, Option<PredictionLog>)> {
    let model = ModelAccess::<Owner>::to_write(tx, me, name).await?.model;
    let log = PredictionLog::find(tx, model.id).await?;
    conditions.write(log.as_ref().map(|log| log.revision))?;
    Ok((model, log))
}

/// The columns of the version that answers by itself, or else of the newest.
async fn told(tx: &mut Tx<'_>, me: PrincipalId, model: &Model) -> Work<Told> {
    if model.last_version == 0 {
        let detail = "the model has no version yet; upload one first, since its inputs and outputs are the columns of the log";
        return Err(ApiError::new(Code::Conflict, detail).into());
    }
    let route = match route::find(tx, me, &model.name, DEFAULT).await? {
        Ok(route) => route,
        Err(_no_alias) => {
            let newest = model.last_version.to_string();
            route::find(tx, me, &model.name, &newest).await??
        }
    };
    let version = route.largest().ok_or(ApiError::not_found("version"))?;
    Ok(Told::of(&version.signature)?)
}
