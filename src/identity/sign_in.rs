//! Signing in with a password: limits first, then the hash behind its gate, the same work and the
//! same answer for every miss.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

use super::authenticate::remembered;
use super::limiter::{Attempt, NameKey};
use super::password::PasswordError;
use crate::events::{Event, tell_alone};
use crate::identity::account::names;
use crate::identity::account::{Confirmed, User};
use crate::identity::api::Api;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::origin::Origin;
use crate::kernel::principal::{Credential, Principal};

/// Longer than any email or username; what is longer names nobody.
const LONGEST_LOGIN: usize = 512;

/// What a password check found. `Refused` covers an unknown name, a wrong password and a disabled
/// account alike.
pub enum Outcome {
    Good(Box<User>),
    Refused,
}

pub async fn password(
    app: &Api,
    login: &str,
    password: SecretString,
    address: IpAddr,
    actor: &Actor,
) -> ApiResult<Outcome> {
    let key = if login.len() <= LONGEST_LOGIN {
        names::key_of(login.trim())
    } else {
        String::new()
    };
    let user = app
        .db
        .read_primary(async |connection| User::by_login(connection, &key).await)
        .await?;
    let attempt: Attempt = app
        .identity
        .limiter
        .check(&app.db, NameKey::of(&key), address)
        .await?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let proven = match app.identity.passwords.verify(password, stored).await {
        Ok(proven) => proven,
        Err(PasswordError::Busy) => {
            attempt.not_made(&app.db).await;
            return Err(PasswordError::Busy.into());
        }
        Err(PasswordError::Wrong) => return refused(app, user.as_ref(), actor).await,
    };
    match user {
        Some(mut user) if !user.is_disabled => {
            attempt.succeeded(&app.db).await;
            if let Some(renewed) = proven.rehash {
                let (id, old, new) = (user.id, &user.password_hash, &renewed);
                app.db
                    .write(async |connection| User::rehash(connection, id, old, new).await)
                    .await?;
                user.password_hash = renewed;
            }
            Ok(Outcome::Good(Box::new(user)))
        }
        user => refused(app, user.as_ref(), actor).await,
    }
}

/// The name that was tried is not kept: people type passwords into that field.
async fn refused(app: &Api, user: Option<&User>, actor: &Actor) -> ApiResult<Outcome> {
    let user = user.map(|user| user.id);
    let event = Event::SignInRefused {
        user,
        provider: None,
    };
    tell_alone(&app.db, actor, event).await?;
    Ok(Outcome::Refused)
}

/// HTTP Basic with the account's password; found good, it is believed for a minute.
pub async fn basic(
    app: &Api,
    login: &str,
    secret: SecretString,
    address: IpAddr,
    origin: &Origin,
) -> Result<Option<Principal>, ApiError> {
    let fingerprint = app
        .identity
        .cache
        .fingerprint(b'b', &[login, secret.expose_secret()]);
    if let Some(principal) = remembered(app, fingerprint).await? {
        return Ok(Some(principal));
    }
    let actor = Actor {
        id: None,
        origin: origin.clone(),
    };
    let Outcome::Good(user) = password(app, login, secret, address, &actor).await? else {
        return Ok(None);
    };
    let (id, hash) = (user.id, &user.password_hash);
    let confirmed = app
        .db
        .write(async |connection| User::confirm(connection, id, hash).await)
        .await?;
    let principal = confirmed.map(
        |Confirmed {
             is_admin,
             at: since,
         }| Principal {
            id,
            is_admin,
            credential: Credential::Password,
            since,
        },
    );
    if let Some(principal) = &principal {
        app.identity.cache.remember(fingerprint, principal, None);
        app.trail.used_password(id, actor.origin);
    }
    Ok(principal)
}
