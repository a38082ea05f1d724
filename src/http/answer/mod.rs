//! The successful answer to a POST, whole in memory so that it can be kept and given again.

pub mod conditional;
pub mod download;
pub mod etag;
pub mod idempotency;
pub mod once;
pub mod page;
pub mod ranged;
pub(in crate::http) mod rendered;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::http::answer::etag::{Edition, etag};
use crate::http::answer::rendered::{JSON, json};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::ProjectId;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Seals what must not be read in the database; `identity` has the keys.
pub trait Seal {
    fn seal(&self, plain: &[u8]) -> anyhow::Result<Vec<u8>>;
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>>;
}

/// An answer of the 2xx class: only the constructors below make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    is_replayed: bool,
    project: Option<ProjectId>,
}

impl Answer {
    /// 201 with the new resource and the path where it is.
    pub fn created(location: impl Into<String>, body: &impl Serialize) -> ApiResult<Self> {
        Self::json(StatusCode::CREATED, body)?.located(location)
    }

    /// 202 with the path where the work can be watched.
    pub fn accepted(location: impl Into<String>, body: &impl Serialize) -> ApiResult<Self> {
        Self::json(StatusCode::ACCEPTED, body)?.located(location)
    }

    pub fn ok(body: &impl Serialize) -> ApiResult<Self> {
        Self::json(StatusCode::OK, body)
    }

    /// 202 without a word, where the answer must not tell what comes of it.
    pub fn under_way() -> Self {
        Self::empty(StatusCode::ACCEPTED)
    }

    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            is_replayed: false,
            project: None,
        }
    }

    /// With the ETag of the version that was made.
    #[must_use]
    pub fn with_version(mut self, edition: impl Into<Edition>) -> Self {
        self.headers.push((ETAG, etag(edition)));
        self
    }

    /// For a body that holds a secret: no cache keeps it, and the database only what is sealed.
    /// Work under an `Idempotency-Key` answers so, and what comes of it, the first time or again,
    /// is [`Self::opened`] for the caller.
    pub fn sealed(mut self, keys: &impl Seal) -> ApiResult<Self> {
        self.headers.push((CACHE_CONTROL, NO_STORE));
        self.body = keys.seal(&self.body).map_err(ApiError::internal)?.into();
        Ok(self)
    }

    pub fn opened(mut self, keys: &impl Seal) -> ApiResult<Self> {
        let Some(body) = keys.open(&self.body) else {
            let error = ApiError::new(
                Code::Conflict,
                "this request was carried out before, once; what it showed then cannot be shown again, because the keys of the service have changed: delete what it made, which is at Location, and use a new Idempotency-Key",
            );
            let location = self.headers.into_iter().find(|(name, _)| *name == LOCATION);
            return Err(match location {
                Some((name, value)) => error.with_header(name, value),
                None => error,
            });
        };
        self.body = body.into();
        Ok(self)
    }

    /// It is given again instead of doing the work again.
    #[must_use]
    pub fn replayed(mut self) -> Self {
        self.is_replayed = true;
        self
    }

    /// It shows something of a project, so it is given again only to who can read that.
    #[must_use]
    pub fn of_project(mut self, project: Option<ProjectId>) -> Self {
        self.project = project;
        self
    }

    pub(super) fn project(&self) -> Option<ProjectId> {
        self.project
    }

    fn json(status: StatusCode, body: &impl Serialize) -> ApiResult<Self> {
        Ok(Self {
            status,
            headers: vec![(CONTENT_TYPE, JSON)],
            body: json(body)?,
            is_replayed: false,
            project: None,
        })
    }

    fn located(mut self, location: impl Into<String>) -> ApiResult<Self> {
        let location = HeaderValue::try_from(location.into()).map_err(ApiError::internal)?;
        self.headers.push((LOCATION, location));
        Ok(self)
    }

    /// The path of what was made.
    pub fn location(&self) -> Option<&str> {
        let (_, location) = self.headers.iter().find(|(name, _)| *name == LOCATION)?;
        location.to_str().ok()
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// As the database keeps it.
    pub(super) fn parts(&self) -> (i16, Value, &[u8]) {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), Value::String(text(value))));
        let status = i16::try_from(self.status.as_u16()).unwrap_or_default();
        (status, Value::Object(headers.collect()), &self.body)
    }

    /// The answer as it was kept; where its body was not, the place of what it made.
    pub(super) fn kept(
        status: i16,
        headers: &Value,
        body: Option<Vec<u8>>,
    ) -> Result<ApiResult<Self>, Option<HeaderValue>> {
        let members = headers.as_object().into_iter().flatten();
        let headers: Vec<(HeaderName, HeaderValue)> = members
            .filter_map(|(name, value)| {
                Some((
                    name.parse().ok()?,
                    HeaderValue::from_str(value.as_str()?).ok()?,
                ))
            })
            .collect();
        let Some(body) = body else {
            let location = headers.into_iter().find(|(name, _)| *name == LOCATION);
            return Err(location.map(|(_, value)| value));
        };
        let status = u16::try_from(status).ok();
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        Ok(match status {
            Some(status) => Ok(Self {
                status,
                headers,
                body: body.into(),
                is_replayed: true,
                project: None,
            }),
            None => Err(ApiError::internal(anyhow::anyhow!(
                "an answer was kept with a status that is none"
            ))),
        })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        if self.is_replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert(REPLAYED, yes);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_answer_is_the_answer() {
        let answer = Answer::created("/things/1", &serde_json::json!({"id": 1}))
            .unwrap()
            .with_version(7);
        let (status, headers, body) = answer.parts();
        let again = Answer::kept(status, &headers, Some(body.to_vec()))
            .unwrap()
            .unwrap();
        let (first, again) = (answer.into_response(), again.into_response());
        assert_eq!(first.status(), again.status());
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        for (name, value) in first.headers() {
            assert_eq!(again.headers().get(name), Some(value));
        }
        let place = Answer::kept(201, &headers, None).unwrap_err().unwrap();
        assert_eq!(place, "/things/1");
    }
}
