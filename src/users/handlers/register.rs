//! Registration.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::me::Me;
use super::{collect, taken};
use crate::config::Registration;
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidJson;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::names;
use crate::identity::account::{Account, NewUser};
use crate::identity::api::{Api, AppState};
use crate::identity::password;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;
use crate::users::profile;

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
    /// Anything else that you want to keep about the person: at most 8 KiB as JSON, of at most 16
    /// levels
    #[serde(default)]
    #[schema(value_type = Object)]
    profile: serde_json::Map<String, Value>,
}

/// Make an account
///
/// Anybody can, where the service is open for registration; otherwise the answer is 403 and an
/// administrator makes accounts. A taken `email` or `username` is answered 409.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    tag = "users",
    security(()),
    request_body = Register,
    responses((status = CREATED, body = Me), ApiError),
)]
pub async fn create_user(
    app: AppState,
    address: ClientAddress,
    actor: Actor,
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
    collect(profile::fits(&profile), &mut errors);
    let (Some(email), true) = (email, errors.is_empty()) else {
        return Err(ApiError::validation(errors));
    };
    let token = app.identity.limiter.registration(&app.db, address.0);
    let token = token.await?;
    let new = Prepared {
        email,
        username,
        name,
        profile,
    };
    let made = make(&app, new, password, actor).await;
    // Only who was told that a name is taken has learned something of somebody.
    let is_taken = matches!(&made, Err(error) if error.code == Code::Conflict);
    if !is_taken {
        token.give_back(&app.db).await;
    }
    let account = made?;
    let (id, version) = (account.user.id, account.user.version);
    Ok(Answer::created(format!("/api/v1/users/{id}"), &Me::from(account))?.with_version(version))
}

/// What of a registration is kept as it is.
struct Prepared {
    email: String,
    username: Option<String>,
    name: Option<String>,
    profile: serde_json::Map<String, Value>,
}

async fn make(
    app: &Api,
    prepared: Prepared,
    password: SecretString,
    actor: Actor,
) -> ApiResult<Account> {
    let Prepared {
        email,
        username,
        name,
        profile,
    } = prepared;
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
    let actor = actor.acting_as(new.id);
    transaction(&app.db, &actor, async |tx| {
        let account = Account::insert(tx, &new).await.map_err(taken)?;
        let user = account.user.id;
        tx.tell(Event::UserRegistered { user }).await?;
        Ok(account)
    })
    .await
}
