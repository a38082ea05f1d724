//! Conditional requests (RFC 9110, section 13): the version of a resource as its ETag, and what a request asks of it.
//!
//! Only entity tags count. The resources have no modification date, so by section 13.1.3 and 13.1.4 the two headers with dates
//! are ignored.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::etag::{Tags, etag, tags};
use crate::error::{ApiError, ApiResult, Code};

/// What the request asks of the resource's state; nothing where it has no such header.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.headers)
    }
}

impl Conditions {
    /// A header that cannot be read is refused: ignored, it would protect nobody from overwriting.
    pub fn of(headers: &HeaderMap) -> ApiResult<Self> {
        Ok(Self {
            if_match: tags(headers, &IF_MATCH)?,
            if_none_match: tags(headers, &IF_NONE_MATCH)?,
        })
    }

    /// For GET and HEAD: the answer, or that the caller has it already. Steps 1 and 3 of section 13.2.2, in this order.
    pub fn read<T>(&self, version: i64, body: impl FnOnce() -> T) -> ApiResult<Versioned<T>> {
        self.match_holds(Some(version))?;
        let text = version.to_string();
        match &self.if_none_match {
            Some(Tags::Any) => Ok(Versioned::NotModified(etag(version))),
            Some(Tags::List(list)) => match list.iter().find(|tag| tag.names(&text)) {
                // With the tag that a whole answer to this client would have had.
                Some(tag) => Ok(Versioned::NotModified(
                    HeaderValue::try_from(format!("\"{}\"", tag.opaque))
                        .unwrap_or_else(|_never| etag(version)),
                )),
                None => Ok(Versioned::new(version, body())),
            },
            None => Ok(Versioned::new(version, body())),
        }
    }

    /// For everything that changes something: call it on the row as the changing transaction has locked it, or make the version
    /// part of the changing statement. `None` where there is no row yet.
    pub fn write(&self, current: Option<i64>) -> ApiResult<()> {
        self.match_holds(current)?;
        let exists = match (&self.if_none_match, current) {
            (None, _) | (_, None) => false,
            (Some(Tags::Any), Some(_)) => true,
            (Some(Tags::List(list)), Some(version)) => {
                let text = version.to_string();
                list.iter().any(|tag| tag.names(&text))
            }
        };
        if exists {
            return Err(ApiError::new(
                Code::PreconditionFailed,
                "the resource is there already, which If-None-Match excludes; nothing was changed",
            ));
        }
        Ok(())
    }

    fn match_holds(&self, current: Option<i64>) -> ApiResult<()> {
        let holds = match (&self.if_match, current) {
            (None, _) | (Some(Tags::Any), Some(_)) => true,
            (Some(_), None) => false,
            (Some(Tags::List(list)), Some(version)) => {
                let text = version.to_string();
                list.iter().any(|tag| !tag.is_weak && tag.names(&text))
            }
        };
        if holds {
            return Ok(());
        }
        let error = ApiError::new(
            Code::PreconditionFailed,
            "the resource is not in the state that If-Match names; nothing was changed: read it again",
        );
        Err(match current {
            Some(version) => error.with_header(ETAG, etag(version)),
            None => error,
        })
    }
}

/// A single resource with its version, or that the caller has it already.
#[derive(Debug)]
pub enum Versioned<T> {
    Body { version: i64, body: T },
    NotModified(HeaderValue),
}

impl<T> Versioned<T> {
    pub fn new(version: i64, body: T) -> Self {
        Self::Body { version, body }
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Body { version, body } => ([(ETAG, etag(version))], Json(body)).into_response(),
            Self::NotModified(tag) => (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn conditions(pairs: &[(&'static str, &str)]) -> ApiResult<Conditions> {
        Conditions::of(
            &pairs
                .iter()
                .map(|(name, value)| {
                    let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                    (HeaderName::from_static(name), value)
                })
                .collect(),
        )
    }

    fn of(pairs: &[(&'static str, &str)]) -> Conditions {
        conditions(pairs).unwrap()
    }

    /// 200, 304 or 412 for a resource at version 7.
    fn read(pairs: &[(&'static str, &str)]) -> u16 {
        match of(pairs).read(7, || ()) {
            Ok(Versioned::Body { .. }) => 200,
            Ok(Versioned::NotModified(_)) => 304,
            Err(error) => error.code.status().as_u16(),
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (value, expected) in [
            ("\"7\"", 304),
            ("W/\"7\"", 304),
            ("\"7-gzip\"", 304),
            ("*", 304),
            ("\"6\", W/\"7\"", 304),
            ("\"a,b\",\"7\"", 304),
            (", ,\"7\",", 304),
            ("\"8\"", 200),
            ("\"77\"", 200),
            ("\"\"", 200),
            ("\"7\u{e9}\"", 200),
        ] {
            assert_eq!(read(&[("if-none-match", value)]), expected, "{value}");
        }
        let two = [("if-none-match", "\"6\""), ("if-none-match", "\"7\"")];
        assert_eq!(of(&two), of(&[("if-none-match", "\"6\", \"7\"")]));
    }

    #[test]
    fn if_match_compares_strongly() {
        for (value, expected) in [
            ("\"7\"", true),
            ("\"7-gzip\"", true),
            ("*", true),
            ("\"6\", \"7\"", true),
            ("W/\"7\"", false),
            ("\"6\"", false),
        ] {
            let conditions = of(&[("if-match", value)]);
            assert_eq!(conditions.write(Some(7)).is_ok(), expected, "{value}");
            assert!(conditions.write(None).is_err(), "{value}");
        }
        let error = of(&[("if-match", "\"6\"")]).write(Some(7)).unwrap_err();
        assert_eq!(error.code, Code::PreconditionFailed);
        assert!(error.headers.contains(&(ETAG, etag(7))));
    }

    #[test]
    fn if_match_is_evaluated_first() {
        let both = |first, second| read(&[("if-match", first), ("if-none-match", second)]);
        assert_eq!(both("\"6\"", "\"7\""), 412);
        assert_eq!(both("\"7\"", "\"7\""), 304);
        assert_eq!(both("\"7\"", "\"6\""), 200);
    }

    #[test]
    fn create_only_is_if_none_match_any() {
        let create = of(&[("if-none-match", "*")]);
        assert!(create.write(None).is_ok());
        assert!(create.write(Some(1)).is_err());
        assert!(of(&[]).write(Some(1)).is_ok() && of(&[]).write(None).is_ok());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for value in [
            "",
            "7",
            "\"7",
            "7\"",
            "w/\"7\"",
            "\"6\" \"7\"",
            "\"6\"x",
            "*, \"7\"",
            "W/7",
            ",",
            "\"a b\"",
        ] {
            let error = conditions(&[("if-match", value)]).unwrap_err();
            assert_eq!(error.code, Code::BadRequest, "{value}");
        }
        let both = [("if-match", "*"), ("if-match", "\"7\"")];
        assert!(conditions(&both).is_err());
    }
}
