//! Conditional requests (RFC 9110, section 13): the version of a resource as its ETag, and what a
//! request asks of it.
//!
//! Only entity tags count. The resources have no modification date, so by section 13.1.3 and 13.1.4
//! the two headers with dates are ignored.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::etag::{Edition, Tag, Tags, etag, tags};
use super::rendered;
use crate::kernel::error::{ApiError, ApiResult, Code};

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

    /// For GET and HEAD: the answer, or that the caller has it already. Steps 1 and 3 of section
    /// 13.2.2, in this order.
    pub fn read<T>(
        &self,
        edition: impl Into<Edition>,
        body: impl FnOnce() -> T,
    ) -> ApiResult<Versioned<T>> {
        let edition = edition.into();
        self.match_holds(Some(edition))?;
        match &self.if_none_match {
            Some(Tags::Any) => Ok(Versioned::NotModified(etag(edition))),
            Some(Tags::List(list)) => match list.iter().find(|tag| tag.names(edition)) {
                // With the tag that a whole answer to this client would have had.
                Some(tag) => Ok(Versioned::NotModified(
                    HeaderValue::try_from(format!("\"{}\"", tag.opaque))
                        .unwrap_or_else(|_never| etag(edition)),
                )),
                None => Ok(Versioned::new(edition, body())),
            },
            None => Ok(Versioned::new(edition, body())),
        }
    }

    /// For everything that changes something: call it on the row as the changing transaction has
    /// locked it, or make the version part of the changing statement. `None` where there is no row
    /// yet.
    pub fn write(&self, current: Option<i64>) -> ApiResult<()> {
        self.write_edition(current.map(Edition::from))
    }

    /// The same where the tag says more than the version.
    pub fn write_edition(&self, current: Option<Edition>) -> ApiResult<()> {
        self.match_holds(current)?;
        let exists = match (&self.if_none_match, current) {
            (None, _) | (_, None) => false,
            (Some(Tags::Any), Some(_)) => true,
            (Some(Tags::List(list)), Some(edition)) => {
                list.iter().any(|tag| tag.names_version(edition))
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

    /// For a changing statement that judges by itself: the versions that [`Self::write_edition`]
    /// admits of a row that is there, `None` for every one, and those that it does not.
    pub fn versions(&self) -> (Option<Vec<i64>>, Vec<i64>) {
        let of = |list: &[Tag], is_strong: bool| -> Vec<i64> {
            list.iter()
                .filter(|tag| !(is_strong && tag.is_weak))
                .filter_map(Tag::version)
                .collect()
        };
        let admitted = match &self.if_match {
            None | Some(Tags::Any) => None,
            Some(Tags::List(list)) => Some(of(list, true)),
        };
        match &self.if_none_match {
            None => (admitted, Vec::new()),
            Some(Tags::Any) => (Some(Vec::new()), Vec::new()),
            Some(Tags::List(list)) => (admitted, of(list, false)),
        }
    }

    fn match_holds(&self, current: Option<Edition>) -> ApiResult<()> {
        let holds = match (&self.if_match, current) {
            (None, _) | (Some(Tags::Any), Some(_)) => true,
            (Some(_), None) => false,
            (Some(Tags::List(list)), Some(edition)) => list
                .iter()
                .any(|tag| !tag.is_weak && tag.names_version(edition)),
        };
        if holds {
            return Ok(());
        }
        let error = ApiError::new(
            Code::PreconditionFailed,
            "the resource is not in the state that If-Match names; nothing was changed: read it again",
        );
        Err(match current {
            Some(edition) => error.with_header(ETAG, etag(edition)),
            None => error,
        })
    }
}

/// A single resource with its version, or that the caller has it already.
#[derive(Debug)]
pub enum Versioned<T> {
    Body { edition: Edition, body: T },
    NotModified(HeaderValue),
}

impl<T> Versioned<T> {
    pub fn new(edition: impl Into<Edition>, body: T) -> Self {
        Self::Body {
            edition: edition.into(),
            body,
        }
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Body { edition, body } => {
                ([(ETAG, etag(edition))], rendered::answer(&body)).into_response()
            }
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
    fn what_changes_beside_the_version_counts_for_reading_alone() {
        let edition = |votes: &'static [u8]| Edition::with_rest(7, [votes, b"viewer"]);
        let (old, new) = (edition(b"1"), edition(b"2"));
        let tag = |edition| etag(edition).to_str().unwrap().to_owned();
        assert!(tag(old).starts_with("\"7-") && tag(old) != tag(new));
        assert_eq!(tag(new), tag(edition(b"2")));
        let gzip = format!("{}-gzip\"", tag(new).trim_end_matches('"'));
        for (known, is_known) in [(tag(new), true), (gzip, true), (tag(old), false)] {
            let read = of(&[("if-none-match", &known)]).read(new, || ());
            let not_modified = matches!(read, Ok(Versioned::NotModified(_)));
            assert_eq!(not_modified, is_known, "{known}");
            let known = of(&[("if-match", &known)]);
            assert!(known.write_edition(Some(new)).is_ok());
            assert_eq!(known.versions(), (Some(vec![7]), vec![]));
            let later = Edition::with_rest(8, [b"2".as_slice(), b"viewer"]);
            assert!(known.write_edition(Some(later)).is_err());
            // A resource that shows nothing else never gave such a tag.
            assert!(known.write(Some(7)).is_err());
        }
        for (value, version) in [("\"7\"", Some(7)), ("\"07\"", None), ("\"7x-1\"", None)] {
            let holds = of(&[("if-match", value)]);
            assert_eq!(holds.versions().0, Some(version.into_iter().collect()));
            assert_eq!(holds.write_edition(Some(new)).is_ok(), version.is_some());
        }
        let create = of(&[("if-none-match", "*")]);
        assert_eq!(create.versions(), (Some(vec![]), vec![]));
        let unless = of(&[("if-none-match", "\"6\", W/\"7-0\"")]);
        assert_eq!(unless.versions(), (None, vec![6, 7]));
        assert!(unless.write_edition(Some(new)).is_err());
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
