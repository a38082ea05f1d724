//! The ops listener: probes and metrics, on a port of its own that no client and no Ingress reaches.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::extract::ValidQuery;
use super::hosts::Hosts;
use super::request::RequestId;
use crate::error::{ApiError, Code};
use crate::state::AppState;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Probes do no I/O: they report what a background watch last saw, so a slow database cannot make them slow.
pub fn router(app: AppState) -> Router {
    let hosts = Hosts::new(app.config.ops.ops_listen, &app.public_url);
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(async || {
            ApiError::new(
                Code::NotFound,
                "this listener serves /livez, /readyz and /metrics",
            )
        })
        .method_not_allowed_fallback(async || {
            ApiError::new(Code::MethodNotAllowed, "this resource takes GET and HEAD")
        })
        .layer(axum::middleware::from_fn_with_state(Arc::new(hosts), named))
        .layer(axum::middleware::map_response_with_state(
            Arc::<str>::from(app.public_url.as_str()),
            finish,
        ))
        .with_state(app)
}

/// The listener before there is an application: alive, and not ready for the reason given.
pub fn starting(public_url: &str, reason: &'static str) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .fallback(async move || ApiError::new(Code::NotReady, reason))
        .layer(axum::middleware::map_response_with_state(
            Arc::<str>::from(public_url),
            finish,
        ))
}

/// Metrics say much of a private instance: no page of somebody else's gets them either.
async fn named(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match hosts.check(&parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    }
}

async fn livez() -> impl IntoResponse {
    ([(CONTENT_TYPE, PLAIN)], "alive\n")
}

/// What a probe asks beyond the truth.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Readiness {
    gate: Option<Gate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Gate {
    /// The database counts until it could serve for the first time.
    Start,
}

async fn readyz(app: AppState, ValidQuery(asked): ValidQuery<Readiness>) -> Response {
    let readiness = match asked.gate {
        Some(Gate::Start) => app.start_readiness(),
        None => app.readiness(),
    };
    match readiness {
        Ok(()) => ([(CONTENT_TYPE, PLAIN)], "ready\n").into_response(),
        Err(reason) => ApiError::new(Code::NotReady, reason).into_response(),
    }
}

async fn metrics(app: AppState) -> Response {
    let metrics = &app.metrics;
    // Two scrapes at once would both add what the counters have gained since the last one.
    let _one_at_a_time = metrics.scraped();
    metrics
        .chartroom_ready
        .set(i64::from(app.readiness().is_ok()));
    metrics.observe_connections("public", &app.public_connections);
    metrics.observe_connections("ops", &app.ops_connections);
    metrics.log_lines_dropped_total.inc_by(
        crate::telemetry::sink::dropped().saturating_sub(metrics.log_lines_dropped_total.get()),
    );
    for (endpoint, status) in app.db.pool_status() {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let states = [
            ("idle", status.idle),
            ("shared", status.shared),
            ("used", status.used),
        ];
        for (state, connections) in states {
            metrics
                .database_connections
                .with_label_values(&[endpoint, state])
                .set(count(connections));
        }
        metrics
            .database_connection_waiters
            .with_label_values(&[endpoint])
            .set(count(status.waiting));
    }
    match metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, METRICS)], text).into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// Problems as on the public listener, with an id that the log shares.
async fn finish(State(public_url): State<Arc<str>>, mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let Some(error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    let id = RequestId::of(&http::HeaderMap::new());
    if let Some(cause) = &error.cause {
        tracing::error!(
            request_id = id.as_str(),
            error = format!("{cause:#}"),
            "an ops request failed"
        );
    }
    let mut answer = (
        error.code.status(),
        [(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        )],
        error.document(&public_url, id.as_str(), false),
    )
        .into_response();
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-request-id", id.header().clone());
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer
}
