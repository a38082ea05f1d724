//! HTTP/2: each answer has a pace of its own, whatever the connection and the other answers do.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use chartroom::server::ConnectionLimits;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::raw::{PATIENCE, PAUSE, Server, connect, patient, start};

const WINDOW: Duration = Duration::from_millis(800);
const RATE: u32 = 64 * 1024;
/// The watch looks sixteen times in a window, on a machine that does other things too.
const SLACK: Duration = Duration::from_millis(900);

fn paced() -> ConnectionLimits {
    ConnectionLimits {
        http2: true,
        write_stall_timeout: WINDOW,
        write_min_bytes_per_second: RATE,
        ..patient()
    }
}

struct Client {
    requests: SendRequest<Empty<Bytes>>,
    /// Ends with the connection.
    connection: JoinHandle<()>,
}

impl Client {
    /// `window`: what each stream may send before its body is read.
    async fn new(server: &Server, window: u32) -> Self {
        let (requests, connection) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(TokioIo::new(connect(server.addr).await))
            .await
            .unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self {
            requests,
            connection,
        }
    }

    async fn get(&mut self, path: &str) -> Incoming {
        let request = Request::get(format!("http://a{path}")).body(Empty::new());
        let response = self.requests.send_request(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m2_streams_without_a_window_are_cut_off() {
    for path in ["/", "/big", "/whole"] {
        let server = start(paced()).await;
        let mut client = Client::new(&server, 0).await;
        let began = Instant::now();
        let bodies = [client.get(path).await, client.get(path).await];
        timeout(PATIENCE, client.connection).await.unwrap().unwrap();
        let took = began.elapsed();
        assert!(took >= WINDOW, "{path} took {took:?}");
        assert!(took <= WINDOW * 9 / 8 + SLACK, "{path} took {took:?}");
        server.has_cut(1).await;
        drop(bodies);
    }
    // The control: it is the limit that ends them.
    let server = start(ConnectionLimits {
        http2: true,
        ..patient()
    })
    .await;
    let mut client = Client::new(&server, 0).await;
    let _bodies = [client.get("/").await, client.get("/whole").await];
    sleep(WINDOW * 9 / 8 + SLACK).await;
    assert!(!client.connection.is_finished());
}

/// Others on the same connection that are read do not keep the one alive that is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m2_one_stream_that_is_not_read_ends_the_connection() {
    let server = start(paced()).await;
    let mut client = Client::new(&server, 64 * 1024).await;
    let _unread = client.get("/whole").await;
    let asks = async {
        loop {
            let request = Request::get("http://a/").body(Empty::new()).unwrap();
            let Ok(answer) = client.requests.send_request(request).await else {
                return;
            };
            if answer.into_body().collect().await.is_err() {
                return;
            }
        }
    };
    timeout(PATIENCE, asks).await.unwrap();
    server.has_cut(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_keeps_the_rate_is_left_alone() {
    let server = start(paced()).await;
    let mut client = Client::new(&server, 64 * 1024).await;
    let mut body = client.get("/whole").await;
    let began = Instant::now();
    let mut count = 0;
    // 16 KiB at most every 10 ms, which is far above the rate and far from all that there is.
    while began.elapsed() < WINDOW * 4 {
        let frame = body.frame().await.unwrap().unwrap();
        count += frame.data_ref().map_or(0, Bytes::len);
        sleep(Duration::from_millis(10)).await;
    }
    assert!(count > 0 && !client.connection.is_finished());
    assert_eq!(server.counters.write_timed_out.load(Relaxed), 0);
}

/// Neither what a handler takes nor a pause in an answer is the client's time. The answers arrive
/// whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_service_takes_is_not_the_clients() {
    let server = start(ConnectionLimits {
        write_stall_timeout: PAUSE / 16,
        ..paced()
    })
    .await;
    let mut client = Client::new(&server, 64 * 1024).await;
    for (path, length) in [("/wait", 0), ("/pause", 8), ("/whole", super::raw::WHOLE)] {
        let body = client.get(path).await.collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), length, "{path}");
    }
    assert_eq!(server.counters.write_timed_out.load(Relaxed), 0);
}
