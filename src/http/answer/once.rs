//! What makes a POST the same as another: its `Idempotency-Key`, and a fingerprint of method, path
//! and body.

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri};
use ring::digest;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::idempotency::MayRead;
use crate::http::body::extract;
use crate::kernel::error::{ApiError, ApiResult, Code};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST: usize = 255;

/// The key of a request, where it has one, and what it must not be used for again.
pub struct Once {
    key: Option<String>,
    fingerprint: Vec<u8>,
    pub(super) may_read: MayRead,
}

impl Once {
    pub fn of(
        headers: &HeaderMap,
        method: &Method,
        uri: &Uri,
        body: &[u8],
        may_read: MayRead,
    ) -> ApiResult<Self> {
        let Some(key) = key_of(headers)? else {
            return Ok(Self {
                key: None,
                fingerprint: Vec::new(),
                may_read,
            });
        };
        let mut hash = digest::Context::new(&digest::SHA256);
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        // Neither a method nor a target can contain the separator.
        for part in [
            method.as_str().as_bytes(),
            b"\n",
            target.as_bytes(),
            b"\n",
            body,
        ] {
            hash.update(part);
        }
        Ok(Self {
            key: Some(key),
            fingerprint: hash.finish().as_ref().to_vec(),
            may_read,
        })
    }

    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(super) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}

/// A string of structured fields in quotes (RFC 8941, section 3.3.3), as the draft asks, or the
/// same without its quotes, as most clients send it.
fn key_of(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = match (value.to_str(), values.next()) {
        (Ok(text), None) => unquoted(text.trim()),
        _ => None,
    };
    key.filter(|key| (1..=LONGEST).contains(&key.len()))
        .map(Some)
        .ok_or_else(|| {
            ApiError::new(
                Code::BadRequest,
                format!(
                    "Idempotency-Key: expected one text of 1 to {LONGEST} visible characters, best in quotes; nothing was done"
                ),
            )
        })
}

fn unquoted(text: &str) -> Option<String> {
    let is_visible = |c: char| c.is_ascii_graphic();
    let Some(quoted) = text.strip_prefix('"') else {
        return (text.chars().all(is_visible) && !text.contains(['"', '\\', ',']))
            .then(|| text.to_owned());
    };
    let mut key = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(key),
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            c if is_visible(c) => key.push(c),
            _ => return None,
        }
    }
}

/// Of a POST without a body.
impl<S: Send + Sync> FromRequestParts<S> for Once
where
    MayRead: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let may_read = MayRead::from_ref(state);
        Self::of(&parts.headers, &parts.method, &parts.uri, b"", may_read)
    }
}

/// [`extract::ValidJson`] for a POST that can be repeated.
pub struct OnceJson<T> {
    pub once: Once,
    pub body: T,
}

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for OnceJson<T>
where
    MayRead: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let headers = request.headers().clone();
        let body = extract::json_bytes(request, state).await?;
        let once = Once::of(&headers, &method, &uri, &body, MayRead::from_ref(state))?;
        let body = extract::parse(&body)?;
        Ok(Self { once, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn key(text: &str) -> Result<Option<String>, Code> {
        let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
        key_of(&HeaderMap::from_iter([(IDEMPOTENCY_KEY, value)])).map_err(|error| error.code)
    }

    #[test]
    fn a_key_comes_with_quotes_or_without() {
        let long = "k".repeat(LONGEST);
        for (text, expected) in [
            ("\"abc\"", "abc"),
            ("abc", "abc"),
            (
                " 8e03978e-40d5-43e8-bc93-6894a57f9324 ",
                "8e03978e-40d5-43e8-bc93-6894a57f9324",
            ),
            ("\"a\\\"b\\\\c\"", "a\"b\\c"),
            ("\"a,b;c=d\"", "a,b;c=d"),
            (&long, &long),
            (&format!("\"{long}\""), &long),
        ] {
            assert_eq!(key(text), Ok(Some(expected.to_owned())), "{text}");
        }
        assert_eq!(key_of(&HeaderMap::new()).unwrap(), None);
        let long = "k".repeat(LONGEST + 1);
        for text in [
            "",
            "\"\"",
            "\"abc",
            "abc\"",
            "a b",
            "\"a b\"",
            "\"a\\b\"",
            "\"a\";b=1",
            "a, b",
            "\u{e9}",
            &long,
        ] {
            assert_eq!(key(text), Err(Code::BadRequest), "{text}");
        }
        let twice = ["a", "a"].map(|key| (IDEMPOTENCY_KEY, HeaderValue::from_static(key)));
        assert!(key_of(&HeaderMap::from_iter([twice[0].clone()])).is_ok());
        let mut headers = HeaderMap::new();
        twice.into_iter().for_each(|(name, value)| {
            headers.append(name, value);
        });
        assert!(key_of(&headers).is_err());
    }

    #[test]
    fn the_fingerprint_covers_method_path_query_and_body() {
        let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_static("k"))]);
        let of = |method, uri: &'static str, body: &str| {
            let may_read = MayRead(|_, _, _| Box::pin(async { Ok(()) }));
            let uri = Uri::from_static(uri);
            let once = Once::of(&headers, &method, &uri, body.as_bytes(), may_read);
            once.unwrap_or_else(|error| panic!("{error:?}")).fingerprint
        };
        let all = [
            of(Method::POST, "/a", "{}"),
            of(Method::PATCH, "/a", "{}"),
            of(Method::POST, "/b", "{}"),
            of(Method::POST, "/a?x", "{}"),
            of(Method::POST, "/a", "{ }"),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0], of(Method::POST, "/a", "{}"));
    }
}
