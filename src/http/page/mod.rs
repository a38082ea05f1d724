//! Lists in pages: parameters in, items and the way to the next page out.
//!
//! A list names its sorts in an enum that implements [`Sorts`]. The handler takes [`PageParams`], the model hands its query to
//! [`PageParams::load`], and [`PageParams::respond`] makes the answer. Pages continue after the last row seen, never at an
//! offset: rows that come and go in the meantime neither repeat nor hide another one. A row moves only when what it is sorted by
//! changes, so sort by what does not where a complete walk matters.

mod cursor;
mod keyset;
mod params;
mod written;

use std::pin::pin;

pub use cursor::{CursorKey, Key, Place, Scope};
pub use keyset::{After, By, COUNT_CAP, Counted, Direction, Limited, Sortable};
pub use written::{Sql, Written};

use axum::response::{IntoResponse, Response};
use diesel::Expression;
use diesel::dsl::{Filter, Order};
use diesel::query_dsl::methods::{FilterDsl, OrderDsl};
use diesel::result::QueryResult;
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use http::header::LINK;
use http::{HeaderValue, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::rendered;
use crate::state::AppState;

/// A page ends before the row with which its rows weigh more, but not before its first one. What one request holds of them, and of
/// its answer, is bounded by it.
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

    /// How many bytes the row takes, about. A list whose rows have texts that can be long counts them.
    fn weight(_row: &Self::Row) -> usize {
        size_of::<Self::Row>()
    }
}

/// The parameters `limit`, `cursor`, `count` and `sort`. All others are the list's filters.
pub struct PageParams<S> {
    pub sort: S,
    pub direction: Direction,
    limit: usize,
    counts: bool,
    after: Option<Place>,
    scope: Scope,
    uri: Uri,
    app: AppState,
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
}

/// One page of a list
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of the next page
    pub next: Option<String>,
    /// How many items there are on all pages. It is there only with `count=true`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub count: Option<i64>,
    /// Whether there are more items than `count`, which stops at 10,000. It is there only with `count=true`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub count_capped: Option<bool>,
}

/// A page as an answer, with its `Link`.
pub struct Listed<T> {
    pub page: Page<T>,
    link: Option<HeaderValue>,
}

impl<S: Sorts> PageParams<S> {
    /// The rows of this page by `column`, and by `id` where that is equal. Neither may be null, and an index on both is what makes
    /// every page as cheap as the first. `query` makes the list's query, a boxed one where filters come and go.
    pub fn load<'c, Q, C, I>(
        &self,
        conn: &'c mut AsyncPgConnection,
        query: impl Fn() -> Q,
        column: C,
        id: I,
    ) -> BoxFuture<'c, QueryResult<Found<S::Row>>>
    where
        C: Expression + Clone,
        I: Expression + Clone,
        S::Row: Send + 'static,
        Q: FilterDsl<After<C, I>>,
        Filter<Q, After<C, I>>: OrderDsl<By<C, I>>,
        Limited<Order<Filter<Q, After<C, I>>, By<C, I>>>:
            LoadQuery<'static, AsyncPgConnection, S::Row> + Send + 'static,
        Counted<Q>: LoadQuery<'static, AsyncPgConnection, i64> + Send + 'static,
    {
        let counted = self.counts.then(|| Counted(query()));
        let after = After {
            column: column.clone(),
            id: id.clone(),
            place: self.after.clone(),
            direction: self.direction,
        };
        let by = By {
            column,
            id,
            direction: self.direction,
        };
        let page = Limited {
            query: OrderDsl::order(FilterDsl::filter(query(), after), by),
            limit: self.limit,
        };
        Box::pin(async move {
            let total = match counted {
                Some(counted) => Some(counted.get_result(conn).await?),
                None => None,
            };
            let mut found = pin!(page.load_stream(conn).await?);
            let (mut rows, mut bytes, mut is_cut) = (Vec::new(), 0, false);
            while let Some(next) = found.try_next().await? {
                bytes += S::weight(&next);
                if bytes > HEAVIEST && !rows.is_empty() {
                    is_cut = true;
                    break;
                }
                rows.push(next);
            }
            Ok(Found {
                rows,
                is_cut,
                total,
            })
        })
    }

    /// The answer, each row shown by `show`.
    pub fn respond<T>(&self, found: Found<S::Row>, show: impl FnMut(S::Row) -> T) -> Listed<T> {
        let Found {
            mut rows,
            is_cut,
            total,
        } = found;
        let is_last = !is_cut && rows.len() <= self.limit;
        rows.truncate(self.limit);
        let keys = self.app.identity.keys.current();
        let next = rows
            .last()
            .filter(|_| !is_last)
            .and_then(|row| keys.seal_cursor(&self.scope, &self.sort.place(row)));
        Listed {
            link: next.as_deref().and_then(|cursor| self.link(cursor)),
            page: Page {
                items: rows.into_iter().map(show).collect(),
                next,
                count: total.map(|total| total.min(COUNT_CAP)),
                count_capped: total.map(|total| total > COUNT_CAP),
            },
        }
    }

    fn link(&self, cursor: &str) -> Option<HeaderValue> {
        let kept = self.uri.query().unwrap_or_default().split('&');
        let query: String = kept
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"))
            .flat_map(|pair| [pair, "&"])
            .collect();
        let target = format!("{}?{query}cursor={cursor}", self.uri.path());
        // What would end the reference or the header early; everything else is already as it came from a URL.
        let target = target
            .replace('<', "%3C")
            .replace('>', "%3E")
            .replace('"', "%22");
        let link = format!("<{}{target}>; rel=\"next\"", self.app.public_url);
        HeaderValue::try_from(link).ok()
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut response = rendered::answer(&self.page);
        if let Some(link) = self.link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}
