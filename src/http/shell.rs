//! The one middleware around the public router. Its order, and why:
//!
//! 1. request id and trace context first, so that every answer and log line has them, refusals included;
//! 2. the head is checked before anything trusts it; then the route is looked up, because limits and labels depend on it;
//! 3. CORS preflight is answered without a permit or a database;
//! 4. the body is read before a permit is taken, so that slow senders cannot use up the permits;
//! 5. load shedding by one shared permit pool: whoever finds none is refused at once, nobody queues;
//! 6. panic guard and deadline around the handler alone: everything outside them is ours and short;
//! 7. on the way out: problem document, security headers, CORS, compression, metrics, and the request line last, when all is known.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use futures_util::FutureExt as _;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, USER_AGENT, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version};
use tokio::sync::Semaphore;
use tower::Service as _;
use tracing::Instrument as _;

use super::body::{self, Held};
use super::cors::Cors;
use super::request::{RequestId, TraceParent};
use super::routes::{Route, Routes};
use super::{encoding, head};
use crate::error::{ApiError, Code};
use crate::server::Peer;
use crate::state::AppState;
use crate::telemetry::request_line::RequestLine;
use crate::telemetry::trace;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
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

pub struct Shell {
    app: AppState,
    router: Router,
    routes: Routes,
    cors: Cors,
    held: Held,
    permits: Semaphore,
    is_https: bool,
}

/// What the last steps need of a request after its handler has consumed it.
struct Context {
    begun: Instant,
    id: RequestId,
    parent: Option<TraceParent>,
    method: Method,
    version: Version,
    origin: Option<HeaderValue>,
    takes_gzip: bool,
    user_agent: Option<HeaderValue>,
    peer: Option<Peer>,
}

impl Shell {
    pub fn new(app: AppState, router: Router, routes: Routes) -> anyhow::Result<Self> {
        let permits = Semaphore::new(app.config.limits.max_in_flight);
        let cors = Cors::new(&app.config.http.cors_origins)?;
        let held = Held::new(app.metrics.http_server_body_bytes.clone());
        let is_https = app.public_url.starts_with("https:");
        Ok(Self {
            app,
            router,
            routes,
            cors,
            held,
            permits,
            is_https,
        })
    }

    /// Answers one request. Every answer of the public listener comes from here.
    pub async fn handle(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let context = Context {
            begun: Instant::now(),
            id: RequestId::of(&parts.headers),
            parent: TraceParent::of(&parts.headers),
            method: parts.method.clone(),
            version: parts.version,
            origin: self.cors.origin(&parts.headers).cloned(),
            takes_gzip: encoding::accepts_gzip(&parts.headers),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            peer: parts.extensions.get::<Peer>().copied(),
        };
        without_trailing_slash(&mut parts.uri);
        let route = self.routes.find(parts.uri.path());
        let template = route.map_or(self.routes.unmatched().template.as_str(), |route| {
            route.template.as_str()
        });
        let span = trace::request_span(&context.method, template, context.parent);
        let trace_id = trace::id_of(&span).or(context.parent.map(|parent| parent.trace_id));
        let answer = self
            .answer(&context, parts, body, route)
            .instrument(span.clone())
            .await;
        let (mut response, error) = match answer {
            Ok(response) => self.problem_of(response, &context),
            Err(error) => self.problem(error, &context),
        };
        if self.app.shutdown.draining() && context.version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        self.finish_headers(&context, response.headers_mut());
        if context.takes_gzip {
            response = encoding::encode(response).await;
        }
        let took = context.begun.elapsed();
        let status = response.status();
        trace::finish(&span, status);
        if let Some(histogram) = route.unwrap_or(self.routes.unmatched()).duration(
            &self.app.metrics.http_server_request_duration_seconds,
            &context.method,
            status.as_u16(),
        ) {
            histogram.observe(took.as_secs_f64());
        }
        RequestLine {
            request_id: context.id.as_str(),
            trace_id,
            method: context.method.as_str(),
            route: template,
            status: status.as_u16(),
            took,
            client: context.peer.map(|peer| peer.0.ip()),
            user_agent: context.user_agent.as_ref(),
            error: error.as_ref(),
        }
        .write();
        response
    }

    async fn answer(
        &self,
        context: &Context,
        mut parts: Parts,
        body: Body,
        route: Option<&Route>,
    ) -> Result<Response<Body>, ApiError> {
        head::admit(&mut parts).map_err(refused_head)?;
        if let Some(preflight) = self.cors.preflight(&parts.method, &parts.headers) {
            return Ok(preflight);
        }
        let Some(route) = route else {
            return Err(ApiError::new(
                Code::NotFound,
                "there is nothing at this path",
            ));
        };
        route
            .check_query(&parts.method, parts.uri.query())
            .map_err(|(name, known)| unknown_parameter(&name, known))?;
        let limits = &self.app.config.limits;
        let until = context.begun + limits.request_deadline.0;
        let mut share = self.held.share();
        let body = body::read(body, limits.max_body.0, until, &mut share).await?;
        let body = encoding::decode(&mut parts.headers, body, limits.max_body.0, &mut share)?;
        let Ok(_permit) = self.permits.try_acquire() else {
            self.app.metrics.http_server_requests_shed_total.inc();
            return Err(ApiError::new(
                Code::Overloaded,
                "as many requests as allowed are being worked on; nothing was done, repeat the request",
            ));
        };
        let _in_flight = InFlight::enter(&self.app.metrics.http_server_requests_in_flight);
        let handler = AssertUnwindSafe(
            self.router
                .clone()
                .call(Request::from_parts(parts, Body::from(body))),
        )
        .catch_unwind();
        match tokio::time::timeout_at(until.into(), handler).await {
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_panic)) => {
                self.app.metrics.http_server_panics_total.inc();
                Err(ApiError::internal(anyhow::anyhow!(
                    "the handler panicked; the panic is in the log before this line"
                )))
            }
            Err(_) => Err(ApiError::new(
                Code::DeadlineExceeded,
                "the answer took too long and was given up; repeat the request, a POST with the same Idempotency-Key",
            )),
        }
    }

    /// The handler's answer; what is an error in it, ours or a library's bare status, becomes a problem document.
    fn problem_of(
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

    fn problem(&self, error: ApiError, context: &Context) -> (Response<Body>, Option<ApiError>) {
        let mut response = Response::new(Body::from(
            error.document(&self.app.public_url, context.id.as_str()),
        ));
        *response.status_mut() = error.code.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM);
        headers.insert(CACHE_CONTROL, NO_STORE);
        let spread = u64::from(context.begun.elapsed().subsec_nanos());
        if let Some(seconds) = error.retry_after(spread) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.extend(error.headers.iter().cloned());
        (response, Some(error))
    }

    fn finish_headers(&self, context: &Context, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, context.id.header().clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(REFERRER_POLICY, NO_REFERRER);
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(NO_CONTENT);
        headers.entry(CACHE_CONTROL).or_insert(PRIVATE);
        headers.entry(VARY).or_insert(VARIES);
        if self.is_https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        self.cors.finish(context.origin.clone(), headers);
    }
}

fn refused_head(refusal: head::HeadRefusal) -> ApiError {
    let code = match refusal.status() {
        status if status.as_u16() == 414 => Code::UriTooLong,
        status if status.as_u16() == 431 => Code::HeadersTooLarge,
        status => Code::of_status(status),
    };
    ApiError::new(code, refusal.to_string()).with_header(CONNECTION, CLOSE)
}

fn unknown_parameter(name: &str, known: &[String]) -> ApiError {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let detail = match known {
        [] => format!("there is no query parameter {name:?} here; this operation takes none"),
        known => format!(
            "there is no query parameter {name:?} here; there are {}",
            known.join(", ")
        ),
    };
    ApiError::new(Code::UnknownParameter, detail)
}

/// A trailing slash means the same as none.
fn without_trailing_slash(uri: &mut Uri) {
    let path = uri.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    if let Ok(path_and_query) = PathAndQuery::try_from(path_and_query) {
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(path_and_query);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
}

/// Counts a request for as long as it is worked on, however it ends.
struct InFlight<'a>(&'a prometheus::IntGauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
