//! Posts as the database keeps them and as they are read and written.

use chrono::{DateTime, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Int8, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sql::{Columns, asked_by, columns, visible_to};
use crate::db::row::{Row, row};
use crate::http::answer::etag::Edition;
use crate::http::body::patch::Change;
use crate::kernel::types::{PostId, PrincipalId, ProjectId, instant};
use crate::kernel::values::text;
use crate::projects::access::{Editor, HAS_EXPIRED, ProjectAccess, Role};

text! {
    /// The title of a post
    Title: 1..=300, no_control, not_blank;
    // Far below what a search index takes of one text.
    /// What a post says
    Content: 0..=100_000;
}

// What is not stored is selected, where joins would do: the planner puts it off until the page is
// cut, and cannot join all scores to show ten. A post that is written by the same statement has no
// score yet that the statement can see.
row! {
    /// A post, as its reader sees it
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = PostBody)]
    pub struct Post {
        pub id: PostId as Uuid,
        /// The project that the post is in; null if it is in none
        pub project_id: Option<ProjectId> as Nullable<Uuid>,
        pub title: String as Text => Title,
        pub content: String as Text => Content,
        /// Whether the post is published. Only its author and the editors of its project see a
        /// draft
        pub published: bool as Bool =>
            /// Whether to publish the post; if not, it is a draft
            #[serde(default = "yes")]
            #[schema(required = false)]
            bool,
        /// Null if the account was deleted
        pub author: Option<Author> as Nullable<Array<Nullable<Text>>> =
            "CASE WHEN posts.author_id IS NOT NULL THEN posts.author_id::text || coalesce(\
                (SELECT ARRAY[users.username, users.name] FROM users WHERE users.id = posts.author_id), \
                (SELECT ARRAY[workloads.name, NULL] FROM workloads WHERE workloads.id = posts.author_id)) END",
        pub votes: i64 as Int8 =
            "coalesce((SELECT score.votes FROM post_scores AS score WHERE score.post_id = posts.id), 0)",
        /// Whether you voted for it
        pub voted: bool as Bool =
            "EXISTS (SELECT FROM post_votes WHERE post_votes.post_id = posts.id AND post_votes.principal_id = :me)",
        /// Your role in the project of the post, or `owner` of a post in no project that you wrote.
        /// Null if you have none
        pub role: Option<Role> as Nullable<Text> =
            "CASE WHEN posts.project_id IS NOT NULL THEN project_members.role WHEN posts.author_id = :me THEN 'owner' END",
        #[serde(serialize_with = "instant")]
        pub created_at: DateTime<Utc> as Timestamptz,
        #[serde(serialize_with = "instant")]
        pub updated_at: DateTime<Utc> as Timestamptz,
        #[serde(skip)]
        pub version: i64 as Int8,
    }

    /// A new post
    #[derive(Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    pub struct CreatePost {
        ..,
        /// The project that the post is written in, where you need the role `editor`. Without this
        /// it is in none
        pub project_id: Option<ProjectId>,
    }

    /// Changes to a post
    #[derive(Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    pub struct UpdatePost(Change);
}

fn yes() -> bool {
    true
}

/// Who wrote it
#[derive(Clone, Debug, FromSqlRow, Serialize, ToSchema)]
pub struct Author {
    pub id: PrincipalId,
    /// For a workload, `k8s:<namespace>/<service account>`
    pub username: Option<String>,
    pub name: Option<String>,
}

impl FromSql<Array<Nullable<Text>>, Pg> for Author {
    fn from_sql(bytes: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let parts = <Vec<Option<String>> as FromSql<Array<Nullable<Text>>, Pg>>::from_sql(bytes)?;
        let mut parts = parts.into_iter();
        Ok(Self {
            id: PrincipalId(parts.next().flatten().unwrap_or_default().parse()?),
            username: parts.next().flatten(),
            name: parts.next().flatten(),
        })
    }
}

pub struct NewPost<'a> {
    pub id: PostId,
    pub author_id: PrincipalId,
    pub body: &'a CreatePost,
    pub language: &'a str,
}

impl Post {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        me: Option<PrincipalId>,
        id: PostId,
    ) -> QueryResult<Option<Self>> {
        let mut sql = asked_by(me);
        visible_to(&mut sql, "", "");
        sql.text(" AND posts.id = :id").bind::<Uuid, _>("id", id);
        let find = sql.statement::<Columns>();
        find.get_result(&mut connection).await.optional()
    }

    /// `None` where the project does not let the author write.
    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewPost<'_>,
    ) -> QueryResult<Option<Self>> {
        let mut sql = asked_by(Some(new.author_id));
        sql.texts(&HOME);
        sql.each(Self::WRITTEN, |sql, name| {
            sql.text(name);
        });
        sql.text(
            ") SELECT :id, :me, :project_id, :language::regconfig, :created_at, :created_at, ",
        );
        sql.each(Self::WRITTEN, |sql, name| {
            sql.texts(&[":", name]);
        });
        sql.text(" FROM home WHERE :project_id IS NULL OR may_write RETURNING *) SELECT ");
        columns(&mut sql);
        sql.text(" FROM made AS posts CROSS JOIN home AS project_members");
        new.body.bind(&mut sql);
        sql.bind::<Uuid, _>("id", new.id);
        sql.bind::<Nullable<Uuid>, _>("project_id", new.body.project_id);
        sql.bind::<Text, _>("language", new.language);
        sql.bind::<Timestamptz, _>("created_at", new.id.made_at());
        let insert = sql.statement::<Columns>();
        insert.get_result(connection).await.optional()
    }

    /// What readers can see change while the version stays.
    pub fn edition(&self) -> Edition {
        let author = self.author.as_ref().map(|author| author.id.0.into_bytes());
        let votes = self.votes.to_be_bytes();
        let rest = [
            votes.as_slice(),
            &[u8::from(self.voted)],
            self.role.map_or("", Role::as_str).as_bytes(),
            author.as_ref().map_or(&[], <[u8; 16]>::as_slice),
        ];
        let names = self.author.iter().flat_map(|by| [&by.username, &by.name]);
        let names = names.map(|name| name.as_deref().unwrap_or_default().as_bytes());
        Edition::with_rest(self.version, rest.into_iter().chain(names))
    }
}

/// Where the post is to be. Locked in the order in which the references are checked, before the
/// role is looked at: whoever takes it away holds the project, and an account that ends holds
/// itself.
const HOME: [&str; 5] = [
    "WITH me AS (SELECT id FROM principals WHERE id = :me FOR KEY SHARE), project AS (SELECT projects.id, ",
    HAS_EXPIRED,
    " AS is_expired FROM me CROSS JOIN projects WHERE projects.id = :project_id FOR KEY SHARE OF projects), \
     home AS MATERIALIZED (SELECT project.id, role, ",
    ProjectAccess::<Editor>::CONDITION,
    " AND NOT is_expired AS may_write FROM me LEFT JOIN project ON true \
     CROSS JOIN LATERAL (SELECT role_now(project.id, :me) AS role) AS project_members), \
     made AS (INSERT INTO posts (id, author_id, project_id, language, created_at, updated_at, ",
];
