//! The end of a request: what is measured and written down of it, at once for an answer that is
//! whole, and for a streamed one when its last byte has been taken or its reader has gone.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::routes::Route;
use super::streams::StreamPermit;
use crate::http::body::upload::Progress;
use crate::kernel::error::ApiError;
use crate::kernel::request::RequestId;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::request_line::{RequestLine, StreamEnd};

/// The status in the log and the metrics of a streamed request whose caller went away before there
/// was an answer. Others use the number in the same sense; nobody is sent it.
const CALLER_LEFT: u16 = 499;

/// What is told of a request when it ends.
pub(super) struct Ending<'a> {
    pub(super) metrics: &'a Metrics,
    pub(super) route: &'a Route,
    pub(super) id: &'a RequestId,
    pub(super) trace_id: Option<u128>,
    pub(super) method: &'a Method,
    pub(super) begun: Instant,
    pub(super) client: Option<IpAddr>,
    pub(super) user_agent: Option<&'a HeaderValue>,
    pub(super) status: u16,
    pub(super) error: Option<&'a ApiError>,
    pub(super) stream: Option<StreamEnd>,
}

impl Ending<'_> {
    pub(super) fn write(&self) {
        let took = self.begun.elapsed();
        let all = match self.stream {
            None => &self.metrics.http_server_request_duration_seconds,
            Some(_) => &self.metrics.http_server_stream_duration_seconds,
        };
        if let Some(histogram) = self.route.duration(all, self.method, self.status) {
            histogram.observe(took.as_secs_f64());
        }
        RequestLine {
            request_id: self.id.as_str(),
            trace_id: self.trace_id,
            method: self.method.as_str(),
            route: &self.route.template,
            status: self.status,
            took,
            client: self.client,
            user_agent: self.user_agent,
            error: self.error,
            stream: self.stream,
        }
        .write();
    }
}

/// A streamed request under way. However it ends, it is told of, and its permit is given back.
pub(super) struct Streaming {
    pub(super) metrics: Arc<Metrics>,
    pub(super) route: Arc<Route>,
    pub(super) id: RequestId,
    pub(super) trace_id: Option<u128>,
    pub(super) method: Method,
    pub(super) begun: Instant,
    pub(super) client: Option<IpAddr>,
    pub(super) user_agent: Option<HeaderValue>,
    pub(super) permit: Option<StreamPermit>,
    pub(super) progress: Arc<Progress>,
    /// The status and the error of the answer, once there is one.
    pub(super) answered: Option<(u16, Option<ApiError>)>,
    pub(super) sent: u64,
    pub(super) is_complete: bool,
}

impl Streaming {
    /// The answer's body, which carries this to its end.
    pub(super) fn around(self, body: Body) -> Body {
        Body::new(StreamedBody {
            inner: body,
            streaming: self,
        })
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let is_whole = self.answered.is_some() && !self.progress.is_broken();
        let is_complete = self.is_complete && is_whole;
        let outcome = if is_complete { "complete" } else { "aborted" };
        self.metrics
            .http_server_streams_total
            .with_label_values(&[outcome])
            .inc();
        let (status, error) = match &self.answered {
            Some((status, error)) => (*status, error.as_ref()),
            None => (CALLER_LEFT, None),
        };
        Ending {
            metrics: &self.metrics,
            route: &self.route,
            id: &self.id,
            trace_id: self.trace_id,
            method: &self.method,
            begun: self.begun,
            client: self.client,
            user_agent: self.user_agent.as_ref(),
            status,
            error,
            stream: Some(StreamEnd {
                outcome,
                received: self.progress.received(),
                sent: self.sent,
            }),
        }
        .write();
    }
}

struct StreamedBody {
    inner: Body,
    streaming: Streaming,
}

impl HttpBody for StreamedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { inner, streaming } = self.get_mut();
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                streaming.sent += u64::try_from(bytes).unwrap_or(u64::MAX);
            }
            Some(Err(_)) => {}
            None => streaming.is_complete = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A body of known size is not asked for its end.
impl Drop for StreamedBody {
    fn drop(&mut self) {
        self.streaming.is_complete |= self.inner.is_end_stream();
    }
}
