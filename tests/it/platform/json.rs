//! JSON bodies: every wrong field is listed, and nothing that a caller sends makes a 500.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::routes::{router, valid};
use crate::support::app::{Answer, TestApp};

const ECHO: &str = "/test/echo";

async fn app() -> TestApp {
    TestApp::with(&[], router()).await
}

/// `pointer code` of each mistake listed.
fn listed(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.problem(), "validation-failed", "{}", answer.text());
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            assert!(!text(&it["detail"]).is_empty());
            format!("{} {}", text(&it["pointer"]), text(&it["code"]))
        })
        .collect()
}

#[tokio::test]
async fn what_fits_is_taken() {
    let app = app().await;
    let answer = app.post_json(ECHO, valid().to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["name"], "n");
    for kind in [
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/merge-patch+json",
    ] {
        let answer = app
            .send(
                Method::POST,
                ECHO,
                &[("content-type", kind)],
                valid().to_string().into(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{kind}");
    }
}

#[tokio::test]
async fn every_wrong_field_is_listed_with_its_pointer() {
    let app = app().await;
    let body = json!({
        "kind": "tiny", "count": -1, "odd/one~": 1,
        "part": {"id": "x", "tags": [1, "a", null], "more": 0},
        "parts": [{"id": "018f0000-0000-7000-8000-000000000000", "tags": null}, {"id": 7}, 8],
    });
    let expected = [
        "/count invalid-value",
        "/kind unknown-value",
        "/name missing",
        "/odd~1one~0 unknown-field",
        "/part/id invalid-value",
        "/part/more unknown-field",
        "/part/tags/0 wrong-type",
        "/part/tags/2 wrong-type",
        "/parts/1/id wrong-type",
        "/parts/2 wrong-type",
    ];
    let answer = app.post_json(ECHO, body.to_string()).await;
    assert_eq!(listed(&answer), expected);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .starts_with("10 fields are wrong")
    );

    let table = [
        (
            r#"{"name":"n","kind":"small","name":"m"}"#,
            "/name duplicate",
        ),
        (
            r#"{"name":"n","kind":"small","parts":[{"id":"018f0000-0000-7000-8000-000000000000","tags":[],"tags":[]}]}"#,
            "/parts/0/tags duplicate",
        ),
        (
            r#"{"name":"n","kind":"small","small":300}"#,
            "/small invalid-value",
        ),
        (
            r#"{"name":"a\u0000b","kind":"small"}"#,
            "/name nul-character",
        ),
        (
            r#"{"name":"n","kind":"small","parts":[{"id":"018f0000-0000-7000-8000-000000000000","tags":["","\u0000"]}]}"#,
            "/parts/0/tags/1 nul-character",
        ),
        (
            r#"{"name":"n","kind":"small","free":{"deep":[{"x":"\u0000"}]}}"#,
            "/free/deep/0/x nul-character",
        ),
        (
            r#"{"name":"n","kind":"small","free":{"\u0000":1}}"#,
            "/free nul-character",
        ),
        // Serde would take the members by their order.
        (r#"["n","small",1,1,null,[],null]"#, " wrong-type"),
        (
            r#"{"name":"n","kind":"small","part":["018f0000-0000-7000-8000-000000000000",[]]}"#,
            "/part wrong-type",
        ),
        ("[]", " wrong-type"),
        ("null", " wrong-type"),
        ("\"text\"", " wrong-type"),
    ];
    for (body, expected) in table {
        assert_eq!(
            listed(&app.post_json(ECHO, body).await),
            [expected],
            "{body}"
        );
    }
    // A backslash and the digits are no NUL character.
    let answer = app
        .post_json(ECHO, r#"{"name":"\\u0000","kind":"small"}"#)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_json_is_malformed_with_its_place() {
    let app = app().await;
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"free\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let number = format!(
        "{{\"name\":\"n\",\"kind\":\"small\",\"count\":1{}}}",
        "0".repeat(400)
    );
    let table: [(&[u8], &str); 13] = [
        (b"", "the body is empty"),
        (b"{\n  \"name\": x}", "line 2, column 11"),
        (b"{\"name\": 7, \"kind\": ", "line 1, column 20"),
        (b"{} {}", "line 1, column 4"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
        (b"{\"name\":\"\xff\xfe\"}", "line 1"),
        (b"{\"name\":\"\\ud800\"}", "line 1"),
        (b"{\"name\":\"\\udc00\\ud800\"}", "line 1"),
        (b"{\"name\":\"a\0b\"}", "line 1"),
        (b"{\"free\":1e400}", "line 1"),
        (deep.as_bytes(), "line 1, column 128"),
        (nested.as_bytes(), "line 1"),
        (number.as_bytes(), "line 1"),
    ];
    for (body, place) in table {
        let answer = app.post_json(ECHO, body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("malformed-json", 400),
            "{shown}: {}",
            answer.text()
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(place), "{shown}: {detail}");
    }
}

#[tokio::test]
async fn another_type_is_unsupported() {
    let app = app().await;
    let kinds: [&[(&str, &str)]; 5] = [
        &[],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[("content-type", "application/jsonp")],
    ];
    for headers in kinds {
        let answer = app
            .send(Method::POST, ECHO, headers, Body::from(valid().to_string()))
            .await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("unsupported-media-type", 415),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_members_is_refused_in_short() {
    let app = app().await;
    let many = |member: fn(u32) -> String| -> String {
        let members: Vec<_> = (0..100_000).map(member).collect();
        format!(
            "{{\"name\":\"n\",\"kind\":\"small\",{}}}",
            members.join(",")
        )
    };
    let bodies = [
        many(|n| format!("\"{n:x}\":0")),
        many(|_| "\"a\":0".to_owned()),
        many(|_| "\"name\":0".to_owned())
            .chars()
            .take(1 << 20)
            .collect(),
        format!("{{\"{}\":1}}", "k".repeat(1 << 19)),
        format!("{{\"parts\":[{}1]}}", "1,".repeat(400_000)),
    ];
    for body in bodies {
        let begun = Instant::now();
        let answer = app.post_json(ECHO, body).await;
        // Without optimisation and beside other tests; what counts is that nothing grows with the
        // square.
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        assert!(answer.status.is_client_error(), "{}", answer.status);
        assert!(answer.body.len() < 64 * 1024, "{} bytes", answer.body.len());
        assert!(["validation-failed", "malformed-json"].contains(&answer.problem().as_str()));
        if let Some(errors) = answer.json()["errors"].as_array() {
            assert!(errors.len() <= 100);
        }
    }
}
