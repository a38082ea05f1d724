//! Signing in and out, a file for each way; here is what they share.

pub mod cookie;
pub mod documents;
pub mod holder;
pub mod token;

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};

use super::end::end_oldest;
use super::session::{self, Kind};
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::identity::account::User;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::SessionId;

/// RFC 6749, 5.1: no cache keeps a token.
const NO_STORE: (http::HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-store"));
const LONGEST_AGENT: usize = 256;

fn invalid_grant() -> ApiError {
    ApiError::new(
        Code::InvalidGrant,
        "the name, the password or the refresh token is not good (any more)",
    )
}

async fn start(
    app: &AppState,
    user: &User,
    kind: &Kind,
    actor: Actor,
    headers: &HeaderMap,
) -> ApiResult<(SessionId, session::Started)> {
    let id = SessionId::fresh();
    let agent = headers.get(http::header::USER_AGENT).map(|value| {
        String::from_utf8_lossy(value.as_bytes())
            .chars()
            .take(LONGEST_AGENT)
            .collect::<String>()
    });
    let lifetimes = app.identity.lifetimes;
    let most = app.config.identity.sessions_per_user;
    let actor = actor.acting_as(user.id);
    let address = actor.origin.address();
    let started = transaction(&app.db, &actor, async |tx| {
        let started = session::start(
            tx,
            id,
            user,
            kind,
            lifetimes,
            address.as_deref(),
            agent.as_deref(),
        )
        .await?
        .ok_or_else(invalid_grant)?;
        tx.tell(Event::SessionStarted { session: id }).await?;
        end_oldest(tx, user.id, id, most).await?;
        Ok(started)
    })
    .await?;
    Ok((id, started))
}
