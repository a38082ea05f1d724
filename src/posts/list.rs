//! The list of posts that a caller may read, by filters and by what they say, in pages.
//!
//! A statement is prepared once for each combination of filters, sort, size of page and way of a
//! search.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Bool, Uuid};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::Post;
use super::search::{BY_RANK, Question, SearchText, Way, by_id, by_votes};
use super::sql::{Columns, push, visible_columns, visible_to};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::projects::access::{ProjectAccess, Viewer};
use crate::schema::{post_scores, posts};

/// Sorting by rank means to rank every match, so only so many of the newest take part.
const CANDIDATES: &str = " DESC LIMIT 500";

/// A project that the caller may not read is looked at once, and its posts never: how many there
/// are would show in the time.
const OF_PROJECT: &str = " AND posts.project_id = (SELECT projects.id FROM projects LEFT JOIN project_members \
    ON project_members.project_id = projects.id AND project_members.principal_id = $1 WHERE projects.id = ";

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
            Sql(Posts {
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

    fn narrow<'b>(&'b self, way: Way, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let PostFilter {
            project_id,
            author_id,
            published,
            q: _,
        } = &self.filter;
        if let Some(id) = project_id {
            out.push_sql(OF_PROJECT);
            out.push_bind_param::<Uuid, _>(id)?;
            push(out, &[" AND ", ProjectAccess::<Viewer>::CONDITION, ")"]);
        }
        if let Some(id) = author_id {
            out.push_sql(" AND posts.author_id = ");
            out.push_bind_param::<Uuid, _>(id)?;
        }
        if let Some(published) = published {
            out.push_sql(" AND posts.published = ");
            out.push_bind_param::<Bool, _>(published)?;
        }
        if let Some(question) = &self.question {
            out.push_sql(" AND ");
            question.matches(way, out)?;
        }
        Ok(())
    }
}

struct Posts {
    wanted: Wanted,
    sort: PostSort,
    way: Way,
}

impl Posts {
    fn found<'b>(&'b self, way: Way, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        visible_columns(out, &self.wanted.me, &["posts.id, posts.words"], &["posts"])?;
        self.wanted.narrow(way, out)
    }

    /// Those of which the best come first.
    fn candidates<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH found AS (");
        self.found(self.way, out)?;
        out.push_sql(" ORDER BY ");
        out.push_sql(by_id(self.way).0);
        out.push_sql(CANDIDATES);
        out.push_sql(")");
        Ok(())
    }
}

impl Written for Posts {
    type Columns = (Columns, BigInt);

    fn all<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.sort != PostSort::Rank {
            // Thousands are counted, so even a common word's posts are sooner looked up than met.
            return self.found(Way::Words, &mut out);
        }
        self.candidates(&mut out)?;
        out.push_sql(" SELECT FROM found");
        Ok(())
    }

    fn shown<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { wanted, sort, way } = self;
        let Some(question) = wanted.question.as_ref().filter(|_| *sort == PostSort::Rank) else {
            let joins = match sort {
                PostSort::Votes => " JOIN post_scores ON post_scores.post_id = posts.id",
                PostSort::CreatedAt | PostSort::Rank => "",
            };
            visible_to(&mut out, &wanted.me, &[", 0::bigint"], joins)?;
            return wanted.narrow(*way, &mut out);
        };
        self.candidates(&mut out)?;
        out.push_sql(", ranked AS (SELECT id, (1000000 * ts_rank(words, ");
        question.read(&mut out)?;
        out.push_sql("))::bigint AS rank FROM found) ");
        let joins = " JOIN ranked ON ranked.id = posts.id";
        visible_to(&mut out, &wanted.me, &[", ranked.rank"], joins)
    }
}
