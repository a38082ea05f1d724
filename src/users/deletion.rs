//! Deleting an account, by its owner or an administrator: all it could sign in with ends at once, and only the trace stays.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;

use crate::audit::{self, Origin};
use crate::auth::api_token::ApiToken;
use crate::auth::end::end_sessions;
use crate::auth::revocation::{self, Revoked, Subject};
use crate::auth::session::Which;
use crate::error::ApiError;
use crate::http::idempotency::Failure;
use crate::schema::{principals, users};
use crate::types::PrincipalId;

/// Deletes a user and what is theirs alone, in the caller's transaction. What is returned is for this process's feed, after the
/// commit.
pub async fn delete(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
) -> Result<Vec<Revoked>, Failure> {
    // Locked first: a session or a token that is being made now is either seen below or never made.
    let found: Option<PrincipalId> = users::table
        .find(user)
        .select(users::id)
        .for_update()
        .first(connection)
        .await
        .optional()?;
    found.ok_or(ApiError::not_found("user"))?;
    let mut revoked = end_sessions(connection, user, Which::All, reason, origin, actor).await?;
    revoked.extend(ApiToken::delete_all(connection, user).await?);
    audit::record(
        connection,
        origin,
        actor,
        "user.deleted",
        Some(user.0),
        json!({ "reason": reason }),
    )
    .await?;
    // The rest follows by its references.
    diesel::delete(principals::table.find(user))
        .execute(connection)
        .await?;
    // The user's passwords found good are told by when that was, so this comes as late as it can.
    revoked.extend(revocation::revoke(connection, &[Subject::User(user)]).await?);
    Ok(revoked)
}
