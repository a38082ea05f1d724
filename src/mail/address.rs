//! What is known of addresses. Of an account's: that its owner has read a mail there, and that its
//! server takes none; a changed address is unknown again, by a trigger of the table. Of one that
//! somebody has only named: that its server took no mail lately.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Interval};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::message::Recipient;
use crate::db::purge::{BATCH, in_batches};
use crate::db::transaction::{Tx, Work};
use crate::db::{Db, DbError};
use crate::events::Event;
use crate::identity::account::names;
use crate::identity::secret::secret_hash;
use crate::kernel::types::{PrincipalId, words};
use crate::schema::{refused_addresses, users};

/// For so long no mail goes to an address that took none and may be of no account. Its person
/// cannot end that as the owner of an account can, and mailboxes are made and mended.
const HELD: TimeDelta = TimeDelta::days(30);

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

/// The server takes no mail for somebody.
pub(super) async fn refused(tx: &mut Tx<'_>, to: &Recipient, reason: &str) -> Work<()> {
    match to.user {
        Some(user) => pause(tx, user, &to.email, reason).await,
        None => hold(tx, &to.email).await,
    }
}

/// Sends no more notifications there, for a reason that the person can read. Nothing where they
/// have another address meanwhile.
async fn pause(tx: &mut Tx<'_>, user: PrincipalId, email: &str, reason: &str) -> Work<()> {
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

async fn hold(tx: &mut Tx<'_>, email: &str) -> Work<()> {
    diesel::insert_into(refused_addresses::table)
        .values(refused_addresses::hash.eq(hash(email)))
        .on_conflict(refused_addresses::hash)
        .do_update()
        .set(refused_addresses::refused_at.eq(diesel::dsl::now))
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn hash(email: &str) -> Vec<u8> {
    secret_hash(&names::key_of(email))
}

/// Whether a mail to an address that may be of no account is worth a try.
pub async fn takes_mail(db: &Db, email: &str) -> Result<bool, DbError> {
    let hash = &hash(email);
    let is_held = db.read_primary(async |connection: &mut AsyncPgConnection| {
        let until = refused_addresses::refused_at + HELD.into_sql::<Interval>();
        let held = refused_addresses::table
            .find(hash)
            .filter(until.gt(diesel::dsl::now));
        diesel::select(exists(held))
            .get_result::<bool>(connection)
            .await
    });
    Ok(!is_held.await?)
}

/// Removes addresses that may be tried again, some thousands at most; says how many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM refused_addresses WHERE hash IN (SELECT hash FROM refused_addresses \
             WHERE refused_at < now() - $2 ORDER BY refused_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .bind::<Interval, _>(HELD)
        .execute(connection)
        .await
    })
    .await
}

/// The owner of the account has read a mail that went to its address.
pub async fn verified(tx: &mut Tx<'_>, user: PrincipalId) -> Work<()> {
    let email: String = diesel::update(users::table.find(user))
        .set((
            users::email_verified_at.eq(diesel::dsl::now),
            users::mail_paused_at.eq(None::<DateTime<Utc>>),
            users::mail_paused_reason.eq(None::<String>),
            users::version.eq(users::version + 1),
            users::updated_at.eq(diesel::dsl::now),
        ))
        .returning(users::email)
        .get_result(tx.connection())
        .await?;
    diesel::delete(refused_addresses::table.find(hash(&email)))
        .execute(tx.connection())
        .await?;
    tx.tell(Event::UserEmailVerified { user }).await?;
    Ok(())
}
