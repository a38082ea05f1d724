//! The handlers of the things: what a feature's look like on this machinery.

use axum::extract::FromRequestParts;
use chartroom::db::transaction::{Failure, Work, transaction};
use chartroom::http::answer::Answer;
use chartroom::http::answer::conditional::{Conditions, Versioned};
use chartroom::http::answer::idempotency::{OnceJson, idempotent};
use chartroom::http::answer::page::{Listed, Page};
use chartroom::http::body::extract::{ValidPath, ValidQuery};
use chartroom::http::body::patch::{Change, MergePatch, Patch};
use chartroom::identity::api::AppState;
use chartroom::kernel::actor::Actor;
use chartroom::kernel::error::{ApiError, ApiResult, Code};
use chartroom::kernel::types::PrincipalId;
use chrono::Utc;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::things::{Thing, ThingFilter, ThingPage, things};

#[derive(Serialize, ToSchema)]
struct ThingBody {
    id: Uuid,
    title: String,
    note: Option<String>,
    votes: i64,
}

impl From<Thing> for ThingBody {
    fn from(thing: Thing) -> Self {
        let Thing {
            id,
            title,
            note,
            votes,
            version: _,
            created_at: _,
        } = thing;
        Self {
            id,
            title,
            note,
            votes,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateThing {
    title: String,
    #[serde(default)]
    votes: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PatchThing {
    #[serde(default)]
    title: Change<String>,
    #[serde(default)]
    note: Patch<String>,
}

#[derive(AsChangeset)]
#[diesel(table_name = things)]
struct ThingUpdate {
    title: Option<String>,
    note: Option<Option<String>>,
    version: i64,
}

/// Stands in for signing in.
struct Caller(Option<PrincipalId>);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let id = parts.headers.get("x-caller");
        Ok(Self(id.map(|id| {
            PrincipalId(id.to_str().unwrap().parse().unwrap())
        })))
    }
}

/// Things, page by page
#[utoipa::path(
    get,
    path = "/things",
    params(ThingPage, ThingFilter),
    responses((status = OK, body = Page<ThingBody>), ApiError),
)]
async fn list_things(
    app: AppState,
    page: ThingPage,
    ValidQuery(filter): ValidQuery<ThingFilter>,
) -> ApiResult<Listed<ThingBody>> {
    let found = app
        .db
        .read(async |conn| Thing::page(conn, &page, &filter).await)
        .await?;
    Ok(page.respond(found, ThingBody::from))
}

/// A new thing
#[utoipa::path(
    post,
    path = "/things",
    extensions(("x-policy" = json!("large"))),
    request_body = CreateThing,
    responses((status = CREATED, body = ThingBody), ApiError),
)]
async fn create_thing(
    app: AppState,
    Caller(who): Caller,
    OnceJson { once, body }: OnceJson<CreateThing>,
) -> ApiResult<Answer> {
    let actor = Actor {
        id: who,
        ..Actor::default()
    };
    idempotent(&app.db, &actor, &once, async |tx| {
        let thing = insert(tx, &body).await?;
        let (id, version) = (thing.id, thing.version);
        Ok(
            Answer::created(format!("/things/{id}"), &ThingBody::from(thing))?
                .with_version(version),
        )
    })
    .await
}

async fn insert(conn: &mut AsyncPgConnection, body: &CreateThing) -> Work<Thing> {
    let thing = Thing {
        id: Uuid::now_v7(),
        title: body.title.clone(),
        note: None,
        votes: body.votes,
        version: 1,
        created_at: Utc::now(),
    };
    let inserted = diesel::insert_into(things::table)
        .values(&thing)
        .execute(conn)
        .await;
    inserted.map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, _) => {
            ApiError::new(Code::Conflict, "this title is forbidden").into()
        }
        error => Failure::from(error),
    })?;
    Ok(thing)
}

/// One thing
#[utoipa::path(
    get,
    path = "/things/{id}",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = ThingBody), ApiError),
)]
async fn get_thing(
    app: AppState,
    ValidPath(id): ValidPath<Uuid>,
    conditions: Conditions,
) -> ApiResult<Versioned<ThingBody>> {
    let thing = app
        .db
        .read(async |conn| Thing::find(conn, id).await)
        .await?;
    let thing = thing.ok_or(ApiError::not_found("thing"))?;
    conditions.read(thing.version, || thing.into())
}

/// Changes a thing
#[utoipa::path(
    patch,
    path = "/things/{id}",
    params(("id" = Uuid, Path)),
    request_body = PatchThing,
    responses((status = OK, body = ThingBody), ApiError),
)]
async fn patch_thing(
    app: AppState,
    ValidPath(id): ValidPath<Uuid>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<PatchThing>,
) -> ApiResult<Versioned<ThingBody>> {
    transaction(&app.db, &Actor::default(), async |tx| {
        let conn = tx.connection();
        let version = things::table.find(id).select(things::version).for_update();
        let version: Option<i64> = version.first(conn).await.optional()?;
        let version = version.ok_or(ApiError::not_found("thing"))?;
        conditions.write(Some(version))?;
        let update = ThingUpdate {
            title: patch.title.clone().into_update(),
            note: patch.note.clone().into_update(),
            version: version + 1,
        };
        let thing: Thing = diesel::update(things::table.find(id))
            .set(update)
            .returning(Thing::as_returning())
            .get_result(conn)
            .await?;
        Ok(Versioned::new(thing.version, thing.into()))
    })
    .await
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_things, create_thing))
        .routes(routes!(get_thing, patch_thing))
}
