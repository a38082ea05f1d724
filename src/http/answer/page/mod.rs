//! Lists in pages: parameters in, items and the way to the next page out.
//!
//! The handler takes [`PageParams`], its model loads what they ask for (`db::page`), and
//! [`PageParams::respond`] makes the answer.

mod params;

use std::ops::Deref;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::LINK;
use http::{HeaderValue, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::rendered;
use crate::db::page::{COUNT_CAP, Found, PageQuery, Place, Scope, Sorts};
use crate::kernel::values::number;
use crate::state::Core;

number! {
    /// How many items a page has at most
    Limit(usize): 1..=200;
}

/// The keys of cursors, which `identity` holds.
pub trait CursorKeys: Send + Sync {
    fn seal(&self, scope: &Scope, place: &Place) -> Option<String>;
    fn open(&self, scope: &Scope, cursor: &str) -> Option<Place>;
}

/// What makes the way to the next page; the state of a router hands it to [`PageParams`].
#[derive(Clone)]
pub struct Cursors {
    pub core: Arc<Core>,
    pub keys: Arc<dyn CursorKeys>,
}

/// The parameters `limit`, `cursor`, `count` and `sort`. All others are the list's filters.
pub struct PageParams<S> {
    query: PageQuery<S>,
    scope: Scope,
    uri: Uri,
    cursors: Cursors,
    /// Whether the page before the place is asked for, which pages for people have a link to.
    is_back: bool,
}

impl<S> Deref for PageParams<S> {
    type Target = PageQuery<S>;

    fn deref(&self) -> &PageQuery<S> {
        &self.query
    }
}

/// One page of a list
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
    /// the next page
    pub next: Option<String>,
    /// How many items there are on all pages. It is there only with `count=true`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub count: Option<i64>,
    /// Whether there are more items than `count`, which stops at 10,000. It is there only with
    /// `count=true`
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
    /// The answer, each row shown by `show`.
    pub fn respond<T>(&self, found: Found<S::Row>, show: impl FnMut(S::Row) -> T) -> Listed<T> {
        let (rows, is_last, total) = found.parts(self.limit);
        let keys = &self.cursors.keys;
        let next = rows
            .last()
            .filter(|_| !is_last)
            .and_then(|row| keys.seal(&self.scope, &self.sort.place(row)));
        let public_url = &self.cursors.core.public_url;
        Listed {
            link: next
                .as_deref()
                .and_then(|cursor| next_link(public_url, &self.uri, cursor)),
            page: Page {
                items: rows.into_iter().map(show).collect(),
                next,
                count: total.map(|total| total.min(COUNT_CAP)),
                count_capped: total.map(|total| total > COUNT_CAP),
            },
        }
    }
}

/// The rows of a page, with the cursors of its neighbours.
pub struct Neighbours<R> {
    pub rows: Vec<R>,
    /// Of the page before, as `before`.
    pub before: Option<String>,
    /// Of the page after, as `cursor`.
    pub after: Option<String>,
    pub count: Option<i64>,
}

impl<S: Sorts> PageParams<S> {
    /// For a list that is walked in both directions; the rows are in the order of the list. Its
    /// sort has a value in every row.
    pub fn neighbours(&self, found: Found<S::Row>) -> Neighbours<S::Row> {
        let (mut rows, is_last, count) = found.parts(self.limit);
        if self.is_back {
            rows.reverse();
        }
        let is_begun = self.after.is_some();
        let seal = |row: Option<&S::Row>| {
            let place = self.sort.place(row?);
            self.cursors.keys.seal(&self.scope, &place)
        };
        let (has_before, has_after) = match self.is_back {
            true => (!is_last, true),
            false => (is_begun, !is_last),
        };
        Neighbours {
            before: seal(rows.first().filter(|_| has_before)),
            after: seal(rows.last().filter(|_| has_after)),
            rows,
            count,
        }
    }
}

/// The header with the URL of the next page of the list that was asked for by `uri`.
pub fn next_link(public_url: &str, uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let kept = uri.query().unwrap_or_default().split('&');
    let query: String = kept
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"))
        .flat_map(|pair| [pair, "&"])
        .collect();
    let target = format!("{}?{query}cursor={cursor}", uri.path());
    // What would end the reference or the header early; everything else is already as it came from
    // a URL.
    let target = target
        .replace('<', "%3C")
        .replace('>', "%3E")
        .replace('"', "%22");
    let link = format!("<{public_url}{target}>; rel=\"next\"");
    HeaderValue::try_from(link).ok()
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
