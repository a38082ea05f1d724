//! A list whose query is written as SQL, for what diesel's builder has no words for.

use std::sync::OnceLock;

use diesel::Expression;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::{FilterDsl, OrderDsl};
use diesel::result::QueryResult;

use super::{After, By};
use crate::db::sql::{Statement, Writer};

/// Both texts end in a `WHERE` clause that goes on with ` AND ..`, and name columns by their
/// tables.
pub trait Written {
    type Columns;

    /// All rows of the list, to be counted.
    fn all(&self) -> Writer<'static>;

    /// The rows as they are shown.
    fn shown(&self) -> Writer<'static>;
}

/// What `PageQuery::load` takes as a query.
pub struct Sql<W: Written> {
    list: W,
    all: OnceLock<Statement<'static, W::Columns>>,
}

impl<W: Written> Sql<W> {
    pub fn new(list: W) -> Self {
        let all = OnceLock::new();
        Self { list, all }
    }
}

pub struct SqlAfter<W: Written, C, I> {
    shown: Statement<'static, W::Columns>,
    after: After<C, I>,
}

pub struct SqlBy<W: Written, C, I> {
    rest: SqlAfter<W, C, I>,
    by: By<C, I>,
}

impl<W: Written, C: Expression, I: Expression> FilterDsl<After<C, I>> for Sql<W> {
    type Output = SqlAfter<W, C, I>;

    fn filter(self, after: After<C, I>) -> Self::Output {
        SqlAfter {
            shown: self.list.shown().statement(),
            after,
        }
    }
}

impl<W: Written, C: Expression, I: Expression> OrderDsl<By<C, I>> for SqlAfter<W, C, I> {
    type Output = SqlBy<W, C, I>;

    fn order(self, by: By<C, I>) -> Self::Output {
        SqlBy { rest: self, by }
    }
}

// The text depends on the request, so it alone identifies the statement.
impl<W: Written> QueryId for Sql<W> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<W: Written> QueryFragment<Pg> for Sql<W> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let all = self.all.get_or_init(|| self.list.all().statement());
        all.walk_ast(out)
    }
}

impl<W: Written, C, I> Query for SqlBy<W, C, I> {
    type SqlType = W::Columns;
}

impl<W: Written, C, I> QueryFragment<Pg> for SqlBy<W, C, I>
where
    After<C, I>: QueryFragment<Pg>,
    By<C, I>: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let SqlAfter { shown, after } = &self.rest;
        shown.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        after.walk_ast(out.reborrow())?;
        out.push_sql(" ORDER BY ");
        self.by.walk_ast(out)
    }
}
