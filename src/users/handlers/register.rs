//! Registration.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::me::Me;
use crate::config::Registration;
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidJson;
use crate::http::caller::Anyone;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::names::{self, Email, PersonName, Username};
use crate::identity::account::{Account, NewUser, taken};
use crate::identity::api::{Api, AppState};
use crate::identity::password::NewPassword;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;
use crate::mail::letter::send;
use crate::users::letters::EmailConfirmMail;
use crate::users::profile::Profile;

/// A new account
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    email: Email,
    password: NewPassword,
    username: Option<Username>,
    name: Option<PersonName>,
    /// Anything else that you want to keep about the person: at most 8 KiB as JSON, of at most 16
    /// levels
    #[serde(default)]
    #[schema(required = false)]
    profile: Profile,
}

/// Make an account
///
/// Anybody can, where the service is open for registration; otherwise the answer is 403. Then
/// accounts are made by accepting an invitation to a project, or by an administrator. A taken
/// `email` or `username` is answered 409.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    tag = "users",
    security(()),
    request_body = Register,
    responses((status = CREATED, body = Me), ApiError),
)]
pub async fn create_user(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(body): ValidJson<Register>,
) -> ApiResult<Answer> {
    match app.config.registration() {
        Registration::Open => {}
        Registration::Invited => {
            return Err(ApiError::new(
                Code::Forbidden,
                "accounts are made by invitation here; ask an owner of a project for one",
            ));
        }
        Registration::Closed => {
            return Err(ApiError::new(
                Code::Forbidden,
                "registration is closed here; ask an administrator for an account",
            ));
        }
    }
    let account = register(&app, body, address, actor, false).await?;
    let (id, version) = (account.user.id, account.user.version);
    Ok(Answer::created(format!("/api/v1/users/{id}"), &Me::from(account))?.with_version(version))
}

/// Makes the account, as often as the address may. The first of all administers.
pub async fn register(
    app: &Api,
    body: Register,
    address: ClientAddress,
    actor: Actor,
    is_first: bool,
) -> ApiResult<Account> {
    let token = app.identity.limiter.registration(&app.db, address.0);
    let token = token.await?;
    let made = make(app, body, actor, is_first).await;
    // Only who was told that a name is taken has learned something of somebody.
    let is_taken = matches!(&made, Err(error) if error.code == Code::Conflict);
    if !is_taken {
        token.give_back(&app.db).await;
    }
    made
}

async fn make(app: &Api, body: Register, actor: Actor, is_first: bool) -> ApiResult<Account> {
    let Register {
        email,
        password: NewPassword(password),
        username,
        name,
        profile: Profile(profile),
    } = body;
    let (email, username) = (String::from(email), username.map(String::from));
    let new = NewUser {
        id: PrincipalId::fresh(),
        email_key: names::key_of(&email),
        email,
        username_key: username.as_deref().map(names::key_of),
        username,
        name: name.and_then(PersonName::or_none),
        profile: Value::Object(profile),
        password_hash: app.identity.passwords.hash(password).await?,
        is_admin: is_first,
    };
    let actor = actor.acting_as(new.id);
    transaction(&app.db, &actor, async |tx| {
        if is_first && !Account::may_be_first(tx).await? {
            return Err(ApiError::new(
                Code::Conflict,
                "somebody has made the first account in the meantime; sign in, or ask them",
            )
            .into());
        }
        let account = Account::insert(tx, &new).await.map_err(taken)?;
        let user = account.user.id;
        tx.tell(Event::UserRegistered { user }).await?;
        if app.config.mail_server().is_some() {
            send(tx, EmailConfirmMail { user }).await?;
        }
        Ok(account)
    })
    .await
}
