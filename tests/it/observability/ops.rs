//! The ops listener: probes and metrics there, with reasons, and nowhere else.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use chartroom::db::monitor;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use crate::support::app::{TestApp, config};
use crate::support::client::{Client, get};
use crate::support::sockets::Served;
use crate::support::wait::until;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn readiness_has_a_reason_and_liveness_none() {
    let app = TestApp::new().await;
    let ops = Served::ops(app.app.clone()).await;
    let client = Client::keep_alive(ops.addr);
    let at = async |path| {
        let answer = client.get(path).await.unwrap();
        if answer.status == StatusCode::OK {
            assert_eq!(
                (answer.text().as_str(), &answer.headers["content-type"]),
                (
                    "ready\n",
                    &http::HeaderValue::from_static("text/plain; charset=utf-8")
                )
            );
            return None;
        }
        assert_eq!(
            (answer.status, &answer.headers["content-type"]),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                &http::HeaderValue::from_static("application/problem+json")
            )
        );
        let problem = answer.json();
        assert_eq!(
            (problem["code"].as_str(), problem["instance"].as_str()),
            (
                Some("not-ready"),
                answer.headers["x-request-id"].to_str().ok()
            )
        );
        problem["detail"].as_str().map(str::to_owned)
    };
    let reason = async || at("/readyz").await;
    let gate = async || at("/readyz?gate=start").await;
    let live = async || {
        let answer = client.get("/livez").await.unwrap();
        assert_eq!(
            (
                answer.status,
                answer.text().as_str(),
                &answer.headers["cache-control"]
            ),
            (
                StatusCode::OK,
                "alive\n",
                &http::HeaderValue::from_static("no-store")
            )
        );
    };
    live().await;
    let asked = reason().await.unwrap();
    assert!(asked.contains("database"), "{asked}");
    assert_eq!(gate().await, Some(asked));
    let watch = monitor::watch(
        app.database.endpoint.clone(),
        "english".to_owned(),
        None,
        app.app.health.clone(),
    );
    let watch = AbortOnDropHandle::new(tokio::spawn(watch));
    until("readiness", SOON, async || {
        reason().await.is_none().then_some(())
    })
    .await
    .unwrap();
    assert_eq!(gate().await, None);
    // Nobody looks any more, as when the database is silent.
    watch.abort();
    until("a stale look", SOON, async || reason().await)
        .await
        .unwrap();
    assert_eq!(
        gate().await,
        None,
        "a database that was there does not count"
    );
    app.app.shutdown.begin();
    for reason in [reason().await, gate().await] {
        assert_eq!(reason.unwrap(), "the process is stopping");
    }
    live().await;
}

#[tokio::test]
async fn a_gate_that_is_none_is_a_problem() {
    let app = TestApp::new().await;
    let ops = Served::ops(app.app.clone()).await;
    let client = Client::keep_alive(ops.addr);
    for path in ["/readyz?gate=", "/readyz?gate=Start", "/readyz?gates=start"] {
        let answer = client.get(path).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str()),
            (400, Some("invalid-parameter")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let app = TestApp::new().await;
    let ops = Served::ops(app.app.clone()).await;
    let client = Client::keep_alive(ops.addr);
    for path in [
        "/",
        "/livez/",
        "/docs",
        "/openapi.json",
        "/api/v1/version",
        "/debug/pprof",
    ] {
        let answer = client.get(path).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str()),
            (404, Some("not-found")),
            "{path}"
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        let mut request = get(path);
        *request.method_mut() = Method::POST;
        let answer = client.send(request).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str()),
            (405, Some("method-not-allowed")),
            "{path}"
        );
        assert_eq!(answer.headers["allow"], "GET, HEAD");
        let mut request = get(path);
        *request.method_mut() = Method::HEAD;
        let answer = client.send(request).await.unwrap();
        assert!(answer.body.is_empty() && answer.status != 405);
    }
}

#[tokio::test]
async fn the_public_listener_has_no_ops() {
    let app = TestApp::new().await;
    for path in [
        "/livez",
        "/readyz",
        "/metrics",
        "/healthz",
        "/health",
        "/status",
        "/debug",
        "/debug/pprof",
        "/debug/vars",
        "/actuator",
        "/.env",
        "/config",
    ] {
        for path in [
            path.to_owned(),
            format!("{path}/"),
            format!("/api/v1{path}"),
        ] {
            assert_eq!(app.get(&path).await.problem(), "not-found", "{path}");
        }
    }
}

/// Whoever configures a database has no private one to wait for, a worker above all.
#[tokio::test]
async fn before_its_start_a_process_says_what_it_waits_for() {
    for (flags, expected) in [
        (
            &[][..],
            "the service is starting: its private PostgreSQL is not ready yet",
        ),
        (
            &["--database-url", "postgres://db.example.org/chartroom"],
            "the process is starting",
        ),
    ] {
        let router = chartroom::app::ops::starting(&config(flags));
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = to_bytes(answer.into_body(), 4_096).await.unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["detail"], expected);
        let request = Request::get("/livez").body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
