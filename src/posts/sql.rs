//! What the statements about posts have in common.
//!
//! Everything that shows a post goes through [`visible_to`] or [`visible_columns`]. The caller is
//! `:me` in all of them.

use diesel::sql_types::{Nullable, Uuid};

use super::model::Post;
use crate::db::row::Row;
use crate::db::sql::Writer;
use crate::kernel::types::PrincipalId;
use crate::projects::access::{Editor, HAS_EXPIRED, ProjectAccess, Viewer};

/// What [`columns`] selects, as [`Post`] takes it.
pub(super) type Columns = <Post as Row>::Columns;

const MEMBERSHIP: &str = " LEFT JOIN projects ON projects.id = posts.project_id \
    LEFT JOIN project_members ON project_members.project_id = posts.project_id AND project_members.principal_id = :me";

/// Whether the caller may read a post.
pub(super) const VISIBLE: [&str; 5] = [
    "(posts.project_id IS NULL OR ",
    ProjectAccess::<Viewer>::CONDITION,
    ") AND (posts.published OR posts.author_id = :me OR ",
    ProjectAccess::<Editor>::CONDITION,
    ")",
];

/// What [`LATEST`] looks at beside the columns of the post.
pub(super) const JUDGED_BY: [&str; 3] = [", projects.visibility, ", HAS_EXPIRED, " AS is_expired"];

/// The post in `seen` once its lock is held, with the caller's role of that moment in the place of
/// the membership that was joined before the wait: nobody who was removed meanwhile writes.
pub(super) const LATEST: [&str; 5] = latest("role_now(posts.project_id, :me)");

/// The same for what locks its rows later than it finds them: the post is locked here, if it is in
/// a project.
pub(super) const LATEST_HELD: [&str; 5] = latest("role_held(posts.project_id, posts.id, :me)");

const fn latest(role: &str) -> [&str; 5] {
    [
        " FROM seen AS posts CROSS JOIN LATERAL (SELECT ",
        role,
        " AS role) AS project_members CROSS JOIN LATERAL (SELECT posts.visibility) AS projects \
         WHERE (posts.project_id IS NULL OR ",
        ProjectAccess::<Viewer>::CONDITION,
        ")",
    ]
}

pub(super) fn asked_by<'v>(me: Option<PrincipalId>) -> Writer<'v> {
    let mut sql = Writer::default();
    sql.bind::<Nullable<Uuid>, _>("me", me);
    sql
}

/// The columns of a post, out of what is called `posts` and `project_members`.
pub(super) fn columns(sql: &mut Writer<'_>) {
    sql.each(Post::COLUMNS, |sql, (name, computed)| {
        match computed {
            Some(computed) => sql.texts(&[computed, " AS ", name]),
            None => sql.texts(&["posts.", name]),
        };
    });
}

/// `SELECT` of the posts that the caller may read, to be narrowed by ` AND ..`; `more` and `joins`
/// are what else is asked.
pub(super) fn visible_to(sql: &mut Writer<'_>, more: &'static str, joins: &'static str) {
    columns(sql.text("SELECT "));
    sql.texts(&[more, " FROM posts", joins, MEMBERSHIP, " WHERE "]);
    sql.texts(&VISIBLE);
}

/// The same with these columns alone, `from` the posts or what is called so.
pub(super) fn visible_columns(
    sql: &mut Writer<'_>,
    columns: &[&'static str],
    from: &[&'static str],
) {
    sql.text("SELECT ").texts(columns).text(" FROM ");
    sql.texts(from).texts(&[MEMBERSHIP, " WHERE "]);
    sql.texts(&VISIBLE);
}
