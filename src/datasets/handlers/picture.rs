//! Answers that are pictures, for who asks for one instead of JSON.

use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};

use crate::datasets::chart::{Chart, STYLE};
use crate::datasets::model::Dataset;
use crate::datasets::query::invalid;
use crate::http::accept::preferred;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::{Edition, etag};
use crate::kernel::error::ApiResult;

const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// A picture that is looked at by itself has its one style and nothing else.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'");
    policy.try_into().ok()
});

/// Whether a picture is asked for: by `format`, or by the first type that is known here of those
/// that the caller accepts.
pub fn is_asked(format: Option<&str>, headers: &HeaderMap) -> ApiResult<bool> {
    match format {
        Some("svg") => return Ok(true),
        Some("json") => return Ok(false),
        Some(_) => return Err(invalid("format", "expected json or svg")),
        None => {}
    }
    let is_picture = |kind: &str| matches!(kind, "image/svg+xml" | "image/*").then_some(());
    Ok(preferred(headers, is_picture).is_some())
}

/// The picture of a version, or that the caller has it already. Besides the version it shows what
/// the dataset says of itself.
pub fn answer(
    conditions: &Conditions,
    dataset: &Dataset,
    version: i64,
    chart: &Chart,
) -> ApiResult<Response> {
    let revision = dataset.revision.to_be_bytes();
    let edition = Edition::with_rest(version, [b"svg".as_slice(), &revision]);
    let body = match conditions.read(edition, || chart.svg())? {
        Versioned::Body { body, .. } => body,
        known => return Ok(known.into_response()),
    };
    let mut response = ([(CONTENT_TYPE, SVG), (ETAG, etag(edition))], body).into_response();
    if let Some(policy) = &*POLICY {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    Ok(response)
}
