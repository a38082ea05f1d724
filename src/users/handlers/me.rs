//! One's own account: reading and changing it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{collect, taken};
use crate::audit::{self, Origin};
use crate::auth::principal::Principal;
use crate::error::{ApiError, ApiResult};
use crate::http::conditional::{Conditions, Versioned};
use crate::http::idempotency::transaction;
use crate::http::patch::{Change, MergePatch, Patch};
use crate::schema::users;
use crate::state::AppState;
use crate::types::PrincipalId;
use crate::users::model::User;
use crate::users::names;

/// A user, as they see themselves
#[derive(Serialize, ToSchema)]
pub struct Me {
    id: PrincipalId,
    email: String,
    username: Option<String>,
    name: Option<String>,
    #[schema(value_type = Object)]
    profile: Value,
    admin: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<User> for Me {
    fn from(user: User) -> Self {
        let User {
            id,
            email,
            username,
            name,
            profile,
            password_hash: _,
            is_admin: admin,
            is_disabled: _,
            version: _,
            created_at,
            updated_at,
        } = user;
        Self {
            id,
            email,
            username,
            name,
            profile,
            admin,
            created_at,
            updated_at,
        }
    }
}

/// Changes to one's account
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMe {
    #[serde(default)]
    username: Patch<String>,
    #[serde(default)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    profile: Change<serde_json::Map<String, Value>>,
}

/// Your account
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses((status = OK, body = Me), (status = NOT_MODIFIED, description = "As you have it"), ApiError))]
pub async fn get_me(
    app: AppState,
    who: Principal,
    conditions: Conditions,
) -> ApiResult<Versioned<Me>> {
    let id = who.id;
    let user = app
        .db
        .read_primary(async |connection| User::find(connection, id).await)
        .await?
        .ok_or(ApiError::not_found("user"))?;
    conditions.read(user.version, || user.into())
}

#[derive(AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = false)]
struct Changes {
    username: Option<Option<String>>,
    username_key: Option<Option<String>>,
    name: Option<Option<String>>,
    profile: Option<Value>,
    version: i64,
    updated_at: DateTime<Utc>,
}

/// Change your account
#[utoipa::path(patch, path = "/api/v1/me", tag = "me", request_body(content = UpdateMe, content_type = "application/merge-patch+json"), responses((status = OK, body = Me), ApiError))]
pub async fn update_me(
    app: AppState,
    who: Principal,
    origin: Origin,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdateMe>,
) -> ApiResult<Versioned<Me>> {
    let UpdateMe {
        username,
        name,
        profile,
    } = patch;
    let mut errors = Vec::new();
    let username = username.into_update().map(|username| {
        username.and_then(|username| collect(names::username(&username), &mut errors))
    });
    let name = name
        .into_update()
        .map(|name| name.and_then(|name| collect(names::name(&name), &mut errors).flatten()));
    if !errors.is_empty() {
        return Err(ApiError::validation(errors));
    }
    let username_key = username
        .as_ref()
        .map(|username| username.as_deref().map(names::key_of));
    let profile = profile.into_update().map(Value::Object);
    let id = who.id;
    transaction(&app.db, async |connection| {
        let version: Option<i64> = users::table
            .find(id)
            .select(users::version)
            .for_update()
            .first(connection)
            .await
            .optional()?;
        let version = version.ok_or(ApiError::not_found("user"))?;
        conditions.write(Some(version))?;
        let changes = Changes {
            username,
            username_key,
            name,
            profile,
            version: version + 1,
            updated_at: Utc::now(),
        };
        let user: User = diesel::update(users::table.find(id))
            .set(changes)
            .returning(User::as_returning())
            .get_result(connection)
            .await
            .map_err(taken)?;
        audit::record(
            connection,
            &origin,
            Some(id),
            "user.changed",
            Some(id.0),
            json!({}),
        )
        .await?;
        Ok(Versioned::new(user.version, user.into()))
    })
    .await
}
