//! The statements about posts, as SQL: diesel's builder has no words for most of it, and a text
//! that stands here is prepared once.
//!
//! Everything that shows a post goes through [`visible_to`]. Its first bind is the caller, so `$1`
//! is the caller in all that follows; no value ever becomes part of a text.

use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Nullable, Text, Timestamptz, Uuid};

use crate::kernel::types::PrincipalId;
use crate::projects::access::{Editor, HAS_EXPIRED, ProjectAccess, Viewer};

/// What [`COLUMNS`] selects, as `model::Post` takes it.
pub(super) type Columns = (
    Uuid,
    Nullable<Uuid>,
    Text,
    Text,
    Bool,
    Int8,
    Timestamptz,
    Timestamptz,
    Nullable<Uuid>,
    Nullable<Array<Nullable<Text>>>,
    Int8,
    Bool,
    Nullable<Text>,
);

/// Selects, where joins would do: the planner puts them off until the page is cut, and cannot join
/// all scores to show ten.
const COLUMNS: &str = "posts.id, posts.project_id, posts.title, posts.content, posts.published, posts.version, \
    posts.created_at, posts.updated_at, posts.author_id, \
    coalesce((SELECT ARRAY[users.username, users.name] FROM users WHERE users.id = posts.author_id), \
        (SELECT ARRAY[workloads.name, NULL] FROM workloads WHERE workloads.id = posts.author_id)) AS names, \
    (SELECT score.votes FROM post_scores AS score WHERE score.post_id = posts.id) AS votes, \
    EXISTS (SELECT FROM post_votes WHERE post_votes.post_id = posts.id AND post_votes.principal_id = ";

/// The caller's role: the one in the project, or the author's own where there is none.
const ROLE: &str = ") AS voted, CASE WHEN posts.project_id IS NOT NULL THEN project_members.role \
    WHEN posts.author_id = $1 THEN 'owner' END AS role";

const MEMBERSHIP: &str = " LEFT JOIN projects ON projects.id = posts.project_id \
    LEFT JOIN project_members ON project_members.project_id = posts.project_id AND project_members.principal_id = $1";

/// Whether the caller may read a post.
pub(super) const VISIBLE: [&str; 5] = [
    "(posts.project_id IS NULL OR ",
    ProjectAccess::<Viewer>::CONDITION,
    ") AND (posts.published OR posts.author_id = $1 OR ",
    ProjectAccess::<Editor>::CONDITION,
    ")",
];

/// What [`LATEST`] looks at beside the columns of the post.
pub(super) const JUDGED_BY: [&str; 3] = [", projects.visibility, ", HAS_EXPIRED, " AS is_expired"];

/// The post in `seen` once its lock is held, with the caller's role of that moment in the place of
/// the membership that was joined before the wait: nobody who was removed meanwhile writes.
pub(super) const LATEST: [&str; 5] = latest("role_now(seen.project_id, $1)");

/// The same for what locks its rows later than it finds them: the post is locked here, if it is in
/// a project.
pub(super) const LATEST_HELD: [&str; 5] = latest("role_held(seen.project_id, seen.id, $1)");

const fn latest(role: &str) -> [&str; 5] {
    [
        " FROM seen CROSS JOIN LATERAL (SELECT ",
        role,
        " AS role) AS project_members CROSS JOIN LATERAL (SELECT seen.visibility) AS projects \
         WHERE (seen.project_id IS NULL OR ",
        ProjectAccess::<Viewer>::CONDITION,
        ")",
    ]
}

/// `SELECT` of the posts that the caller may read, to be narrowed by ` AND ..`; `columns` and
/// `joins` are what else is asked.
pub(super) fn visible_to<'b>(
    out: &mut AstPass<'_, 'b, Pg>,
    me: &'b Option<PrincipalId>,
    columns: &[&str],
    joins: &str,
) -> QueryResult<()> {
    out.push_sql("SELECT ");
    out.push_sql(COLUMNS);
    out.push_bind_param::<Nullable<Uuid>, _>(me)?;
    push(out, &[ROLE]);
    push(out, columns);
    push(out, &[" FROM posts", joins, MEMBERSHIP, " WHERE "]);
    push(out, &VISIBLE);
    Ok(())
}

/// The same with these columns of posts alone, `from` the posts or what is called so.
pub(super) fn visible_columns<'b>(
    out: &mut AstPass<'_, 'b, Pg>,
    me: &'b Option<PrincipalId>,
    columns: &[&str],
    from: &[&str],
) -> QueryResult<()> {
    // The caller is bound where it is looked at first.
    let (joins, on) = MEMBERSHIP.split_once("$1").unwrap_or((MEMBERSHIP, ""));
    push(out, &["SELECT "]);
    push(out, columns);
    push(out, &[" FROM "]);
    push(out, from);
    push(out, &[joins]);
    out.push_bind_param::<Nullable<Uuid>, _>(me)?;
    push(out, &[on, " WHERE "]);
    push(out, &VISIBLE);
    Ok(())
}

pub(super) fn push(out: &mut AstPass<'_, '_, Pg>, parts: &[&str]) {
    for part in parts {
        out.push_sql(part);
    }
}

/// Makes a type a statement with one text, which diesel need not build to find it prepared.
macro_rules! statement {
    ($name:ident: $columns:ty) => {
        statement!(@ () $name, $name, $columns);
    };
    ($name:ident<_>: $columns:ty) => {
        statement!(@ ('a) $name<'a>, $name<'static>, $columns);
    };
    (@ ($($life:lifetime)?) $name:ty, $id:ty, $columns:ty) => {
        impl $(<$life>)? diesel::query_builder::Query for $name {
            type SqlType = $columns;
        }

        impl $(<$life>)? diesel::query_builder::QueryId for $name {
            type QueryId = $id;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
    };
}

pub(super) use statement;
