//! Deleting an account, by its owner or an administrator: all it could sign in with ends at once,
//! and only the trace stays.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;

use crate::db::transaction::{Tx, Work};
use crate::events::Event;
use crate::identity::api_token::ApiToken;
use crate::identity::end::{Which, end_sessions};
use crate::identity::revocation::{self, Subject};
use crate::kernel::error::ApiError;
use crate::kernel::types::PrincipalId;
use crate::schema::{principals, users};

/// What a feature does in the transaction that ends an account for a reason, before its rows are
/// gone.
pub type EndOfAccount =
    for<'c> fn(&'c mut Tx<'_>, PrincipalId, &'static str) -> BoxFuture<'c, Work<()>>;

/// Deletes a user and what is theirs alone.
pub async fn delete(
    tx: &mut Tx<'_>,
    user: PrincipalId,
    reason: &'static str,
    endings: &[EndOfAccount],
) -> Work<()> {
    // Locked first: a session or a token that is being made now is either seen below or never made.
    let found: Option<PrincipalId> = users::table
        .find(user)
        .select(users::id)
        .for_update()
        .first(tx.connection())
        .await
        .optional()?;
    found.ok_or(ApiError::not_found("user"))?;
    end_sessions(tx, user, Which::All, reason).await?;
    ApiToken::delete_all(tx, user).await?;
    tx.tell(Event::UserDeleted { user, reason }).await?;
    for ending in endings {
        ending(tx, user, reason).await?;
    }
    // The rest follows by its references.
    diesel::delete(principals::table.find(user))
        .execute(tx.connection())
        .await?;
    // The user's passwords found good are told by when that was, so this comes as late as it can.
    revocation::revoke(tx, &[Subject::User(user)]).await?;
    Ok(())
}
