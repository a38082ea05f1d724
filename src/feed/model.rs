//! Reading the feed: who reads sees what happened in the projects that they may read now.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::db::Db;
use crate::db::DbError;
use crate::db::purge::{BATCH, in_batches};
use crate::events::cloud::FeedEvent;
use crate::kernel::types::{PrincipalId, ProjectId};

/// How many events a page looks at to find those that the caller may read. It bounds the statement
/// for a caller who may read few of many.
pub const LOOKED_AT: i64 = 2_000;

/// For the ring: events after `$1`, and who of `$2` may read each.
pub const FOLLOWED: &str = "WITH looked AS MATERIALIZED (SELECT seq, id, kind, project_id, \
        subject, actor_id, at, data::text AS data FROM events WHERE seq > $1 ORDER BY seq LIMIT $3), \
    members AS MATERIALIZED (SELECT project_id, array_agg(principal_id) AS readers \
        FROM project_members WHERE principal_id = ANY ($2) \
        AND project_id IN (SELECT project_id FROM looked) GROUP BY project_id) \
    SELECT looked.*, event_sequence.last, projects.visibility = 'internal' AS is_internal, \
        coalesce(members.readers, '{}') AS readers \
    FROM event_sequence LEFT JOIN looked ON true \
    LEFT JOIN projects ON projects.id = looked.project_id \
    LEFT JOIN members ON members.project_id = looked.project_id ORDER BY looked.seq";

/// `$1` who, `$2` after, `$3` project, `$4` kind, `$5` how many to look at, `$6` how many to show.
macro_rules! page {
    ($where:literal) => {
        concat!(
            "WITH looked AS MATERIALIZED (SELECT seq, id, kind, project_id, subject, actor_id, at, data \
                FROM events WHERE seq > $2",
            $where,
            " ORDER BY seq LIMIT $5), \
            readable AS MATERIALIZED (SELECT projects.id FROM projects LEFT JOIN project_members \
                ON project_members.project_id = projects.id AND project_members.principal_id = $1 \
                WHERE (project_members.role IS NOT NULL OR projects.visibility = 'internal') \
                AND (projects.id = $3 OR projects.id IN (SELECT project_id FROM looked))), \
            shown AS (SELECT * FROM looked WHERE project_id IN (SELECT id FROM readable) \
                AND ($4::text IS NULL OR kind = $4) ORDER BY seq LIMIT $6) \
            SELECT event_sequence.last, \
                coalesce((SELECT min(seq) FROM events), event_sequence.last + 1) AS oldest, \
                (SELECT count(*) FROM looked) AS looked, (SELECT max(seq) FROM looked) AS looked_to, \
                $3 IS NULL OR EXISTS (SELECT FROM readable WHERE id = $3) AS is_readable, shown.* \
            FROM event_sequence LEFT JOIN shown ON true ORDER BY shown.seq"
        )
    };
}

const OF_ALL: &str = page!("");
const OF_ONE: &str = page!(" AND project_id = $3");

/// Which events; all that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub project: Option<ProjectId>,
    pub kind: Option<String>,
}

/// A page of the feed.
#[derive(Debug)]
pub struct Page {
    pub events: Vec<FeedEvent>,
    /// Up to here nothing is left to be read.
    pub to: i64,
    /// The first event that is still kept.
    pub oldest: i64,
    pub is_more: bool,
    /// Whether the caller may read the project that is asked for.
    pub is_readable: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    oldest: i64,
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    looked_to: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_readable: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    project_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    data: Option<Value>,
}

impl Row {
    fn event(self) -> Option<FeedEvent> {
        Some(FeedEvent {
            seq: self.seq?,
            id: self.id?,
            kind: self.kind?,
            project_id: self.project_id?,
            subject: self.subject?,
            actor_id: self.actor_id,
            at: self.at?,
            data: self.data?,
        })
    }
}

impl Page {
    pub async fn read(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        filter: &EventFilter,
        after: i64,
        limit: i64,
    ) -> QueryResult<Self> {
        let statement = if filter.project.is_some() {
            OF_ONE
        } else {
            OF_ALL
        };
        let rows: Vec<Row> = diesel::sql_query(statement)
            .bind::<SqlUuid, _>(who)
            .bind::<BigInt, _>(after)
            .bind::<Nullable<SqlUuid>, _>(filter.project)
            .bind::<Nullable<Text>, _>(filter.kind.as_deref())
            .bind::<BigInt, _>(LOOKED_AT)
            .bind::<BigInt, _>(limit)
            .load(connection)
            .await?;
        let [first, ..] = rows.as_slice() else {
            return Err(diesel::result::Error::NotFound);
        };
        let Row {
            last,
            oldest,
            looked,
            looked_to,
            is_readable,
            ..
        } = *first;
        let events: Vec<FeedEvent> = rows.into_iter().filter_map(Row::event).collect();
        let is_full = i64::try_from(events.len()).is_ok_and(|count| count >= limit);
        let to = match (events.last(), looked_to) {
            (Some(event), _) if is_full => event.seq,
            (_, Some(looked_to)) if looked >= LOOKED_AT => looked_to,
            _ => last.max(after),
        };
        Ok(Self {
            events,
            to,
            oldest,
            is_more: to < last,
            is_readable,
        })
    }
}

/// Removes the oldest events once they are as old as that, some thousands at most; says how many.
pub async fn purge(db: &Db, kept_for: std::time::Duration) -> Result<usize, DbError> {
    let kept_for = kept_for.as_secs_f64();
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT $1) \
             AND at < now() - make_interval(secs => $2)",
        )
        .bind::<diesel::sql_types::Integer, _>(BATCH)
        .bind::<diesel::sql_types::Double, _>(kept_for)
        .execute(connection)
        .await
    })
    .await
}
