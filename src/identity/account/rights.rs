//! Who administers. Whoever changes it holds the rows of all administrators, so that one always
//! remains.

use diesel::dsl::not;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::directory::Entry;
use crate::db::transaction::{Tx, Work};
use crate::events::Event;
use crate::identity::end::{Which, end_sessions};
use crate::identity::revocation::{self, Subject};
use crate::kernel::error::{ApiError, Code};
use crate::kernel::principal::Principal;
use crate::kernel::types::PrincipalId;
use crate::schema::users;

/// A user whose rights may be changed until the transaction ends.
pub struct Locked {
    pub user: Entry,
    admins: Vec<PrincipalId>,
}

/// Locks the user together with everybody who administers and may sign in, in the order of their
/// ids: two changes at once wait for each other, and the second sees what the first has left.
pub async fn lock(connection: &mut AsyncPgConnection, id: PrincipalId) -> Work<Locked> {
    let rows: Vec<Entry> = users::table
        .filter(
            users::id
                .eq(id)
                .or(users::is_admin.and(not(users::is_disabled))),
        )
        .order(users::id)
        .select(Entry::as_select())
        .for_update()
        .load(connection)
        .await?;
    let admins: Vec<PrincipalId> = rows
        .iter()
        .filter(|row| row.is_admin && !row.is_disabled)
        .map(|row| row.id)
        .collect();
    let user = rows.into_iter().find(|row| row.id == id);
    let user = user.ok_or(ApiError::not_found("user"))?;
    Ok(Locked { user, admins })
}

impl Locked {
    /// The caller may have been demoted since the request was let in; a workload, which administers
    /// by configuration, not.
    pub fn still_administers(&self, caller: &Principal) -> Result<(), ApiError> {
        if caller.workload().is_some() || self.admins.contains(&caller.id) {
            return Ok(());
        }
        Err(ApiError::new(
            Code::Forbidden,
            "you are not an administrator any more",
        ))
    }

    /// For what would leave the user without the right to administer.
    pub fn others_administer(&self) -> Result<(), ApiError> {
        if self.admins == [self.user.id] {
            return Err(ApiError::new(
                Code::LastAdmin,
                "this is the only administrator who can sign in; make another one first",
            ));
        }
        Ok(())
    }
}

/// Gives somebody the right to administer, or takes it back, where nothing else of them changes.
pub async fn give(tx: &mut Tx<'_>, user: PrincipalId, is_admin: bool) -> QueryResult<()> {
    diesel::update(users::table.find(user))
        .set((
            users::is_admin.eq(is_admin),
            users::version.eq(users::version + 1),
            users::updated_at.eq(diesel::dsl::now),
        ))
        .execute(tx.connection())
        .await?;
    changed(tx, user, is_admin).await
}

/// What it ends that somebody administers, or does no more, and its trace.
pub async fn changed(tx: &mut Tx<'_>, user: PrincipalId, is_admin: bool) -> QueryResult<()> {
    // Access tokens carry the right, and so does a password found good a moment ago.
    end_sessions(tx, user, Which::All, "role_changed").await?;
    revocation::revoke(tx, &[Subject::User(user)]).await?;
    tx.tell(match is_admin {
        true => Event::UserPromoted { user },
        false => Event::UserDemoted { user },
    })
    .await
}
