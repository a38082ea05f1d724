//! What administrators do to the accounts of others.

use chrono::Utc;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use utoipa::ToSchema;

use super::people::UserBody;
use crate::db::transaction::{Tx, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::{Change, MergePatch};
use crate::http::caller::Administrator;
use crate::identity::account::directory::Entry;
use crate::identity::account::{deletion, rights};
use crate::identity::api::AppState;
use crate::identity::end::{Which, end_everything, end_sessions};
use crate::identity::oidc::account::given_by_hand;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
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
    who: Administrator,
    app: AppState,
    actor: Actor,
    conditions: Conditions,
    ValidPath(id): ValidPath<PrincipalId>,
    MergePatch(patch): MergePatch<UpdateUser>,
) -> ApiResult<Versioned<UserBody>> {
    let UpdateUser { disabled, admin } = patch;
    let entry = transaction(&app.db, &actor, async |tx| {
        let locked = rights::lock(tx, id).await?;
        locked.still_administers(&who)?;
        let before = &locked.user;
        conditions.write(Some(before.version))?;
        let is_disabled = disabled.into_update().unwrap_or(before.is_disabled);
        let admin = admin.into_update();
        if admin.is_some() {
            given_by_hand(tx, id).await?;
        }
        let is_admin = admin.unwrap_or(before.is_admin);
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
            .get_result(tx.connection())
            .await?;
        follow(tx, before, &after).await?;
        Ok(after)
    })
    .await?;
    let version = entry.version;
    Ok(Versioned::new(version, UserBody::of(entry, true)))
}

/// What a change of rights ends, and its trace.
async fn follow(tx: &mut Tx<'_>, before: &Entry, after: &Entry) -> QueryResult<()> {
    let user = before.id;
    if before.is_admin != after.is_admin {
        rights::changed(tx, user, after.is_admin).await?;
    }
    match (before.is_disabled, after.is_disabled) {
        (false, true) => {
            end_everything(tx, user, "disabled").await?;
            tx.tell(Event::UserDisabled { user, by: None }).await
        }
        (true, false) => tx.tell(Event::UserEnabled { user }).await,
        _ => Ok(()),
    }
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
    who: Administrator,
    app: AppState,
    actor: Actor,
    conditions: Conditions,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Answer> {
    transaction(&app.db, &actor, async |tx| {
        let locked = rights::lock(tx, id).await?;
        locked.still_administers(&who)?;
        conditions.write(Some(locked.user.version))?;
        locked.others_administer()?;
        deletion::delete(tx, id, "deleted_by_admin", &app.endings).await
    })
    .await?;
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
    who: Administrator,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Answer> {
    transaction(&app.db, &actor, async |tx| {
        rights::lock(tx, id).await?.still_administers(&who)?;
        let sessions = end_sessions(tx, id, Which::All, "ended_by_admin").await?;
        tx.tell(Event::UserSignedOut { user: id, sessions }).await?;
        Ok(Answer::no_content())
    })
    .await
}
