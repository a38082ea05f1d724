//! Signing in and out, a file for each way; here is what they share.

pub mod cookie;
pub mod documents;
pub mod holder;
pub mod token;

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::end::end_oldest;
use super::session::{self, Kind};
use crate::db::transaction::transaction;
use crate::events;
use crate::identity::account::User;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::origin::Origin;
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
    origin: &Origin,
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
    let (started, revoked) = transaction(&app.db, async |connection| {
        let started = session::start(
            connection,
            id,
            user,
            kind,
            lifetimes,
            origin.address().as_deref(),
            agent.as_deref(),
        )
        .await?
        .ok_or_else(invalid_grant)?;
        events::record(
            connection,
            origin,
            Some(user.id),
            "session.started",
            Some(id.0),
            json!({}),
        )
        .await?;
        let revoked = end_oldest(connection, user.id, id, most, origin).await?;
        Ok((started, revoked))
    })
    .await?;
    app.identity.feed.learn(&revoked);
    Ok((id, started))
}
