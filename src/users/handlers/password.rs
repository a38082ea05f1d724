//! Changing one's password.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::audit::{self, Origin};
use crate::auth::end::end_sessions;
use crate::auth::limiter::AccountKey;
use crate::auth::password;
use crate::auth::principal::Principal;
use crate::auth::revocation::{self, Subject};
use crate::auth::session::Which;
use crate::error::{ApiError, ApiResult, FieldError};
use crate::http::answer::Answer;
use crate::http::client::ClientAddress;
use crate::http::extract::ValidJson;
use crate::http::idempotency::transaction;
use crate::state::AppState;
use crate::users::model::User;

/// A new password, and the one it replaces
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(format = Password, value_type = String)]
    current: SecretString,
    #[schema(format = Password, value_type = String, min_length = 8)]
    new: SecretString,
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
