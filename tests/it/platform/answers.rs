//! Answers in memory: large ones are counted until they are read, and there is an end to them.

use axum::body::{Body, to_bytes};
use http::{Method, Request, Response, StatusCode, Version};

use super::routes::{router, valid};
use crate::support::app::TestApp;

const MIB: usize = 1 << 20;

async fn ask(
    app: &TestApp,
    request: http::request::Builder,
    body: impl Into<Body>,
) -> Response<Body> {
    let request = request
        .header("host", "localhost")
        .body(body.into())
        .unwrap();
    app.shell.clone().handle(request).await
}

async fn get(app: &TestApp, size: usize) -> Response<Body> {
    ask(
        app,
        Request::get(format!("/test/big?size={size}")),
        Body::empty(),
    )
    .await
}

async fn problem(response: Response<Body>) -> (String, String) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let body = to_bytes(response.into_body(), MIB).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let text = |name: &str| problem[name].as_str().unwrap().to_owned();
    (text("code"), text("detail"))
}

#[tokio::test]
async fn audit_m2_large_answers_that_are_not_read_leave_no_room_for_more() {
    let app = TestApp::with(&["--max-answers=8MiB", "--max-body=1MiB"], router()).await;
    let held = app.app.metrics.http_server_answer_bytes.clone();
    let size = 4 * MIB;
    let one = get(&app, size).await;
    let two = get(&app, size).await;
    assert_eq!(
        (one.status(), two.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(held.get(), i64::try_from(2 * size).unwrap());
    let (code, _) = problem(get(&app, size).await).await;
    assert_eq!(code, "overloaded");
    assert_eq!(
        held.get(),
        i64::try_from(2 * size).unwrap(),
        "what is refused is not held"
    );
    assert_eq!(app.app.metrics.http_server_requests_shed_total.get(), 1);
    // Small ones pass, and heads of large ones.
    assert_eq!(get(&app, 1024).await.status(), StatusCode::OK);
    let head = ask(
        &app,
        Request::head(format!("/test/big?size={size}")),
        Body::empty(),
    )
    .await;
    assert_eq!(head.status(), StatusCode::OK);
    // What was done by then is answered as long as that is possible, and then truly.
    let body = || {
        let mut echo = valid();
        echo["free"] = serde_json::json!({ "text": "x".repeat(MIB - 4096) });
        Body::from(echo.to_string())
    };
    let post = || Request::post("/test/echo").header("content-type", "application/json");
    let mut written = Vec::new();
    let refused = loop {
        let answer = ask(&app, post(), body()).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        written.push(answer);
    };
    assert_eq!(written.len(), 8);
    let (code, detail) = problem(refused).await;
    assert_eq!(code, "outcome-unknown");
    assert!(detail.contains("was carried out"), "{detail}");
    // Read or given up, it is given back.
    assert_eq!(to_bytes(one.into_body(), size).await.unwrap().len(), size);
    drop((two, written));
    assert_eq!(held.get(), 0);
    assert_eq!(get(&app, size).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_counts_is_what_is_held() {
    let app = TestApp::with(&[], router()).await;
    let held = app.app.metrics.http_server_answer_bytes.clone();
    let gzip = |size: usize| {
        let target = format!("/test/big?size={size}");
        Request::get(target).header("accept-encoding", "gzip")
    };
    // Compressed it is small.
    let small = ask(&app, gzip(200 * 1024), Body::empty()).await;
    assert_eq!(small.headers()["content-encoding"], "gzip");
    assert_eq!(held.get(), 0);
    let plain = get(&app, 200 * 1024).await;
    assert_eq!(held.get(), 200 * 1024);
    drop((small, plain));
    // On HTTP/2 a client may leave many unread, so small ones count too.
    let request = Request::builder()
        .method(Method::GET)
        .version(Version::HTTP_2)
        .uri("http://localhost/test/big?size=1024")
        .body(Body::empty());
    let small = app.shell.clone().handle(request.unwrap()).await;
    assert_eq!((small.status(), held.get()), (StatusCode::OK, 1024));
    drop(small);
    assert_eq!(held.get(), 0);
}
