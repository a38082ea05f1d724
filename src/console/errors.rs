//! Errors as pages. One that tells nothing of what is there is the same for everything that is not,
//! but for the request id.

use axum::body::Body;
use axum::response::IntoResponse as _;
use http::{Method, Response, StatusCode, header::RETRY_AFTER};
use maud::html;

use super::layout::{Page, Top};
use super::view::{Frame, go, link};
use super::words::Lang;
use crate::http::shell::pages::{ErrorPages, PageAsked};
use crate::kernel::error::{ApiError, Code};

pub struct ConsoleErrors;

impl ErrorPages for ConsoleErrors {
    fn show(
        &self,
        error: &ApiError,
        asked: &PageAsked,
        request_id: &str,
        retry_after: Option<u64>,
    ) -> Response<Body> {
        let frame = Frame::of(&asked.headers, &asked.uri);
        let is_read = asked.method == Method::GET || asked.method == Method::HEAD;
        if error.code == Code::Unauthenticated && is_read {
            return to_sign_in(asked);
        }
        let (lang, code) = (frame.lang, error.code);
        let (title, detail) = match code {
            Code::Unauthenticated => (lang.ended_title(), lang.ended_detail()),
            Code::NotFound => (lang.not_found_title(), lang.not_found_detail()),
            _ => (code.title(), &*error.detail),
        };
        let is_english = !matches!(code, Code::Unauthenticated | Code::NotFound);
        let detail_lang = (is_english && lang != Lang::En).then_some("en");
        let page = Page::new(&frame, Top::Plain, "", title.to_owned()).width("middle");
        page.status(code.status()).show(html! {
            h1 lang=[detail_lang] { (title) }
            p lang=[detail_lang] { (detail) }
            @if let Some(seconds) = retry_after.or_else(|| waits(error)) {
                p role="status" data-again=(seconds) data-get[is_read] {
                    (lang.try_again_in(seconds))
                }
            }
            @if !error.errors.is_empty() {
                ul lang="en" {
                    @for one in &error.errors { li { code { (one.pointer) } " " (one.detail) } }
                }
            }
            p.row {
                @if code == Code::Unauthenticated {
                    a.button.main href="/sign-in" target="_blank" rel="opener" {
                        (lang.sign_in_tab())
                    }
                } @else {
                    a.button href="/" { (lang.go_home()) }
                }
            }
            p.hint { (lang.request_id()) ": " code { (request_id) } }
        })
    }
}

/// When it may be tried again, where the error says so.
pub fn waits(error: &ApiError) -> Option<u64> {
    let (_, value) = error
        .headers
        .iter()
        .find(|(name, _)| *name == RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok()
}

/// Somebody who is not signed in, or not any more, signs in and goes on.
fn to_sign_in(asked: &PageAsked) -> Response<Body> {
    let here = asked.uri.path_and_query().map_or("/", |here| here.as_str());
    let next = (here != "/home" && here != "/").then(|| ("next".to_owned(), here.to_owned()));
    let target = link("/sign-in", next.as_slice());
    go(&target).unwrap_or_else(|error| {
        let status: StatusCode = error.code.status();
        status.into_response()
    })
}
