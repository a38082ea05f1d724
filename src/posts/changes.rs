//! Changing and deleting a post. One statement finds it, waits for its lock, judges and does:
//! nothing can change between the look and the deed, and what was true before the wait is not
//! asked.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Post, UpdatePost};
use super::sql::{Columns, JUDGED_BY, LATEST, asked_by, columns, visible_columns};
use crate::db::row::Row;
use crate::db::sql::Writer;
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
        patch: &UpdatePost,
        language: &str,
    ) -> QueryResult<Option<Judged>> {
        let mut sql = self.locked(" FOR NO KEY UPDATE");
        sql.text("done AS (UPDATE posts SET ");
        sql.each(Post::WRITTEN, |sql, name| {
            sql.texts(&[name, " = coalesce(:", name, ", ", name, ")"]);
        });
        sql.text(
            ", language = :language::regconfig, version = version + 1, updated_at = greatest(now(), updated_at) \
             FROM target WHERE posts.id = target.id RETURNING posts.*), ",
        );
        patch.bind(&mut sql);
        sql.bind::<Text, _>("language", language);
        self.told(&mut sql);
        sql.text("SELECT ");
        sql.each(Post::COLUMNS, |sql, (name, computed)| {
            match computed {
                Some(_) => sql.texts(&["judged.", name]),
                None => sql.texts(&[
                    "CASE WHEN done.id IS NULL THEN judged.",
                    name,
                    " ELSE done.",
                    name,
                    " END",
                ]),
            };
        });
        Self::outcome(connection, sql).await
    }

    /// `None` where the caller sees no such post.
    pub async fn delete(self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Judged>> {
        let mut sql = self.locked(" FOR UPDATE");
        sql.text(
            "done AS (DELETE FROM posts USING target WHERE posts.id = target.id \
             RETURNING posts.id, posts.project_id, posts.author_id, posts.published), ",
        );
        self.told(&mut sql);
        sql.text("SELECT ");
        sql.each(Post::COLUMNS, |sql, (name, _)| {
            sql.texts(&["judged.", name]);
        });
        Self::outcome(connection, sql).await
    }

    fn locked(&self, lock: &'static str) -> Writer<'a> {
        let mut sql = asked_by(self.me);
        sql.text("WITH seen AS (");
        let seen = [&["posts.*"], &JUDGED_BY[..]].concat();
        visible_columns(&mut sql, &seen, &["posts"]);
        sql.texts(&[
            " AND posts.id = :id",
            lock,
            " OF posts), judged AS MATERIALIZED (SELECT ",
        ]);
        columns(&mut sql);
        sql.texts(&[
            ", CASE WHEN posts.project_id IS NULL THEN posts.author_id = :me ELSE ",
            ProjectAccess::<Editor>::CONDITION,
            " END IS TRUE AS may_write, is_expired",
        ]);
        sql.texts(&LATEST);
        sql.text(
            "), target AS (SELECT id FROM judged WHERE may_write AND NOT is_expired \
             AND (:only IS NULL OR version = ANY (:only)) AND version <> ALL (:never)), ",
        );
        let (only, never) = self.versions;
        sql.bind::<Uuid, _>("id", self.id);
        sql.bind::<Nullable<Array<BigInt>>, _>("only", only);
        sql.bind::<Array<BigInt>, _>("never", never);
        sql
    }

    /// The row of the audit trail, and for a post that the members see the one of the outbox. Only
    /// in a project does anybody but the author write, so both are the project's.
    fn told<'v>(&'v self, sql: &mut Writer<'v>) {
        let Telling {
            act,
            published,
            data,
        } = &self.telling;
        sql.text(
            "told AS (INSERT INTO audit_events (id, actor_id, action, target_id, address, request_id, detail) \
              SELECT :act, :me, :action, project_id, :address, :request_id, \
              :detail || jsonb_build_object('author', author_id) FROM done \
              WHERE author_id IS DISTINCT FROM :me RETURNING id, actor_id, at), \
              outgoing AS (INSERT INTO outbox (id, kind, project_id, subject, actor_id, at, data) \
              SELECT told.id, :kind, done.project_id, :subject, told.actor_id, told.at, \
              :data || jsonb_build_object('author', done.author_id) FROM told, done WHERE done.published) ",
        );
        sql.bind::<Uuid, _>("act", act.id);
        sql.bind::<Text, _>("action", act.action);
        sql.bind::<Nullable<Text>, _>("address", &act.address);
        sql.bind::<Nullable<Text>, _>("request_id", &act.request_id);
        sql.bind::<Jsonb, _>("detail", &act.detail);
        sql.bind::<Text, _>("kind", &published.kind);
        sql.bind::<Text, _>("subject", &published.subject);
        sql.bind::<Jsonb, _>("data", data);
    }

    async fn outcome(
        connection: &mut AsyncPgConnection,
        mut sql: Writer<'_>,
    ) -> QueryResult<Option<Judged>> {
        sql.text(", may_write, is_expired, done.id IS NOT NULL FROM judged LEFT JOIN done ON true");
        let statement = sql.statement::<(Columns, Bool, Bool, Bool)>();
        statement.get_result(connection).await.optional()
    }
}
