//! The files that pages load. Their names tell their content, so that a browser keeps each for
//! good, and they are compressed once.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};

use crate::http::caller::Anyone;
use crate::http::shell::encoding::{GZIP, accepts_gzip};
use crate::kernel::error::{ApiError, ApiResult};

const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");

struct Asset {
    name: String,
    kind: HeaderValue,
    plain: &'static [u8],
    packed: Bytes,
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, plain: &'static str) -> Self {
        let plain = plain.as_bytes();
        let hash = digest(&SHA256, plain);
        let hash: String = hash.as_ref().iter().take(8).flat_map(hex).collect();
        Self {
            name: format!("{stem}.{hash}.{extension}"),
            kind: HeaderValue::from_static(kind),
            plain,
            packed: packed(plain),
        }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

fn hex(byte: &u8) -> Vec<char> {
    format!("{byte:02x}").chars().collect()
}

/// Nothing in memory refuses to be written to.
fn packed(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("assets/app.css");
    Asset::new("app", "css", "text/css; charset=utf-8", text)
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("assets/app.js");
    Asset::new("app", "js", "text/javascript; charset=utf-8", text)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", text)
});

pub fn style() -> String {
    STYLE.path()
}

pub fn script() -> String {
    SCRIPT.path()
}

pub fn icon() -> String {
    ICON.path()
}

pub async fn show(_: Anyone, Path(name): Path<String>, headers: HeaderMap) -> ApiResult<Response> {
    let asset = [&*STYLE, &*SCRIPT, &*ICON];
    let asset = asset.into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or(ApiError::not_found("file"))?;
    let head = [
        (CONTENT_TYPE, asset.kind.clone()),
        (CACHE_CONTROL, FOR_GOOD),
        (VARY, BY_ENCODING),
    ];
    Ok(match accepts_gzip(&headers) {
        true => (head, [(CONTENT_ENCODING, GZIP)], asset.packed.clone()).into_response(),
        false => (head, Bytes::from_static(asset.plain)).into_response(),
    })
}
