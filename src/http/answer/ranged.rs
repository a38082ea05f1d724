//! Files whose length is known, whole or a range of them (RFC 9110, section 14).

use std::error::Error;
use std::ops::Range;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::Stream;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::download::Download;
use super::etag::{Edition, etag};
use crate::kernel::error::{ApiError, ApiResult, Code};

/// Which bytes are asked for.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    range: Option<HeaderValue>,
    if_range: Option<HeaderValue>,
}

impl<S: Send + Sync> FromRequestParts<S> for Ranges {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(match parts.method {
            Method::GET => Self::of(&parts.headers),
            _ => Self::default(),
        })
    }
}

impl Ranges {
    fn of(headers: &HeaderMap) -> Self {
        let mut ranges = headers.get_all(RANGE).iter();
        let range = match (ranges.next(), ranges.next()) {
            (Some(range), None) => Some(range.clone()),
            _ => None,
        };
        Self {
            range,
            if_range: headers.get(IF_RANGE).cloned(),
        }
    }

    /// The range of a file of this size; `None` is all of it. What is no range, and several of
    /// them, may be answered with the whole file, and are.
    fn within(&self, size: u64, tag: &HeaderValue) -> ApiResult<Option<Range<u64>>> {
        if self.if_range.as_ref().is_some_and(|known| known != tag) {
            return Ok(None);
        }
        let range = self.range.as_ref().and_then(|range| range.to_str().ok());
        let Some(range) = range.and_then(parsed) else {
            return Ok(None);
        };
        let range = match range {
            (Some(first), last) => {
                first..last.map_or(size, |last| last.saturating_add(1).min(size))
            }
            (None, last) => size.saturating_sub(last.unwrap_or(0))..size,
        };
        if range.is_empty() {
            let error = ApiError::new(
                Code::RangeNotSatisfiable,
                format!("the file has {size} bytes"),
            );
            return Err(match HeaderValue::try_from(format!("bytes */{size}")) {
                Ok(all) => error.with_header(CONTENT_RANGE, all),
                Err(_never) => error,
            });
        }
        Ok(Some(range))
    }

    /// The answer: `parts` gives the bytes of a range.
    pub fn answer<S, E>(
        &self,
        edition: Edition,
        size: u64,
        kind: HeaderValue,
        parts: impl FnOnce(Range<u64>) -> S,
    ) -> ApiResult<Response>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let tag = etag(edition);
        let range = self.within(size, &tag)?;
        let (first, end) = range.as_ref().map_or((0, size), |it| (it.start, it.end));
        let mut response = Download::new(kind, parts(first..end)).into_response();
        let headers = response.headers_mut();
        headers.insert(ETAG, tag);
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(end - first));
        if range.is_some() {
            let said = format!("bytes {first}-{}/{size}", end - 1);
            let said = HeaderValue::try_from(said).map_err(ApiError::internal)?;
            headers.insert(CONTENT_RANGE, said);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-LENGTH`.
fn parsed(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // One that is too long lies behind the end of every file.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let pair = match (first, last) {
        ("", last) => (None, Some(number(last)?)),
        (first, "") => (Some(number(first)?), None),
        (first, last) => (Some(number(first)?), Some(number(last)?)),
    };
    let is_backwards = matches!(pair, (Some(first), Some(last)) if last < first);
    (unit.eq_ignore_ascii_case("bytes") && !is_backwards).then_some(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_within_the_file_or_the_whole_file_or_refused() {
        let tag = HeaderValue::from_static("\"1\"");
        for (asked, expected) in [
            ("bytes=0-9", Ok(Some(0..10))),
            ("Bytes=5-", Ok(Some(5..100))),
            ("bytes=-7", Ok(Some(93..100))),
            ("bytes=-700", Ok(Some(0..100))),
            ("bytes=99-99999999999999999999999", Ok(Some(99..100))),
            ("bytes=100-", Err(())),
            ("bytes=99999999999999999999999-", Err(())),
            ("bytes=-0", Err(())),
            ("bytes=5-4", Ok(None)),
            ("bytes=0-1,5-6", Ok(None)),
            ("bytes=a-b", Ok(None)),
            ("bytes=-", Ok(None)),
            ("rows=0-1", Ok(None)),
            ("0-1", Ok(None)),
            ("bytes=+1-2", Ok(None)),
        ] {
            let headers = [(RANGE, HeaderValue::from_static(asked))];
            let ranges = Ranges::of(&headers.into_iter().collect());
            let within = ranges.within(100, &tag).map_err(|error| {
                assert_eq!(error.code, Code::RangeNotSatisfiable);
            });
            assert_eq!(within, expected, "{asked}");
        }
        let all = Ranges::default().within(0, &tag);
        assert_eq!(all.unwrap(), None);
    }

    #[test]
    fn a_range_of_another_file_is_the_whole_one() {
        let tag = HeaderValue::from_static("\"1\"");
        for (known, expected) in [
            ("\"1\"", Some(0..10)),
            ("\"2\"", None),
            ("W/\"1\"", None),
            ("Mon, 30 Nov 2026 10:00:00 GMT", None),
        ] {
            let headers = [
                (RANGE, HeaderValue::from_static("bytes=0-9")),
                (IF_RANGE, HeaderValue::from_static(known)),
            ];
            let ranges = Ranges::of(&headers.into_iter().collect());
            assert_eq!(ranges.within(100, &tag).unwrap(), expected, "{known}");
        }
    }
}
