//! Paths, queries and methods: what names nothing, what is misspelt, what is not taken.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use super::routes::router;
use crate::support::app::TestApp;

#[tokio::test]
async fn a_query_is_taken_or_named() {
    let app = TestApp::with(&[], router()).await;
    let answer = app.get("/test/things?limit=7&q=a%20b+c%C3%A9&").await;
    assert_eq!(answer.json(), json!({"limit": 7, "q": "a b cé"}));
    assert_eq!(app.get("/test/things?%71=x").await.json()["q"], "x");
    let table = [
        ("?limits=7", "unknown-parameter", "there are limit, q"),
        ("?q=1&Q=1", "unknown-parameter", "\"Q\""),
        ("?=1", "unknown-parameter", "\"\""),
        ("?%6cimit%00=1", "invalid-parameter", "U+0000"),
        ("?q=a%00b", "invalid-parameter", "\"q\""),
        ("?q=%ff", "invalid-parameter", "UTF-8"),
        ("?q=%ed%a0%80", "invalid-parameter", "UTF-8"),
        ("?limit=x", "invalid-parameter", "limit"),
        ("?limit=300", "invalid-parameter", "limit"),
        ("?limit=1&limit=2", "invalid-parameter", "limit"),
    ];
    for (query, code, detail) in table {
        let answer = app.get(&format!("/test/things{query}")).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status),
            (code, StatusCode::BAD_REQUEST),
            "{query}"
        );
        let said = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            said.contains(detail) && !said.contains("Failed to"),
            "{query}: {said}"
        );
    }
    let answer = app.get("/api/v1/version?x=1").await;
    assert_eq!(answer.problem(), "unknown-parameter");
    assert!(answer.text().contains("takes none"));
    // A value may be anything that is text, and a percent sign that escapes nothing is itself.
    assert_eq!(app.get("/test/things?q=100%").await.json()["q"], "100%");
    let answer = app
        .get(&format!("/test/things?{}", "x".repeat(5_000)))
        .await;
    assert_eq!(answer.problem(), "unknown-parameter");
    assert!(answer.body.len() < 1_000);
}

#[tokio::test]
async fn a_path_names_something_or_nothing() {
    let app = TestApp::with(&[], router()).await;
    assert_eq!(app.get("/test/things/7").await.json(), 7);
    assert_eq!(app.get("/test/things/7/").await.json(), 7);
    assert_eq!(app.get("/test/things/?limit=3").await.json()["limit"], 3);
    assert_eq!(app.get("/test/things/%37").await.json(), 7);
    for path in [
        "/test/things/x",
        "/test/things/-1",
        "/test/things/99999999999",
        "/test/things/7/8",
        "/nothing",
        "//",
        "/test//things",
        "/TEST/things",
        "/docs//",
        "/%2e%2e/etc/passwd",
        "/docs/../Cargo.toml",
        "/docs/%2e%2e%2fCargo.toml",
        "/test/things/7%2f",
    ] {
        let answer = app.get(path).await;
        // Two slashes are one and a trailing one, which is the front page.
        let expected = if path == "//" { 307 } else { 404 };
        assert_eq!(answer.status.as_u16(), expected, "{path}");
        if expected == 404 {
            assert_eq!(answer.problem(), "not-found");
        }
    }
    for path in [
        "/test/things/%00",
        "/test/things/%0a",
        "/test/things/%ff",
        "/test/things/%zz",
        "/test/things/%",
    ] {
        let answer = app.get(path).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("bad-request", 400),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_method_is_taken_or_the_ones_that_are_get_listed() {
    let app = TestApp::with(&[], router()).await;
    assert_eq!(
        app.send(Method::DELETE, "/test/things/7", &[], Body::empty())
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    let brew = Method::from_bytes(b"BREW").unwrap();
    for method in [
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        brew,
    ] {
        let answer = app
            .send(method.clone(), "/test/things/7", &[], Body::empty())
            .await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("method-not-allowed", 405),
            "{method}"
        );
        let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["DELETE", "GET", "HEAD"]);
    }
    let answer = app
        .send(Method::CONNECT, "/test/things/7", &[], Body::empty())
        .await;
    assert_eq!(
        (answer.problem().as_str(), answer.status.as_u16()),
        ("not-implemented", 501)
    );
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::with(&[], router()).await;
    for gzip in [false, true] {
        let headers: &[(&str, &str)] = if gzip {
            &[("accept-encoding", "gzip")]
        } else {
            &[]
        };
        for path in [
            "/api/v1/version",
            "/test/big?size=160000",
            "/nothing",
            "/test/things/x",
            "/test/panic",
            "/test/things?x=1",
            "/",
            "/docs",
            "/openapi.json",
            "/errors/not-found",
            "/test/echo",
        ] {
            let get = app.send(Method::GET, path, headers, Body::empty()).await;
            let head = app.send(Method::HEAD, path, headers, Body::empty()).await;
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            for (name, value) in &get.headers {
                let differs = ["x-request-id", "content-length", "retry-after", "ratelimit"];
                if !differs.contains(&name.as_str()) {
                    assert_eq!(head.headers.get(name), Some(value), "{path}: {name}");
                }
            }
            // The length may be missing, but not be another (RFC 9110 8.6).
            let length = head.header("content-length");
            assert!(
                length.is_empty()
                    || head.status.is_client_error()
                    || length == get.body.len().to_string(),
                "{path} {gzip}: {length} is not {}",
                get.body.len()
            );
        }
    }
}

#[tokio::test]
async fn no_accept_header_is_refused() {
    let app = TestApp::new().await;
    for accept in ["text/html", "image/png;q=1", "*/*;q=0", "nonsense", ""] {
        let answer = app
            .send(
                Method::GET,
                "/api/v1/version",
                &[("accept", accept)],
                Body::empty(),
            )
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "application/json")
        );
        let answer = app
            .send(
                Method::GET,
                "/api/v1/nothing",
                &[("accept", accept)],
                Body::empty(),
            )
            .await;
        assert_eq!(answer.problem(), "not-found");
    }
}
