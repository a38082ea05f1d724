//! One connection from its first byte to its last: hyper serves it, a single timer watches it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::ops::DerefMut;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};
use tower::{Service, ServiceExt};

use super::body::{RequestBody, ResponseBody};
use super::clock::{Clock, Late, Waiting};
use super::framing::Position;
use super::io::{InFlight, Io, Shared};
use super::{ConnectionLimits, Counters, Peer};
use crate::kernel::shutdown::{Phase, Shutdown};

/// Bounds hyper's read buffer, so every head: room above our own limits, for which we answer
/// ourselves.
const READ_BUFFER: usize = 64 * 1024;
const HTTP2_STREAMS: u32 = 128;
const HTTP2_PING: Duration = Duration::from_secs(20);
/// How far a timer may be set when nothing is due.
const FAR: Duration = Duration::from_secs(3600);

/// What every connection of a listener shares.
pub(super) struct Common {
    pub(super) limits: Arc<ConnectionLimits>,
    pub(super) counters: Arc<Counters>,
    pub(super) shutdown: Shutdown,
    http1: http1::Builder,
    either: auto::Builder<TokioExecutor>,
}

impl Common {
    pub(super) fn new(
        limits: Arc<ConnectionLimits>,
        counters: Arc<Counters>,
        shutdown: Shutdown,
    ) -> Self {
        let mut http1 = http1::Builder::new();
        // hyper's own timeout starts when it is ready to read, so it would end idle connections
        // too, and allocates a timer per request. Ours tells the two apart with one timer per
        // connection.
        http1
            .header_read_timeout(None)
            .max_buf_size(READ_BUFFER)
            .half_close(false);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either
            .http1()
            .header_read_timeout(None)
            .max_buf_size(READ_BUFFER);
        either
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_send_buf_size(READ_BUFFER)
            .max_header_list_size(64 * 1024)
            .keep_alive_interval(HTTP2_PING)
            .keep_alive_timeout(HTTP2_PING);
        Self {
            limits,
            counters,
            shutdown,
            http1,
            either,
        }
    }

    /// When idle connections are closed, and when all are.
    fn phases(&self) -> (Phase, Phase) {
        if self.limits.closes_last {
            (Phase::Stopped, Phase::Forced)
        } else {
            (Phase::Closing, Phase::Stopped)
        }
    }
}

pub(super) async fn run<S>(stream: TcpStream, peer: SocketAddr, service: S, common: Arc<Common>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let shared = Arc::new(Shared::default());
    let io = TokioIo::new(Io::new(stream, Arc::clone(&shared)));
    let handler = {
        let (shared, common) = (Arc::clone(&shared), Arc::clone(&common));
        service_fn(move |request| answer(request, peer, &service, &shared, &common))
    };
    let end = if common.limits.http2 {
        // Large, and seldom: it would make the task of every connection as large.
        let connection = Box::pin(common.either.serve_connection(io, handler).into_owned());
        watch(connection, &shared, &common).await
    } else {
        let connection = pin!(common.http1.serve_connection(io, handler));
        watch(connection, &shared, &common).await
    };
    if let Some(counter) = end.and_then(|late| late.counter(&common.counters)) {
        counter.fetch_add(1, Relaxed);
    }
}

fn answer<S>(
    request: Request<Incoming>,
    peer: SocketAddr,
    service: &S,
    shared: &Arc<Shared>,
    common: &Arc<Common>,
) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + use<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let in_flight = InFlight::enter(shared);
    let http2 = request.version() == Version::HTTP_2;
    let (mut parts, incoming) = request.into_parts();
    parts.extensions.insert(Peer(peer));
    if let Some(flaw) = shared.call().filter(|_| !http2) {
        parts.extensions.insert(flaw);
        shared.require_close();
    }
    let body = if incoming.is_end_stream() {
        Body::empty()
    } else {
        Body::new(RequestBody::new(
            incoming,
            Arc::clone(&common.limits),
            Arc::clone(&common.counters),
            Arc::clone(shared),
        ))
    };
    let answer = service.clone().oneshot(Request::from_parts(parts, body));
    let common = Arc::clone(common);
    async move {
        let mut response = answer.await?;
        let moving_on = common.shutdown.draining() && !common.limits.closes_last;
        if !http2 && (moving_on || in_flight.0.must_close()) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response.map(|body| ResponseBody::new(body, in_flight, http2)))
    }
}

/// The two kinds of hyper connection, as far as the watch cares.
trait Drain: Future {
    fn drain(self: Pin<&mut Self>);
}

impl<S> Drain for http1::Connection<TokioIo<Io>, S>
where
    Self: Future,
    S: hyper::service::Service<Request<Incoming>, Response = Response<ResponseBody>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S> Drain for auto::Connection<'static, TokioIo<Io>, S, TokioExecutor>
where
    Self: Future,
    S: hyper::service::Service<Request<Incoming>, Response = Response<ResponseBody>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Drives the connection until it ends, is late, or the shutdown ends it.
async fn watch<C: Drain>(
    mut connection: Pin<impl DerefMut<Target = C>>,
    shared: &Arc<Shared>,
    common: &Common,
) -> Option<Late> {
    let limits = &*common.limits;
    let started = Instant::now();
    let mut clock = Clock::start(started);
    let first = clock.due(limits).map_or(started + FAR, |(due, _)| due);
    let mut timer = pin!(sleep_until(first.min(started + FAR)));
    let (last_call, cut) = common.phases();
    // Out of tokio's budget it would be pending without being registered.
    let mut phase = pin!(unconstrained(common.shutdown.wait_for(last_call)));
    let mut registered = false;
    let mut closing: Option<Instant> = None;
    let mut asked = false;

    poll_fn(|cx| {
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            let now = common.shutdown.phase();
            if now >= cut {
                shared.abort();
                return Poll::Ready(None);
            }
            if closing.is_none() && now >= last_call {
                closing = Some(Instant::now());
                phase.set(unconstrained(common.shutdown.wait_for(cut)));
                registered = false;
            }
            if !registered {
                // Only to be woken by it; once it is ready the phase is what counts.
                registered = phase.as_mut().poll(cx).is_pending();
                if !registered {
                    continue;
                }
            }
            clock.look(shared, limits);
            if closing.is_some() && !asked {
                let http2 = shared.position() == Position::Http2;
                if http2 || matches!(clock.waiting, Waiting::Request(_)) {
                    asked = true;
                    connection.as_mut().drain();
                    continue;
                }
            }
            let mut due = clock.due(limits);
            if let Some(closing) = closing {
                // Accepted just before the listener closed: its first request may be on the way.
                let fresh = shared.heads() == 0 && shared.position() == Position::Between;
                let grace = (fresh || limits.closes_last)
                    .then(|| closing + limits.linger_timeout.min(limits.header_timeout));
                if let Some(grace) = grace.filter(|grace| due.is_none_or(|(due, _)| *grace < due)) {
                    due = Some((grace, Late::Waiting(Waiting::Linger)));
                }
            }
            let target = [due.map(|(due, _)| due), clock.next_look()];
            let target = target.into_iter().flatten().min();
            if let Some(target) = target.filter(|target| *target < timer.deadline()) {
                timer.as_mut().reset(target);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if let Some((_, late)) = due.filter(|(due, _)| *due <= now) {
                if late == Late::Write {
                    shared.abort();
                }
                return Poll::Ready(Some(late));
            }
            timer.as_mut().reset(target.unwrap_or(now + FAR));
        }
    })
    .await
}
