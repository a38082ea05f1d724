//! Bodies on their way through: a request's must keep coming, a response's must not pile up.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::framing::Position;
use super::io::{InFlight, Shared};
use super::stream::Stream;
use super::{ConnectionLimits, Counters};

type BoxError = Box<dyn Error + Send + Sync>;

/// Small frames are gathered into writes of this size; of a client that does not keep up only one
/// write is held.
const HELD: u64 = 8 * 1024;
/// hyper takes so much of an unread body that has arrived by itself and keeps the connection.
const DRAINED: u64 = 8 * 1024;

/// The client stopped sending its body, or sends too slowly. Somewhere in the `source()` chain of
/// what a reader of the body gets; [`BodyTimedOut::find`] looks it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyTimedOut {
    #[error("no byte of the request body arrived for too long")]
    Idle,
    #[error("the request body arrives too slowly")]
    Slow,
}

impl BodyTimedOut {
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

/// hyper's body with a clock that runs only while somebody waits for the client.
pub(super) struct RequestBody {
    incoming: Incoming,
    limits: Arc<ConnectionLimits>,
    counters: Arc<Counters>,
    shared: Arc<Shared>,
    waiting: Option<Instant>,
    waited: Duration,
    received: u64,
    /// Made when a read first has to wait: most bodies are there already.
    timer: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl RequestBody {
    pub(super) fn new(
        incoming: Incoming,
        limits: Arc<ConnectionLimits>,
        counters: Arc<Counters>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            incoming,
            limits,
            counters,
            shared,
            waiting: None,
            waited: Duration::ZERO,
            received: 0,
            timer: None,
            over: false,
        }
    }

    /// When the client is late if nothing comes, and how.
    fn deadline(&self, since: Instant) -> Option<(Instant, BodyTimedOut)> {
        let idle = since.checked_add(self.limits.body_idle_timeout);
        let slow = self.allowance().and_then(|allowed| {
            let left = allowed.saturating_sub(self.waited);
            since.checked_add(left)
        });
        match (idle, slow) {
            (Some(idle), Some(slow)) if slow < idle => Some((slow, BodyTimedOut::Slow)),
            (Some(idle), _) => Some((idle, BodyTimedOut::Idle)),
            (None, slow) => slow.map(|slow| (slow, BodyTimedOut::Slow)),
        }
    }

    /// The waiting that the bytes so far have paid for.
    fn allowance(&self) -> Option<Duration> {
        let rate = self.limits.body_min_bytes_per_second;
        let millis = self
            .received
            .saturating_mul(1000)
            .checked_div(u64::from(rate))?;
        Some(Duration::from_millis(millis).max(self.limits.body_rate_grace))
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<BodyTimedOut> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let Some((deadline, how)) = self.deadline(since) else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // A timer set too early only costs a look; moving it with each frame would cost more.
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(how);
            }
            timer.as_mut().reset(deadline);
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            if let Some(since) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            match &frame {
                Some(Ok(frame)) => {
                    let count = frame.data_ref().map_or(0, Bytes::len);
                    this.received += u64::try_from(count).unwrap_or(u64::MAX);
                }
                Some(Err(_)) | None => this.over = true,
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let how = ready!(this.poll_late(cx));
        this.over = true;
        this.shared.require_close();
        this.counters.body_timed_out.fetch_add(1, Relaxed);
        Poll::Ready(Some(Err(how.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.over || self.incoming.is_end_stream() {
            return;
        }
        let left = self.incoming.size_hint().exact();
        let is_coming = self.shared.position() == Position::Body;
        if is_coming || left.is_none_or(|left| left > DRAINED) {
            self.shared.require_close();
        }
    }
}

/// The service's body, asked for no more than the client reads.
pub(super) struct ResponseBody {
    inner: Body,
    pace: ByVersion,
}

enum ByVersion {
    /// The one answer on its way is what the socket takes.
    Http1 {
        in_flight: InFlight,
        handed: u64,
        written_before: u64,
    },
    Http2 {
        stream: Arc<Stream>,
        rest: Bytes,
    },
}

impl ResponseBody {
    pub(super) fn new(inner: Body, in_flight: InFlight, http2: bool) -> Self {
        let pace = if http2 {
            ByVersion::Http2 {
                stream: Stream::new(in_flight),
                rest: Bytes::new(),
            }
        } else {
            ByVersion::Http1 {
                handed: 0,
                written_before: in_flight.0.written(),
                in_flight,
            }
        };
        Self { inner, pace }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { inner, pace } = self.get_mut();
        match pace {
            ByVersion::Http1 {
                in_flight,
                handed,
                written_before,
            } => {
                let shared = &in_flight.0;
                if *handed > 0 {
                    let written = shared.written().saturating_sub(*written_before);
                    let held = handed.saturating_sub(written);
                    if shared.write_blocked() {
                        if held > 0 {
                            return Poll::Pending; // the socket wakes us
                        }
                    } else if held >= HELD {
                        // hyper flushes next, and if all of it goes out nobody else would come back
                        // here.
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                let frame = ready!(Pin::new(inner).poll_frame(cx));
                if let Some(Ok(frame)) = &frame {
                    let count = frame.data_ref().map_or(0, Bytes::len);
                    *handed += u64::try_from(count).unwrap_or(u64::MAX);
                }
                Poll::Ready(frame)
            }
            ByVersion::Http2 { stream, rest } => {
                if rest.is_empty() {
                    match ready!(Pin::new(inner).poll_frame(cx)) {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => *rest = data,
                            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                        },
                        end => return Poll::Ready(end),
                    }
                }
                Poll::Ready(Some(Ok(Frame::data(stream.hand(rest)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_all_handed = match &self.pace {
            ByVersion::Http1 { .. } => true,
            ByVersion::Http2 { rest, .. } => rest.is_empty(),
        };
        is_all_handed && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.pace {
            ByVersion::Http2 { rest, .. } if !rest.is_empty() => SizeHint::default(),
            _ => self.inner.size_hint(),
        }
    }
}
