//! Models themselves: making, finding, describing and deleting them.

use axum::Json;
use diesel::result::{DatabaseErrorKind, Error};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::body::patch::{MergePatch, Patch};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::models::access::ModelAccess;
use crate::models::model::{
    Model, ModelChanges, ModelDescription, ModelName, ModelSort, NewModel, Wanted,
};
use crate::models::serving::Models;
use crate::models::serving::stats::Stats;
use crate::projects::access::{Editor, Owner, ProjectAccess, Viewer};

/// A new model
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateModel {
    /// The project that the model is in, where you need the role `editor`
    project_id: ProjectId,
    name: ModelName,
    #[serde(default)]
    description: Option<ModelDescription>,
}

/// Changes to a model
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateModel {
    #[serde(default)]
    #[schema(value_type = Option<ModelDescription>)]
    description: Patch<ModelDescription>,
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ModelFilter {
    /// Only models in this project
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// Only the model with exactly this name
    name: Option<String>,
    /// A part of the name, in upper or lower case, which it must have
    #[serde(rename = "name__contains")]
    name_contains: Option<String>,
}

impl ModelFilter {
    pub fn wanted(self, me: PrincipalId) -> Wanted {
        Wanted {
            me,
            project: self.project_id,
            name: self.name,
            name_contains: self.name_contains,
        }
    }
}

/// The models that you may read
///
/// Those in your projects and in internal projects.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "models",
    security(("caller" = [])),
    params(PageParams<ModelSort>, ModelFilter),
    responses((status = OK, body = Page<Model>), ApiError),
)]
pub async fn list_models(
    who: Signed,
    app: AppState,
    page: PageParams<ModelSort>,
    ValidQuery(filter): ValidQuery<ModelFilter>,
) -> ApiResult<Listed<Model>> {
    let wanted = filter.wanted(who.id);
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    Ok(page.respond(found, |model| model))
}

/// Make a model
///
/// You need the role `editor` in its project. The name is part of the path by which programs ask
/// the model, so it is alone in the service: if it is taken, also in a project that you cannot see,
/// the answer is 409.
#[utoipa::path(
    post,
    path = "/api/v1/models",
    tag = "models",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    request_body = CreateModel,
    responses((status = CREATED, body = Model), ApiError),
)]
pub async fn create_model(
    who: Signed,
    app: AppState,
    actor: Actor,
    OnceJson { once, body }: OnceJson<CreateModel>,
) -> ApiResult<Answer> {
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        ProjectAccess::<Editor>::to_write(tx, me, body.project_id).await?;
        let new = NewModel {
            project_id: body.project_id,
            name: &body.name,
            description: body.description.as_ref(),
            by: me,
        };
        let id = Model::insert(tx, &new).await.map_err(taken)?;
        let name = body.name.as_str();
        tx.tell(Event::ModelCreated {
            project: body.project_id,
            model: id,
            name: name.to_owned(),
        })
        .await?;
        let made = Model::find(tx.connection(), me, name).await?;
        let made = made.ok_or(ApiError::not_found("model"))?;
        Ok(Answer::created(format!("/api/v1/models/{name}"), &made)?
            .with_version(made.revision)
            .of_project(Some(body.project_id)))
    })
    .await
}

fn taken(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            if info.constraint_name() == Some("models_name_key") =>
        {
            ApiError::new(
                Code::Conflict,
                "there is a model with this name already; names of models are alone in the service",
            )
            .into()
        }
        _ => error.into(),
    }
}

/// A model
///
/// Its `ETag` changes with its description and with every version that comes or goes.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    responses(
        (status = OK, body = Model),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_model(
    access: ModelAccess<Viewer>,
    conditions: Conditions,
) -> ApiResult<Versioned<Model>> {
    conditions.read(access.model.revision, || access.model)
}

/// How a model does
///
/// What the process that answers you has counted of it since it started: what became of questions,
/// how long they waited, how long the model took. Each process counts for itself, and for the first
/// 100 models that it is asked; /metrics has the same for all.
#[utoipa::path(
    get,
    path = "/api/v1/models/{name}/stats",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    responses((status = OK, body = Stats), ApiError),
)]
pub async fn get_model_stats(access: ModelAccess<Viewer>, models: Models) -> Json<Stats> {
    Json(models.0.stats(&access.model.name))
}

/// Change a model
///
/// A merge patch: members that you leave out stay as they are. You need the role `editor`.
#[utoipa::path(
    patch,
    path = "/api/v1/models/{name}",
    tag = "models",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(("name" = String, Path, description = "Name of the model")),
    request_body(content = UpdateModel, content_type = "application/merge-patch+json"),
    responses((status = OK, body = Model), ApiError),
)]
pub async fn update_model(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(name): ValidPath<String>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdateModel>,
) -> ApiResult<Versioned<Model>> {
    let me = who.id;
    let changed = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Model> {
        let model = ModelAccess::<Editor>::to_write(tx, me, &name).await?.model;
        conditions.write(Some(model.revision))?;
        let changes = ModelChanges {
            description: patch.description.as_update(),
        };
        Model::update(tx, model.id, changes).await?;
        tx.tell(Event::ModelDescribed {
            project: model.project_id,
            model: model.id,
            name: model.name.clone(),
        })
        .await?;
        let changed = Model::find(tx.connection(), me, &name).await?;
        Ok(changed.ok_or(ApiError::not_found("model"))?)
    })
    .await?;
    Ok(Versioned::new(changed.revision, changed))
}

/// Delete a model
///
/// Deletes all its versions and the history of its aliases. You need the role `owner` in the
/// project. For as long as an alias is there, the answer is 409: remove the alias first.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    responses((status = NO_CONTENT, description = "The model is deleted."), ApiError),
)]
pub async fn delete_model(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(name): ValidPath<String>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let me = who.id;
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let model = ModelAccess::<Owner>::to_write(tx, me, &name).await?.model;
        conditions.write(Some(model.revision))?;
        Model::delete(tx, model.id).await?;
        tx.tell(Event::ModelDeleted {
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
