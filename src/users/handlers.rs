//! Registration, what everybody sees of a user, and what people do to their own account.

use axum::Json;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::model::{NewUser, User};
use super::names;
use crate::audit::{self, Origin};
use crate::auth::handlers::end_sessions;
use crate::auth::limiter::AccountKey;
use crate::auth::password;
use crate::auth::principal::{Credential, Principal};
use crate::auth::revocation::{self, Subject};
use crate::auth::session::{self, Session, Which};
use crate::config::Registration;
use crate::error::{ApiError, ApiResult, Code, FieldError};
use crate::http::answer::Answer;
use crate::http::client::ClientAddress;
use crate::http::conditional::{Conditions, Versioned};
use crate::http::extract::{ValidJson, ValidPath};
use crate::http::idempotency::transaction;
use crate::http::patch::{Change, MergePatch, Patch};
use crate::schema::users;
use crate::state::AppState;
use crate::types::{PrincipalId, SessionId};

/// A new account
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    #[schema(format = Email)]
    email: String,
    /// 8 to 1024 bytes, and not one of the most common ones
    #[schema(format = Password, value_type = String, min_length = 8)]
    password: SecretString,
    username: Option<String>,
    name: Option<String>,
    /// Anything else worth keeping about the person
    #[serde(default)]
    #[schema(value_type = Object)]
    profile: serde_json::Map<String, Value>,
}

/// A user, as everybody signed in sees one
#[derive(Serialize, ToSchema)]
pub struct PublicUser {
    id: PrincipalId,
    username: Option<String>,
    name: Option<String>,
}

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

/// A new password, and the one it replaces
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(format = Password, value_type = String)]
    current: SecretString,
    #[schema(format = Password, value_type = String, min_length = 8)]
    new: SecretString,
}

/// One sign-in
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    id: SessionId,
    /// `bearer` or `cookie`
    kind: String,
    /// Whether it is the one that asks
    current: bool,
    address: Option<String>,
    user_agent: Option<String>,
    created_at: DateTime<Utc>,
    /// When it ends unless it is used
    idle_ends_at: DateTime<Utc>,
    /// When it ends however much it is used
    ends_at: DateTime<Utc>,
}

/// Live sessions, newest first
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    items: Vec<SessionBody>,
}

fn collect<T>(result: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

/// Make an account
#[utoipa::path(post, path = "/api/v1/users", tag = "users", security(()), request_body = Register, responses((status = CREATED, body = Me), ApiError))]
pub async fn create_user(
    app: AppState,
    origin: Origin,
    ValidJson(body): ValidJson<Register>,
) -> ApiResult<Answer> {
    if app.config.registration() == Registration::Closed {
        return Err(ApiError::new(
            Code::Forbidden,
            "registration is closed here; ask an administrator for an account",
        ));
    }
    let Register {
        email,
        password,
        username,
        name,
        profile,
    } = body;
    let mut errors = Vec::new();
    let email = collect(names::email(&email), &mut errors);
    let username = username.and_then(|username| collect(names::username(&username), &mut errors));
    let name = name.and_then(|name| collect(names::name(&name), &mut errors).flatten());
    collect(password::acceptable(&password, "/password"), &mut errors);
    let (Some(email), true) = (email, errors.is_empty()) else {
        return Err(ApiError::validation(errors));
    };
    let new = NewUser {
        id: PrincipalId::fresh(),
        email_key: names::key_of(&email),
        email,
        username_key: username.as_deref().map(names::key_of),
        username,
        name,
        profile: Value::Object(profile),
        password_hash: app.identity.passwords.hash(password).await?,
        is_admin: false,
    };
    let user = transaction(&app.db, async |connection| {
        let user = User::insert(connection, &new).await.map_err(taken)?;
        audit::record(
            connection,
            &origin,
            Some(user.id),
            "user.registered",
            Some(user.id.0),
            json!({}),
        )
        .await?;
        Ok(user)
    })
    .await?;
    let version = user.version;
    Ok(
        Answer::created(format!("/api/v1/users/{}", user.id), &Me::from(user))?
            .with_version(version),
    )
}

/// Which name somebody else has already.
fn taken(error: diesel::result::Error) -> crate::http::idempotency::Failure {
    use diesel::result::{DatabaseErrorKind, Error};
    let conflict = |detail: &'static str| ApiError::new(Code::Conflict, detail).into();
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => match info
            .constraint_name()
        {
            Some("users_email_key_key") => conflict("there is an account with this email already"),
            Some("users_username_key_key") => conflict("this username is taken"),
            _ => error.into(),
        },
        _ => error.into(),
    }
}

/// What everybody signed in may know of a user
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", params(("id" = PrincipalId, Path, description = "Id of the user")), responses((status = OK, body = PublicUser), ApiError))]
pub async fn get_user(
    app: AppState,
    _who: Principal,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Json<PublicUser>> {
    let user = app
        .db
        .read(async |connection| User::find(connection, id).await)
        .await?;
    let User {
        id, username, name, ..
    } = user.ok_or(ApiError::not_found("user"))?;
    Ok(Json(PublicUser { id, username, name }))
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

/// Change your password; all your other sessions end
#[utoipa::path(post, path = "/api/v1/me/password", tag = "me", security(("session" = [])), request_body = ChangePassword, responses((status = NO_CONTENT, description = "Changed"), ApiError))]
pub async fn change_password(
    app: AppState,
    who: Principal,
    address: ClientAddress,
    origin: Origin,
    ValidJson(body): ValidJson<ChangePassword>,
) -> ApiResult<Answer> {
    let ChangePassword { current, new } = body;
    password::acceptable(&new, "/new").map_err(|error| ApiError::validation(vec![error]))?;
    let id = who.id;
    let user = app
        .db
        .read_primary(async |connection| User::find(connection, id).await)
        .await?
        .ok_or(ApiError::not_found("user"))?;
    let wrong = || {
        ApiError::validation(vec![FieldError {
            pointer: "/current".to_owned(),
            code: "wrong-password".into(),
            detail: "this is not your password".to_owned(),
        }])
    };
    // Whoever holds a stolen session must not guess the password here faster than at the sign-in.
    let limiter = &app.identity.limiter;
    let attempt = limiter
        .check(&app.db, AccountKey::known(id), address.0)
        .await?;
    let stored = Some(user.password_hash.clone());
    match app.identity.passwords.verify(current, stored).await {
        Ok(_proven) => attempt.succeeded(&app.db).await,
        Err(password::PasswordError::Wrong) => return Err(wrong()),
        Err(busy) => {
            attempt.not_made(&app.db).await;
            return Err(busy.into());
        }
    }
    let hash = app.identity.passwords.hash(new).await?;
    let which = who.session().map_or(Which::All, Which::AllBut);
    let revoked = transaction(&app.db, async |connection| {
        // Only where the checked password is still the password: of two changes at once, one counts.
        if User::rehash(connection, id, &user.password_hash, &hash).await? == 0 {
            return Err(wrong().into());
        }
        let mut revoked =
            end_sessions(connection, id, which, "password_changed", &origin, Some(id)).await?;
        // What was found good with the old password, here and on every replica.
        revoked.extend(revocation::revoke(connection, &[Subject::User(id)]).await?);
        audit::record(
            connection,
            &origin,
            Some(id),
            "user.password_changed",
            Some(id.0),
            json!({}),
        )
        .await?;
        Ok(revoked)
    })
    .await?;
    app.identity.feed.learn(&revoked);
    Ok(Answer::no_content())
}

/// Your live sessions
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "me", responses((status = OK, body = Sessions), ApiError))]
pub async fn list_sessions(app: AppState, who: Principal) -> ApiResult<Json<Sessions>> {
    let (id, own) = (who.id, who.session());
    let sessions = app
        .db
        .read_primary(async |connection| session::live(connection, id).await)
        .await?;
    let show = |session: Session| {
        let Session {
            id,
            kind,
            idle_ends_at,
            ends_at,
            address,
            user_agent,
            created_at,
        } = session;
        SessionBody {
            current: own == Some(id),
            id,
            kind,
            address,
            user_agent,
            created_at,
            idle_ends_at,
            ends_at,
        }
    };
    Ok(Json(Sessions {
        items: sessions.into_iter().map(show).collect(),
    }))
}

/// End all your sessions but this one
#[utoipa::path(delete, path = "/api/v1/me/sessions", tag = "me", security(("session" = [])), responses((status = NO_CONTENT, description = "Ended"), ApiError))]
pub async fn delete_sessions(app: AppState, who: Principal, origin: Origin) -> ApiResult<Answer> {
    end(
        &app,
        &who,
        who.session().map_or(Which::All, Which::AllBut),
        &origin,
    )
    .await?;
    Ok(Answer::no_content())
}

/// End one of your sessions
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "me", security(("session" = [])), params(("id" = SessionId, Path, description = "Id of the session")), responses((status = NO_CONTENT, description = "Ended"), ApiError))]
pub async fn delete_session(
    app: AppState,
    who: Principal,
    origin: Origin,
    ValidPath(id): ValidPath<SessionId>,
) -> ApiResult<Answer> {
    match end(&app, &who, Which::One(id), &origin).await? {
        0 => Err(ApiError::not_found("session")),
        _ => Ok(Answer::no_content()),
    }
}

async fn end(app: &AppState, who: &Principal, which: Which, origin: &Origin) -> ApiResult<usize> {
    debug_assert!(
        !matches!(who.credential, Credential::ApiToken { .. }),
        "the routes refuse machines"
    );
    let id = who.id;
    let revoked = app
        .db
        .write(async |connection| {
            end_sessions(connection, id, which, "ended_by_user", origin, Some(id)).await
        })
        .await?;
    app.identity.feed.learn(&revoked);
    Ok(revoked.len())
}
