//! Changing and deleting a post. One statement finds it, waits for its lock, judges and does:
//! nothing can change between the look and the deed, and what was true before the wait is not
//! asked.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Content, Post, Title};
use super::sql::{Columns, JUDGED_BY, LATEST, push, statement, visible_to};
use crate::events::Telling;
use crate::kernel::types::{PostId, PrincipalId};
use crate::projects::access::{Editor, ProjectAccess};

/// A post, and what the statement that meant to change it found and did.
#[derive(Clone, Debug, Queryable)]
pub struct Judged {
    pub post: Post,
    pub may_write: bool,
    pub is_expired: bool,
    pub is_done: bool,
}

/// `None` leaves what is there.
pub struct Changes<'a> {
    pub title: Option<&'a Title>,
    pub content: Option<&'a Content>,
    pub published: Option<bool>,
    pub language: &'a str,
}

impl Changes<'_> {
    /// What they are about, for the audit trail: what a post says is in the post.
    pub fn names(&self) -> Vec<&'static str> {
        let given = [
            ("title", self.title.is_some()),
            ("content", self.content.is_some()),
            ("published", self.published.is_some()),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name).collect()
    }
}

/// Which versions may be changed: only these where there are some, and never those.
pub type Versions = (Option<Vec<i64>>, Vec<i64>);

/// Who means to change which post, and what the audit trail says where it is another's: an author's
/// own changes are many, and nobody's business but theirs.
pub struct Target<'a> {
    me: Option<PrincipalId>,
    id: PostId,
    versions: &'a Versions,
    telling: Telling<'a>,
}

impl<'a> Target<'a> {
    pub fn new(me: PrincipalId, id: PostId, versions: &'a Versions, telling: Telling<'a>) -> Self {
        Self {
            me: Some(me),
            id,
            versions,
            telling,
        }
    }

    /// `None` where the caller sees no such post.
    pub async fn change(
        self,
        connection: &mut AsyncPgConnection,
        changes: &Changes<'_>,
    ) -> QueryResult<Option<Judged>> {
        let target = self;
        Change { target, changes }
            .get_result(connection)
            .await
            .optional()
    }

    /// `None` where the caller sees no such post.
    pub async fn delete(self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Judged>> {
        let target = self;
        Delete { target }.get_result(connection).await.optional()
    }

    fn locked<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, lock: &str) -> QueryResult<()> {
        out.push_sql("WITH seen AS (");
        visible_to(out, &self.me, &JUDGED_BY, "")?;
        out.push_sql(" AND posts.id = ");
        out.push_bind_param::<Uuid, _>(&self.id)?;
        let judged = [
            lock,
            " OF posts), judged AS MATERIALIZED (SELECT seen.id, project_id, title, content, published, version, \
             created_at, updated_at, author_id, names, votes, voted, \
             CASE WHEN project_id IS NULL THEN seen.role ELSE project_members.role END AS role, \
             CASE WHEN project_id IS NULL THEN author_id = $1 ELSE ",
            ProjectAccess::<Editor>::CONDITION,
            " END IS TRUE AS may_write, is_expired",
        ];
        push(out, &judged);
        push(out, &LATEST);
        out.push_sql(
            "), target AS (SELECT id FROM judged WHERE may_write AND NOT is_expired AND (",
        );
        let (only, never) = self.versions;
        out.push_bind_param::<Nullable<Array<BigInt>>, _>(only)?;
        out.push_sql(" IS NULL OR version = ANY ($3)) AND version <> ALL (");
        out.push_bind_param::<Array<BigInt>, _>(never)?;
        out.push_sql(")), ");
        Ok(())
    }

    /// The row of the audit trail, and for a post that the members see the one of the outbox. Only
    /// in a project does anybody but the author write, so both are the project's.
    fn told<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Telling {
            act,
            published,
            data,
        } = &self.telling;
        out.push_sql("told AS (INSERT INTO audit_events (id, actor_id, action, target_id, address, request_id, detail) SELECT ");
        out.push_bind_param::<Uuid, _>(&act.id)?;
        out.push_sql(", $1, ");
        out.push_bind_param::<Text, _>(act.action)?;
        out.push_sql(", project_id, ");
        out.push_bind_param::<Nullable<Text>, _>(&act.address)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&act.request_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Jsonb, _>(&act.detail)?;
        out.push_sql(
            " || jsonb_build_object('author', author_id) FROM done \
              WHERE author_id IS DISTINCT FROM $1 RETURNING id, actor_id, at), \
              outgoing AS (INSERT INTO outbox (id, kind, project_id, subject, actor_id, at, data) \
              SELECT told.id, ",
        );
        out.push_bind_param::<Text, _>(&published.kind)?;
        out.push_sql(", done.project_id, ");
        out.push_bind_param::<Text, _>(&published.subject)?;
        out.push_sql(", told.actor_id, told.at, ");
        out.push_bind_param::<Jsonb, _>(data)?;
        out.push_sql(
            " || jsonb_build_object('author', done.author_id) FROM told, done WHERE done.published) ",
        );
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
             FROM target WHERE posts.id = target.id RETURNING posts.*), ",
        );
        self.target.told(&mut out)?;
        out.push_sql(
            "SELECT judged.id, judged.project_id, coalesce(done.title, judged.title), coalesce(done.content, judged.content), \
             coalesce(done.published, judged.published), coalesce(done.version, judged.version), judged.created_at, \
             coalesce(done.updated_at, judged.updated_at), judged.author_id, names, votes, voted, role, \
             may_write, is_expired, done.id IS NOT NULL FROM judged LEFT JOIN done ON true",
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
            "done AS (DELETE FROM posts USING target WHERE posts.id = target.id \
             RETURNING posts.id, posts.project_id, posts.author_id, posts.published), ",
        );
        self.target.told(&mut out)?;
        out.push_sql("SELECT judged.*, done.id IS NOT NULL FROM judged LEFT JOIN done ON true");
        Ok(())
    }
}
