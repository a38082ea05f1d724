//! What is known of the address of an account: that its owner has read a mail there, and that its
//! server takes none. A changed address is unknown again, by a trigger of the table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::message::Mail;
use crate::db::transaction::{Tx, Work};
use crate::events::Event;
use crate::kernel::types::{PrincipalId, words};
use crate::schema::users;

words! {
    /// Whether mail reaches you
    EmailState {
        /// You have confirmed the address
        Ok = "ok",
        /// You have not; notifications are not sent there
        Unverified = "unverified",
        /// The mail server refused it for good; notifications are not sent there until you confirm
        /// it again
        Paused = "paused",
    }
}

impl EmailState {
    pub fn of(verified_at: Option<DateTime<Utc>>, paused_at: Option<DateTime<Utc>>) -> Self {
        match (verified_at, paused_at) {
            (_, Some(_)) => Self::Paused,
            (Some(_), None) => Self::Ok,
            (None, None) => Self::Unverified,
        }
    }
}

/// Sends no more notifications there, for a reason that the person can read. Nothing where they
/// have another address meanwhile.
pub(super) async fn pause(tx: &mut Tx<'_>, mail: &Mail, reason: &str) -> Work<()> {
    let (user, email) = (mail.to.user, &mail.to.email);
    let same = users::table.find(user).filter(users::email.eq(email));
    let paused = diesel::update(same)
        .set((
            users::mail_paused_at.eq(diesel::dsl::now),
            users::mail_paused_reason.eq(reason),
            users::version.eq(users::version + 1),
            users::updated_at.eq(diesel::dsl::now),
        ))
        .execute(tx.connection())
        .await?;
    if paused > 0 {
        tx.tell(Event::UserMailPaused { user }).await?;
    }
    Ok(())
}

/// The owner of the account has read a mail that went to its address.
pub async fn verified(tx: &mut Tx<'_>, user: PrincipalId) -> Work<()> {
    diesel::update(users::table.find(user))
        .set((
            users::email_verified_at.eq(diesel::dsl::now),
            users::mail_paused_at.eq(None::<DateTime<Utc>>),
            users::mail_paused_reason.eq(None::<String>),
            users::version.eq(users::version + 1),
            users::updated_at.eq(diesel::dsl::now),
        ))
        .execute(tx.connection())
        .await?;
    tx.tell(Event::UserEmailVerified { user }).await?;
    Ok(())
}
