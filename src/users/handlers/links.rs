//! What the links in mails are for: a new password without the old one, and a confirmed address.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidJson;
use crate::http::body::json::mistake;
use crate::http::caller::{Anyone, Person};
use crate::http::shell::client::ClientAddress;
use crate::identity::account::names::{self, Email};
use crate::identity::api::{Api, AppState};
use crate::identity::end::{Which, end_sessions};
use crate::identity::password::NewPassword;
use crate::identity::revocation::{self, Subject};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;
use crate::mail::letter::send;
use crate::mail::links::{self, LinkToken, Purpose};
use crate::mail::{self, address};
use crate::schema::users;
use crate::users::letters::{EmailConfirmMail, PasswordResetMail};

/// Whose password is to be set
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestPasswordReset {
    email: Email,
}

/// Ask for a link to a new password
///
/// If there is an account with this email, a link is mailed to it, which is good for 15 minutes.
/// The answer is the same where there is none, and takes as long. Requests count against limits of
/// your network and of the email. A service that sends no mail answers 404 `mail-off`.
#[utoipa::path(
    post,
    path = "/auth/password-reset",
    tag = "sign-in",
    security(()),
    request_body = RequestPasswordReset,
    responses(
        (status = ACCEPTED, description = "If there is such an account, a mail is on its way"),
        (status = NOT_FOUND),
        ApiError,
    ),
)]
pub async fn request_password_reset(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(RequestPasswordReset { email }): ValidJson<RequestPasswordReset>,
) -> ApiResult<StatusCode> {
    mail::required(&app.config)?;
    let key = names::key_of(email.as_str());
    let limiter = &app.identity.limiter;
    limiter.password_reset(&app.db, &key, address.0).await?;
    // One look and one job, whether there is an account or not: what differs is done by a worker.
    transaction(&app.db, &actor, async |tx| {
        let user: Option<PrincipalId> = users::table
            .filter(users::email_key.eq(&key))
            .select(users::id)
            .first(tx.connection())
            .await
            .optional()?;
        send(tx, PasswordResetMail { user }).await?;
        Ok(StatusCode::ACCEPTED)
    })
    .await
}

/// A new password, and the link that admits it
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    token: LinkToken,
    new: NewPassword,
}

/// Set a new password by a link
///
/// All sessions of the account end; its API tokens stay. The link is good once. The address counts
/// as confirmed, because its mail was read.
#[utoipa::path(
    post,
    path = "/auth/password-reset/confirm",
    tag = "sign-in",
    security(()),
    request_body = ResetPassword,
    responses((status = NO_CONTENT, description = "Set"), (status = NOT_FOUND), ApiError),
)]
pub async fn reset_password(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(body): ValidJson<ResetPassword>,
) -> ApiResult<Answer> {
    let ResetPassword {
        token,
        new: NewPassword(new),
    } = body;
    let user = owner(&app, address, Purpose::PasswordReset, &token).await?;
    let hash = app.identity.passwords.hash(new).await?;
    let actor = actor.acting_as(user);
    transaction(&app.db, &actor, async |tx| {
        if !links::redeem(tx, user, Purpose::PasswordReset, token.as_str()).await? {
            return Err(ended().into());
        }
        diesel::update(users::table.find(user))
            .set(users::password_hash.eq(&hash))
            .execute(tx.connection())
            .await?;
        end_sessions(tx, user, Which::All, "password_reset").await?;
        revocation::revoke(tx, &[Subject::User(user)]).await?;
        tx.tell(Event::UserPasswordReset { user, by: "mail" })
            .await?;
        address::verified(tx, user).await?;
        Ok(Answer::no_content())
    })
    .await
}

/// A link that confirms an address
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmail {
    token: LinkToken,
}

/// Confirm an address by a link
///
/// `email_state` of the account becomes `ok`, and notifications can be mailed to it. A changed
/// address has to be confirmed again.
#[utoipa::path(
    post,
    path = "/auth/email/confirm",
    tag = "me",
    security(()),
    request_body = ConfirmEmail,
    responses((status = NO_CONTENT, description = "Confirmed"), (status = NOT_FOUND), ApiError),
)]
pub async fn confirm_email(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(ConfirmEmail { token }): ValidJson<ConfirmEmail>,
) -> ApiResult<Answer> {
    let user = owner(&app, address, Purpose::EmailConfirm, &token).await?;
    let actor = actor.acting_as(user);
    transaction(&app.db, &actor, async |tx| {
        if !links::redeem(tx, user, Purpose::EmailConfirm, token.as_str()).await? {
            return Err(ended().into());
        }
        address::verified(tx, user).await?;
        Ok(Answer::no_content())
    })
    .await
}

/// Ask for a link that confirms your address
///
/// It is mailed to you unless the address is confirmed already, and is good for a day. A new
/// account, and one that changes its address, is sent one without asking. No more than three are
/// good at once; while there are as many, none is sent.
#[utoipa::path(
    post,
    path = "/api/v1/me/email/confirmation",
    tag = "me",
    security(("user" = [])),
    responses(
        (status = NO_CONTENT, description = "If it is needed, a mail is on its way"),
        ApiError,
    ),
)]
pub async fn request_email_confirmation(
    who: Person,
    app: AppState,
    actor: Actor,
) -> ApiResult<Answer> {
    mail::required(&app.config)?;
    let user = who.id;
    transaction(&app.db, &actor, async |tx| {
        send(tx, EmailConfirmMail { user }).await?;
        Ok(Answer::no_content())
    })
    .await
}

fn ended() -> ApiError {
    let detail = "this link is not good any more: it was used, has ended, or the address or the \
                  password has changed since; ask for another";
    ApiError::validation(vec![mistake("/token", "link-ended", detail)])
}

/// Whose link it is. A wrong one counts as a guess from its network.
async fn owner(
    app: &Api,
    address: ClientAddress,
    purpose: Purpose,
    token: &LinkToken,
) -> ApiResult<PrincipalId> {
    mail::required(&app.config)?;
    let guess = app.identity.limiter.registration(&app.db, address.0);
    let guess = guess.await?;
    let owner = links::owner(&app.db, purpose, token.as_str()).await?;
    let owner = owner.ok_or_else(ended)?;
    guess.give_back(&app.db).await;
    Ok(owner)
}
