//! The general rate limit: exact in one process, told in every answer, and each caller's own.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Answer, TestApp};
use crate::support::client::Client;
use crate::support::sockets::Served;

const PASSWORD: &str = "correct horse battery";
const VERSION: &str = "/api/v1/version";

async fn app(limit: u32) -> Arc<TestApp> {
    let limit = format!("--rate-limit={limit}");
    // A database that is asked by all at once on a slow machine refuses nobody.
    let flags = [
        limit.as_str(),
        "--registration=open",
        "--database-queue=1000",
        "--database-wait=20s",
        "--database-deadline=20s",
        "--request-deadline=30s",
    ];
    TestApp::with(&flags, Default::default()).await.into()
}

async fn sign_in(app: &TestApp, password: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("username", "ann@example.com"),
        ("password", password),
    ];
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let form = serde_urlencoded::to_string(form).unwrap();
    app.send(Method::POST, "/auth/token", &kind, form.into())
        .await
}

async fn bearer(app: &TestApp) -> String {
    let account = json!({ "email": "ann@example.com", "password": PASSWORD });
    let made = app.post_json("/api/v1/users", account.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let answer = sign_in(app, PASSWORD).await.json();
    format!("Bearer {}", answer["access_token"].as_str().unwrap())
}

/// `r` and `t` of the policy.
fn standing(answer: &Answer) -> (u32, u32) {
    let text = answer.header("ratelimit");
    let numbers = text.strip_prefix("\"default\";r=").unwrap();
    let (remaining, reset) = numbers.split_once(";t=").unwrap();
    (remaining.parse().unwrap(), reset.parse().unwrap())
}

async fn at_once(
    app: &Arc<TestApp>,
    count: usize,
    authorization: &str,
    target: &'static str,
) -> (usize, usize) {
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (app, authorization) = (app.clone(), authorization.to_owned());
        asked.spawn(async move {
            let headers = [("authorization", authorization.as_str())];
            let headers = &headers[..usize::from(!authorization.is_empty())];
            app.send(Method::GET, target, headers, Body::empty()).await
        });
    }
    let answers = asked.join_all().await;
    let (mut admitted, mut refused) = (0, 0);
    for answer in answers {
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=200;w=60");
        match answer.status {
            StatusCode::OK => admitted += 1,
            _ => {
                refused += 1;
                assert_eq!(answer.problem(), "too-many-requests", "{}", answer.text());
                let (remaining, reset) = standing(&answer);
                assert_eq!(remaining, 0);
                assert_eq!(answer.header("retry-after"), reset.to_string());
            }
        }
    }
    (admitted, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_exactly_as_many_as_allowed_are_admitted() {
    let app = app(200).await;
    let bearer = bearer(&app).await;
    // The first two were the stranger's.
    assert_eq!(at_once(&app, 300, "", VERSION).await, (198, 102));
    assert_eq!(at_once(&app, 250, &bearer, "/api/v1/me").await, (200, 50));
    let refused = &app.app.metrics.http_server_requests_rate_limited_total;
    assert_eq!(refused.get(), 152);
    // Another process counts for itself.
    let beside = app.beside(&["--rate-limit=200"]);
    assert_eq!(beside.get(VERSION).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_says_where_its_caller_stands() {
    let app = app(1_000).await;
    let json = [("content-type", "application/json")];
    let large = "x".repeat(20_000);
    let bad = [("authorization", "Bearer garbage")];
    let host = [("host", "another")];
    type Asked<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], &'a str, u16);
    let asked: [Asked<'_>; 9] = [
        (Method::GET, VERSION, &[], "", 200),
        (Method::HEAD, VERSION, &[], "", 200),
        (Method::GET, "/docs", &[], "", 200),
        (Method::GET, "/nothing", &[], "", 404),
        (Method::PUT, VERSION, &[], "", 405),
        (Method::GET, "/api/v1/me", &bad, "", 401),
        (Method::POST, "/api/v1/users", &json, "{", 400),
        (Method::POST, "/api/v1/users", &json, &large, 413),
        (Method::GET, VERSION, &host, "", 421),
    ];
    let mut before = 1_000;
    for (method, target, headers, body, status) in asked {
        let body = Body::from(body.to_owned());
        let answer = app.send(method, target, headers, body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{target}: {}",
            answer.text()
        );
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=1000;w=60");
        let (remaining, reset) = standing(&answer);
        assert_eq!(remaining, before - 1, "{target}");
        assert!((1..=60).contains(&reset));
        before = remaining;
    }
}

#[tokio::test]
async fn bad_credentials_are_counted_for_the_address_and_good_ones_for_the_user() {
    let app = app(10).await;
    let bearer = bearer(&app).await;
    let as_garbage = async || {
        let headers = [("authorization", "Bearer garbage")];
        app.send(Method::GET, "/api/v1/me", &headers, Body::empty())
            .await
    };
    for left in (0..8).rev() {
        let answer = as_garbage().await;
        assert_eq!((answer.status.as_u16(), standing(&answer).0), (401, left));
    }
    assert_eq!(as_garbage().await.problem(), "too-many-requests");
    assert_eq!(app.get(VERSION).await.problem(), "too-many-requests");
    let headers = [("authorization", bearer.as_str())];
    let mine = app
        .send(Method::GET, "/api/v1/me", &headers, Body::empty())
        .await;
    assert_eq!((mine.status.as_u16(), standing(&mine).0), (200, 9));
    // A refusal of what one may not do is one's own too.
    let mine = app
        .send(Method::GET, "/api/v1/audit", &headers, Body::empty())
        .await;
    assert_eq!((mine.status.as_u16(), standing(&mine).0), (403, 8));
}

#[tokio::test]
async fn without_a_limit_nothing_is_said() {
    let app = app(0).await;
    for _ in 0..20 {
        let answer = app.get(VERSION).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.headers.contains_key("ratelimit"));
        assert!(!answer.headers.contains_key("ratelimit-policy"));
    }
}

#[tokio::test]
async fn inference_and_probes_are_not_counted() {
    let app = app(1).await;
    let ops = Served::ops(app.app.clone()).await;
    let probe = Client::keep_alive(ops.addr);
    for _ in 0..5 {
        let live = app.get("/v2/health/live").await;
        let nothing = app.get("/v2/nothing").await;
        for (answer, status) in [(live, 200), (nothing, 404)] {
            assert_eq!(answer.status.as_u16(), status);
            assert!(!answer.headers.contains_key("ratelimit"));
        }
        let answer = probe.get("/livez").await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.headers.contains_key("ratelimit"));
    }
    assert_eq!(app.get(VERSION).await.status, StatusCode::OK);
    assert_eq!(app.get(VERSION).await.problem(), "too-many-requests");
}

#[tokio::test]
async fn the_limit_of_sign_ins_stands_beside_it() {
    let app = app(1_000).await;
    let _ = bearer(&app).await;
    let mut last = sign_in(&app, "wrong").await;
    for _ in 0..12 {
        last = sign_in(&app, "wrong").await;
    }
    assert_eq!(last.problem(), "too-many-requests");
    let list = |name: &str| -> Vec<String> {
        let lines = last.headers.get_all(name).iter();
        let text: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
        text.join(",")
            .split(',')
            .map(|it| it.trim().to_owned())
            .collect()
    };
    let (policies, standings) = (list("ratelimit-policy"), list("ratelimit"));
    let named = |list: &[String], name: &str| {
        list.iter()
            .filter(|it| it.starts_with(&format!("\"{name}\";")))
            .count()
    };
    for list in [&policies, &standings] {
        assert_eq!((list.len(), named(list, "default")), (2, 1), "{list:?}");
        assert_eq!(
            named(list, "signin-name") + named(list, "signin-address"),
            1
        );
    }
    assert_eq!(last.headers.get_all("retry-after").iter().count(), 1);
}
