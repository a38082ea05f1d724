//! Deleting an account, by its owner or an administrator: all it could sign in with ends at once,
//! and only the trace stays.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::db::transaction::{Failure, Work};
use crate::events;
use crate::identity::api_token::ApiToken;
use crate::identity::end::{Which, end_sessions};
use crate::identity::revocation::{self, Revoked, Subject};
use crate::kernel::error::ApiError;
use crate::kernel::origin::Origin;
use crate::kernel::types::PrincipalId;
use crate::schema::{principals, users};

/// An account that ends.
pub struct Leaving<'a> {
    pub user: PrincipalId,
    pub reason: &'static str,
    pub origin: &'a Origin,
    pub actor: Option<PrincipalId>,
}

/// What a feature does in the transaction that ends an account, before its rows are gone.
pub type EndOfAccount =
    for<'c> fn(&'c mut AsyncPgConnection, &'c Leaving<'c>) -> BoxFuture<'c, Work<()>>;

/// Deletes a user and what is theirs alone, in the caller's transaction. What is returned is for
/// this process's feed, after the commit.
pub async fn delete(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
    endings: &[EndOfAccount],
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
    let ended = end_sessions(connection, user, Which::All, reason, origin, actor).await?;
    let mut revoked = ended.revoked;
    revoked.extend(ApiToken::delete_all(connection, user).await?);
    events::record(
        connection,
        origin,
        actor,
        "user.deleted",
        Some(user.0),
        json!({ "reason": reason }),
    )
    .await?;
    let leaving = Leaving {
        user,
        reason,
        origin,
        actor,
    };
    for ending in endings {
        ending(connection, &leaving).await?;
    }
    // The rest follows by its references.
    diesel::delete(principals::table.find(user))
        .execute(connection)
        .await?;
    // The user's passwords found good are told by when that was, so this comes as late as it can.
    revoked.extend(revocation::revoke(connection, &[Subject::User(user)]).await?);
    Ok(revoked)
}
