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

fn too_large(answer: &Answer, most: usize) {
    assert_eq!(
        (answer.problem().as_str(), answer.status),
        ("payload-too-large", StatusCode::PAYLOAD_TOO_LARGE)
    );
    let said = format!("larger than {most} bytes");
    assert!(answer.text().contains(&said), "{}", answer.text());
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
    too_large(&app.post_json(ECHO, fits).await, 1 << 20);
    let (body, taken) = endless();
    too_large(&app.send(Method::POST, ECHO, JSON, body).await, 1 << 20);
    assert_eq!(
        taken.load(Ordering::Relaxed),
        65,
        "one piece beyond the limit"
    );
    // What has no use for a body has no use for a large one either.
    let answer = app.send(Method::GET, "/api/v1/version", &[], endless().0);
    too_large(&answer.await, 16 << 10);
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

/// Every route by the document, with what it takes.
#[tokio::test]
async fn audit_m3_every_route_has_a_limit_and_says_it() {
    const LARGE: [&str; 12] = [
        "patch /api/v1/datasets/{id}",
        "patch /api/v1/datasets/{id}/records/{rid}",
        "patch /api/v1/me",
        "patch /api/v1/models/{name}",
        "patch /api/v1/models/{name}/versions/{version}",
        "patch /api/v1/posts/{id}",
        "patch /api/v1/projects/{id}",
        "post /api/v1/datasets",
        "post /api/v1/datasets/{id}/records",
        "post /api/v1/models",
        "post /api/v1/posts",
        "post /api/v1/projects",
    ];
    // Read as they arrive, up to a limit of their own: tests/it/streams.
    const OTHERS: [&str; 4] = [
        "post /api/v1/datasets/{id}/imports",
        "post /api/v1/models/{name}/versions",
        // Up to a setting of their own.
        "post /v2/models/{name}/infer",
        "post /v2/models/{name}/versions/{version}/infer",
    ];
    let app = TestApp::with(&["--max-body=2MiB"], Default::default()).await;
    let admin = administrator(&app).await;
    let document = app.get("/openapi.json").await.json();
    let mut large = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let target: Vec<_> = path
                .split('/')
                .map(|part| match part.starts_with('{') {
                    true => "018f0000-0000-7000-8000-000000000000",
                    false => part,
                })
                .collect();
            let announced = |bytes: usize| {
                let (app, target, admin) = (&app, target.join("/"), &admin);
                let method: Method = method.to_uppercase().parse().unwrap();
                async move {
                    // Not a byte of it has to be there for a refusal.
                    let body = vec![b' '; bytes];
                    let headers = [("authorization", admin.as_str())];
                    app.send(method, &target, &headers, body.into()).await
                }
            };
            let name = format!("{method} {path}");
            if OTHERS.contains(&name.as_str()) {
                continue;
            }
            let small = announced((16 << 10) + 1).await;
            if small.status == StatusCode::PAYLOAD_TOO_LARGE {
                too_large(&small, 16 << 10);
            } else {
                too_large(&announced((2 << 20) + 1).await, 2 << 20);
                large.push(name);
            }
        }
    }
    large.sort();
    assert_eq!(large, LARGE);
}

async fn administrator(app: &TestApp) -> String {
    let account = r#"{"email":"ann@example.com","password":"correct horse battery"}"#;
    let session = app.database.session().await;
    let form = "grant_type=password&username=ann%40example.com&password=correct%20horse%20battery";
    let made = app.beside(&["--registration=open"]);
    assert_eq!(made.post_json("/api/v1/users", account).await.status, 201);
    session
        .batch_execute("UPDATE users SET is_admin = true")
        .await
        .unwrap();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let answer = app.send(Method::POST, "/auth/token", &kind, form.into());
    let answer = answer.await.json();
    format!("Bearer {}", answer["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn strangers_bodies_have_a_budget_and_each_network_a_share() {
    let flags = ["--request-deadline=1m", "--trusted-proxies=127.0.0.1"];
    let app = Arc::new(TestApp::with(&flags, router()).await);
    let metrics = app.app.metrics.clone();
    let from = |network: u8| {
        [
            JSON[0],
            (
                "x-forwarded-for",
                [
                    "192.0.2.1",
                    "198.51.100.1",
                    "203.0.113.1",
                    "2001:db8::1",
                    "2001:db8:0:1::1",
                ][usize::from(network)],
            ),
        ]
    };
    let piece = Bytes::from(vec![b' '; 1 << 20]);
    let mut holding = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (app, piece) = (app.clone(), piece.clone());
        let headers = from(number / 2);
        let body = Body::from_stream(
            stream::iter([Ok::<_, std::io::Error>(piece)]).chain(stream::pending()),
        );
        holding.spawn(async move { app.send(Method::POST, ECHO, &headers, body).await.status });
    }
    until("8 MiB", SOON, async || {
        (metrics.http_server_body_bytes.get() == 8 << 20).then_some(())
    })
    .await
    .unwrap();
    let shed = metrics.http_server_requests_shed_total.get();
    for (network, said) in [(0, "your network"), (4, "too many large bodies")] {
        let body = valid().to_string().into();
        let answer = app.send(Method::POST, ECHO, &from(network), body).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("overloaded", 503)
        );
        assert!(answer.text().contains(said), "{}", answer.text());
        assert!((1..=5).contains(&answer.header("retry-after").parse::<u8>().unwrap()));
    }
    assert_eq!(metrics.http_server_requests_shed_total.get(), shed + 2);
    // A request without a body needs nothing of it.
    assert_eq!(app.get("/api/v1/version").await.status, StatusCode::OK);
    holding.shutdown().await;
    assert_eq!(metrics.http_server_body_bytes.get(), 0);
    assert_eq!(
        app.post_json(ECHO, valid().to_string()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_body_is_as_large_as_its_setting_says() {
    let app = TestApp::with(&["--max-body=4MiB"], Default::default()).await;
    let admin = administrator(&app).await;
    let headers = [
        ("authorization", admin.as_str()),
        ("content-type", "application/json"),
    ];
    let sent = |bytes: usize| {
        let mut body = r#"{"title": "Large"}"#.to_owned();
        body.extend(std::iter::repeat_n(' ', bytes - body.len()));
        app.send(Method::POST, "/api/v1/posts", &headers, body.into())
    };
    // The title is there, and the content is not.
    assert_eq!(sent(4 << 20).await.problem(), "validation-failed");
    too_large(&sent((4 << 20) + 1).await, 4 << 20);
}

#[tokio::test]
async fn a_question_to_a_model_is_as_large_as_its_setting_says() {
    let app = TestApp::with(&["--model-body=4MiB"], Default::default()).await;
    let admin = administrator(&app).await;
    let headers = [("authorization", admin.as_str())];
    let asked = |bytes: usize| {
        let body = Body::from(vec![b' '; bytes]);
        app.send(Method::POST, "/v2/models/none/infer", &headers, body)
    };
    assert_eq!(asked(4 << 20).await.status, 404);
    too_large(&asked((4 << 20) + 1).await, 4 << 20);
}
