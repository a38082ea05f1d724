//! Events as they are read: in pages, newest first. And their end, where they have one.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::db::purge::{BATCH, in_batches};
use crate::db::{Db, DbError};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::is_usual;
use crate::schema::audit_events;

/// Ids are made by the services' clocks and times by the database's; further apart than this, a
/// filter by time misses events.
const CLOCKS_APART: TimeDelta = TimeDelta::hours(1);

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
pub struct TrailEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub target_id: Option<Uuid>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub detail: Value,
}

#[derive(Clone, Copy, PartialEq)]
pub enum EventSort {
    Id,
}

impl Sorts for EventSort {
    type Row = TrailEntry;
    const LIST: &'static str = "audit";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
    const DEFAULT: (Self, Direction) = (Self::Id, Direction::Descending);

    fn place(self, row: &TrailEntry) -> Place {
        Place {
            key: Key::Uuid(row.id),
            id: row.id,
        }
    }
}

pub type EventPage = PageQuery<EventSort>;

/// Which events; all that are given must hold.
#[derive(Debug)]
pub struct EventFilter {
    actor: Option<Uuid>,
    action: Option<String>,
    target: Option<Uuid>,
    since: Option<DateTime<Utc>>,
}

impl EventFilter {
    pub fn new(
        actor: Option<Uuid>,
        action: Option<String>,
        target: Option<Uuid>,
        since: Option<DateTime<Utc>>,
    ) -> ApiResult<Self> {
        if since.is_some_and(|since| !is_usual(since)) {
            return Err(ApiError::new(
                Code::InvalidParameter,
                "at__gte: expected a year from 1 to 9999",
            ));
        }
        Ok(Self {
            actor,
            action,
            target,
            since,
        })
    }
}

impl TrailEntry {
    pub async fn page(
        connection: &mut AsyncPgConnection,
        page: &EventPage,
        wanted: &EventFilter,
    ) -> QueryResult<Found<Self>> {
        let EventSort::Id = page.sort;
        let EventFilter {
            actor,
            action,
            target,
            since,
        } = wanted;
        let query = || {
            let mut query = audit_events::table.select(Self::as_select()).into_boxed();
            if let Some(actor) = *actor {
                query = query.filter(audit_events::actor_id.eq(actor));
            }
            if let Some(action) = action.clone() {
                query = query.filter(audit_events::action.eq(action));
            }
            if let Some(target) = *target {
                query = query.filter(audit_events::target_id.eq(target));
            }
            if let Some(since) = *since {
                // The ids bound the search from below, so that it does not read on to the first
                // event there ever was.
                query = query
                    .filter(audit_events::at.ge(since))
                    .filter(audit_events::id.ge(first_id_of(since - CLOCKS_APART)));
            }
            query
        };
        page.load(connection, query, audit_events::id, audit_events::id)
            .await
    }
}

/// A change, as the trail tells it.
pub struct Told {
    pub action: &'static str,
    pub target: Uuid,
    /// Members that its detail has.
    pub about: Value,
    pub since: DateTime<Utc>,
}

/// Who did something, and when.
#[derive(QueryableByName)]
pub struct Deed {
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// `None` where nobody signed in did it, or their account is gone.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
}

const LAST: &str = "SELECT audit_events.at, coalesce(users.name, users.username, workloads.name) AS name \
    FROM audit_events LEFT JOIN users ON users.id = audit_events.actor_id \
    LEFT JOIN workloads ON workloads.id = audit_events.actor_id \
    WHERE target_id = $1 AND action = $2 AND detail @> $3 AND audit_events.at >= $4 \
    AND audit_events.id >= $5 ORDER BY audit_events.id DESC LIMIT 1";

impl Told {
    /// The last time that it happened.
    pub async fn last(&self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Deed>> {
        sql_query(LAST)
            .bind::<SqlUuid, _>(self.target)
            .bind::<Text, _>(self.action)
            .bind::<Jsonb, _>(&self.about)
            .bind::<Timestamptz, _>(self.since)
            .bind::<SqlUuid, _>(first_id_of(self.since - CLOCKS_APART))
            .get_result(connection)
            .await
            .optional()
    }
}

/// The smallest UUIDv7 of a millisecond (RFC 9562, 5.7).
fn first_id_of(at: DateTime<Utc>) -> Uuid {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(milliseconds << 80)
}

#[derive(QueryableByName)]
struct Purged {
    #[diesel(sql_type = Integer)]
    removed: i32,
}

/// Removes what is older than the owner of the tables has the trail kept, some thousands at most;
/// says how many. The database judges that, because the service may remove nothing itself.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        let purged: Purged = sql_query("SELECT purge_audit_events($1) AS removed")
            .bind::<Integer, _>(BATCH)
            .get_result(connection)
            .await?;
        Ok(usize::try_from(purged.removed).unwrap_or(0))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_come_after_its_first() {
        let before = Utc::now();
        let id = Uuid::now_v7();
        assert!(first_id_of(before) <= id);
        assert!(first_id_of(before + TimeDelta::seconds(1)) > id);
        assert_eq!(first_id_of(DateTime::<Utc>::MIN_UTC), Uuid::nil());
    }
}
