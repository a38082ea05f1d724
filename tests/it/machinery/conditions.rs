//! Nobody overwrites what they have not read, and nobody is sent what they have.

use axum::body::Body;
use http::{Method, StatusCode};

use super::things::app;
use crate::support::app::{Answer, TestApp};

async fn create(app: &TestApp, title: &str) -> String {
    let body = serde_json::json!({ "title": title }).to_string();
    let answer = app.post_json("/things", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.header("etag"), "\"1\"");
    answer.header("location").to_owned()
}

async fn get(app: &TestApp, target: &str, headers: &[(&str, &str)]) -> Answer {
    app.send(Method::GET, target, headers, Body::empty()).await
}

async fn patch(
    app: &TestApp,
    target: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    let kind = [("content-type", "application/merge-patch+json")];
    let headers: Vec<_> = kind.iter().chain(headers).copied().collect();
    app.send(Method::PATCH, target, &headers, Body::from(body))
        .await
}

#[tokio::test]
async fn what_the_caller_has_is_not_sent_again() {
    let (app, _) = app(&[]).await;
    let thing = create(&app, "a").await;
    let whole = get(&app, &thing, &[]).await;
    assert_eq!(whole.header("etag"), "\"1\"");
    let known = get(&app, &thing, &[("if-none-match", "W/\"1\"")]).await;
    assert_eq!(
        (known.status, known.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    // What a whole answer would have had (RFC 9110, section 15.4.5).
    for name in ["etag", "cache-control", "vary"] {
        assert_eq!(known.header(name), whole.header(name), "{name}");
    }
    assert_eq!(known.header("content-type"), "");
    assert_eq!(
        patch(&app, &thing, &[], "{\"note\": \"n\"}")
            .await
            .header("etag"),
        "\"2\""
    );
    let changed = get(&app, &thing, &[("if-none-match", "\"1\"")]).await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (StatusCode::OK, "\"2\"")
    );
    let head = app
        .send(
            Method::HEAD,
            &thing,
            &[("if-none-match", "\"2\"")],
            Body::empty(),
        )
        .await;
    assert_eq!(head.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_compressed_answer_has_a_tag_of_its_own() {
    let (app, _) = app(&[]).await;
    let thing = create(&app, &"long ".repeat(500)).await;
    let small = get(&app, &thing, &[("accept-encoding", "gzip")]).await;
    assert_eq!(
        (small.header("content-encoding"), small.header("etag")),
        ("gzip", "\"1-gzip\"")
    );
    let known = get(
        &app,
        &thing,
        &[("accept-encoding", "gzip"), ("if-none-match", "\"1-gzip\"")],
    )
    .await;
    assert_eq!(
        (known.status, known.header("etag")),
        (StatusCode::NOT_MODIFIED, "\"1-gzip\"")
    );
    let changed = patch(
        &app,
        &thing,
        &[("if-match", "\"1-gzip\"")],
        "{\"title\": \"b\"}",
    )
    .await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (StatusCode::OK, "\"2\"")
    );
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let (app, _) = app(&[]).await;
    let thing = create(&app, "a").await;
    let attempts =
        (0..20).map(|_| patch(&app, &thing, &[("if-match", "\"1\"")], "{\"title\": \"b\"}"));
    let answers = futures_util::future::join_all(attempts).await;
    let won = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .count();
    assert_eq!(won, 1);
    for lost in answers
        .iter()
        .filter(|answer| answer.status != StatusCode::OK)
    {
        assert_eq!(
            lost.status,
            StatusCode::PRECONDITION_FAILED,
            "{}",
            lost.text()
        );
        assert_eq!(
            (lost.problem().as_str(), lost.header("etag")),
            ("precondition-failed", "\"2\"")
        );
    }
    // The control: without the condition all of them get through.
    for version in 3..6 {
        let answer = patch(&app, &thing, &[], "{\"title\": \"c\"}").await;
        assert_eq!(answer.header("etag"), format!("\"{version}\""));
    }
    let unreadable = patch(&app, &thing, &[("if-match", "5")], "{}").await;
    assert_eq!(unreadable.problem(), "bad-request");
    let nowhere = "/things/00000000-0000-7000-8000-000000000000";
    assert_eq!(
        patch(&app, nowhere, &[("if-match", "*")], "{}")
            .await
            .problem(),
        "not-found"
    );
}

#[tokio::test]
async fn a_merge_patch_leaves_clears_and_replaces() {
    let (app, _) = app(&[]).await;
    let thing = create(&app, "a").await;
    for (body, title, note) in [
        ("{\"note\": \"n\"}", "a", Some("n")),
        ("{\"title\": \"b\"}", "b", Some("n")),
        ("{}", "b", Some("n")),
        ("{\"note\": null}", "b", None),
    ] {
        let answer = patch(&app, &thing, &[], body).await.json();
        assert_eq!(
            (answer["title"].as_str(), answer["note"].as_str()),
            (Some(title), note),
            "{body}"
        );
    }
    let plain = [("content-type", "application/json; charset=utf-8")];
    let taken = app
        .send(Method::PATCH, &thing, &plain, Body::from("{}"))
        .await;
    assert_eq!(taken.status, StatusCode::OK);
    let other = [("content-type", "application/json-patch+json")];
    let refused = app
        .send(Method::PATCH, &thing, &other, Body::from("[]"))
        .await;
    assert_eq!(refused.problem(), "unsupported-media-type");
    let wrong = patch(
        &app,
        &thing,
        &[],
        "{\"title\": null, \"note\": 1, \"votes\": 2}",
    )
    .await;
    assert_eq!(wrong.problem(), "validation-failed");
    let errors = wrong.json()["errors"].as_array().unwrap().len();
    assert_eq!(errors, 3, "{}", wrong.text());
}
