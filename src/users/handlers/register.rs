//! Registration.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::me::Me;
use super::{collect, taken};
use crate::audit::{self, Origin};
use crate::auth::password;
use crate::config::Registration;
use crate::error::{ApiError, ApiResult, Code};
use crate::http::answer::Answer;
use crate::http::extract::ValidJson;
use crate::http::idempotency::transaction;
use crate::state::AppState;
use crate::types::PrincipalId;
use crate::users::model::{NewUser, User};
use crate::users::names;

/// A new account
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    #[schema(schema_with = names::email_schema)]
    email: String,
    #[schema(schema_with = password::schema)]
    password: SecretString,
    #[schema(schema_with = names::username_schema)]
    username: Option<String>,
    #[schema(schema_with = names::name_schema)]
    name: Option<String>,
    /// Anything else worth keeping about the person
    #[serde(default)]
    #[schema(value_type = Object)]
    profile: serde_json::Map<String, Value>,
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
