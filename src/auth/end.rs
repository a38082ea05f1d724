//! Ending sessions for good: their rows, every replica's memory, and the trace.

use diesel::QueryResult;
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use serde_json::json;

use super::api_token::ApiToken;
use super::revocation::{self, Revoked, Subject};
use super::session::{self, Which};
use crate::audit::{self, Origin};
use crate::types::PrincipalId;

/// Ends sessions, tells every replica, and leaves a trace, in the caller's transaction or one of its own. What is returned is
/// for this process's feed, after the commit.
pub async fn end_sessions(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
    which: Which,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
) -> QueryResult<Vec<Revoked>> {
    connection
        .transaction(async |connection| {
            let ended = session::end(connection, user, which, reason).await?;
            let subjects: Vec<Subject> = ended.iter().map(|id| Subject::Session(*id)).collect();
            let revoked = revocation::revoke(connection, &subjects).await?;
            for id in &ended {
                audit::record(
                    connection,
                    origin,
                    actor,
                    "session.ended",
                    Some(id.0),
                    json!({ "reason": reason }),
                )
                .await?;
            }
            Ok(revoked)
        })
        .await
}

/// What [`end_everything`] has ended.
pub struct Ended {
    pub sessions: usize,
    /// For this process's feed, after the commit.
    pub revoked: Vec<Revoked>,
}

/// Ends whatever a user is signed in by: sessions, API tokens, and the password where it was found good a moment ago. In the
/// caller's transaction, which has locked the user's row.
pub async fn end_everything(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
) -> QueryResult<Ended> {
    let mut revoked = end_sessions(connection, user, Which::All, reason, origin, actor).await?;
    let sessions = revoked.len();
    revoked.extend(ApiToken::delete_all(connection, user).await?);
    revoked.extend(revocation::revoke(connection, &[Subject::User(user)]).await?);
    Ok(Ended { sessions, revoked })
}
