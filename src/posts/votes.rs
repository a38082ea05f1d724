//! Votes: one of each principal for a post. The count is kept beside the post by the database, so
//! none is ever lost or counted twice.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::Post;
use super::sql::{JUDGED_BY, LATEST_HELD, asked_by, visible_columns};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written};
use crate::db::sql::Writer;
use crate::kernel::types::{PostId, PrincipalId};
use crate::schema::post_votes;

/// What a vote met. Only a vote for a published post of a project that has not expired is given or
/// taken back.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Met {
    pub is_published: bool,
    pub is_expired: bool,
}

/// Gives the vote if it is not given. `None` where the caller sees no such post.
pub async fn cast(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    id: PostId,
) -> QueryResult<Option<Met>> {
    let deed = "done AS (INSERT INTO post_votes (post_id, principal_id) SELECT id, :me FROM judged \
        WHERE published AND NOT is_expired ON CONFLICT DO NOTHING)";
    vote(connection, me, id, deed).await
}

/// Takes the vote back if it was given. `None` where the caller sees no such post.
pub async fn clear(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    id: PostId,
) -> QueryResult<Option<Met>> {
    let deed = "done AS (DELETE FROM post_votes USING judged WHERE post_id = judged.id AND principal_id = :me \
        AND NOT is_expired)";
    vote(connection, me, id, deed).await
}

async fn vote(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    id: PostId,
    deed: &'static str,
) -> QueryResult<Option<Met>> {
    let mut sql = asked_by(Some(me));
    sql.text("WITH seen AS (");
    let seen = "posts.id, posts.project_id, posts.published";
    visible_columns(&mut sql, &[&[seen], &JUDGED_BY[..]].concat(), &["posts"]);
    sql.text(
        " AND posts.id = :id), judged AS MATERIALIZED (SELECT posts.id, published, is_expired",
    );
    sql.bind::<Uuid, _>("id", id).texts(&LATEST_HELD);
    sql.texts(&["), ", deed, " SELECT published, is_expired FROM judged"]);
    let statement = sql.statement::<(Bool, Bool)>();
    statement.get_result(connection).await.optional()
}

/// Who voted and when.
#[derive(Clone, Debug, Queryable)]
pub struct Voter {
    pub id: PrincipalId,
    pub username: Option<String>,
    pub name: Option<String>,
    pub voted_at: DateTime<Utc>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum VoterSort {
    Id,
}

impl Sorts for VoterSort {
    type Row = Voter;
    const LIST: &'static str = "voters";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
    const DEFAULT: (Self, Direction) = (Self::Id, Direction::Ascending);

    fn place(self, row: &Voter) -> Place {
        Place {
            key: Key::Uuid(row.id.0),
            id: row.id.0,
        }
    }
}

pub type VoterPage = PageQuery<VoterSort>;

/// `None` where the caller sees no such post. A voter proves that they do, so only a page without
/// any asks for it.
pub async fn page(
    connection: &mut AsyncPgConnection,
    me: PrincipalId,
    id: PostId,
    page: &VoterPage,
) -> QueryResult<Option<Found<Voter>>> {
    let column = post_votes::principal_id;
    let voters = || Sql::new(Voters { me: Some(me), id });
    let found: Found<Voter> = page.load(connection, voters, column, column).await?;
    if found.is_empty() && Post::find(connection, Some(me), id).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(found))
}

struct Voters {
    me: Option<PrincipalId>,
    id: PostId,
}

impl Written for Voters {
    type Columns = (Uuid, Nullable<Text>, Nullable<Text>, Timestamptz);

    fn all(&self) -> Writer<'static> {
        self.shown()
    }

    fn shown(&self) -> Writer<'static> {
        let mut sql = asked_by(self.me);
        sql.text(
            "SELECT post_votes.principal_id, coalesce(users.username, workloads.name), users.name, post_votes.created_at \
             FROM post_votes LEFT JOIN users ON users.id = post_votes.principal_id \
             LEFT JOIN workloads ON workloads.id = post_votes.principal_id WHERE post_votes.post_id = (",
        );
        visible_columns(&mut sql, &["posts.id"], &["posts"]);
        sql.text(" AND posts.id = :id)")
            .bind::<Uuid, _>("id", self.id);
        sql
    }
}
