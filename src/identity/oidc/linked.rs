//! By whom else somebody can be signed in to an account, and how that ends.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ring::digest;

use super::Providers;
use crate::db::transaction::{Tx, Work};
use crate::events::Event;
use crate::identity::account::rights::{self, Locked};
use crate::identity::password::NO_PASSWORD;
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::{IdentityId, PrincipalId};
use crate::schema::{user_identities, users};

/// Nobody has many.
const MOST: i64 = 100;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = user_identities, check_for_backend(diesel::pg::Pg))]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub created_at: DateTime<Utc>,
    gives_admin: bool,
}

impl Identity {
    /// Made of its key, so that a path has no names of others in it.
    pub fn id(&self) -> IdentityId {
        let text = format!("{}\n{}", self.issuer, self.subject);
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let bytes = hash.as_ref().first_chunk().copied().unwrap_or_default();
        IdentityId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// Those of a user, the oldest first.
pub async fn identities(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
) -> QueryResult<Vec<Identity>> {
    user_identities::table
        .filter(user_identities::user_id.eq(user))
        .order((user_identities::created_at, user_identities::issuer))
        .limit(MOST)
        .select(Identity::as_select())
        .load(connection)
        .await
}

/// Ends one, in a transaction that has locked the user: whoever it is signs in by it no more. The
/// last way in stays, and a right that it gives goes with it.
pub async fn unlink(
    tx: &mut Tx<'_>,
    providers: &Providers,
    locked: &Locked,
    id: IdentityId,
) -> Work<()> {
    let user = locked.user.id;
    let all = identities(tx, user).await?;
    let found = all.iter().find(|one| one.id() == id);
    let identity = found.ok_or(ApiError::not_found("identity"))?;
    let password: String = users::table
        .find(user)
        .select(users::password_hash)
        .first(tx.connection())
        .await?;
    if all.len() == 1 && password == NO_PASSWORD {
        return Err(ApiError::new(
            Code::LastWayIn,
            "the account has no password and no other provider: set a password first, by a link or by an administrator",
        )
        .into());
    }
    diesel::delete(user_identities::table.find((&identity.issuer, &identity.subject)))
        .execute(tx.connection())
        .await?;
    tx.tell(Event::UserUnlinked {
        user,
        provider: providers.id_of(&identity.issuer),
    })
    .await?;
    if identity.gives_admin && locked.user.is_admin {
        locked.others_administer()?;
        rights::give(tx, user, false).await?;
    }
    Ok(())
}
