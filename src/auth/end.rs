//! Ending sessions for good: their rows, every replica's memory, and the trace.

use diesel_async::AsyncConnection as _;
use serde_json::json;

use super::revocation::{self, Revoked, Subject};
use super::session::{self, Which};
use crate::audit::{self, Origin};
use crate::types::PrincipalId;

/// Ends sessions, tells every replica, and leaves a trace, in the caller's transaction or one of its own. What is returned is
/// for this process's feed, after the commit.
pub async fn end_sessions(
    connection: &mut diesel_async::AsyncPgConnection,
    user: PrincipalId,
    which: Which,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
) -> diesel::QueryResult<Vec<Revoked>> {
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
