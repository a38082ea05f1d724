//! Pins: making, listing and removing them.

use diesel::result::{DatabaseErrorKind, Error};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::VersionNumber;
use crate::datasets::access::DatasetAccess;
use crate::datasets::model::Dataset;
use crate::datasets::pins::{self, Pin, PinName, PinSort};
use crate::datasets::versions::as_it_was;
use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::DatasetId;
use crate::projects::access::{Owner, Viewer};

/// A version that is to be kept for good
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePin {
    name: PinName,
    version: VersionNumber,
}

/// A pin in a path.
#[derive(Deserialize)]
pub struct PinPath {
    id: DatasetId,
    name: String,
}

/// The pins of a dataset
///
/// Each keeps a version for good, whatever becomes of the others.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/pins",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), PageParams<PinSort>),
    responses((status = OK, body = Page<Pin>), ApiError),
)]
pub async fn list_pins(
    access: DatasetAccess<Viewer>,
    app: AppState,
    page: PageParams<PinSort>,
) -> ApiResult<Listed<Pin>> {
    let id = access.dataset.id;
    let found = app
        .db
        .read(async |connection| pins::page(connection, id, &page).await)
        .await?;
    Ok(page.respond(found, |pin| pin))
}

/// Keep a version for good
///
/// Until the pin is removed, the version is not purged. You need the role `owner` in the project.
/// The name is alone in the dataset: if it is taken, the answer is 409. If the version was purged
/// already, it is 410.
#[utoipa::path(
    post,
    path = "/api/v1/datasets/{id}/pins",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset")),
    request_body = CreatePin,
    responses((status = CREATED, body = Pin), ApiError),
)]
pub async fn create_pin(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<DatasetId>,
    OnceJson { once, body }: OnceJson<CreatePin>,
) -> ApiResult<Answer> {
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        // Locked, so that the version is not purged meanwhile.
        let dataset = DatasetAccess::<Owner>::to_write(tx, me, id).await?.dataset;
        let version = body.version.get();
        as_it_was(tx.connection(), id, version).await??;
        let made = Pin::insert(tx, id, &body.name, version, me).await;
        let pin = made.map_err(taken)?;
        described(tx, &dataset).await?;
        Ok(
            Answer::created(format!("/api/v1/datasets/{id}/pins/{}", pin.name), &pin)?
                .with_version(pin.version)
                .of_project(Some(dataset.project_id)),
        )
    })
    .await
}

/// What is kept is part of what a dataset says of itself.
async fn described(tx: &mut Tx<'_>, dataset: &Dataset) -> Work<()> {
    let (project, dataset) = (dataset.project_id, dataset.id);
    tx.tell(Event::DatasetDescribed { project, dataset })
        .await?;
    Ok(())
}

fn taken(error: Error) -> Failure {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => ApiError::new(
            Code::Conflict,
            "the dataset has a pin with this name already",
        )
        .into(),
        _ => error.into(),
    }
}

/// A pin
///
/// Its `ETag` is made of its version, and never changes.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/pins/{name}",
    tag = "datasets",
    security(("caller" = [])),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("name" = String, Path, description = "Name of the pin"),
    ),
    responses(
        (status = OK, body = Pin),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_pin(
    access: DatasetAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<PinPath>,
    conditions: Conditions,
) -> ApiResult<Versioned<Pin>> {
    let id = access.dataset.id;
    let found = app
        .db
        .look_up(async |connection| Pin::find(connection, id, &path.name).await)
        .await?;
    let pin = found.ok_or(ApiError::not_found("pin"))?;
    conditions.read(pin.version, || pin)
}

/// Remove a pin
///
/// Its version is kept for as long as others of its age. You need the role `owner` in the project.
#[utoipa::path(
    delete,
    path = "/api/v1/datasets/{id}/pins/{name}",
    tag = "datasets",
    security(("caller" = [])),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("name" = String, Path, description = "Name of the pin"),
    ),
    responses((status = NO_CONTENT, description = "The pin is removed."), ApiError),
)]
pub async fn delete_pin(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<PinPath>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let me = who.id;
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let PinPath { id, name } = &path;
        let dataset = DatasetAccess::<Owner>::to_write(tx, me, *id).await?.dataset;
        let pin = Pin::find(tx.connection(), *id, name).await?;
        let pin = pin.ok_or(ApiError::not_found("pin"))?;
        conditions.write(Some(pin.version))?;
        Pin::delete(tx, *id, name).await?;
        described(tx, &dataset).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
