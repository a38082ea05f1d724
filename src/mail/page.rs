//! The page that the links in mails lead to. Opening it does nothing, since programs open links as
//! well as people: what the link is for is done by a button of it. The secret stands behind `#`,
//! which browsers send to nobody.

use axum::Router;
use axum::response::{Html, IntoResponse as _};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};

/// Paths outside the API that have a route.
pub const PATHS: &[&str] = &["/mail", "/mail/page.css", "/mail/page.js"];

const POLICY: (HeaderName, HeaderValue) = (
    CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
);
const CACHE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
const SCRIPT: (HeaderName, HeaderValue) = (
    CONTENT_TYPE,
    HeaderValue::from_static("text/javascript; charset=utf-8"),
);

const STYLE: (HeaderName, HeaderValue) = (
    CONTENT_TYPE,
    HeaderValue::from_static("text/css; charset=utf-8"),
);

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = async || ([POLICY, CACHE], Html(include_str!("page.html"))).into_response();
    let script = async || ([SCRIPT, CACHE], include_str!("page.js")).into_response();
    let style = async || ([STYLE, CACHE], include_str!("page.css")).into_response();
    Router::new()
        .route("/mail", get(page))
        .route("/mail/page.css", get(style))
        .route("/mail/page.js", get(script))
}
