//! The accept loop: connections, their limits and their timeouts.
//!
//! `serve` runs once per listener; several on one address (`SO_REUSEPORT`) share one [`Counters`],
//! and with it the cap.

mod body;
mod clock;
mod connection;
mod framing;
pub mod head;
mod io;
mod pace;
mod refusal;
mod stream;

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Shutdown as Half, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt;
use http::{Request, Response};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tower::Service;

pub use self::body::BodyTimedOut;
use self::connection::Common;
use crate::kernel::shutdown::{Phase, Shutdown};

/// Who is at the other end of the socket; in every request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What a client may cost. `Duration::MAX` turns a timeout off.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// For a whole head: from accept for the first, from its first byte for the others.
    pub header_timeout: Duration,
    /// Between the end of a response and the next request's first byte.
    pub keep_alive_timeout: Duration,
    /// For the next bytes of a body somebody is reading.
    pub body_idle_timeout: Duration,
    /// Over all the time spent waiting for a body; 0 turns it off.
    pub body_min_bytes_per_second: u32,
    /// Waiting that is not yet measured against the rate.
    pub body_rate_grace: Duration,
    /// Bytes that wait for the client do not wait longer than this without enough of them being
    /// taken.
    pub write_stall_timeout: Duration,
    /// How much is enough, on average over that time; 0 lets a single byte do. For each answer, on
    /// HTTP/2 too.
    pub write_min_bytes_per_second: u32,
    /// For a client that still sends after our last byte, so that it sees the answer and no reset.
    pub linger_timeout: Duration,
    pub max_connections: usize,
    /// HTTP/2 with prior knowledge; without it a preface ends the connection.
    pub http2: bool,
    /// For the ops listener: it answers while the others drain, and closes after them.
    pub closes_last: bool,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            body_idle_timeout: Duration::from_secs(10),
            body_min_bytes_per_second: 1024,
            body_rate_grace: Duration::from_secs(10),
            write_stall_timeout: Duration::from_secs(30),
            write_min_bytes_per_second: 1024,
            linger_timeout: Duration::from_secs(1),
            max_connections: 4096,
            http2: false,
            closes_last: false,
        }
    }
}

impl ConnectionLimits {
    #[must_use]
    pub fn ops() -> Self {
        Self {
            max_connections: 256,
            closes_last: true,
            ..Self::default()
        }
    }

    /// What a client has to take within the stall timeout.
    fn write_need(&self) -> u64 {
        let millis = u64::try_from(self.write_stall_timeout.as_millis()).unwrap_or(u64::MAX);
        let rate = u64::from(self.write_min_bytes_per_second);
        (rate.saturating_mul(millis) / 1000).max(1)
    }
}

/// What the listeners of one kind have seen; read by the metrics.
#[derive(Debug, Default)]
pub struct Counters {
    pub open: AtomicUsize,
    pub accepted: AtomicU64,
    pub accept_failed: AtomicU64,
    pub refused_over_cap: AtomicU64,
    pub header_timed_out: AtomicU64,
    pub keep_alive_timed_out: AtomicU64,
    pub body_timed_out: AtomicU64,
    pub write_timed_out: AtomicU64,
    refusing: AtomicUsize,
}

/// How much of a response the kernel holds before it has sent it: what a client that does not read
/// costs there.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;
const FIRST_BACKOFF: Duration = Duration::from_millis(10);
const LAST_BACKOFF: Duration = Duration::from_secs(1);
/// Connections the kernel may hold for us; those in there when the listener closes are still
/// served.
const BACKLOG: u32 = 4096;
/// Surplus connections that are answered at once; further ones are only closed.
const REFUSING: usize = 256;
const REFUSAL_LINGER: Duration = Duration::from_millis(500);
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\ncontent-length: 161\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"The service is busy\"\
    ,\"status\":503,\"code\":\"overloaded\",\"detail\":\"Every connection is taken; nothing was done, repeat the request.\"}";

/// A listener whose queue takes a burst; `shared` lets several listen on one address, one for each
/// runtime.
///
/// The usual queue of 128 overflows when hundreds connect at once, and behind SYN cookies the
/// kernel then leaves clients with connections the server never hears of.
pub fn listen(address: SocketAddr, shared: bool) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(shared)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the shutdown has closed this listener and its last connection has ended.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    limits: ConnectionLimits,
    shutdown: Shutdown,
    counters: Arc<Counters>,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let connections = TaskTracker::new();
    let (last_call, _counted) = if limits.closes_last {
        (Phase::Stopped, None)
    } else {
        (Phase::Closing, Some(shutdown.tracker().token()))
    };
    let mut last_call = pin!(shutdown.wait_for(last_call));
    let common = Arc::new(Common::new(Arc::new(limits), counters, shutdown));
    let mut backoff = FIRST_BACKOFF;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut last_call => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                backoff = FIRST_BACKOFF;
                admit(stream, peer, &service, &common, &connections);
            }
            Err(error) if is_the_clients(error.kind()) => {}
            Err(error) => {
                // Out of descriptors or memory: accepting again at once would only burn the
                // processor.
                common.counters.accept_failed.fetch_add(1, Relaxed);
                if backoff == FIRST_BACKOFF {
                    tracing::error!(%error, "server.accept_failed");
                }
                tokio::select! {
                    () = &mut last_call => break,
                    () = sleep(backoff) => backoff = (backoff * 2).min(LAST_BACKOFF),
                }
            }
        }
    }
    for _ in 0..BACKLOG {
        let Some(Ok((stream, peer))) = listener.accept().now_or_never() else {
            break;
        };
        admit(stream, peer, &service, &common, &connections);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

fn is_the_clients(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

fn admit<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: &S,
    common: &Arc<Common>,
    connections: &TaskTracker,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let counters = &common.counters;
    let Some(taken) = Taken::take(counters, |it| &it.open, common.limits.max_connections) else {
        counters.refused_over_cap.fetch_add(1, Relaxed);
        refuse(stream, counters, connections);
        return;
    };
    counters.accepted.fetch_add(1, Relaxed);
    // Neither can fail on a healthy socket, and hyper soon finds out about any other.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
    let (service, common) = (service.clone(), Arc::clone(common));
    connections.spawn(async move {
        let _taken = taken;
        connection::run(stream, peer, service, common).await;
    });
}

/// Tells a surplus client why, without waiting for it.
fn refuse(stream: TcpStream, counters: &Arc<Counters>, connections: &TaskTracker) {
    let Some(taken) = Taken::take(counters, |it| &it.refusing, REFUSING) else {
        return;
    };
    // Straight to the kernel, whose buffer is empty: tokio would first wait to hear that the socket
    // is writable.
    let socket = SockRef::from(&stream);
    if socket.send(REFUSAL).is_err() || socket.shutdown(Half::Write).is_err() {
        return;
    }
    connections.spawn(async move {
        let _taken = taken;
        let _ = timeout(REFUSAL_LINGER, discard(&stream)).await;
    });
}

/// Closing with the request unread would reset the connection, and the answer with it.
async fn discard(stream: &TcpStream) {
    let mut scratch = [0; 1024];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut scratch) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// One place under a cap, given back when dropped.
struct Taken {
    counters: Arc<Counters>,
    of: fn(&Counters) -> &AtomicUsize,
}

impl Taken {
    fn take(
        counters: &Arc<Counters>,
        of: fn(&Counters) -> &AtomicUsize,
        cap: usize,
    ) -> Option<Self> {
        let taken = Self {
            counters: Arc::clone(counters),
            of,
        };
        (of(counters).fetch_add(1, Relaxed) < cap).then_some(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        (self.of)(&self.counters).fetch_sub(1, Relaxed);
    }
}
