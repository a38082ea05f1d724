//! A small service behind `server::serve`, and clients that write bytes, not requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HOST};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::server::head;
use chartroom::server::{BodyTimedOut, ConnectionLimits, Counters, Peer, listen, serve};
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::wait::until;

pub const GOOD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// Longer than anything here should take, short enough to fail in.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Server {
    pub addr: SocketAddr,
    pub counters: Arc<Counters>,
    pub smuggled: Arc<AtomicUsize>,
    /// Frames of `/big` that exist.
    pub frames: Arc<AtomicUsize>,
    pub task: JoinHandle<()>,
}

impl Server {
    /// So many clients were cut off because they did not read. The counter follows the cut.
    pub async fn has_cut(&self, number: u64) {
        let counter = &self.counters.write_timed_out;
        let cut = async || (counter.load(Relaxed) == number).then_some(());
        until("the cut", PATIENCE, cut).await.unwrap();
    }
}

/// Every timeout off: what a test then turns on is what it tests.
pub fn patient() -> ConnectionLimits {
    ConnectionLimits {
        header_timeout: Duration::MAX,
        keep_alive_timeout: Duration::MAX,
        body_idle_timeout: Duration::MAX,
        body_min_bytes_per_second: 0,
        write_stall_timeout: Duration::MAX,
        write_min_bytes_per_second: 0,
        ..ConnectionLimits::default()
    }
}

pub fn quick(drain: u64, hard: u64) -> Shutdown {
    Shutdown::new(Timings {
        drain_delay: Duration::from_millis(drain),
        hard_deadline: Duration::from_millis(hard),
    })
}

pub async fn start(limits: ConnectionLimits) -> Server {
    start_with(limits, quick(0, 5_000)).await
}

pub async fn start_with(limits: ConnectionLimits, shutdown: Shutdown) -> Server {
    let listener = listen("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let addr = listener.local_addr().unwrap();
    let counters = Arc::new(Counters::default());
    let smuggled = Arc::new(AtomicUsize::new(0));
    let frames = Arc::new(AtomicUsize::new(0));
    let task = tokio::spawn(serve(
        listener,
        app(Arc::clone(&smuggled), Arc::clone(&frames)),
        limits,
        shutdown,
        Arc::clone(&counters),
    ));
    Server {
        addr,
        counters,
        smuggled,
        frames,
        task,
    }
}

fn app(smuggled: Arc<AtomicUsize>, frames: Arc<AtomicUsize>) -> Router {
    let count = move || {
        smuggled.fetch_add(1, Relaxed);
        async { "smuggled" }
    };
    Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/host", get(host))
        .route("/len", post(len))
        .route("/unread", post(|| async { "unread" }))
        .route("/leak", post(leak))
        .route(
            "/wait",
            get(|| async { sleep(Duration::from_millis(400)).await }),
        )
        .route("/big", get(move || async move { big(frames) }))
        .route("/whole", get(|| async { vec![b'x'; WHOLE] }))
        .route("/pause", get(pause))
        .route("/smuggled", get(count.clone()).post(count))
        .layer(from_fn(checked))
}

async fn checked(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    assert!(parts.extensions.get::<Peer>().is_some());
    match head::admit(&mut parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(no) => (no.status(), [(CONNECTION, "close")], no.detail()).into_response(),
    }
}

async fn host(request: Request) -> String {
    let host = request.headers().get(HOST).unwrap().to_str().unwrap();
    format!("{host} {}", request.uri())
}

async fn len(body: Body) -> Response {
    match body.collect().await {
        Ok(body) => format!("len={}", body.to_bytes().len()).into_response(),
        Err(error) if BodyTimedOut::find(&error).is_some() => {
            StatusCode::REQUEST_TIMEOUT.into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A handler that answers and leaves the body to a task that neither reads nor drops it.
async fn leak(body: Body) -> &'static str {
    tokio::spawn(async move {
        sleep(Duration::from_secs(60)).await;
        drop(body);
    });
    "leaked"
}

/// Far more than the kernel takes for a client that does not read.
pub const WHOLE: usize = 32 << 20;
pub const PAUSE: Duration = Duration::from_secs(2);

/// Has nothing to send for a while, in the middle.
async fn pause() -> Body {
    let parts = stream::unfold(0, |sent| async move {
        match sent {
            0 => {}
            1 => sleep(PAUSE).await,
            _ => return None,
        }
        Some((Ok::<_, Infallible>("part"), sent + 1))
    });
    Body::from_stream(parts)
}

pub const FRAME: usize = 16 * 1024;
pub const FRAMES: usize = 4096;

/// Counts itself for as long as anybody holds it.
struct Counted(Arc<AtomicUsize>, Vec<u8>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.1
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// 64 MiB that exist only as fast as they are read.
fn big(alive: Arc<AtomicUsize>) -> Body {
    let frames = (0..FRAMES).map(move |_| {
        alive.fetch_add(1, Relaxed);
        let frame = Counted(Arc::clone(&alive), vec![b'x'; FRAME]);
        Ok::<_, Infallible>(Bytes::from_owner(frame))
    });
    Body::from_stream(stream::iter(frames))
}

pub async fn connect(addr: SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.unwrap()
}

/// Sends one request on a connection of its own and returns the answer.
pub async fn good(addr: SocketAddr) -> String {
    let mut stream = connect(addr).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    read_to_end(&mut stream).await.0
}

/// What arrives until the server closes or falls silent for `PATIENCE`; and whether it closed.
pub async fn read_to_end(stream: &mut TcpStream) -> (String, bool) {
    read_until_quiet(stream, PATIENCE).await
}

pub async fn read_until_quiet(stream: &mut TcpStream, quiet: Duration) -> (String, bool) {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    let closed = loop {
        match timeout(quiet, stream.read(&mut buffer)).await {
            Err(_) => break false,
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(count)) => all.extend_from_slice(&buffer[..count]),
        }
    };
    (String::from_utf8_lossy(&all).into_owned(), closed)
}

/// One whole answer with a `Content-Length` body (or none) from a connection that stays open.
pub async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let mut byte = [0];
    while !all.ends_with(b"\r\n\r\n") {
        match timeout(PATIENCE, stream.read(&mut byte)).await {
            Ok(Ok(1)) => all.push(byte[0]),
            _ => return None,
        }
    }
    let text = String::from_utf8(all).unwrap();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut body))
        .await
        .ok()?
        .ok()?;
    Some(text + &String::from_utf8(body).unwrap())
}

/// The status of each response in `text`, interim ones included.
pub fn statuses(text: &str) -> Vec<u16> {
    text.match_indices("HTTP/1.")
        .map(|(at, _)| text[at + 9..at + 12].parse().unwrap())
        .collect()
}
