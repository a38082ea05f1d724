//! Handlers that panic, hang or fail: a problem, a count, and nothing else changes.

use std::time::{Duration, Instant};

use http::StatusCode;

use super::routes::router;
use crate::support::app::{Answer, TestApp};

#[tokio::test]
async fn a_panic_is_one_answer_and_no_more() {
    let app = TestApp::with(&[], router()).await;
    let metrics = &app.app.metrics;
    for path in [
        "/test/panic",
        "/test/blocking-panic",
        "/test/poisoned",
        "/test/poisoned",
    ] {
        let before = metrics.http_server_panics_total.get();
        let answer = app.get(path).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status),
            ("internal", StatusCode::INTERNAL_SERVER_ERROR),
            "{path}"
        );
        assert_eq!(metrics.http_server_panics_total.get(), before + 1, "{path}");
        assert_eq!(metrics.http_server_requests_in_flight.get(), 0);
    }
    for _ in 0..1_000 {
        assert_eq!(app.get("/api/v1/version").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn permits_come_back_from_panics_and_deadlines() {
    let app = TestApp::with(&["--max-in-flight=1", "--request-deadline=20ms"], router()).await;
    for _ in 0..10 {
        assert_eq!(app.get("/test/panic").await.problem(), "internal");
        assert_eq!(
            app.get("/test/sleep?ms=60000").await.problem(),
            "deadline-exceeded"
        );
    }
    assert_eq!(app.get("/api/v1/version").await.status, StatusCode::OK);
    assert_eq!(app.app.metrics.http_server_requests_in_flight.get(), 0);
}

#[tokio::test]
async fn an_answer_has_a_deadline() {
    let app = TestApp::with(&["--request-deadline=100ms"], router()).await;
    let begun = Instant::now();
    let answer = app.get("/test/sleep?ms=60000").await;
    assert_eq!(
        (answer.problem().as_str(), answer.status.as_u16()),
        ("deadline-exceeded", 503)
    );
    assert!((1..=5).contains(&answer.header("retry-after").parse::<u8>().unwrap()));
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_eq!(app.get("/test/sleep?ms=1").await.text(), "slept");
}

#[tokio::test]
async fn what_fails_inside_stays_inside() {
    let app = TestApp::with(&[], router()).await;
    let answer = app.get("/test/failure").await;
    assert_eq!(
        (answer.problem().as_str(), answer.status.as_u16()),
        ("internal", 500)
    );
    // A library's bare answer keeps its status and loses its words.
    for (status, code) in [
        (400, "bad-request"),
        (404, "not-found"),
        (405, "method-not-allowed"),
        (413, "payload-too-large"),
        (415, "unsupported-media-type"),
        (422, "validation-failed"),
        (500, "internal"),
        (503, "overloaded"),
    ] {
        let answer = app.get(&format!("/test/bare?status={status}")).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            (code, status)
        );
    }
    assert_eq!(
        app.get("/test/bare?status=418").await.problem(),
        "bad-request"
    );
    assert_eq!(app.get("/test/bare?status=502").await.problem(), "internal");
    assert_eq!(
        app.get("/test/bare?status=200").await.text(),
        "plain text from src/library.rs"
    );
}

#[test]
fn an_answer_that_shows_the_inside_is_seen() {
    let whole = |detail: &str| {
        let problem = serde_json::json!({
            "type": "http://x/errors/internal", "title": "Failed", "status": 500, "detail": detail,
            "instance": "1", "code": "internal",
        });
        let headers = [
            ("content-type", "application/problem+json"),
            ("x-request-id", "1"),
        ];
        let answer = Answer {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect(),
            body: problem.to_string().into_bytes(),
        };
        std::panic::catch_unwind(|| answer.problem()).is_ok()
    };
    assert!(whole("the service failed"));
    for inside in [
        "relation \"users\" does not exist",
        "at src/main.rs:7",
        "diesel::result::Error",
        "connect to 127.0.0.1:5432",
    ] {
        assert!(!whole(inside), "{inside}");
    }
}
