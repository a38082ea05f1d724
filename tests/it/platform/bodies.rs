//! Request bodies that are too large, too slow or too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use chartroom::server::ConnectionLimits;
use futures_util::{StreamExt as _, stream};
use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::routes::{router, valid};
use crate::support::app::{Answer, TestApp};
use crate::support::sockets::Served;
use crate::support::wait::until;

const ECHO: &str = "/test/echo";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const SOON: Duration = Duration::from_secs(5);

/// Pieces of 16 KiB without end, and how many were asked for.
fn endless() -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let piece = Bytes::from_static(&[b' '; 16 * 1024]);
    let pieces = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece.clone())
    });
    (Body::from_stream(pieces), taken)
}

fn too_large(answer: &Answer) {
    assert_eq!(
        (answer.problem().as_str(), answer.status),
        ("payload-too-large", StatusCode::PAYLOAD_TOO_LARGE)
    );
    assert!(answer.text().contains("1048576 bytes"), "{}", answer.text());
}

#[tokio::test]
async fn a_large_body_is_refused_before_and_while_it_is_read() {
    let app = TestApp::with(&[], router()).await;
    let mut fits = valid().to_string();
    fits.extend(std::iter::repeat_n(' ', (1 << 20) - fits.len()));
    assert_eq!(
        app.post_json(ECHO, fits.clone()).await.status,
        StatusCode::OK
    );
    fits.push(' ');
    too_large(&app.post_json(ECHO, fits).await);
    let (body, taken) = endless();
    too_large(&app.send(Method::POST, ECHO, JSON, body).await);
    assert_eq!(
        taken.load(Ordering::Relaxed),
        65,
        "one piece beyond the limit"
    );
    // What has no use for a body has no use for a large one either.
    too_large(
        &app.send(Method::GET, "/api/v1/version", &[], endless().0)
            .await,
    );
    assert_eq!(app.app.metrics.http_server_body_bytes.get(), 0);
}

async fn raw(served: &Served, sent: &str) -> String {
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn an_announced_body_is_refused_unsent_and_a_slow_one_given_up() {
    let app = TestApp::with(&[], router()).await;
    let limits = ConnectionLimits {
        body_idle_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let served = Served::new(app.shell.clone(), limits).await;
    let head = |more: &str| {
        format!(
            "POST {ECHO} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}\r\n"
        )
    };
    let answer = raw(&served, &head("Content-Length: 1048577\r\n")).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"),
        "{answer}"
    );
    for sent in [
        head("Content-Length: 100\r\n") + "{",
        head("Transfer-Encoding: chunked\r\n") + "1\r\n{\r\n",
    ] {
        let answer = raw(&served, &sent).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"),
            "{answer}"
        );
        assert!(
            answer.contains("application/problem+json") && answer.contains("\"request-timeout\""),
            "{answer}"
        );
    }
    // A client that leaves in the middle holds nothing.
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    stream
        .write_all((head("Content-Length: 100\r\n") + "{").as_bytes())
        .await
        .unwrap();
    let held = &app.app.metrics.http_server_body_bytes;
    until("the piece", SOON, async || (held.get() == 1).then_some(()))
        .await
        .unwrap();
    drop(stream);
    until("its end", SOON, async || (held.get() == 0).then_some(()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_body_has_the_time_of_a_request() {
    let app = TestApp::with(&["--request-deadline=200ms"], router()).await;
    let begun = Instant::now();
    let answer = app
        .send(
            Method::POST,
            ECHO,
            JSON,
            Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()),
        )
        .await;
    assert_eq!(
        (answer.problem().as_str(), answer.status.as_u16()),
        ("request-timeout", 408)
    );
    assert!(begun.elapsed() < SOON);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_senders_mistake() {
    let app = TestApp::with(&[], router()).await;
    let pieces = stream::iter([
        Ok(Bytes::from_static(b"{")),
        Err(std::io::Error::other("secret")),
    ]);
    let answer = app
        .send(Method::POST, ECHO, JSON, Body::from_stream(pieces))
        .await;
    assert_eq!(
        (answer.problem().as_str(), answer.status.as_u16()),
        ("bad-request", 400)
    );
}

#[tokio::test]
async fn all_bodies_together_have_a_budget() {
    let app = Arc::new(TestApp::with(&["--request-deadline=1m"], router()).await);
    let metrics = app.app.metrics.clone();
    let piece = Bytes::from(vec![b' '; 1 << 20]);
    let mut holding = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (app, piece) = (app.clone(), piece.clone());
        let body = Body::from_stream(
            stream::iter([Ok::<_, std::io::Error>(piece)]).chain(stream::pending()),
        );
        holding.spawn(async move { app.send(Method::POST, ECHO, JSON, body).await.status });
    }
    until("64 MiB", SOON, async || {
        (metrics.http_server_body_bytes.get() == 64 << 20).then_some(())
    })
    .await
    .unwrap();
    let shed = metrics.http_server_requests_shed_total.get();
    let answer = app.post_json(ECHO, valid().to_string()).await;
    assert_eq!(
        (answer.problem().as_str(), answer.status.as_u16()),
        ("overloaded", 503)
    );
    assert!((1..=5).contains(&answer.header("retry-after").parse::<u8>().unwrap()));
    assert_eq!(metrics.http_server_requests_shed_total.get(), shed + 1);
    // A request without a body needs nothing of it.
    assert_eq!(app.get("/api/v1/version").await.status, StatusCode::OK);
    holding.shutdown().await;
    assert_eq!(metrics.http_server_body_bytes.get(), 0);
    assert_eq!(
        app.post_json(ECHO, valid().to_string()).await.status,
        StatusCode::OK
    );
}
