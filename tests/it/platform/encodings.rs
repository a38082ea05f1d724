//! Gzip in and out: what comes in is limited by what it becomes, what goes out is compressed when
//! asked and worth it.

use std::io::{Read as _, Write as _};

use axum::body::Body;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{Method, StatusCode};

use super::routes::{router, valid};
use crate::support::app::{Answer, TestApp};

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn post(app: &TestApp, encodings: &[&str], body: Vec<u8>) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(
        encodings
            .iter()
            .map(|encoding| ("content-encoding", *encoding)),
    );
    app.send(Method::POST, "/test/echo", &headers, Body::from(body))
        .await
}

#[tokio::test]
async fn a_gzip_body_is_taken_up_to_what_it_becomes() {
    let app = TestApp::with(&[], router()).await;
    let json = valid().to_string();
    for encoding in ["gzip", "GZIP", " x-gzip "] {
        let answer = post(&app, &[encoding], gzip(json.as_bytes())).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{encoding}: {}",
            answer.text()
        );
    }
    assert_eq!(
        post(&app, &["identity"], json.clone().into_bytes())
            .await
            .status,
        StatusCode::OK
    );
    // Members follow each other in one stream (RFC 1952 2.2).
    let (front, back) = json.as_bytes().split_at(10);
    assert_eq!(
        post(&app, &["gzip"], [gzip(front), gzip(back)].concat())
            .await
            .status,
        StatusCode::OK
    );

    let padded = |size: usize| gzip(format!("{json}{}", " ".repeat(size - json.len())).as_bytes());
    assert_eq!(
        post(&app, &["gzip"], padded(1 << 20)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        post(&app, &["gzip"], padded((1 << 20) + 1)).await.problem(),
        "payload-too-large"
    );
    assert_eq!(app.app.metrics.http_server_body_bytes.get(), 0);
}

#[tokio::test]
async fn a_body_encoded_otherwise_is_refused() {
    let app = TestApp::with(&[], router()).await;
    let json = valid().to_string().into_bytes();
    let lists: [&[&str]; 7] = [
        &["br"],
        &["zstd"],
        &["deflate"],
        &["gzip, gzip"],
        &["gzip, br"],
        &["gzip", "gzip"],
        &["gzip", "br"],
    ];
    for encodings in lists {
        let answer = post(&app, encodings, gzip(&json)).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("unsupported-media-type", 415),
            "{encodings:?}"
        );
        assert_eq!(answer.header("accept-encoding"), "gzip");
    }
    let whole = gzip(&json);
    let mut changed = whole.clone();
    changed[15] ^= 0xff;
    for broken in [
        json.clone(),
        whole[..whole.len() - 1].to_vec(),
        whole[..whole.len() / 2].to_vec(),
        changed,
        [whole.as_slice(), b"more"].concat(),
    ] {
        let answer = post(&app, &["gzip"], broken).await;
        assert_eq!(
            (answer.problem().as_str(), answer.status.as_u16()),
            ("bad-request", 400)
        );
    }
    // Gzip in gzip is unpacked once; what is inside is no JSON.
    assert_eq!(
        post(&app, &["gzip"], gzip(&whole)).await.problem(),
        "malformed-json"
    );
    let answer = post(&app, &["gzip"], Vec::new()).await;
    assert!(answer.status.is_client_error());
    answer.problem();
}

#[tokio::test]
async fn an_answer_is_compressed_when_asked_and_worth_it() {
    let app = TestApp::with(&[], router()).await;
    let get = async |size: usize, accept: Option<&str>| {
        let headers: Vec<_> = accept
            .map(|accept| ("accept-encoding", accept))
            .into_iter()
            .collect();
        app.send(
            Method::GET,
            &format!("/test/big?size={size}"),
            &headers,
            Body::empty(),
        )
        .await
    };
    let small = get(16_000, Some("gzip, br")).await;
    assert_eq!(
        (
            small.header("content-encoding"),
            small.header("content-length")
        ),
        ("gzip", "")
    );
    let mut plain = String::new();
    GzDecoder::new(small.body.as_slice())
        .read_to_string(&mut plain)
        .unwrap();
    assert_eq!(plain, get(16_000, None).await.text());
    assert!(small.body.len() < plain.len() / 10);
    for (size, accept) in [
        (16_000, None),
        (16_000, Some("br")),
        (16_000, Some("gzip;q=0")),
        (512, Some("gzip")),
        (1 << 20, Some("gzip")),
    ] {
        let answer = get(size, accept).await;
        assert_eq!(
            (answer.header("content-encoding"), answer.body.len()),
            ("", size),
            "{accept:?}"
        );
        assert!(answer.header("vary").contains("Accept-Encoding"));
    }
    // A problem is too small to be worth it, a long list of mistakes is not.
    let body = format!(
        "{{{}}}",
        (0..200)
            .map(|n| format!("\"k{n}\":1"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let headers = [
        ("content-type", "application/json"),
        ("accept-encoding", "gzip"),
    ];
    let answer = app
        .send(Method::POST, "/test/echo", &headers, body.into())
        .await;
    assert_eq!(
        (
            answer.header("content-encoding"),
            answer.header("content-type")
        ),
        ("gzip", "application/problem+json")
    );
}
