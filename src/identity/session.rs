//! Sessions: one row per sign-in, by cookie or bearer. All that decides is one statement, so two
//! requests at once agree.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    BigInt, Bool, Integer, Interval, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::revocation::belief;
use super::token::Refresh;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::db::purge::{BATCH, in_batches};
use crate::db::sql::Writer;
use crate::db::{Db, DbError};
use crate::identity::account::User;
use crate::kernel::types::{PrincipalId, SessionId};
use crate::schema::{sessions, users};

/// Until when what was given out for a session may be believed without a look at its row. Where
/// that is not said, for 25 hours after the last moment at which it could be used:
/// [`belief::LONGEST`]. A macro, because statements are texts that stand in the source.
macro_rules! believed {
    () => {
        "COALESCE(believed_until, LEAST(idle_ends_at, now()) + interval '25 hours')"
    };
}
pub(super) use believed;

/// Of sessions that can still be used, or that something is believed of.
macro_rules! in_force {
    () => {
        concat!(
            "ended_at IS NULL AND GREATEST(idle_ends_at, ",
            $crate::identity::session::believed!(),
            ") > now()"
        )
    };
}
pub(super) use in_force;

/// For how long a cookie that was just asked about may be believed.
pub const COOKIE_BELIEF: TimeDelta = belief::CACHED;

/// How long sessions live; from the settings.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Of a refresh token or an unused cookie.
    pub idle: TimeDelta,
    /// Of the session, however much it is used.
    pub absolute: TimeDelta,
    /// For which the predecessor of the live refresh token gets the same successor again.
    pub grace: TimeDelta,
    /// Of an access token.
    pub access: TimeDelta,
}

impl Lifetimes {
    fn belief(&self, kind: &Kind) -> TimeDelta {
        match kind {
            Kind::Bearer => belief::of_access_token(self.access),
            Kind::Cookie(_) => COOKIE_BELIEF,
        }
    }
}

/// How a session is carried.
#[derive(Clone, Debug)]
pub enum Kind {
    Bearer,
    /// With the SHA-256 of the cookie's secret.
    Cookie(Vec<u8>),
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    pub id: SessionId,
    pub kind: String,
    pub idle_ends_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// What became of a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The session lives on; `next` is the token to give, the same again within the grace.
    Live {
        next: Refresh,
        user: PrincipalId,
        is_admin: bool,
        idle_ends_at: DateTime<Utc>,
    },
    /// A token that was replaced before came back: somebody else may have it, so the session has
    /// ended.
    Reused {
        session: SessionId,
        user: PrincipalId,
    },
    /// The session ended, the token is too old, or the user is disabled.
    Over,
}

/// What the database's own clock says of a new session.
#[derive(Debug, QueryableByName)]
pub struct Started {
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub idle_ends_at: DateTime<Utc>,
    /// As it is under the lock: it may have changed since the user was read.
    #[diesel(sql_type = Bool)]
    pub is_admin: bool,
}

const START: &str = "WITH u AS (SELECT id, is_admin FROM users WHERE id = :user \
        AND NOT is_disabled AND password_hash = :password_hash FOR NO KEY UPDATE), \
    started AS (INSERT INTO sessions (id, user_id, kind, cookie_hash, idle_ends_at, ends_at, \
        address, user_agent, believed_until) \
    SELECT :id, u.id, :kind, :cookie_hash, now() + LEAST(:idle, :absolute), now() + :absolute, \
        :address, :user_agent, now() + :belief FROM u RETURNING created_at, idle_ends_at) \
    SELECT started.created_at, started.idle_ends_at, u.is_admin FROM started, u";

/// Starts a session for a user whose password was just checked; `None` where it was changed or the
/// user disabled meanwhile. The row's lock makes whoever does that wait for us or us see it, and
/// two that start one after the other.
pub async fn start(
    connection: &mut AsyncPgConnection,
    id: SessionId,
    user: &User,
    kind: &Kind,
    lifetimes: Lifetimes,
    address: Option<&str>,
    user_agent: Option<&str>,
) -> QueryResult<Option<Started>> {
    let belief = lifetimes.belief(kind);
    let (kind, cookie_hash) = match kind {
        Kind::Bearer => ("bearer", None),
        Kind::Cookie(hash) => ("cookie", Some(hash)),
    };
    Writer::default()
        .text(START)
        .bind::<SqlUuid, _>("id", id)
        .bind::<SqlUuid, _>("user", user.id)
        .bind::<Text, _>("kind", kind)
        .bind::<Nullable<diesel::sql_types::Binary>, _>("cookie_hash", cookie_hash)
        .bind::<Interval, _>("idle", lifetimes.idle)
        .bind::<Interval, _>("absolute", lifetimes.absolute)
        .bind::<Nullable<Text>, _>("address", address)
        .bind::<Nullable<Text>, _>("user_agent", user_agent)
        .bind::<Text, _>("password_hash", &user.password_hash)
        .bind::<Interval, _>("belief", belief)
        .statement::<Untyped>()
        .get_result(connection)
        .await
        .optional()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    generation: i64,
    #[diesel(sql_type = Bool)]
    is_reused: bool,
    #[diesel(sql_type = Timestamptz)]
    idle_ends_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    user_id: PrincipalId,
    #[diesel(sql_type = Bool)]
    is_admin: bool,
}

const REFRESH: &str = concat!(
    "UPDATE sessions s SET \
       believed_until = GREATEST(",
    believed!(),
    " + interval '1 microsecond', now() + :belief), \
       generation = s.generation + CASE WHEN s.generation = :generation THEN 1 ELSE 0 END, \
       rotated_at = CASE WHEN s.generation = :generation THEN now() ELSE s.rotated_at END, \
       idle_ends_at = CASE WHEN s.generation = :generation THEN LEAST(now() + :idle, s.ends_at) \
         ELSE s.idle_ends_at END, \
       ended_at = CASE WHEN s.generation = :generation OR (s.generation = :generation + 1 \
         AND :grace > interval '0' AND s.rotated_at > now() - :grace) THEN NULL ELSE now() END, \
       end_reason = CASE WHEN s.generation = :generation OR (s.generation = :generation + 1 \
         AND :grace > interval '0' AND s.rotated_at > now() - :grace) THEN NULL ELSE 'reuse' END \
     FROM users u \
     WHERE s.id = :id AND s.kind = 'bearer' AND s.generation >= :generation \
       AND s.ended_at IS NULL AND s.ends_at > now() AND s.idle_ends_at > now() \
       AND u.id = s.user_id AND NOT u.is_disabled \
     RETURNING s.generation, s.ended_at IS NOT NULL AS is_reused, s.idle_ends_at, s.user_id, \
       u.is_admin",
);

/// Rotates, repeats within the grace, or ends the session on reuse: one statement, decided under
/// the row's lock. Whoever began before the rotation and got the lock after it sees a time ahead of
/// its own: without a grace that counts as reuse, too.
pub async fn refresh(
    connection: &mut AsyncPgConnection,
    token: Refresh,
    lifetimes: Lifetimes,
) -> QueryResult<Refreshed> {
    let row: Option<Row> = Writer::default()
        .text(REFRESH)
        .bind::<SqlUuid, _>("id", token.session)
        .bind::<BigInt, _>("generation", token.generation)
        .bind::<Interval, _>("idle", lifetimes.idle)
        .bind::<Interval, _>("grace", lifetimes.grace)
        .bind::<Interval, _>("belief", lifetimes.belief(&Kind::Bearer))
        .statement::<Untyped>()
        .get_result(connection)
        .await
        .optional()?;
    Ok(match row {
        None => Refreshed::Over,
        Some(Row {
            is_reused: true,
            user_id,
            ..
        }) => Refreshed::Reused {
            session: token.session,
            user: user_id,
        },
        Some(Row {
            generation,
            idle_ends_at,
            user_id,
            is_admin,
            ..
        }) => Refreshed::Live {
            next: Refresh {
                session: token.session,
                generation,
            },
            user: user_id,
            is_admin,
            idle_ends_at,
        },
    })
}

#[derive(Clone, Copy, PartialEq)]
pub enum SessionSort {
    CreatedAt,
}

impl Sorts for SessionSort {
    type Row = Session;
    const LIST: &'static str = "sessions";
    const ALL: &'static [(&'static str, Self)] = &[("created_at", Self::CreatedAt)];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &Session) -> Place {
        let key = match self {
            Self::CreatedAt => Key::Time(row.created_at),
        };
        Place { key, id: row.id.0 }
    }
}

pub type SessionPage = PageQuery<SessionSort>;

impl Session {
    /// The live sessions of a user.
    pub async fn page(
        connection: &mut AsyncPgConnection,
        page: &SessionPage,
        user: PrincipalId,
    ) -> QueryResult<Found<Self>> {
        let now = diesel::dsl::now;
        let wanted = || {
            sessions::table
                .filter(sessions::user_id.eq(user))
                .filter(sessions::ended_at.is_null())
                .filter(sessions::ends_at.gt(now))
                .filter(sessions::idle_ends_at.gt(now))
                .select(Self::as_select())
        };
        match page.sort {
            SessionSort::CreatedAt => {
                page.load(connection, wanted, sessions::created_at, sessions::id)
                    .await
            }
        }
    }
}

/// Removes sessions that are over and of which nothing is believed any more, some thousands at
/// most; says how many. An hour later, in case clocks step.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(concat!(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
             WHERE idle_ends_at < now() - interval '1 hour' AND ",
            believed!(),
            " < now() - interval '1 hour' ORDER BY idle_ends_at LIMIT $1 FOR UPDATE SKIP LOCKED)"
        ))
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}

/// Whether a session lives, for those who cannot see what has been revoked: not ended, neither idle
/// for too long nor too old, and its user may sign in.
pub async fn is_live(connection: &mut AsyncPgConnection, id: SessionId) -> QueryResult<bool> {
    let live = living().filter(sessions::id.eq(id));
    diesel::select(diesel::dsl::exists(live))
        .get_result(connection)
        .await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn living() -> _ {
    let now = diesel::dsl::now;
    sessions::table
        .inner_join(users::table)
        .filter(sessions::ended_at.is_null())
        .filter(sessions::ends_at.gt(now))
        .filter(sessions::idle_ends_at.gt(now))
        .filter(users::is_disabled.eq(false))
}

/// Whose session it is.
pub async fn user_of(
    connection: &mut AsyncPgConnection,
    id: SessionId,
) -> QueryResult<Option<PrincipalId>> {
    sessions::table
        .find(id)
        .select(sessions::user_id)
        .first(connection)
        .await
        .optional()
}

/// Whether a refresh token is the live one of a live session; its user and its end.
pub async fn is_current(
    connection: &mut AsyncPgConnection,
    token: Refresh,
) -> QueryResult<Option<(PrincipalId, DateTime<Utc>)>> {
    living()
        .filter(sessions::id.eq(token.session))
        .filter(sessions::generation.eq(token.generation))
        .select((sessions::user_id, sessions::idle_ends_at))
        .first(connection)
        .await
        .optional()
}
