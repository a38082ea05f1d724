//! Who else signs people in: seeing that, and ending it.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::transaction::transaction;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidPath;
use crate::http::caller::{Administrator, Person, PersonInSession};
use crate::identity::account::{Account, rights};
use crate::identity::api::{Api, AppState};
use crate::identity::oidc::linked::{Identity, identities, unlink};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{IdentityId, PrincipalId, instant};

/// A provider's word for who somebody is, which signs them in
#[derive(Serialize, ToSchema)]
pub struct LinkedIdentity {
    id: IdentityId,
    /// The provider's part of paths, or null where it is not set up any more
    provider: Option<String>,
    /// What people call the provider
    name: String,
    issuer: String,
    /// What the provider calls the person (`sub`)
    subject: String,
    /// Since when it signs in to the account
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
}

/// All of an account, the oldest first
#[derive(Serialize, ToSchema)]
pub struct LinkedIdentities {
    items: Vec<LinkedIdentity>,
}

async fn all(app: &Api, user: PrincipalId) -> ApiResult<LinkedIdentities> {
    let found = app
        .db
        .read_primary(async |connection| {
            let is_there = Account::find(connection, user).await?.is_some();
            Ok((is_there, identities(connection, user).await?))
        })
        .await?;
    let (true, found) = found else {
        return Err(ApiError::not_found("user"));
    };
    let providers = &app.identity.providers;
    let items = found.into_iter().map(|one: Identity| {
        let provider = providers.by_issuer(&one.issuer);
        LinkedIdentity {
            id: one.id(),
            provider: provider.map(|it| it.id.clone()),
            name: provider.map_or_else(|| one.issuer.clone(), |it| it.name.clone()),
            issuer: one.issuer,
            subject: one.subject,
            created_at: one.created_at,
        }
    });
    let items = items.collect();
    Ok(LinkedIdentities { items })
}

/// The providers that sign you in
///
/// Single sign-on: each has said at least once that you are who has this account.
#[utoipa::path(
    get,
    path = "/api/v1/me/identities",
    tag = "me",
    security(("user" = [])),
    responses((status = OK, body = LinkedIdentities), ApiError),
)]
pub async fn list_identities(who: Person, app: AppState) -> ApiResult<Json<LinkedIdentities>> {
    Ok(Json(all(&app, who.id).await?))
}

/// Stop a provider from signing you in
///
/// Your sessions go on. Where you have neither a password nor another provider, the answer is 409
/// `last-way-in`. If a group of the provider lets you administer, you do no more.
#[utoipa::path(
    delete,
    path = "/api/v1/me/identities/{id}",
    tag = "me",
    security(("session" = [])),
    params(("id" = IdentityId, Path, description = "Id of the identity")),
    responses((status = NO_CONTENT, description = "Unlinked"), ApiError),
)]
pub async fn delete_identity(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<IdentityId>,
) -> ApiResult<Answer> {
    let user = who.id;
    transaction(&app.db, &actor, async |tx| {
        let locked = rights::lock(tx, user).await?;
        unlink(tx, &app.identity.providers, &locked, id).await
    })
    .await?;
    Ok(Answer::no_content())
}

/// The providers that sign a user in
///
/// For administrators.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}/identities",
    tag = "users",
    security(("admin" = [])),
    params(("id" = PrincipalId, Path, description = "Id of the user")),
    responses((status = OK, body = LinkedIdentities), ApiError),
)]
pub async fn list_user_identities(
    _: Administrator,
    app: AppState,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Json<LinkedIdentities>> {
    Ok(Json(all(&app, id).await?))
}

/// An identity of somebody, in a path.
#[derive(Deserialize)]
pub struct InPath {
    id: PrincipalId,
    identity: IdentityId,
}

/// Stop a provider from signing a user in
///
/// For administrators. Where the user has neither a password nor another provider, the answer is
/// 409 `last-way-in`: disable the account instead.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}/identities/{identity}",
    tag = "users",
    security(("admin" = [])),
    params(
        ("id" = PrincipalId, Path, description = "Id of the user"),
        ("identity" = IdentityId, Path, description = "Id of the identity"),
    ),
    responses((status = NO_CONTENT, description = "Unlinked"), ApiError),
)]
pub async fn delete_user_identity(
    who: Administrator,
    app: AppState,
    actor: Actor,
    ValidPath(InPath { id, identity }): ValidPath<InPath>,
) -> ApiResult<Answer> {
    transaction(&app.db, &actor, async |tx| {
        let locked = rights::lock(tx, id).await?;
        locked.still_administers(&who)?;
        unlink(tx, &app.identity.providers, &locked, identity).await
    })
    .await?;
    Ok(Answer::no_content())
}
