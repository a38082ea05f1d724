//! The list of posts that a caller may read, by filters and by what they say, in pages.
//!
//! A statement is prepared once for each combination of filters, sort, size of page and way of a
//! search.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Uuid};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::Post;
use super::search::{ASKED, BY_RANK, Question, SearchText, Way, by_id, by_votes, matches};
use super::sql::{Columns, asked_by, visible_columns, visible_to};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written};
use crate::db::sql::Writer;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::projects::access::{ProjectAccess, Viewer};
use crate::schema::{post_scores, posts};

/// Sorting by rank means to rank every match, so only so many of the newest take part.
const CANDIDATES: &str = " DESC LIMIT 500";

/// A project that the caller may not read is looked at once, and its posts never: how many there
/// are would show in the time.
const OF_PROJECT: &str = " AND posts.project_id = (SELECT projects.id FROM projects LEFT JOIN project_members \
    ON project_members.project_id = projects.id AND project_members.principal_id = :me WHERE projects.id = :project AND ";

#[derive(Clone, Copy, PartialEq)]
pub enum PostSort {
    CreatedAt,
    Votes,
    Rank,
}

/// A post, and how well it fits the question.
#[derive(Queryable)]
pub struct Listed {
    pub post: Post,
    rank: i64,
}

impl Sorts for PostSort {
    type Row = Listed;
    const LIST: &'static str = "posts";
    const ALL: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("votes", Self::Votes),
        ("rank", Self::Rank),
    ];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &Listed) -> Place {
        let id = row.post.id.0;
        let key = match self {
            // By the time in the id, which is what `created_at` is.
            Self::CreatedAt => Key::Uuid(id),
            Self::Votes => Key::Int(row.post.votes),
            Self::Rank => Key::Int(row.rank),
        };
        Place { key, id }
    }

    fn weight(row: &Listed) -> usize {
        size_of::<Listed>() + row.post.title.len() + row.post.content.len()
    }
}

pub type PostPage = PageQuery<PostSort>;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PostFilter {
    /// Only posts in this project
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// Only posts of this author
    #[param(value_type = Option<uuid::Uuid>)]
    author_id: Option<PrincipalId>,
    /// Only published ones, or only drafts
    published: Option<bool>,
    /// Words that title and content must have: `word`, `"a phrase"`, `this or that`, `-without`
    #[param(inline)]
    q: Option<SearchText>,
}

impl PostFilter {
    pub fn check(&self, sort: PostSort) -> ApiResult<()> {
        if self.q.is_none() && sort == PostSort::Rank {
            return Err(ApiError::new(
                Code::InvalidParameter,
                "sort: rank says how well a post fits `q`; give both or neither",
            ));
        }
        Ok(())
    }
}

/// What a list shows, and to whom.
#[derive(Clone)]
pub struct Wanted {
    me: Option<PrincipalId>,
    filter: PostFilter,
    question: Option<Question>,
}

impl Wanted {
    pub fn new(me: Option<PrincipalId>, mut filter: PostFilter, language: &str) -> Self {
        let question = filter.q.take().map(|words| Question {
            words: words.into(),
            language: language.to_owned(),
        });
        Self {
            me,
            filter,
            question,
        }
    }

    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        page: &PostPage,
    ) -> QueryResult<Found<Listed>> {
        let PageQuery { sort, .. } = *page;
        let way = match &self.question {
            Some(question) => {
                let end = match sort {
                    PostSort::CreatedAt => page.direction,
                    PostSort::Votes | PostSort::Rank => Direction::Descending,
                };
                question.way(connection, self.me, end).await?
            }
            None => Way::Order,
        };
        let wanted = || {
            Sql::new(Posts {
                wanted: self.clone(),
                sort,
                way,
            })
        };
        match sort {
            PostSort::CreatedAt => page.load(connection, wanted, by_id(way), posts::id).await,
            PostSort::Votes => {
                let id = post_scores::post_id;
                page.load(connection, wanted, by_votes(way), id).await
            }
            PostSort::Rank => page.load(connection, wanted, BY_RANK, posts::id).await,
        }
    }

    fn narrow(&self, sql: &mut Writer<'static>, way: Way) {
        let PostFilter {
            project_id,
            author_id,
            published,
            q: _,
        } = &self.filter;
        if let Some(id) = project_id {
            sql.texts(&[OF_PROJECT, ProjectAccess::<Viewer>::CONDITION, ")"]);
            sql.bind::<Uuid, _>("project", *id);
        }
        if let Some(id) = author_id {
            sql.text(" AND posts.author_id = :author");
            sql.bind::<Uuid, _>("author", *id);
        }
        if let Some(published) = published {
            sql.text(" AND posts.published = :published");
            sql.bind::<Bool, _>("published", *published);
        }
        if let Some(question) = &self.question {
            matches(sql.text(" AND "), way);
            question.bind(sql);
        }
    }
}

struct Posts {
    wanted: Wanted,
    sort: PostSort,
    way: Way,
}

impl Posts {
    fn found(&self, sql: &mut Writer<'static>, way: Way) {
        visible_columns(sql, &["posts.id, posts.words"], &["posts"]);
        self.wanted.narrow(sql, way);
    }

    /// Those of which the best come first.
    fn candidates(&self, sql: &mut Writer<'static>) {
        self.found(sql.text("WITH found AS ("), self.way);
        sql.texts(&[" ORDER BY ", by_id(self.way).0, CANDIDATES, ")"]);
    }
}

impl Written for Posts {
    type Columns = (Columns, BigInt);

    fn all(&self) -> Writer<'static> {
        let mut sql = asked_by(self.wanted.me);
        if self.sort == PostSort::Rank {
            self.candidates(&mut sql);
            sql.text(" SELECT FROM found");
        } else {
            // Thousands are counted, so even a common word's posts are sooner looked up than met.
            self.found(&mut sql, Way::Words);
        }
        sql
    }

    fn shown(&self) -> Writer<'static> {
        let Self { wanted, sort, way } = self;
        let mut sql = asked_by(wanted.me);
        if *sort == PostSort::Rank {
            self.candidates(&mut sql);
            sql.texts(&[
                ", ranked AS (SELECT id, (1000000 * ts_rank(words, ",
                ASKED,
                "))::bigint AS rank FROM found) ",
            ]);
            visible_to(
                &mut sql,
                ", ranked.rank",
                " JOIN ranked ON ranked.id = posts.id",
            );
        } else {
            let joins = match sort {
                PostSort::Votes => " JOIN post_scores ON post_scores.post_id = posts.id",
                PostSort::CreatedAt | PostSort::Rank => "",
            };
            visible_to(&mut sql, ", 0::bigint", joins);
            wanted.narrow(&mut sql, *way);
        }
        sql
    }
}
