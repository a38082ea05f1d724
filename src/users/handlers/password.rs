//! Changing one's password.

use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::confirm::confirm;
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidJson;
use crate::http::caller::PersonInSession;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::User;
use crate::identity::api::AppState;
use crate::identity::end::{Which, end_sessions};
use crate::identity::password::NewPassword;
use crate::identity::revocation::{self, Subject};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};

/// A new password, and the one it replaces
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(format = Password, value_type = String)]
    current: SecretString,
    new: NewPassword,
}

/// Change your password
///
/// Asks for the current one. All your other sessions end; your API tokens stay. Wrong passwords
/// count against the limits on sign-ins.
#[utoipa::path(
    post,
    path = "/api/v1/me/password",
    tag = "me",
    security(("session" = [])),
    request_body = ChangePassword,
    responses((status = NO_CONTENT, description = "Changed"), ApiError),
)]
pub async fn change_password(
    who: PersonInSession,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    ValidJson(body): ValidJson<ChangePassword>,
) -> ApiResult<Answer> {
    let ChangePassword {
        current,
        new: NewPassword(new),
    } = body;
    let id = who.id;
    let confirmed = confirm(&app, id, current, "/current", address, &actor).await?;
    let hash = app.identity.passwords.hash(new).await?;
    let which = who.session().map_or(Which::All, Which::AllBut);
    transaction(&app.db, &actor, async |tx| {
        // Only where the checked password is still the password: of two changes at once, one
        // counts.
        if User::rehash(tx, id, &confirmed.password_hash, &hash).await? == 0 {
            return Err(confirmed.wrong().into());
        }
        end_sessions(tx, id, which, "password_changed").await?;
        // What was found good with the old password, here and on every replica.
        revocation::revoke(tx, &[Subject::User(id)]).await?;
        tx.tell(Event::UserPasswordChanged { user: id }).await?;
        Ok(Answer::no_content())
    })
    .await
}
