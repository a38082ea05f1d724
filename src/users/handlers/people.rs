//! What everybody signed in may know of users, and what administrators see beside it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::Edition;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::caller::Signed;
use crate::identity::account::directory::{Entry, Search, UserSort};
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{PrincipalId, instant};

/// A user. Only administrators see the members after `name`
#[derive(Serialize, ToSchema)]
pub struct UserBody {
    id: PrincipalId,
    username: Option<String>,
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    admin: Option<bool>,
    /// Whether the account is disabled: nobody can sign in with it
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "instant")]
    #[schema(required = false, nullable = false)]
    created_at: Option<DateTime<Utc>>,
}

impl UserBody {
    pub(super) fn of(entry: Entry, sees_all: bool) -> Self {
        let Entry {
            id,
            email,
            username,
            name,
            is_admin,
            is_disabled,
            version: _,
            created_at,
        } = entry;
        Self {
            id,
            username,
            name,
            email: sees_all.then_some(email),
            admin: sees_all.then_some(is_admin),
            disabled: sees_all.then_some(is_disabled),
            created_at: sees_all.then_some(created_at),
        }
    }
}

/// Two representations, each with a tag of its own. That of what everybody sees tells of no other
/// change.
fn edition(entry: &Entry, sees_all: bool) -> Edition {
    if sees_all {
        return entry.version.into();
    }
    let shown = [&entry.username, &entry.name];
    Edition::of_parts(shown.map(|text| text.as_deref().unwrap_or_default().as_bytes()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// How the username, the name or a word in the name begins, in upper or lower case. The users
    /// are then sorted by what was found
    #[param(inline)]
    q: Option<Search>,
}

/// The users of the service
///
/// `q` finds users by how their username, their name or a word in it begins. Only administrators
/// see disabled accounts in the list.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    tag = "users",
    security(("caller" = [])),
    params(PageParams<UserSort>, UserFilter),
    responses((status = OK, body = Page<UserBody>), ApiError),
)]
pub async fn list_users(
    who: Signed,
    app: AppState,
    page: PageParams<UserSort>,
    ValidQuery(filter): ValidQuery<UserFilter>,
) -> ApiResult<Listed<UserBody>> {
    let UserFilter { q: search } = filter;
    let sees_all = who.is_admin;
    let found = app
        .db
        .read(async |connection| Entry::page(connection, &page, search.as_ref(), sees_all).await)
        .await?;
    Ok(page.respond(found, |(_, entry)| UserBody::of(entry, sees_all)))
}

/// A user
///
/// Everybody who is signed in sees the id, the username and the name. Administrators see the email,
/// the rights and when the account was made.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    tag = "users",
    security(("caller" = [])),
    params(("id" = PrincipalId, Path, description = "Id of the user")),
    responses(
        (status = OK, body = UserBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_user(
    who: Signed,
    app: AppState,
    conditions: Conditions,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Versioned<UserBody>> {
    let entry = app
        .db
        .look_up(async |connection| Entry::find(connection, id).await)
        .await?
        .ok_or(ApiError::not_found("user"))?;
    let edition = edition(&entry, who.is_admin);
    conditions.read(edition, || UserBody::of(entry, who.is_admin))
}
