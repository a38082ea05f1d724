//! What has been revoked, known to every replica within 5 s without a database read per request.
//!
//! [`revoke`] writes inside the caller's transaction; each replica's [`Feed`] reads it and fills
//! the [`Revocations`] that requests look at. While the feed is stale, requests [`ask`] the
//! database instead.
//!
//! What callers owe: `issued_at` is by the database's clock, finer than a second where it can be,
//! because `revoked_at` is; and who revokes all of a user locks the user's row first, as does who
//! signs the user in, so that no session begins between the time written here and the commit. Each
//! revocation says until when it is needed, which is when nothing that it ends can be
//! [believed](belief) anywhere any more: then it is dropped, and the rows of sessions and tokens
//! alone say no.

pub mod belief;
pub mod feed;
mod set;

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Integer, Interval, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

use super::session::believed;
use crate::db::purge::{BATCH, in_batches};
use crate::db::sql::Writer;
use crate::db::transaction::Tx;
use crate::db::{Db, DbError};
use crate::kernel::types::{ApiTokenId, PrincipalId, SessionId};
use belief::{CACHED, LONGEST};

pub use feed::{Feed, State, Verdict};
pub use set::Revocations;

use set::Entry;

/// What ends at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Session(SessionId),
    ApiToken(ApiTokenId),
    /// Everything that was issued to the user before.
    User(PrincipalId),
}

impl Subject {
    fn id(self) -> Uuid {
        match self {
            Self::Session(id) => id.0,
            Self::ApiToken(id) => id.0,
            Self::User(id) => id.0,
        }
    }
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    revoked: bool,
}

/// What has been revoked, and when by the database's clock.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Revoked {
    #[diesel(sql_type = SqlUuid)]
    pub subject: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub revoked_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub needed_until: DateTime<Utc>,
}

impl Revoked {
    fn entry(&self) -> Entry {
        Entry {
            subject: self.subject,
            revoked_at: self.revoked_at.timestamp_micros(),
            needed_until: self.needed_until.timestamp_micros(),
        }
    }
}

/// Revokes with the caller's transaction: every replica learns of it at its commit, this process's
/// feed before anybody hears of the commit, and none if it rolls back.
pub async fn revoke(tx: &mut Tx<'_>, subjects: &[Subject]) -> QueryResult<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let is_session = |subject: &Subject| matches!(subject, Subject::Session(_));
    let sessions: Vec<bool> = subjects.iter().map(is_session).collect();
    let subjects: Vec<Uuid> = subjects.iter().map(|subject| subject.id()).collect();
    // A user's sessions each end by their own id, so of all that ends by the user's nothing
    // outlives the caches.
    let revoked: Vec<Revoked> = sql_query(concat!(
        "INSERT INTO revocations (subject, needed_until) \
         SELECT subject, CASE WHEN is_session THEN COALESCE((SELECT ",
        believed!(),
        " FROM sessions WHERE id = subject), now() + $4) ELSE now() + $3 END \
         FROM unnest($1, $2) AS ending (subject, is_session) RETURNING subject, revoked_at, needed_until"
    ))
    .bind::<Array<SqlUuid>, _>(subjects)
    .bind::<Array<Bool>, _>(sessions)
    .bind::<Interval, _>(CACHED)
    .bind::<Interval, _>(LONGEST)
    .load(tx.connection())
    .await?;
    tx.after_commit(revoked);
    Ok(())
}

const ASK: &str = "SELECT EXISTS (SELECT FROM revocations WHERE subject = :session) \
    OR EXISTS (SELECT FROM revocations WHERE subject = :user AND revoked_at >= :issued_at) \
    AS revoked";

/// [`Revocations::is_revoked`] of the database itself, for the time in which the feed is stale. Ask
/// the primary.
pub async fn ask(
    connection: &mut AsyncPgConnection,
    session: Uuid,
    user: Uuid,
    issued_at: DateTime<Utc>,
) -> QueryResult<bool> {
    let answer: Answer = Writer::default()
        .text(ASK)
        .bind::<SqlUuid, _>("session", session)
        .bind::<SqlUuid, _>("user", user)
        .bind::<Timestamptz, _>("issued_at", issued_at)
        .statement::<Untyped>()
        .get_result(connection)
        .await?;
    Ok(answer.revoked)
}

/// Removes rows that no feed reads any more, some thousands at most; says how many. An hour later,
/// in case clocks step.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        sql_query(
            "DELETE FROM revocations WHERE id IN (SELECT id FROM revocations \
             WHERE needed_until < clock_timestamp() - interval '1 hour' ORDER BY needed_until LIMIT $1 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}
