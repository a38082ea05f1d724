//! The way out: errors become problem documents, every answer gets the headers that all answers
//! have.

use axum::body::Body;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Body as _;
use tracing::Span;

use crate::http::answer::rendered::JSON;
use crate::http::shell::pages::ShownPage;
use crate::http::shell::{Context, Shell};
use crate::kernel::error::{ApiError, Code, Door};
use crate::telemetry::trace;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context Level 2: names the span that answered, so that a caller without a trace of its
/// own finds ours.
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");
/// RFC 6749, 5.2 asks for it at the token endpoints.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const VARIES: HeaderValue =
    HeaderValue::from_static("Authorization, Cookie, Accept, Accept-Encoding");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_CONTENT: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// One year; sent only where clients come by https.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

impl<G> Shell<G> {
    /// The handler's answer; what is an error in it, ours or a library's bare status, becomes a
    /// problem document.
    pub(super) fn problem_of(
        &self,
        mut response: Response<Body>,
        context: &Context,
    ) -> (Response<Body>, Option<ApiError>) {
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            return self.problem(error, context);
        }
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error())
            || response.headers().get(CONTENT_TYPE) == Some(&PROBLEM)
            || response.extensions().get::<ShownPage>().is_some()
        {
            return (response, None);
        }
        let allow = response.headers_mut().remove(ALLOW);
        let error = match (Code::of_status(status), allow) {
            (Code::MethodNotAllowed, Some(methods)) => {
                let list = methods.to_str().unwrap_or_default().replace(',', ", ");
                ApiError::new(
                    Code::MethodNotAllowed,
                    format!("this resource takes {list}"),
                )
                .with_header(ALLOW, methods)
            }
            (code, _) => ApiError::new(code, code.title()),
        };
        self.problem(error, context)
    }

    pub(super) fn problem(
        &self,
        error: ApiError,
        context: &Context,
    ) -> (Response<Body>, Option<ApiError>) {
        if error.is_panic_elsewhere() {
            self.app.metrics.http_server_panics_total.inc();
        }
        let spread = u64::from(context.begun.elapsed().subsec_nanos());
        let retry_after = error.retry_after(spread);
        if let (Some(pages), Some(asked)) = (&self.error_pages, &context.page) {
            let mut response = pages.show(&error, asked, context.id.as_str(), retry_after);
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, NO_STORE);
            // The browser's own dialog would come before the page, and a page stays where it is.
            let kept = error.headers.iter();
            for (name, value) in
                kept.filter(|(name, _)| ![WWW_AUTHENTICATE, LOCATION].contains(name))
            {
                headers.append(name, value.clone());
            }
            return (response, Some(error));
        }
        let mut response = Response::new(Body::from(error.document(
            &self.app.public_url,
            context.id.as_str(),
            context.door,
        )));
        *response.status_mut() = error.code.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            if context.door == Door::OAuth {
                JSON
            } else {
                PROBLEM
            },
        );
        headers.insert(CACHE_CONTROL, NO_STORE);
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in &error.headers {
            headers.append(name, value.clone());
        }
        (response, Some(error))
    }

    pub(super) fn finish_headers(&self, context: &Context, span: &Span, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, context.id.header().clone());
        if let Some(value) = trace::response_header(span) {
            headers.insert(TRACE_RESPONSE, value);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.entry(REFERRER_POLICY).or_insert(NO_REFERRER);
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(NO_CONTENT);
        headers.entry(CACHE_CONTROL).or_insert(PRIVATE);
        headers.entry(VARY).or_insert(VARIES);
        if self.is_https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        self.cors.finish(context.origin.clone(), headers);
    }
}

/// The answer to HEAD: the head that GET would get, and nothing after it.
pub(super) fn without_body(mut response: Response<Body>) -> Response<Body> {
    let exact = response.body().size_hint().exact();
    if let Some(length) = exact.filter(|length| *length > 0) {
        response
            .headers_mut()
            .entry(CONTENT_LENGTH)
            .or_insert(HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
    response
}
