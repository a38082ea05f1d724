//! Jobs as people see them: those that are to be done and those that are dead, as one list.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::enqueue::{Cancelled, Counts};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written, no_id};
use crate::db::sql::Writer;
use crate::kernel::principal::Principal;
use crate::kernel::types::{PrincipalId, words};
use crate::schema::jobs;

words! {
    /// What stands between a job and its end
    JobState {
        /// Its time has not come
        Scheduled = "scheduled",
        /// It waits for a worker
        Ready = "ready",
        Running = "running",
        /// It failed for good
        Dead = "dead",
    }
}

#[derive(Debug, Queryable, QueryableByName)]
pub struct Job {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub state: JobState,
    #[diesel(sql_type = SmallInt)]
    pub lane: i16,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Jsonb)]
    pub args: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub owner: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    pub claims: i32,
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    #[diesel(sql_type = Integer)]
    pub max_failures: i32,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub progress: Option<Value>,
    #[diesel(sql_type = Bool)]
    pub cancel: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub died_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
}

/// As `Job` has them.
type Columns = (
    BigInt,
    Text,
    SmallInt,
    Text,
    Jsonb,
    Nullable<SqlUuid>,
    Timestamptz,
    Integer,
    Integer,
    Integer,
    Nullable<Jsonb>,
    Bool,
    Nullable<Text>,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Text>,
);

/// One table of both.
macro_rules! all_jobs {
    () => {
        "SELECT id, state, lane, kind, args, owner, due_at, claims, failures, max_failures, \
            progress, cancel, last_error, \
             created_at, died_at, reason \
         FROM (SELECT id, CASE WHEN lease_until >= now() THEN 'running' WHEN due_at <= now() \
         THEN 'ready' ELSE 'scheduled' END AS state, \
                 lane, kind, args, owner, due_at, claims, failures, max_failures, progress, \
                 cancel, last_error, created_at, \
                 NULL::timestamptz AS died_at, NULL::text AS reason FROM jobs \
             UNION ALL SELECT id, 'dead', lane, kind, args, owner, due_at, claims, failures, \
             max_failures, progress, false, last_error, \
                 created_at, died_at, reason FROM dead_jobs) AS jobs WHERE "
    };
}

#[derive(Clone, Copy, PartialEq)]
pub enum JobSort {
    Id,
}

impl Sorts for JobSort {
    type Row = Job;
    const LIST: &'static str = "jobs";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
    const DEFAULT: (Self, Direction) = (Self::Id, Direction::Descending);

    fn place(self, row: &Job) -> Place {
        Place {
            key: Key::Int(row.id),
            id: Uuid::nil(),
        }
    }

    fn weight(row: &Job) -> usize {
        let progress = row.progress.as_ref().map_or(0, |it| it.to_string().len());
        let error = row.last_error.as_ref().map_or(0, String::len);
        size_of::<Job>() + row.args.to_string().len() + progress + error
    }
}

pub type JobPage = PageQuery<JobSort>;

/// Which jobs; all that are given must hold.
#[derive(Clone)]
pub struct Wanted {
    pub state: Option<JobState>,
    pub kind: Option<String>,
}

impl Written for Wanted {
    type Columns = Columns;

    fn all(&self) -> Writer<'static> {
        self.shown()
    }

    fn shown(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text(concat!(all_jobs!(), "true"));
        if let Some(state) = self.state {
            sql.text(" AND jobs.state = :state");
            sql.bind::<Text, _>("state", state);
        }
        if let Some(kind) = &self.kind {
            sql.text(" AND jobs.kind = :kind");
            sql.bind::<Text, _>("kind", kind.clone());
        }
        sql
    }
}

impl Wanted {
    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        page: &JobPage,
    ) -> QueryResult<Found<Job>> {
        let JobSort::Id = page.sort;
        let query = || Sql::new(self.clone());
        // Ids are unique, so nothing is to be told apart among equal ones.
        let nothing = no_id();
        page.load(connection, query, jobs::id, nothing).await
    }
}

/// Whose jobs a caller may look at and end: all for administrators, else their own.
#[derive(Clone, Copy)]
pub struct Whose {
    is_admin: bool,
    id: PrincipalId,
}

impl From<&Principal> for Whose {
    fn from(who: &Principal) -> Self {
        Self {
            is_admin: who.is_admin,
            id: who.id,
        }
    }
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

const LOCK: &str = "WITH alive AS (SELECT id FROM jobs WHERE id = $1 FOR UPDATE), \
     dead AS (SELECT id FROM dead_jobs WHERE id = $1 FOR UPDATE) \
     SELECT (SELECT count(*) FROM alive) + (SELECT count(*) FROM dead) AS count";

impl Job {
    /// As it stays until the transaction ends.
    pub async fn locked(
        connection: &mut AsyncPgConnection,
        whose: Whose,
        id: i64,
    ) -> QueryResult<Option<Self>> {
        let Locked { count } = diesel::sql_query(LOCK)
            .bind::<BigInt, _>(id)
            .get_result(connection)
            .await?;
        if count == 0 {
            return Ok(None);
        }
        Self::find(connection, whose, id).await
    }

    pub async fn find(
        connection: &mut AsyncPgConnection,
        whose: Whose,
        id: i64,
    ) -> QueryResult<Option<Self>> {
        diesel::sql_query(concat!(
            all_jobs!(),
            "jobs.id = $1 AND ($2 OR jobs.owner = $3)"
        ))
        .bind::<BigInt, _>(id)
        .bind::<Bool, _>(whose.is_admin)
        .bind::<SqlUuid, _>(whose.id)
        .get_result(connection)
        .await
        .optional()
    }
}

/// With claims of its own: nobody who had it before it died has a say.
const REVIVE: &str = "WITH gone AS (DELETE FROM dead_jobs WHERE id = $1 RETURNING *) \
     INSERT INTO jobs (id, lane, kind, args, unique_key, owner, claims, max_failures, progress, \
     trace, last_error, created_at) \
     SELECT id, lane, kind, args, unique_key, owner, claims + 1, max_failures, progress, trace, \
     last_error, created_at FROM gone";

/// Sends a dead job back into the queue, to be tried from the beginning; says whether it was dead.
pub async fn revive(connection: &mut AsyncPgConnection, id: i64) -> QueryResult<bool> {
    let revived = diesel::sql_query(REVIVE)
        .bind::<BigInt, _>(id)
        .execute(connection)
        .await?;
    Ok(revived == 1)
}

// In this order for the reason that `enqueue::cancel` has.
const CANCEL: &str = "WITH buried AS (DELETE FROM dead_jobs WHERE id = $1 RETURNING id), \
     removed AS (DELETE FROM jobs WHERE id = $1 AND (lease_until IS NULL OR lease_until < now()) \
     RETURNING id), \
     told AS (UPDATE jobs SET cancel = true WHERE id = $1 AND NOT EXISTS (SELECT FROM removed) \
     RETURNING id) \
     SELECT (SELECT count(*) FROM buried) + (SELECT count(*) FROM removed) AS removed, (SELECT \
     count(*) FROM told) AS told";

/// Takes a job back, or throws a dead one away.
pub async fn cancel(connection: &mut AsyncPgConnection, id: i64) -> QueryResult<Cancelled> {
    let Counts { removed, told } = diesel::sql_query(CANCEL)
        .bind::<BigInt, _>(id)
        .get_result(connection)
        .await?;
    Ok(Cancelled::of(removed, told))
}
