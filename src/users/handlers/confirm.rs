//! Asking for the password once more, where a session alone is not enough.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::SecretString;

use crate::db::transaction::Work;
use crate::events::{Event, tell_alone};
use crate::http::shell::client::ClientAddress;
use crate::identity::api::Api;
use crate::identity::limiter::NameKey;
use crate::identity::password::{NO_PASSWORD, PasswordError};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;
use crate::schema::users;

/// That the user gave the password that belongs to this hash. Only [`confirm`] makes one.
pub(super) struct Confirmed {
    user: PrincipalId,
    pub(super) password_hash: String,
    pointer: &'static str,
}

/// `pointer` is where the password stands in the body.
pub(super) async fn confirm(
    app: &Api,
    user: PrincipalId,
    password: SecretString,
    pointer: &'static str,
    address: ClientAddress,
    actor: &Actor,
) -> ApiResult<Confirmed> {
    let found: Option<(String, String)> = app
        .db
        .read_primary(async |connection| {
            users::table
                .find(user)
                .select((users::password_hash, users::email_key))
                .first(connection)
                .await
                .optional()
        })
        .await?;
    let (password_hash, email_key) = found.ok_or(ApiError::not_found("user"))?;
    let confirmed = Confirmed {
        user,
        password_hash,
        pointer,
    };
    // Whoever holds a stolen session must not guess the password here faster than at the sign-in,
    // so it counts as one by email.
    let attempt = app
        .identity
        .limiter
        .check(&app.db, NameKey::of(&email_key), address.0)
        .await?;
    let stored = Some(confirmed.password_hash.clone());
    match app.identity.passwords.verify(password, stored).await {
        Ok(_proven) => attempt.succeeded(&app.db).await,
        Err(PasswordError::Wrong) => {
            tell_alone(&app.db, actor, Event::UserPasswordRefused { user }).await?;
            return Err(confirmed.wrong());
        }
        Err(busy) => {
            attempt.not_made(&app.db).await;
            return Err(busy.into());
        }
    }
    Ok(confirmed)
}

impl Confirmed {
    pub(super) fn wrong(&self) -> ApiError {
        let detail = match self.password_hash == NO_PASSWORD {
            true => "your account has no password; ask for a link to set one, or an administrator",
            false => "this is not your password",
        };
        ApiError::wrong_field(self.pointer, "wrong-password", detail)
    }

    /// Locks the user's row and returns its version, where the password has not been changed since
    /// it was checked.
    pub(super) async fn lock(&self, connection: &mut AsyncPgConnection) -> Work<i64> {
        let version: Option<i64> = users::table
            .find(self.user)
            .filter(users::password_hash.eq(&self.password_hash))
            .select(users::version)
            .for_update()
            .first(connection)
            .await
            .optional()?;
        Ok(version.ok_or_else(|| self.wrong())?)
    }
}
