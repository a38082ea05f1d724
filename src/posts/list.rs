//! The list of posts that a caller may read, by filters and by what they say, in pages.
//!
//! Without `q`, a statement is prepared once for each combination of filters, sort and size of page. With it, the statement is
//! planned for the words at hand: for a rare word the index of words is the way, for a common one the order of the list is, and
//! only the planner's statistics know which it is.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Text, Uuid};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::Post;
use super::sql::{Columns, visible_columns, visible_to};
use crate::error::{ApiError, ApiResult, Code};
use crate::http::page::{Direction, Found, Key, PageParams, Place, Sorts, Sql, Written};
use crate::schema::{post_scores, posts};
use crate::types::{PrincipalId, ProjectId};

/// More says nothing that this did not.
const LONGEST_QUESTION: usize = 500;

/// Sorting by rank means to rank every match, so only so many of the newest take part.
const CANDIDATES: &str = " ORDER BY posts.id DESC LIMIT 500";

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
}

pub type PostPage = PageParams<PostSort>;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PostFilter {
    /// Those of this project
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// Those of this author
    #[param(value_type = Option<uuid::Uuid>)]
    author_id: Option<PrincipalId>,
    /// Only published ones, or only drafts
    published: Option<bool>,
    /// Words that title and content must have: `word`, `"a phrase"`, `this or that`, `-without`
    #[param(max_length = 500)]
    q: Option<String>,
}

impl PostFilter {
    pub fn check(&self, sort: PostSort) -> ApiResult<()> {
        let invalid = |detail| Err(ApiError::new(Code::InvalidParameter, detail));
        match &self.q {
            None if sort == PostSort::Rank => {
                invalid("sort: rank says how well a post fits `q`; give both or neither")
            }
            Some(q) if q.chars().count() > LONGEST_QUESTION => {
                invalid("q: expected at most 500 characters")
            }
            _ => Ok(()),
        }
    }
}

/// What a list shows, and to whom.
#[derive(Clone)]
pub struct Wanted {
    pub me: Option<PrincipalId>,
    pub filter: PostFilter,
    pub language: String,
}

impl Wanted {
    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        page: &PostPage,
    ) -> QueryResult<Found<Listed>> {
        let sort = page.sort;
        let wanted = || {
            Sql(Posts {
                wanted: self.clone(),
                sort,
            })
        };
        match page.sort {
            PostSort::CreatedAt => page.load(connection, wanted, posts::id, posts::id).await,
            PostSort::Votes => {
                let (votes, id) = (post_scores::votes, post_scores::post_id);
                page.load(connection, wanted, votes, id).await
            }
            PostSort::Rank => page.load(connection, wanted, Rank, posts::id).await,
        }
    }

    fn narrow<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let PostFilter {
            project_id,
            author_id,
            published,
            q,
        } = &self.filter;
        if let Some(id) = project_id {
            out.push_sql(" AND posts.project_id = ");
            out.push_bind_param::<Uuid, _>(id)?;
        }
        if let Some(id) = author_id {
            out.push_sql(" AND posts.author_id = ");
            out.push_bind_param::<Uuid, _>(id)?;
        }
        if let Some(published) = published {
            out.push_sql(" AND posts.published = ");
            out.push_bind_param::<Bool, _>(published)?;
        }
        if let Some(q) = q {
            out.unsafe_to_cache_prepared();
            out.push_sql(" AND posts.words @@ ");
            self.question(out, q)?;
        }
        Ok(())
    }

    /// Whatever is typed is a question: there is no wrong syntax.
    fn question<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, q: &'b str) -> QueryResult<()> {
        out.push_sql("websearch_to_tsquery(");
        out.push_bind_param::<Text, _>(&self.language)?;
        out.push_sql("::regconfig, ");
        out.push_bind_param::<Text, _>(q)?;
        out.push_sql(")");
        Ok(())
    }
}

struct Posts {
    wanted: Wanted,
    sort: PostSort,
}

impl Posts {
    fn found<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        visible_columns(out, &self.wanted.me, "posts.id, posts.words")?;
        self.wanted.narrow(out)
    }

    /// Those of which the best come first.
    fn candidates<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH found AS (");
        self.found(out)?;
        out.push_sql(CANDIDATES);
        out.push_sql(")");
        Ok(())
    }
}

impl Written for Posts {
    type Columns = (Columns, BigInt);

    fn all<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.sort != PostSort::Rank {
            return self.found(&mut out);
        }
        self.candidates(&mut out)?;
        out.push_sql(" SELECT FROM found");
        Ok(())
    }

    fn shown<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { wanted, sort } = self;
        let Some(q) = wanted
            .filter
            .q
            .as_deref()
            .filter(|_| *sort == PostSort::Rank)
        else {
            let joins = match sort {
                PostSort::Votes => " JOIN post_scores ON post_scores.post_id = posts.id",
                PostSort::CreatedAt | PostSort::Rank => "",
            };
            visible_to(&mut out, &wanted.me, ", 0::bigint", joins)?;
            return wanted.narrow(&mut out);
        };
        self.candidates(&mut out)?;
        out.push_sql(", ranked AS (SELECT id, (1000000 * ts_rank(words, ");
        wanted.question(&mut out, q)?;
        out.push_sql("))::bigint AS rank FROM found) ");
        let joins = " JOIN ranked ON ranked.id = posts.id";
        visible_to(&mut out, &wanted.me, ", ranked.rank", joins)
    }
}

/// How well a post fits, in millionths: a whole number has its place in a cursor.
#[derive(Clone, Copy, Debug)]
pub struct Rank;

impl Expression for Rank {
    type SqlType = BigInt;
}

impl<S> AppearsOnTable<S> for Rank {}

impl ValidGrouping<()> for Rank {
    type IsAggregate = is_aggregate::No;
}

impl QueryFragment<Pg> for Rank {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("ranked.rank");
        Ok(())
    }
}
