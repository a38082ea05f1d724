//! What has been revoked, known to every replica within 5 s without a database read per request.
//!
//! [`revoke`] writes inside the caller's transaction; each replica's [`Feed`] reads it and fills the [`Revocations`] that
//! requests look at. While the feed is stale, requests [`ask`] the database instead.
//!
//! What callers owe: `issued_at` is by the database's clock, finer than a second where it can be, because `revoked_at` is; and
//! who revokes all of a user locks the user's row first, as does who signs the user in, so that no session begins between the
//! time written here and the commit. Nothing that was issued may be accepted for longer than the window, which is the lifetime
//! of an access token and its leeway: older entries are dropped, and then the rows of sessions and tokens alone say no.

pub mod feed;
mod set;

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Double, Integer, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

use crate::db::purge::{BATCH, in_batches};
use crate::db::{Db, DbError};
use crate::types::{ApiTokenId, PrincipalId, SessionId};

pub use feed::{Bounds, Feed, State, Verdict};
pub use set::Revocations;

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
    subject: Uuid,
    #[diesel(sql_type = Timestamptz)]
    revoked_at: DateTime<Utc>,
}

/// Revokes with the caller's transaction: every replica learns of it at its commit, none if it rolls back. This process need
/// not wait for that: after the commit, tell its feed by [`Feed::learn`].
pub async fn revoke(
    connection: &mut AsyncPgConnection,
    subjects: &[Subject],
) -> QueryResult<Vec<Revoked>> {
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let subjects: Vec<Uuid> = subjects.iter().map(|subject| subject.id()).collect();
    sql_query("INSERT INTO revocations (subject) SELECT unnest($1) RETURNING subject, revoked_at")
        .bind::<Array<SqlUuid>, _>(subjects)
        .load(connection)
        .await
}

/// [`Revocations::is_revoked`] of the database itself, for the time in which the feed is stale. Ask the primary.
pub async fn ask(
    connection: &mut AsyncPgConnection,
    session: Uuid,
    user: Uuid,
    issued_at: DateTime<Utc>,
) -> QueryResult<bool> {
    let answer: Answer = sql_query(
        "SELECT EXISTS (SELECT FROM revocations WHERE subject = $1) \
         OR EXISTS (SELECT FROM revocations WHERE subject = $2 AND revoked_at >= $3) AS revoked",
    )
    .bind::<SqlUuid, _>(session)
    .bind::<SqlUuid, _>(user)
    .bind::<Timestamptz, _>(issued_at)
    .get_result(connection)
    .await?;
    Ok(answer.revoked)
}

/// Removes rows that no feed reads any more, some thousands at most; says how many. Twice the window, in case clocks step.
pub async fn purge(db: &Db, window: Duration) -> Result<usize, DbError> {
    let age = window.as_secs_f64() * 2.0;
    in_batches(db, async |connection| {
        sql_query(
            "DELETE FROM revocations WHERE id IN (SELECT id FROM revocations \
             WHERE revoked_at < clock_timestamp() - make_interval(secs => $1) ORDER BY revoked_at LIMIT $2 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Double, _>(age)
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}
