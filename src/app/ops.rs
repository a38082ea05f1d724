//! The ops listener: probes and metrics, on a port of its own that no client and no Ingress
//! reaches.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::config::Config;
use crate::http::body::extract::ValidQuery;
use crate::http::shell::hosts::Hosts;
use crate::identity::api::{Api, AppState};
use crate::kernel::error::{ApiError, Code, Door};
use crate::kernel::request::RequestId;
use crate::server::Counters;
use crate::state::Core;
use crate::telemetry::metrics::Metrics;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What each listener has counted of its connections.
#[derive(Clone, Default)]
pub struct Listeners {
    pub public: Arc<Counters>,
    pub ops: Arc<Counters>,
}

/// A process that can be probed.
pub trait Probed: Clone + Send + Sync + 'static {
    fn core(&self) -> &Core;

    /// Whether it does what it is for; `Err` says why not.
    fn readiness(&self) -> Result<(), String>;

    /// The same, where a database that is away for a while does not count.
    fn start_readiness(&self) -> Result<(), String>;
}

impl Probed for AppState {
    fn core(&self) -> &Core {
        &self.core
    }

    fn readiness(&self) -> Result<(), String> {
        Api::readiness(self)
    }

    fn start_readiness(&self) -> Result<(), String> {
        Api::start_readiness(self)
    }
}

/// A process that does jobs and nothing else.
impl Probed for Arc<Core> {
    fn core(&self) -> &Core {
        self
    }

    fn readiness(&self) -> Result<(), String> {
        self.may_work()?;
        self.health.check()
    }

    fn start_readiness(&self) -> Result<(), String> {
        self.may_work()?;
        self.health.check_begun()
    }
}

/// Probes do no I/O: they report what a background watch last saw, so a slow database cannot make
/// them slow.
pub fn router<A: Probed>(app: A, listeners: Listeners) -> Router {
    let core = app.core();
    let hosts = Hosts::new(core.config.ops.ops_listen, &core.public_url);
    let public_url = Arc::<str>::from(core.public_url.as_str());
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz::<A>))
        .route(
            "/metrics",
            get(async move |State(app): State<A>| metrics(&app, &listeners)),
        )
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
            public_url, finish,
        ))
        .with_state(app)
}

/// The listener before there is an application: alive and not ready.
pub fn starting(config: &Config) -> Router {
    let reason = match config.is_embedded() {
        true => "the service is starting: its private PostgreSQL is not ready yet",
        false => "the process is starting",
    };
    Router::new()
        .route("/livez", get(livez))
        .fallback(async move || ApiError::new(Code::NotReady, reason))
        .layer(axum::middleware::map_response_with_state(
            Arc::<str>::from(config.public_url()),
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

async fn readyz<A: Probed>(
    State(app): State<A>,
    ValidQuery(asked): ValidQuery<Readiness>,
) -> Response {
    let readiness = match asked.gate {
        Some(Gate::Start) => app.start_readiness(),
        None => app.readiness(),
    };
    match readiness {
        Ok(()) => ([(CONTENT_TYPE, PLAIN)], "ready\n").into_response(),
        Err(reason) => ApiError::new(Code::NotReady, reason).into_response(),
    }
}

fn metrics(app: &impl Probed, listeners: &Listeners) -> Response {
    let core = app.core();
    let metrics = &core.metrics;
    // Two scrapes at once would both add what the counters have gained since the last one.
    let _one_at_a_time = metrics.scraped();
    metrics
        .chartroom_ready
        .set(i64::from(app.readiness().is_ok()));
    metrics.observe_connections("public", &listeners.public);
    metrics.observe_connections("ops", &listeners.ops);
    metrics.log_lines_dropped_total.inc_by(
        crate::telemetry::sink::dropped().saturating_sub(metrics.log_lines_dropped_total.get()),
    );
    for (endpoint, status) in core.db.pool_status() {
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

impl Metrics {
    /// Copies what the listener's counters have seen.
    fn observe_connections(&self, listener: &str, counters: &Counters) {
        use std::sync::atomic::Ordering::Relaxed;
        let Counters {
            open,
            accepted,
            accept_failed,
            refused_over_cap,
            header_timed_out,
            keep_alive_timed_out,
            body_timed_out,
            write_timed_out,
            ..
        } = counters;
        self.http_server_connections
            .with_label_values(&[listener])
            .set(i64::try_from(open.load(Relaxed)).unwrap_or(i64::MAX));
        let total = self
            .http_server_connections_total
            .with_label_values(&[listener]);
        total.inc_by(accepted.load(Relaxed).saturating_sub(total.get()));
        let reasons = [
            ("accept_failed", accept_failed),
            ("too_many", refused_over_cap),
            ("header_timeout", header_timed_out),
            ("keep_alive_timeout", keep_alive_timed_out),
            ("body_timeout", body_timed_out),
            ("write_timeout", write_timed_out),
        ];
        for (reason, seen) in reasons {
            let cut = self
                .http_server_connections_cut_total
                .with_label_values(&[listener, reason]);
            cut.inc_by(seen.load(Relaxed).saturating_sub(cut.get()));
        }
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
        error.document(&public_url, id.as_str(), Door::Ours),
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
