//! One's own account: reading, changing and deleting it.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use http::StatusCode;
use http::header::SET_COOKIE;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::confirm::{Confirmed, confirm};
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidJson;
use crate::http::body::json::mistake;
use crate::http::body::patch::{Change, MergePatch, Patch, merge};
use crate::http::caller::{Person, PersonInSession};
use crate::http::shell::client::ClientAddress;
use crate::identity::account::names::{self, Email, PersonName, Username};
use crate::identity::account::{Account, User, taken};
use crate::identity::account::{deletion, directory, rights};
use crate::identity::api::AppState;
use crate::identity::authenticate::cookie_header;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::principal::Credential;
use crate::kernel::types::{PrincipalId, instant};
use crate::kernel::values::Wrong;
use crate::mail::address::EmailState;
use crate::mail::letter::send;
use crate::schema::users;
use crate::users::former;
use crate::users::letters::EmailConfirmMail;
use crate::users::profile;

/// A user, as they see themselves
#[derive(Serialize, ToSchema)]
pub struct Me {
    id: PrincipalId,
    email: String,
    email_state: EmailState,
    /// When you confirmed the address; null while you have not
    #[serde(serialize_with = "instant")]
    email_verified_at: Option<DateTime<Utc>>,
    /// What the mail server said of the address, where it is `paused`
    email_problem: Option<String>,
    username: Option<String>,
    name: Option<String>,
    #[schema(value_type = Object)]
    profile: Value,
    admin: bool,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    updated_at: DateTime<Utc>,
}

impl From<Account> for Me {
    fn from(Account { user, profile }: Account) -> Self {
        let User {
            id,
            email,
            username,
            name,
            password_hash: _,
            is_admin: admin,
            is_disabled: _,
            version: _,
            created_at,
            updated_at,
            email_verified_at,
            mail_paused_at,
            mail_paused_reason: email_problem,
        } = user;
        Self {
            id,
            email,
            email_state: EmailState::of(email_verified_at, mail_paused_at),
            email_verified_at,
            email_problem,
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
    /// An email address without characters that are not shown. Two that differ only in case or
    /// width are the same. A change needs `current_password`, and an API token cannot make it
    #[serde(default)]
    #[schema(value_type = Email, required = false)]
    email: Change<Email>,
    /// Your password. It is needed to change `email`, and ignored otherwise
    #[schema(format = Password, value_type = Option<String>)]
    current_password: Option<SecretString>,
    #[serde(default)]
    #[schema(value_type = Option<Username>)]
    username: Patch<Username>,
    #[serde(default)]
    #[schema(value_type = Option<PersonName>)]
    name: Patch<PersonName>,
    /// Merged into what is kept, member by member at every depth (RFC 7396): null deletes a member,
    /// and null for all of it empties it. The whole is at most 8 KiB as JSON, of at most 16 levels
    #[serde(default)]
    #[schema(value_type = Option<Object>, required = false)]
    profile: Patch<Map<String, Value>>,
}

/// Your account
///
/// Shows the account of the person who calls, also when an API token calls for them. A workload has
/// no account and is answered 403.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "me",
    security(("user" = [])),
    responses(
        (status = OK, body = Me),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_me(
    who: Person,
    app: AppState,
    conditions: Conditions,
) -> ApiResult<Versioned<Me>> {
    let id = who.id;
    let account = app
        .db
        .read_primary(async |connection| Account::find(connection, id).await)
        .await?
        .ok_or(ApiError::not_found("user"))?;
    conditions.read(account.user.version, || account.into())
}

#[derive(AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = false)]
struct Changes {
    email: Option<String>,
    email_key: Option<String>,
    username: Option<Option<String>>,
    username_key: Option<Option<String>>,
    name: Option<Option<String>>,
}

/// Change your account
///
/// A merge patch: members that you leave out stay as they are. A new `email` needs
/// `current_password`, and an API token cannot change it. It counts at once, and is `unverified`
/// until you confirm it by the link that is mailed there; the address that you had confirmed before
/// is told. A taken `email` or `username` is answered 409.
#[utoipa::path(
    patch,
    path = "/api/v1/me",
    tag = "me",
    extensions(("x-policy" = json!("large"))),
    security(("user" = [])),
    request_body(content = UpdateMe, content_type = "application/merge-patch+json"),
    responses((status = OK, body = Me), ApiError),
)]
pub async fn update_me(
    who: Person,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdateMe>,
) -> ApiResult<Versioned<Me>> {
    let UpdateMe {
        email,
        current_password,
        username,
        name,
        profile,
    } = patch;
    if email.value().is_some() && matches!(who.credential, Credential::ApiToken { .. }) {
        return Err(ApiError::new(
            Code::Forbidden,
            "an API token does not change the email",
        ));
    }
    let id = who.id;
    let email = email.into_update().map(String::from);
    let username = username.into_update().map(|it| it.map(String::from));
    let name = name.into_update();
    let name = name.map(|name| name.and_then(PersonName::or_none));
    let password = current_password.filter(|_| email.is_some());
    if email.is_some() && password.is_none() {
        let detail = "a change of the email needs your password";
        let missing = mistake("/current_password", "missing", detail);
        return Err(ApiError::validation(vec![missing]));
    }
    let confirmed = match password {
        Some(password) => {
            let confirmed = confirm(&app, id, password, "/current_password", address, &actor);
            let confirmed = confirmed.await?;
            app.identity.limiter.email_change(&app.db, id).await?;
            Some(confirmed)
        }
        None => None,
    };
    let changes = Changes {
        email_key: email.as_deref().map(names::key_of),
        email,
        username_key: username
            .as_ref()
            .map(|username| username.as_deref().map(names::key_of)),
        username,
        name,
    };
    transaction(&app.db, &actor, async |tx| {
        let version = lock(tx, id, confirmed.as_ref()).await?;
        conditions.write(Some(version))?;
        if changes.email.is_some() && app.config.mail_server().is_some() {
            tell_former(tx, id, &changes).await?;
        }
        let profile = match profile {
            Patch::Absent => None,
            Patch::Null => Some(Map::new()),
            Patch::Value(patch) => Some(merged(tx, id, patch).await?),
        };
        let account: Account = diesel::update(users::table.find(id))
            .set((
                changes,
                profile.map(|profile| users::profile.eq(Value::Object(profile))),
                users::version.eq(version + 1),
                users::updated_at.eq(Utc::now()),
            ))
            .returning(Account::as_returning())
            .get_result(tx.connection())
            .await
            .map_err(taken)?;
        directory::remember(tx, &account.user).await?;
        if confirmed.is_some() && app.config.mail_server().is_some() {
            send(tx, EmailConfirmMail { user: id }).await?;
        }
        tx.tell(match confirmed {
            Some(_) => Event::UserEmailChanged { user: id },
            None => Event::UserChanged { user: id },
        })
        .await?;
        Ok(Versioned::new(account.user.version, account.into()))
    })
    .await
}

/// Whoever reads the mail of the address that the account has until now hears that it has another.
async fn tell_former(tx: &mut Tx<'_>, id: PrincipalId, changes: &Changes) -> Work<()> {
    let former: Option<String> = users::table
        .find(id)
        .filter(users::email_verified_at.is_not_null())
        .select(users::email)
        .first(tx.connection())
        .await
        .optional()?;
    match former {
        Some(former) if changes.email_key.as_deref() != Some(&names::key_of(&former)) => {
            former::tell(tx, id, &former).await
        }
        _ => Ok(()),
    }
}

/// One's profile as a patch makes it. The row is locked, so nobody else changes it meanwhile.
async fn merged(
    connection: &mut AsyncPgConnection,
    id: PrincipalId,
    patch: Map<String, Value>,
) -> Work<Map<String, Value>> {
    let kept: Value = users::table
        .find(id)
        .select(users::profile)
        .first(connection)
        .await?;
    let mut whole = match kept {
        Value::Object(whole) => whole,
        _ => Map::new(),
    };
    merge(&mut whole, patch);
    profile::fits(&whole).map_err(|Wrong { code, detail }| {
        ApiError::validation(vec![mistake("/profile", code, detail)])
    })?;
    Ok(whole)
}

/// Locks one's row and returns its version.
async fn lock(
    connection: &mut AsyncPgConnection,
    id: PrincipalId,
    confirmed: Option<&Confirmed>,
) -> Work<i64> {
    if let Some(confirmed) = confirmed {
        return confirmed.lock(connection).await;
    }
    let version: Option<i64> = users::table
        .find(id)
        .select(users::version)
        .for_update()
        .first(connection)
        .await
        .optional()?;
    Ok(version.ok_or(ApiError::not_found("user"))?)
}

/// Your password, which confirms that it is you
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteMe {
    #[schema(format = Password, value_type = String)]
    password: SecretString,
}

/// Delete your account
///
/// Asks for your password. Your sessions and API tokens end at once, and there is no way back. If
/// you are the only owner of a project, or the only administrator, the answer is 409 and nothing is
/// deleted.
#[utoipa::path(
    delete,
    path = "/api/v1/me",
    tag = "me",
    security(("session" = [])),
    request_body = DeleteMe,
    responses((status = NO_CONTENT, description = "Deleted"), ApiError),
)]
pub async fn delete_me(
    who: PersonInSession,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    conditions: Conditions,
    ValidJson(DeleteMe { password }): ValidJson<DeleteMe>,
) -> ApiResult<Response> {
    let id = who.id;
    let confirmed = confirm(&app, id, password, "/password", address, &actor).await?;
    transaction(&app.db, &actor, async |tx| {
        rights::lock(tx, id).await?.others_administer()?;
        let version = confirmed.lock(tx).await?;
        conditions.write(Some(version))?;
        deletion::delete(tx, id, "deleted_by_user", &app.endings).await
    })
    .await?;
    let cleared = cookie_header("", 0).map_err(ApiError::internal)?;
    Ok(([(SET_COOKIE, cleared)], StatusCode::NO_CONTENT).into_response())
}
