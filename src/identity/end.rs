//! Ending sessions for good: their rows, every replica's memory, and the trace. The number of
//! statements does not depend on how many sessions end.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::api_token::ApiToken;
use super::revocation::{self, Revoked, Subject};
use super::session::{believed, in_force};
use crate::db::sql::Writer;
use crate::db::transaction::Tx;
use crate::events::Event;
use crate::kernel::types::{PrincipalId, SessionId};

/// Which sessions of a user. To end more than one, hold the lock of the user's row: then two
/// requests that do so wait for each other.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    One(SessionId),
    AllBut(SessionId),
    All,
    /// Those whose last use is longest ago, so that with `newest` no more than `most` are left.
    Beyond {
        newest: SessionId,
        most: i64,
    },
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    sessions: i64,
    #[diesel(sql_type = Array<SqlUuid>)]
    subjects: Vec<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    revoked_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    needed_until: DateTime<Utc>,
}

/// Deletes the rows, because that costs a fraction of updating them and nothing asks about an ended
/// session. A session that is over by itself is left alone, unless something given out for it is
/// still believed.
async fn end(tx: &mut Tx<'_>, user: PrincipalId, which: Which) -> QueryResult<i64> {
    let (one, but, kept) = match which {
        Which::One(id) => (Some(id), None, None),
        Which::AllBut(id) => (None, Some(id), None),
        Which::All => (None, None, None),
        Which::Beyond { newest, most } => (None, Some(newest), Some(most - 1)),
    };
    let Row {
        sessions,
        subjects,
        revoked_at,
        needed_until,
    } = diesel::sql_query(concat!(
        "WITH ended AS (DELETE FROM sessions WHERE user_id = $1 AND ",
        in_force!(),
        " AND ($2 IS NULL OR id = $2) AND ($3 IS NULL OR id <> $3) \
             AND ($4 IS NULL OR id IN (SELECT id FROM sessions WHERE user_id = $1 AND id <> $3 AND ",
        in_force!(),
        " ORDER BY idle_ends_at DESC, id DESC OFFSET $4)) RETURNING id, ",
        believed!(),
        " AS needed_until), \
         revoked AS (INSERT INTO revocations (subject, needed_until) \
           SELECT id, needed_until FROM ended WHERE needed_until > now() RETURNING subject, revoked_at, needed_until) \
         SELECT (SELECT count(*) FROM ended) AS sessions, COALESCE(array_agg(subject), '{}') AS subjects, \
           COALESCE(max(revoked_at), now()) AS revoked_at, COALESCE(max(needed_until), now()) AS needed_until \
         FROM revoked",
    ))
    .bind::<SqlUuid, _>(user)
    .bind::<Nullable<SqlUuid>, _>(one)
    .bind::<Nullable<SqlUuid>, _>(but)
    .bind::<Nullable<BigInt>, _>(kept)
    .get_result(tx.connection())
    .await?;
    let revoked = |subject| Revoked {
        subject,
        revoked_at,
        needed_until,
    };
    let revoked: Vec<Revoked> = subjects.into_iter().map(revoked).collect();
    tx.after_commit(revoked);
    Ok(sessions)
}

/// Ends sessions, tells every replica, and leaves a trace. Says how many there were.
pub async fn end_sessions(
    tx: &mut Tx<'_>,
    user: PrincipalId,
    which: Which,
    reason: &'static str,
) -> QueryResult<i64> {
    let sessions = end(tx, user, which).await?;
    if sessions == 0 {
        return Ok(0);
    }
    // One event, of the session or of whose they were.
    tx.tell(match which {
        Which::One(session) => Event::SessionEnded { session, reason },
        _ => Event::SessionsEnded {
            user,
            reason,
            sessions,
        },
    })
    .await?;
    Ok(sessions)
}

const TOO_MANY: &str = concat!(
    "SELECT EXISTS (SELECT FROM sessions WHERE user_id = :user AND ",
    in_force!(),
    " OFFSET :most) AS too_many"
);

/// Keeps a user at `most` sessions after `newest` has begun, in the transaction that began it and
/// holds the lock of the user's row.
pub async fn end_oldest(
    tx: &mut Tx<'_>,
    user: PrincipalId,
    newest: SessionId,
    most: i64,
) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        too_many: bool,
    }
    // Asked first: each insert of revocations wakes every replica, even one of none.
    let answer: Answer = Writer::default()
        .text(TOO_MANY)
        .bind::<SqlUuid, _>("user", user)
        .bind::<BigInt, _>("most", most)
        .statement::<Untyped>()
        .get_result(tx.connection())
        .await?;
    if answer.too_many {
        end_sessions(tx, user, Which::Beyond { newest, most }, "too_many").await?;
    }
    Ok(())
}

/// Ends whatever a user is signed in by: sessions, API tokens, and the password where it was found
/// good a moment ago. The transaction has locked the user's row. Says how many sessions there were.
pub async fn end_everything(
    tx: &mut Tx<'_>,
    user: PrincipalId,
    reason: &'static str,
) -> QueryResult<i64> {
    let sessions = end_sessions(tx, user, Which::All, reason).await?;
    ApiToken::delete_all(tx, user).await?;
    revocation::revoke(tx, &[Subject::User(user)]).await?;
    Ok(sessions)
}
