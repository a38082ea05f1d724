//! Registration.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::me::Me;
use crate::config::Registration;
use crate::db::transaction::{Tx, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidJson;
use crate::http::body::json::mistake;
use crate::http::caller::Anyone;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::names::{self, Email, PersonName, Username};
use crate::identity::account::{Account, NewUser, taken};
use crate::identity::api::{Api, AppState};
use crate::identity::password::NewPassword;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;
use crate::mail;
use crate::mail::letter::send;
use crate::mail::links::LinkToken;
use crate::users::letters::EmailConfirmMail;
use crate::users::profile::Profile;
use crate::users::registration;

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
/// `email` or `username` is answered 409. Where addresses are confirmed first, the answer is 202
/// and has no body, whether the `email` is taken or not: a mail goes there, with a link that makes
/// the account, or the word that there is one.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    tag = "users",
    security(()),
    request_body = Register,
    responses(
        (status = CREATED, body = Me),
        (status = ACCEPTED, description = "A mail to the address says how it goes on"),
        ApiError,
    ),
)]
pub async fn create_user(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(body): ValidJson<Register>,
) -> ApiResult<Answer> {
    match app.config.registration() {
        Registration::Open | Registration::Confirmed => {}
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
    let Registered::Made(account) = register(&app, body, address, actor, false).await? else {
        return Ok(Answer::under_way());
    };
    let (id, version) = (account.user.id, account.user.version);
    Ok(Answer::created(format!("/api/v1/users/{id}"), &Me::from(*account))?.with_version(version))
}

/// What became of a registration.
pub enum Registered {
    Made(Box<Account>),
    /// A mail to the address decides.
    Asked,
}

/// Makes the account, as often as the address may, or writes to the address first, where that is
/// how it is done here. The first of all administers, and waits for no mail.
pub async fn register(
    app: &Api,
    body: Register,
    address: ClientAddress,
    actor: Actor,
    is_first: bool,
) -> ApiResult<Registered> {
    let limiter = &app.identity.limiter;
    if !is_first && app.config.registration() == Registration::Confirmed {
        let key = names::key_of(body.email.as_str());
        limiter.registration_mail(&app.db, &key, address.0).await?;
        let new = new_user(app, body, false).await?;
        let asked = async |tx: &mut Tx<'_>| registration::ask(tx, new).await;
        transaction(&app.db, &actor, asked).await?;
        return Ok(Registered::Asked);
    }
    let token = limiter.registration(&app.db, address.0).await?;
    let made = make(app, body, actor, is_first).await;
    // Only who was told that a name is taken has learned something of somebody.
    let is_taken = matches!(&made, Err(error) if error.code == Code::Conflict);
    if !is_taken {
        token.give_back(&app.db).await;
    }
    made.map(|account| Registered::Made(Box::new(account)))
}

async fn new_user(app: &Api, body: Register, is_admin: bool) -> ApiResult<NewUser> {
    let Register {
        email,
        password: NewPassword(password),
        username,
        name,
        profile: Profile(profile),
    } = body;
    let (email, username) = (String::from(email), username.map(String::from));
    Ok(NewUser {
        id: PrincipalId::fresh(),
        email_key: names::key_of(&email),
        email,
        username_key: username.as_deref().map(names::key_of),
        username,
        name: name.and_then(PersonName::or_none),
        profile: Value::Object(profile),
        password_hash: app.identity.passwords.hash(password).await?,
        is_admin,
    })
}

async fn make(app: &Api, body: Register, actor: Actor, is_first: bool) -> ApiResult<Account> {
    let new = new_user(app, body, is_first).await?;
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

/// A link that confirms a registration
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRegistration {
    token: LinkToken,
}

/// Make the account that a mail has confirmed
///
/// With what was asked for at `POST /api/v1/users`; its address counts as confirmed. The link is
/// good once, for a day. A `username` that somebody else has taken since is answered 409: register
/// again with another. A service that sends no mail answers 404 `mail-off`.
#[utoipa::path(
    post,
    path = "/auth/registration/confirm",
    tag = "users",
    security(()),
    request_body = ConfirmRegistration,
    responses((status = NO_CONTENT, description = "Made"), (status = NOT_FOUND), ApiError),
)]
pub async fn confirm_registration(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(ConfirmRegistration { token }): ValidJson<ConfirmRegistration>,
) -> ApiResult<Answer> {
    mail::required(&app.config)?;
    let guess = app.identity.limiter.registration(&app.db, address.0);
    let guess = guess.await?;
    let id = registration::find(&app.db, &token).await?;
    let id = id.ok_or_else(ended)?;
    let actor = actor.acting_as(id);
    transaction(&app.db, &actor, async |tx| {
        match registration::redeem(tx, id).await? {
            true => Ok(()),
            false => Err(ended().into()),
        }
    })
    .await?;
    guess.give_back(&app.db).await;
    Ok(Answer::no_content())
}

fn ended() -> ApiError {
    let detail = "this link is not good any more: it was used, has ended, or a later mail has \
                  another; register again";
    ApiError::validation(vec![mistake("/token", "link-ended", detail)])
}
