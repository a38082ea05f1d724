//! What administrators do to the accounts of others.

use chrono::Utc;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::people::UserBody;
use crate::db::transaction::{Work, transaction};
use crate::events;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::{Change, MergePatch};
use crate::identity::account::directory::Entry;
use crate::identity::account::{deletion, rights};
use crate::identity::api::AppState;
use crate::identity::end::{Which, end_everything, end_sessions};
use crate::identity::revocation::{self, Revoked, Subject};
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::origin::Origin;
use crate::kernel::principal::Principal;
use crate::kernel::types::PrincipalId;
use crate::schema::users;

/// Changes to somebody's account
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// Whether the account is disabled. Disabling it ends all its sessions and API tokens at once
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    disabled: Change<bool>,
    /// Whether the user administers the service. A change ends all sessions; the next one has the
    /// new rights
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    admin: Change<bool>,
}

/// Change the rights of an account
///
/// For administrators. Disabling an account ends its sessions and API tokens; a change of `admin`
/// ends its sessions. What would leave no administrator is answered 409.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{id}",
    tag = "users",
    security(("admin" = [])),
    params(("id" = PrincipalId, Path, description = "Id of the user")),
    request_body(content = UpdateUser, content_type = "application/merge-patch+json"),
    responses((status = OK, body = UserBody), ApiError),
)]
pub async fn update_user(
    app: AppState,
    who: Principal,
    origin: Origin,
    conditions: Conditions,
    ValidPath(id): ValidPath<PrincipalId>,
    MergePatch(patch): MergePatch<UpdateUser>,
) -> ApiResult<Versioned<UserBody>> {
    let UpdateUser { disabled, admin } = patch;
    let (entry, revoked) = transaction(&app.db, async |connection| {
        let locked = rights::lock(connection, id).await?;
        locked.still_administers(&who)?;
        let before = &locked.user;
        conditions.write(Some(before.version))?;
        let is_disabled = disabled.into_update().unwrap_or(before.is_disabled);
        let is_admin = admin.into_update().unwrap_or(before.is_admin);
        if is_disabled || !is_admin {
            locked.others_administer()?;
        }
        let is_change = (is_disabled, is_admin) != (before.is_disabled, before.is_admin);
        let after: Entry = diesel::update(users::table.find(id))
            .set((
                users::is_disabled.eq(is_disabled),
                users::is_admin.eq(is_admin),
                users::version.eq(before.version + i64::from(is_change)),
                is_change.then(|| users::updated_at.eq(Utc::now())),
            ))
            .returning(Entry::as_returning())
            .get_result(connection)
            .await?;
        let revoked = follow(connection, before, &after, who.id, &origin).await?;
        Ok((after, revoked))
    })
    .await?;
    app.identity.feed.learn(&revoked);
    let version = entry.version;
    Ok(Versioned::new(version, UserBody::of(entry, true)))
}

/// What a change of rights ends, and its trace.
async fn follow(
    connection: &mut AsyncPgConnection,
    before: &Entry,
    after: &Entry,
    actor: PrincipalId,
    origin: &Origin,
) -> QueryResult<Vec<Revoked>> {
    let id = before.id;
    let mut revoked = Vec::new();
    let mut acts = Vec::new();
    if before.is_admin != after.is_admin {
        acts.push(if after.is_admin {
            "user.promoted"
        } else {
            "user.demoted"
        });
        // Access tokens carry the right, and so does a password found good a moment ago.
        let (all, reason) = (Which::All, "role_changed");
        let ended = end_sessions(connection, id, all, reason, origin, Some(actor)).await?;
        revoked.extend(ended.revoked);
        revoked.extend(revocation::revoke(connection, &[Subject::User(id)]).await?);
    }
    match (before.is_disabled, after.is_disabled) {
        (false, true) => {
            acts.push("user.disabled");
            let ended = end_everything(connection, id, "disabled", origin, Some(actor)).await?;
            revoked.extend(ended.revoked);
        }
        (true, false) => acts.push("user.enabled"),
        _ => {}
    }
    for action in acts {
        events::record(
            connection,
            origin,
            Some(actor),
            action,
            Some(id.0),
            json!({}),
        )
        .await?;
    }
    Ok(revoked)
}

/// Delete an account
///
/// For administrators. Its sessions and API tokens end at once, and there is no way back. The only
/// owner of a project and the last administrator are answered 409.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}",
    tag = "users",
    security(("admin" = [])),
    params(("id" = PrincipalId, Path, description = "Id of the user")),
    responses((status = NO_CONTENT, description = "Deleted"), ApiError),
)]
pub async fn delete_user(
    app: AppState,
    who: Principal,
    origin: Origin,
    conditions: Conditions,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Answer> {
    let revoked = transaction(&app.db, async |connection| {
        let locked = rights::lock(connection, id).await?;
        locked.still_administers(&who)?;
        conditions.write(Some(locked.user.version))?;
        locked.others_administer()?;
        deletion::delete(
            connection,
            id,
            "deleted_by_admin",
            &origin,
            Some(who.id),
            app.endings,
        )
        .await
    })
    .await?;
    app.identity.feed.learn(&revoked);
    Ok(Answer::no_content())
}

/// End all sessions of a user
///
/// For administrators. The API tokens of the user stay.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}/sessions",
    tag = "users",
    security(("admin" = [])),
    params(("id" = PrincipalId, Path, description = "Id of the user")),
    responses((status = NO_CONTENT, description = "Ended"), ApiError),
)]
pub async fn delete_user_sessions(
    app: AppState,
    who: Principal,
    origin: Origin,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Answer> {
    let revoked = transaction(&app.db, async |connection| {
        end_all(connection, id, &who, &origin).await
    })
    .await?;
    app.identity.feed.learn(&revoked);
    Ok(Answer::no_content())
}

async fn end_all(
    connection: &mut AsyncPgConnection,
    id: PrincipalId,
    actor: &Principal,
    origin: &Origin,
) -> Work<Vec<Revoked>> {
    rights::lock(connection, id)
        .await?
        .still_administers(actor)?;
    let (all, reason) = (Which::All, "ended_by_admin");
    let ended = end_sessions(connection, id, all, reason, origin, Some(actor.id)).await?;
    events::record(
        connection,
        origin,
        Some(actor.id),
        "user.signed_out",
        Some(id.0),
        json!({ "sessions": ended.sessions }),
    )
    .await?;
    Ok(ended.revoked)
}
