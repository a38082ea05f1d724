//! Posts as the database keeps them: reading one, and writing a new one.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::{Columns, push, statement, visible_to};
use crate::http::answer::etag::Edition;
use crate::kernel::types::{PostId, PrincipalId, ProjectId};
use crate::kernel::values::text;
use crate::projects::access::{Editor, HAS_EXPIRED, ProjectAccess, Role};

text! {
    /// The title of a post
    Title: 1..=300, no_control, not_blank;
    // Far below what a search index takes of one text.
    /// What a post says
    Content: 0..=100_000;
}

/// A post as its reader sees it.
#[derive(Clone, Debug, Queryable)]
pub struct Post {
    pub id: PostId,
    pub project_id: Option<ProjectId>,
    pub title: String,
    pub content: String,
    pub published: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub author_id: Option<PrincipalId>,
    /// The author's username and name; a workload's name is in the place of the username.
    pub names: Option<Vec<Option<String>>>,
    pub votes: i64,
    pub voted: bool,
    pub role: Option<Role>,
}

pub struct NewPost<'a> {
    pub id: PostId,
    pub project_id: Option<ProjectId>,
    pub author_id: PrincipalId,
    pub title: &'a Title,
    pub content: &'a Content,
    pub published: bool,
    pub language: &'a str,
}

impl Post {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        me: Option<PrincipalId>,
        id: PostId,
    ) -> QueryResult<Option<Self>> {
        Find { me, id }.get_result(&mut connection).await.optional()
    }

    /// `None` where the project does not let the author write.
    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewPost<'_>,
    ) -> QueryResult<Option<Self>> {
        let created_at = new.id.made_at();
        Insert { new, created_at }
            .get_result(connection)
            .await
            .optional()
    }

    /// What readers can see change while the version stays.
    pub fn edition(&self) -> Edition {
        let author = self.author_id.map(|id| id.0.into_bytes());
        let votes = self.votes.to_be_bytes();
        let rest = [
            votes.as_slice(),
            &[u8::from(self.voted)],
            self.role.map_or("", Role::as_str).as_bytes(),
            author.as_ref().map_or(&[], <[u8; 16]>::as_slice),
        ];
        let names = self.names.iter().flatten();
        let names = names.map(|name| name.as_deref().unwrap_or_default().as_bytes());
        Edition::with_rest(self.version, rest.into_iter().chain(names))
    }
}

struct Find {
    me: Option<PrincipalId>,
    id: PostId,
}

statement!(Find: Columns);

impl QueryFragment<Pg> for Find {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        visible_to(&mut out, &self.me, &[], "")?;
        out.push_sql(" AND posts.id = ");
        out.push_bind_param::<Uuid, _>(&self.id)
    }
}

struct Insert<'a> {
    new: &'a NewPost<'a>,
    created_at: DateTime<Utc>,
}

statement!(Insert<_>: Columns);

impl QueryFragment<Pg> for Insert<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let new = self.new;
        // Locked in the order in which the references are checked, before the role is looked at:
        // whoever takes it away holds the project, and an account that ends holds itself.
        out.push_sql("WITH me AS (SELECT id FROM principals WHERE id = ");
        out.push_bind_param::<Uuid, _>(&new.author_id)?;
        out.push_sql(" FOR KEY SHARE), project AS (SELECT projects.id, ");
        out.push_sql(HAS_EXPIRED);
        out.push_sql(" AS is_expired FROM me CROSS JOIN projects WHERE projects.id = ");
        out.push_bind_param::<Nullable<Uuid>, _>(&new.project_id)?;
        let home = [
            " FOR KEY SHARE OF projects), home AS MATERIALIZED (SELECT project.id, role, ",
            ProjectAccess::<Editor>::CONDITION,
            " AND NOT is_expired AS may_write FROM me LEFT JOIN project ON true \
             CROSS JOIN LATERAL (SELECT role_now(project.id, $1) AS role) AS project_members), \
             made AS (INSERT INTO posts (author_id, project_id, id, title, content, published, language, created_at, updated_at) SELECT $1, $2, ",
        ];
        push(&mut out, &home);
        out.push_bind_param::<Uuid, _>(&new.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(new.title)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(new.content)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&new.published)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(new.language)?;
        out.push_sql("::regconfig, ");
        out.push_bind_param::<Timestamptz, _>(&self.created_at)?;
        out.push_sql(
            ", $8 FROM home WHERE $2 IS NULL OR may_write RETURNING version) \
             SELECT $3, $2, $4, $5, $6, made.version, $8, $8, $1, ARRAY[coalesce(users.username, workloads.name), users.name], 0::bigint, false, \
             CASE WHEN $2 IS NULL THEN 'owner' ELSE home.role END FROM made CROSS JOIN home LEFT JOIN users ON users.id = $1 \
             LEFT JOIN workloads ON workloads.id = $1",
        );
        Ok(())
    }
}
