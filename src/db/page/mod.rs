//! Pages of a list as a query finds them.
//!
//! A list names its sorts in an enum that implements [`Sorts`], and its model hands a query to
//! [`PageQuery::load`]. Pages continue after the last row seen, never at an offset: rows that come
//! and go in the meantime neither repeat nor hide another one. A row moves only when what it is
//! sorted by changes, so sort by what does not where a complete walk matters.

mod cursor;
mod keyset;
mod written;

use std::pin::pin;

pub use cursor::{CursorKey, Key, Place, Scope};
use keyset::Part;
pub use keyset::{After, By, COUNT_CAP, Counted, Direction, Limited, Nulls, Sortable};
pub use written::{Sql, Written};

use diesel::Expression;
use diesel::dsl::{Filter, Order, sql};
use diesel::expression::SqlLiteral;
use diesel::query_dsl::methods::{FilterDsl, OrderDsl};
use diesel::result::QueryResult;
use diesel::sql_types::Uuid;
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;

/// A page ends before the row with which its rows weigh more, but not before its first one. What
/// one request holds of them, and of its answer, is bounded by it.
const HEAVIEST: usize = 1 << 20;

/// The ways in which a list can be sorted.
pub trait Sorts: Copy + PartialEq + Send + Sync + 'static {
    type Row;
    /// Names the list in its cursors. Change it when a sort starts to sort by something else.
    const LIST: &'static str;
    const ALL: &'static [(&'static str, Self)];
    const DEFAULT: (Self, Direction);

    /// Where the row stands when sorted so.
    fn place(self, row: &Self::Row) -> Place;

    /// Where the rows stand that have no value to be sorted by.
    fn nulls(self) -> Nulls {
        Nulls::Last
    }

    /// How many bytes the row takes, about. A list whose rows have texts that can be long counts
    /// them.
    fn weight(_row: &Self::Row) -> usize {
        size_of::<Self::Row>()
    }
}

/// For a list whose sort is by what is alone already, so that no id has to tell its rows apart.
pub fn no_id() -> SqlLiteral<Uuid> {
    sql("'00000000-0000-0000-0000-000000000000'::uuid")
}

/// Which page of a list is wanted.
pub struct PageQuery<S> {
    pub sort: S,
    pub direction: Direction,
    /// The most rows of the page.
    pub limit: usize,
    /// Whether all rows of the list are to be counted.
    pub counts: bool,
    /// The last row of the page before.
    pub after: Option<Place>,
}

/// What a query found: the rows of the page, perhaps one more, and how many there are in all.
pub struct Found<R> {
    rows: Vec<R>,
    /// Whether there are more, which were too heavy.
    is_cut: bool,
    total: Option<i64>,
}

impl<R> Found<R> {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows of the page, whether the list ends with them, and how many rows it has.
    pub fn parts(self, limit: usize) -> (Vec<R>, bool, Option<i64>) {
        let Self {
            mut rows,
            is_cut,
            total,
        } = self;
        let is_last = !is_cut && rows.len() <= limit;
        rows.truncate(limit);
        (rows, is_last, total)
    }
}

impl<S: Sorts> PageQuery<S> {
    /// The rows of this page by `column`, and by `id`, which is never null, where that is equal. An
    /// index on both is what makes every page as cheap as the first. `query` makes the list's
    /// query, a boxed one where filters come and go.
    pub fn load<'c, Q, C, I>(
        &self,
        conn: &'c mut AsyncPgConnection,
        query: impl Fn() -> Q,
        column: C,
        id: I,
    ) -> BoxFuture<'c, QueryResult<Found<S::Row>>>
    where
        C: Expression<SqlType: Sortable> + Clone,
        I: Expression + Clone,
        S::Row: Send + 'static,
        Q: FilterDsl<After<C, I>>,
        Filter<Q, After<C, I>>: OrderDsl<By<C, I>>,
        Limited<Order<Filter<Q, After<C, I>>, By<C, I>>>:
            LoadQuery<'static, AsyncPgConnection, S::Row> + Send + 'static,
        Counted<Q>: LoadQuery<'static, AsyncPgConnection, i64> + Send + 'static,
    {
        let counted = self.counts.then(|| Counted(query()));
        let parts = Part::after::<C::SqlType>(self.after.clone(), self.sort.nulls());
        let limited = parts.into_iter().map(|part| {
            let after = After {
                column: column.clone(),
                id: id.clone(),
                part,
                direction: self.direction,
            };
            let by = By {
                column: column.clone(),
                id: id.clone(),
                direction: self.direction,
            };
            Limited {
                query: OrderDsl::order(FilterDsl::filter(query(), after), by),
                limit: self.limit,
            }
        });
        let (queries, limit): (Vec<_>, _) = (limited.collect(), self.limit);
        Box::pin(async move {
            let total = match counted {
                Some(counted) => Some(counted.get_result(conn).await?),
                None => None,
            };
            let (mut rows, mut bytes, mut is_cut) = (Vec::new(), 0, false);
            for query in queries {
                if is_cut || rows.len() > limit {
                    break;
                }
                let mut found = pin!(query.load_stream(conn).await?);
                while let Some(next) = found.try_next().await? {
                    bytes += S::weight(&next);
                    if bytes > HEAVIEST && !rows.is_empty() {
                        is_cut = true;
                        break;
                    }
                    rows.push(next);
                }
            }
            Ok(Found {
                rows,
                is_cut,
                total,
            })
        })
    }
}
