//! Signing in and out, a file for each way; here is what they share.

pub mod cookie;
pub mod documents;
pub mod holder;
pub mod oidc;
pub mod token;

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};

use super::end::end_oldest;
use super::session::{self, Kind};
use crate::db::transaction::{Tx, Work, transaction};
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
    let actor = actor.acting_as(user.id);
    let begun = Begun {
        kind,
        agent: agent_of(headers),
        provider: None,
    };
    transaction(&app.db, &actor, async |tx| {
        start_in(tx, app, user, begun).await
    })
    .await
}

/// What a session begins with beside whose it is.
struct Begun<'a> {
    kind: &'a Kind,
    agent: Option<String>,
    /// Who said who it is, where it was no password.
    provider: Option<String>,
}

fn agent_of(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(http::header::USER_AGENT)?;
    let agent = String::from_utf8_lossy(agent.as_bytes());
    Some(agent.chars().take(LONGEST_AGENT).collect())
}

/// In a transaction in which the user acts.
async fn start_in(
    tx: &mut Tx<'_>,
    app: &AppState,
    user: &User,
    begun: Begun<'_>,
) -> Work<(SessionId, session::Started)> {
    let Begun {
        kind,
        agent,
        provider,
    } = begun;
    let id = SessionId::fresh();
    let (lifetimes, most) = (
        app.identity.lifetimes,
        app.config.identity.sessions_per_user,
    );
    let address = tx.actor().origin.address();
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
    let session = id;
    tx.tell(Event::SessionStarted { session, provider }).await?;
    end_oldest(tx, user.id, id, most).await?;
    Ok((id, started))
}
