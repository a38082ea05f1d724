//! Posts as the database keeps them. The statements find and judge at once: nothing can change between the look and the deed.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::sql::{Columns, POWERS, push, statement, visible_to};
use crate::http::etag::Edition;
use crate::projects::access::{Editor, HAS_EXPIRED, ProjectAccess, Role};
use crate::types::{PostId, PrincipalId, ProjectId};

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

/// A post, and what the statement that meant to change it found and did.
#[derive(Clone, Debug, Queryable)]
pub struct Judged {
    pub post: Post,
    pub may_write: bool,
    pub is_expired: bool,
    pub is_done: bool,
}

pub struct NewPost<'a> {
    pub id: PostId,
    pub project_id: Option<ProjectId>,
    pub author_id: PrincipalId,
    pub title: &'a str,
    pub content: &'a str,
    pub published: bool,
    pub language: &'a str,
}

/// `None` leaves what is there.
pub struct Changes<'a> {
    pub title: Option<&'a str>,
    pub content: Option<&'a str>,
    pub published: Option<bool>,
    pub language: &'a str,
}

/// Which versions may be changed: only these where there are some, and never those.
pub type Versions = (Option<Vec<i64>>, Vec<i64>);

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

impl Judged {
    /// `None` where the caller sees no such post.
    pub async fn change(
        connection: &mut AsyncPgConnection,
        me: PrincipalId,
        id: PostId,
        versions: &Versions,
        changes: &Changes<'_>,
    ) -> QueryResult<Option<Self>> {
        let target = Target::new(me, id, versions);
        Change { target, changes }
            .get_result(connection)
            .await
            .optional()
    }

    /// `None` where the caller sees no such post.
    pub async fn delete(
        connection: &mut AsyncPgConnection,
        me: PrincipalId,
        id: PostId,
        versions: &Versions,
    ) -> QueryResult<Option<Self>> {
        let target = Target::new(me, id, versions);
        Delete { target }.get_result(connection).await.optional()
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
        out.push_sql("WITH me AS (SELECT ");
        out.push_bind_param::<Uuid, _>(&new.author_id)?;
        out.push_sql(" AS id), home AS (SELECT ");
        out.push_bind_param::<Nullable<Uuid>, _>(&new.project_id)?;
        let home = [
            " AS id, role, ",
            ProjectAccess::<Editor>::CONDITION,
            " AS may_write FROM me LEFT JOIN (project_members JOIN projects ON projects.id = project_members.project_id AND NOT (",
            HAS_EXPIRED,
            ")) ON project_members.project_id = $2 AND principal_id = $1), \
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
            ", $8 FROM home WHERE home.id IS NULL OR may_write RETURNING version) \
             SELECT $3, $2, $4, $5, $6, made.version, $8, $8, $1, ARRAY[coalesce(users.username, workloads.name), users.name], 0::bigint, false, \
             CASE WHEN $2 IS NULL THEN 'owner' ELSE home.role END FROM made CROSS JOIN home LEFT JOIN users ON users.id = $1 \
             LEFT JOIN workloads ON workloads.id = $1",
        );
        Ok(())
    }
}

/// The post to be changed, locked, if the caller sees it.
struct Target<'a> {
    me: Option<PrincipalId>,
    id: PostId,
    versions: &'a Versions,
}

impl<'a> Target<'a> {
    fn new(me: PrincipalId, id: PostId, versions: &'a Versions) -> Self {
        Self {
            me: Some(me),
            id,
            versions,
        }
    }

    fn locked<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, lock: &str) -> QueryResult<()> {
        out.push_sql("WITH seen AS (");
        visible_to(out, &self.me, &POWERS, "")?;
        out.push_sql(" AND posts.id = ");
        out.push_bind_param::<Uuid, _>(&self.id)?;
        out.push_sql(lock);
        out.push_sql(
            " OF posts), target AS (SELECT id FROM seen WHERE may_write AND NOT is_expired AND (",
        );
        let (only, never) = self.versions;
        out.push_bind_param::<Nullable<Array<BigInt>>, _>(only)?;
        out.push_sql(" IS NULL OR version = ANY ($3)) AND version <> ALL (");
        out.push_bind_param::<Array<BigInt>, _>(never)?;
        out.push_sql(")), ");
        Ok(())
    }
}

struct Change<'a> {
    target: Target<'a>,
    changes: &'a Changes<'a>,
}

statement!(Change<_>: (Columns, Bool, Bool, Bool));

impl QueryFragment<Pg> for Change<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let changes = self.changes;
        self.target.locked(&mut out, " FOR NO KEY UPDATE")?;
        out.push_sql("done AS (UPDATE posts SET title = coalesce(");
        out.push_bind_param::<Nullable<Text>, _>(&changes.title)?;
        out.push_sql(", title), content = coalesce(");
        out.push_bind_param::<Nullable<Text>, _>(&changes.content)?;
        out.push_sql(", content), published = coalesce(");
        out.push_bind_param::<Nullable<Bool>, _>(&changes.published)?;
        out.push_sql(", published), language = ");
        out.push_bind_param::<Text, _>(changes.language)?;
        out.push_sql(
            "::regconfig, version = version + 1, updated_at = greatest(now(), updated_at) \
             FROM target WHERE posts.id = target.id RETURNING posts.*) \
             SELECT seen.id, seen.project_id, coalesce(done.title, seen.title), coalesce(done.content, seen.content), \
             coalesce(done.published, seen.published), coalesce(done.version, seen.version), seen.created_at, \
             coalesce(done.updated_at, seen.updated_at), seen.author_id, names, votes, voted, role, \
             may_write, is_expired, done.id IS NOT NULL FROM seen LEFT JOIN done ON true",
        );
        Ok(())
    }
}

struct Delete<'a> {
    target: Target<'a>,
}

statement!(Delete<_>: (Columns, Bool, Bool, Bool));

impl QueryFragment<Pg> for Delete<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.target.locked(&mut out, " FOR UPDATE")?;
        out.push_sql(
            "done AS (DELETE FROM posts USING target WHERE posts.id = target.id RETURNING posts.id) \
             SELECT seen.*, done.id IS NOT NULL FROM seen LEFT JOIN done ON true",
        );
        Ok(())
    }
}
