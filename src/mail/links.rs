//! Links in mails that can be used once: a secret that only the mail has, kept as its hash until it
//! is used or ends. Whoever changes the address or the password of the account ends them too, by a
//! trigger of the table of users.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Binary, Double, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::{ExposeSecret as _, SecretString};

use crate::db::purge::{BATCH, in_batches};
use crate::db::transaction::{Tx, Work};
use crate::db::{Db, DbError};
use crate::identity::account::User;
use crate::identity::secret::{fresh_secret, may_be_secret, secret_hash};
use crate::kernel::types::{PrincipalId, words};
use crate::kernel::values::text;
use crate::schema::{mail_links, users};

text! {
    /// What the link has behind its `=`
    LinkToken: 1..=100;
}

words! {
    /// What a link is for
    Purpose {
        PasswordReset = "password_reset",
        EmailConfirm = "email_confirm",
    }
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::PasswordReset => "crr_",
            Self::EmailConfirm => "cre_",
        }
    }

    /// For how long a link is good.
    pub fn lifetime(self) -> Duration {
        Duration::from_secs(match self {
            Self::PasswordReset => 15 * 60,
            Self::EmailConfirm => 24 * 3_600,
        })
    }

    /// How many of one account are sent and good at once. While there are as many, no more mails
    /// are sent, so that nobody's mailbox is filled by asking.
    fn most(self) -> i32 {
        3
    }
}

/// Both in one statement, since several workers may write at once.
const MAKE: &str = "INSERT INTO mail_links (hash, user_id, purpose, expires_at) \
    SELECT $1, id, $3, now() + make_interval(secs => $4) FROM users \
    WHERE id = $2 AND (SELECT count(*) FROM mail_links WHERE user_id = $2 AND purpose = $3 \
        AND expires_at > now() AND sent_at IS NOT NULL) < $5";

/// A link that nobody has been sent yet.
pub struct Fresh {
    pub secret: SecretString,
    hash: Vec<u8>,
}

/// A new one for each try to send it; `None` where the account has as many as it may.
pub async fn make(db: &Db, user: PrincipalId, purpose: Purpose) -> anyhow::Result<Option<Fresh>> {
    let secret = fresh_secret(purpose.prefix())?;
    let hash = secret_hash(secret.expose_secret());
    let new = &hash;
    let made = db
        .write(async |connection: &mut AsyncPgConnection| {
            diesel::sql_query(MAKE)
                .bind::<Binary, _>(new)
                .bind::<SqlUuid, _>(user)
                .bind::<Text, _>(purpose)
                .bind::<Double, _>(purpose.lifetime().as_secs_f64())
                .bind::<Integer, _>(purpose.most())
                .execute(connection)
                .await
        })
        .await?;
    Ok((made > 0).then_some(Fresh { secret, hash }))
}

/// The mail with the link is with a server.
pub async fn sent(tx: &mut Tx<'_>, link: &Fresh) -> Work<()> {
    diesel::update(mail_links::table.find(&link.hash))
        .set(mail_links::sent_at.eq(diesel::dsl::now))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Whose link it is, while it is good. What cannot be one costs no look.
pub async fn owner(
    db: &Db,
    purpose: Purpose,
    secret: &str,
) -> Result<Option<PrincipalId>, DbError> {
    if !may_be_secret(purpose.prefix(), secret) {
        return Ok(None);
    }
    let hash = secret_hash(secret);
    db.read_primary(async |connection| {
        mail_links::table
            .find(&hash)
            .filter(mail_links::purpose.eq(purpose))
            .filter(mail_links::expires_at.gt(diesel::dsl::now))
            .select(mail_links::user_id)
            .first(connection)
            .await
            .optional()
    })
    .await
}

/// Uses a link up; says whether it was there to be used. The user's row is locked first, as whoever
/// changes it does before the trigger looks at the links.
pub async fn redeem(
    tx: &mut Tx<'_>,
    user: PrincipalId,
    purpose: Purpose,
    secret: &str,
) -> Work<bool> {
    User::lock(tx, user).await?;
    let able = users::table
        .filter(users::id.eq(user))
        .filter(users::is_disabled.eq(false))
        .select(users::id);
    let used = diesel::delete(mail_links::table.find(secret_hash(secret)))
        .filter(mail_links::purpose.eq(purpose))
        .filter(mail_links::expires_at.gt(diesel::dsl::now))
        .filter(mail_links::user_id.eq_any(able))
        .execute(tx.connection())
        .await?;
    Ok(used > 0)
}

/// Removes links that have ended, some thousands at most; says how many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM mail_links WHERE hash IN (SELECT hash FROM mail_links \
             WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}
