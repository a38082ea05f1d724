//! Headers that every answer has, errors included: security, caches, origins, ids.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, StatusCode};

use super::routes::{router, valid};
use crate::support::app::{Answer, TestApp};

/// One answer of each status that is there to be had, with what was asked.
async fn all_kinds(app: &TestApp, more: &[(&str, &str)]) -> Vec<(String, Answer)> {
    let json: &[(&str, &str)] = &[("content-type", "application/json")];
    let large = "x".repeat(2 << 20);
    type Asked<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let asked: [Asked<'_>; 18] = [
        (Method::GET, "/api/v1/version", &[], ""),
        (Method::GET, "/", &[], ""),
        (Method::GET, "/docs", &[], ""),
        (Method::GET, "/docs/swagger-ui.css", &[], ""),
        (Method::GET, "/openapi.json", &[], ""),
        (Method::GET, "/errors", &[], ""),
        (Method::GET, "/errors/not-found", &[], ""),
        (Method::GET, "/errors/nothing", &[], ""),
        (Method::DELETE, "/test/things/7", &[], ""),
        (Method::POST, "/test/echo", json, "{}"),
        (Method::POST, "/test/echo", json, "{"),
        (Method::POST, "/test/echo", json, &large),
        (Method::POST, "/test/echo", &[], "{}"),
        (Method::PUT, "/test/echo", &[], ""),
        (Method::GET, "/nothing", &[], ""),
        (Method::GET, "/test/panic", &[], ""),
        (Method::GET, "/test/sleep?ms=60000", &[], ""),
        (Method::CONNECT, "/", &[], ""),
    ];
    let mut answers = Vec::new();
    for (method, path, headers, body) in asked {
        let headers = [headers, more].concat();
        let name = format!("{method} {path}");
        answers.push((
            name,
            app.send(method, path, &headers, Body::from(body.to_owned()))
                .await,
        ));
    }
    answers
}

#[tokio::test]
async fn every_answer_is_safe_in_a_browser_and_in_a_cache() {
    let app = TestApp::with(&["--request-deadline=300ms"], router()).await;
    let mut statuses = BTreeSet::new();
    for (name, answer) in all_kinds(&app, &[]).await {
        statuses.insert(answer.status.as_u16());
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{name}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{name}: {policy}"
        );
        assert!(
            !policy.contains("unsafe-eval") && !policy.contains('*') && !policy.contains("http")
        );
        for name in ["Authorization", "Cookie", "Accept", "Accept-Encoding"] {
            assert!(answer.header("vary").contains(name));
        }
        let cached = answer.header("cache-control");
        match answer.status.is_client_error() || answer.status.is_server_error() {
            true => assert_eq!(
                (cached, answer.problem().is_empty()),
                ("no-store", false),
                "{name}"
            ),
            false if name.contains("/api/") || name.contains("/test/") => {
                assert_eq!(cached, "private, no-cache", "{name}")
            }
            false if name.ends_with(" /") => assert_eq!(cached, "private, no-cache", "{name}"),
            false => assert!(cached.starts_with("public, "), "{name}: {cached}"),
        }
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
        assert!(
            !answer.headers.contains_key("strict-transport-security"),
            "{name}"
        );
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{name}"
        );
        assert!(!answer.headers.contains_key("server"));
        assert_eq!(
            answer.headers.contains_key("retry-after"),
            answer.status.as_u16() == 503,
            "{name}"
        );
        assert!(
            !answer.headers.contains_key("traceresponse"),
            "nothing is exported here"
        );
    }
    assert_eq!(
        statuses.into_iter().collect::<Vec<_>>(),
        [200, 204, 307, 400, 404, 405, 413, 415, 422, 500, 501, 503]
    );
}

#[tokio::test]
async fn https_is_made_to_last_where_there_is_https() {
    let app = TestApp::with(
        &[
            "--public-url=https://chartroom.test",
            "--request-deadline=300ms",
        ],
        router(),
    )
    .await;
    for (name, answer) in all_kinds(&app, &[]).await {
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000",
            "{name}"
        );
    }
    let kind = app.get("/nothing").await.json()["type"].clone();
    assert_eq!(kind, "https://chartroom.test/errors/not-found");
}

#[tokio::test]
async fn a_foreign_origin_learns_nothing() {
    const OURS: &str = "https://app.test";
    let app = TestApp::with(
        &[
            "--cors-origins=https://app.test,https://other.test:8443",
            "--request-deadline=300ms",
        ],
        router(),
    )
    .await;
    for origin in [OURS, "https://other.test:8443"] {
        for (name, answer) in all_kinds(&app, &[("origin", origin)]).await {
            assert_eq!(
                answer.header("access-control-allow-origin"),
                origin,
                "{name}"
            );
            let exposed = answer.header("access-control-expose-headers");
            assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"));
            assert!(
                !answer
                    .headers
                    .contains_key("access-control-allow-credentials")
            );
            assert!(
                answer
                    .headers
                    .get_all("vary")
                    .iter()
                    .any(|it| it == "Origin"),
                "{name}"
            );
        }
    }
    let foreign = [
        "null",
        "https://app.test.evil.test",
        "http://app.test",
        "https://app.test:444",
        "https://APP.test",
        "https://app.test/",
        "*",
        "https://app.test, https://evil.test",
        "",
    ];
    for origin in foreign {
        for (name, answer) in all_kinds(&app, &[("origin", origin)]).await {
            assert!(
                answer
                    .headers
                    .keys()
                    .all(|header| !header.as_str().starts_with("access-control-")),
                "{origin}: {name}"
            );
            assert!(
                answer
                    .headers
                    .get_all("vary")
                    .iter()
                    .any(|it| it == "Origin")
            );
            assert!(origin.len() < 5 || !answer.headers.values().any(|value| value == origin));
        }
        let answer = preflight(&app, origin).await;
        assert_eq!(answer.problem(), "method-not-allowed");
        assert!(!answer.headers.contains_key("access-control-allow-methods"));
    }
    let answer = preflight(&app, OURS).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (StatusCode::NO_CONTENT, OURS)
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    // Without an allow-list no answer depends on the origin, and none says so.
    let closed = TestApp::with(&[], router()).await;
    assert_eq!(
        preflight(&closed, OURS).await.problem(),
        "method-not-allowed"
    );
}

async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-evil"),
    ];
    app.send(Method::OPTIONS, "/test/echo", &headers, Body::empty())
        .await
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_another_is_replaced() {
    let app = TestApp::with(&[], router()).await;
    let with = async |id: &str| {
        app.send(
            Method::GET,
            "/nothing",
            &[("x-request-id", id)],
            Body::empty(),
        )
        .await
    };
    let answer = with("abc-1.2_3").await;
    assert_eq!(
        (answer.header("x-request-id"), answer.problem().as_str()),
        ("abc-1.2_3", "not-found")
    );
    for bad in [
        "",
        "a b",
        "<script>",
        "\"},{\"x\":\"",
        &"x".repeat(129),
        "é",
    ] {
        let answer = with(bad).await;
        assert_eq!(
            (
                answer.header("x-request-id").len(),
                answer.problem().as_str()
            ),
            (32, "not-found"),
            "{bad}"
        );
    }
    let mut ids = BTreeSet::new();
    for _ in 0..1_000 {
        ids.insert(
            app.get("/api/v1/version")
                .await
                .header("x-request-id")
                .to_owned(),
        );
    }
    assert_eq!(ids.len(), 1_000);
    assert_eq!(
        app.post_json("/test/echo", valid().to_string())
            .await
            .status,
        StatusCode::OK
    );
}
