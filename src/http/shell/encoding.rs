//! Gzip in and out. What comes in is limited by what it becomes, not by what it is.

use std::io::{Read as _, Write as _};

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body::Body as _;

use crate::http::answer::etag::GZIP_SUFFIX;
use crate::http::body::{Share, too_large};
use crate::kernel::error::{ApiError, Code};

pub const GZIP: HeaderValue = HeaderValue::from_static("gzip");
/// Below, gzip saves less than its own frame and the time is lost; above, it would hold a worker
/// for too long.
const WORTH_IT: std::ops::RangeInclusive<u64> = 1_024..=262_144;

/// What is unpacked before the limits are asked again.
const STEP: u64 = 64 * 1024;

/// How a body is encoded, of the ways that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    pub fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        let encoding = match (encodings.next(), encodings.next()) {
            (None, _) => return Ok(Self::Identity),
            (Some(one), None) => one.to_str().unwrap_or("?").trim().to_ascii_lowercase(),
            (Some(_), Some(_)) => "several".to_owned(),
        };
        match encoding.as_str() {
            "identity" | "" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            _ => Err(ApiError::new(
                Code::UnsupportedMediaType,
                "the body may be encoded with gzip or not at all",
            )
            .with_header(ACCEPT_ENCODING, GZIP)),
        }
    }
}

pub fn not_gzip() -> ApiError {
    ApiError::new(
        Code::BadRequest,
        "the body is not the gzip that its Content-Encoding announces",
    )
}

/// The body as the handler should see it.
pub fn decode(
    headers: &mut HeaderMap,
    body: Bytes,
    most: usize,
    share: &mut Share<'_>,
) -> Result<Bytes, ApiError> {
    match Encoding::of(headers)? {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => {
            let mut plain = Vec::new();
            let mut decoder = MultiGzDecoder::new(body.as_ref());
            loop {
                let before = plain.len();
                (&mut decoder)
                    .take(STEP)
                    .read_to_end(&mut plain)
                    .or(Err(not_gzip()))?;
                if plain.len() == before {
                    break;
                }
                share.grow(plain.len() - before)?;
                if plain.len() > most {
                    return Err(too_large(most));
                }
            }
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
            Ok(plain.into())
        }
    }
}

/// Whether the client takes gzip: named with a weight above zero, or everything taken.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let Some(accepted) = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let weight_of = |wanted: &str| {
        accepted.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next()?.eq_ignore_ascii_case(wanted).then(|| {
                parts
                    .find_map(|part| part.strip_prefix("q="))
                    .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0))
            })
        })
    };
    weight_of("gzip")
        .or_else(|| weight_of("*"))
        .is_some_and(|weight| weight > 0.0)
}

/// The response, compressed where that is worth it. The answer to HEAD only says so: its length
/// would be another.
pub async fn encode(mut response: Response<Body>, method: &Method) -> Response<Body> {
    let exact = match response.headers().get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|text| text.parse().ok()),
        None => response.body().size_hint().exact(),
    };
    let shrinks = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            kind.contains("json")
                || kind.starts_with("text/")
                || kind.contains("javascript")
                || kind.contains("svg")
        });
    if !shrinks
        || !exact.is_some_and(|size| WORTH_IT.contains(&size))
        || response.headers().contains_key(CONTENT_ENCODING)
    {
        return response;
    }
    if *method == Method::HEAD {
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, GZIP);
        headers.remove(CONTENT_LENGTH);
        rename_tag(headers);
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = axum::body::to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::fast());
    match encoder.write_all(&plain).and_then(|()| encoder.finish()) {
        Ok(mut small) => {
            small.shrink_to_fit();
            parts.headers.insert(CONTENT_ENCODING, GZIP);
            parts.headers.remove(CONTENT_LENGTH);
            rename_tag(&mut parts.headers);
            Response::from_parts(parts, Body::from(small))
        }
        Err(_) => Response::from_parts(parts, Body::from(plain)),
    }
}

/// A strong tag names bytes, and these are others now.
fn rename_tag(headers: &mut HeaderMap) {
    let renamed = headers
        .get(ETAG)
        .and_then(|tag| tag.to_str().ok())
        .filter(|tag| !tag.starts_with("W/"))
        .and_then(|tag| tag.strip_suffix('"'))
        .and_then(|tag| HeaderValue::try_from(format!("{tag}{GZIP_SUFFIX}\"")).ok());
    if let Some(renamed) = renamed {
        headers.insert(ETAG, renamed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_encoding_is_read_with_its_weights() {
        let accepts = |text: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(
                ACCEPT_ENCODING,
                HeaderValue::from_static(text),
            )]))
        };
        assert!(
            accepts("gzip")
                && accepts("br, GZIP;q=0.1")
                && accepts("*")
                && accepts("deflate, gzip")
        );
        assert!(
            !accepts("")
                && !accepts("br")
                && !accepts("gzip;q=0")
                && !accepts("*;q=0")
                && !accepts("gzip;q=0, *")
        );
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
