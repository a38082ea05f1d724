//! Changing one's password.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::confirm::confirm;
use crate::db::transaction::transaction;
use crate::events;
use crate::http::answer::Answer;
use crate::http::body::extract::ValidJson;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::User;
use crate::identity::api::AppState;
use crate::identity::end::{Which, end_sessions};
use crate::identity::password;
use crate::identity::revocation::{self, Subject};
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::origin::Origin;
use crate::kernel::principal::Principal;

/// A new password, and the one it replaces
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(format = Password, value_type = String)]
    current: SecretString,
    #[schema(schema_with = password::schema)]
    new: SecretString,
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
    app: AppState,
    who: Principal,
    address: ClientAddress,
    origin: Origin,
    ValidJson(body): ValidJson<ChangePassword>,
) -> ApiResult<Answer> {
    let ChangePassword { current, new } = body;
    password::acceptable(&new, "/new").map_err(|error| ApiError::validation(vec![error]))?;
    let id = who.id;
    let confirmed = confirm(&app, id, current, "/current", address, &origin).await?;
    let hash = app.identity.passwords.hash(new).await?;
    let which = who.session().map_or(Which::All, Which::AllBut);
    let revoked = transaction(&app.db, async |connection| {
        // Only where the checked password is still the password: of two changes at once, one
        // counts.
        if User::rehash(connection, id, &confirmed.password_hash, &hash).await? == 0 {
            return Err(confirmed.wrong().into());
        }
        let reason = "password_changed";
        let ended = end_sessions(connection, id, which, reason, &origin, Some(id)).await?;
        let mut revoked = ended.revoked;
        // What was found good with the old password, here and on every replica.
        revoked.extend(revocation::revoke(connection, &[Subject::User(id)]).await?);
        events::record(
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
