//! Spans for the OTLP exporter. Without an exporter no layer wants them, and making one costs a
//! branch.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, Method, StatusCode};
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::kernel::request::TraceParent;

/// Target of every span that is exported, and of nothing else.
pub const TARGET: &str = "chartroom::span";

/// Whom a request names as its parent.
#[derive(Clone, Copy)]
pub struct Parent {
    pub named: TraceParent,
    /// Whether it may decide that the request is traced.
    pub is_trusted: bool,
}

/// Draws for the callers whose word on sampling does not count. Not by the trace's id, which they
/// choose.
struct Lottery {
    ratio: f64,
    key: RandomState,
    drawn: AtomicU64,
}

static LOTTERY: OnceLock<Lottery> = OnceLock::new();

/// The share of strangers' requests that is traced; the first call counts.
pub fn sample_strangers(ratio: f64) {
    LOTTERY.get_or_init(|| Lottery {
        ratio,
        key: RandomState::new(),
        drawn: AtomicU64::new(0),
    });
}

impl Lottery {
    fn draw(&self) -> bool {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let upper = u32::try_from(self.key.hash_one(drawn) >> 32).unwrap_or(u32::MAX);
        f64::from(upper) < self.ratio * 2_f64.powi(32)
    }
}

impl Parent {
    fn flags(self) -> TraceFlags {
        if self.is_trusted {
            return TraceFlags::new(self.named.flags);
        }
        let is_drawn = LOTTERY.get().is_some_and(Lottery::draw);
        TraceFlags::default().with_sampled(is_drawn)
    }
}

/// The span of a request, below the caller's if it named one.
pub fn request_span(method: &Method, route: &str, parent: Option<Parent>) -> Span {
    let span = tracing::info_span!(
        target: "chartroom::span",
        "request",
        otel.name = tracing::field::Empty,
        otel.kind = "server",
        http.request.method = tracing::field::Empty,
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let method = if method.as_str().len() <= 8 {
        method.as_str()
    } else {
        "_OTHER"
    };
    span.record("otel.name", format!("{method} {route}"));
    span.record("http.request.method", method);
    span.record("http.route", route);
    if let Some(parent) = parent {
        let remote = SpanContext::new(
            TraceId::from_bytes(parent.named.trace_id.to_be_bytes()),
            SpanId::from_bytes(parent.named.span_id.to_be_bytes()),
            parent.flags(),
            true,
            TraceState::NONE,
        );
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
    }
    span
}

/// The trace this span belongs to.
pub fn id_of(span: &Span) -> Option<u128> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let id = context.span().span_context().trace_id();
    (id != TraceId::INVALID).then(|| u128::from_be_bytes(id.to_bytes()))
}

/// Names the span in the answer's `traceresponse` header (W3C Trace Context Level 2), where it is
/// exported.
pub fn response_header(span: &Span) -> Option<HeaderValue> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    if !context.is_valid() || !context.is_sampled() {
        return None;
    }
    HeaderValue::try_from(format!(
        "00-{}-{}-01",
        context.trace_id(),
        context.span_id()
    ))
    .ok()
}

pub fn finish(span: &Span, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.set_status(Status::error(status.as_str().to_owned()));
    }
}
