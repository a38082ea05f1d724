//! Extractors whose refusals are problem documents: JSON bodies, path and query parameters.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use utoipa::ToSchema;

use super::shape;
use crate::error::{ApiError, Code, FieldError};

/// A JSON body. Request types deny unknown fields; whatever does not fit is listed field by field.
pub struct ValidJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for ValidJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "the body must be JSON: send Content-Type: application/json",
            ));
        }
        // The middleware has read the body and kept its limits; this cannot wait or fail.
        let body = Bytes::from_request(request, state)
            .await
            .map_err(ApiError::internal)?;
        parse(&body).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or(kind).trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().ends_with("+json")
}

fn parse<T: DeserializeOwned + ToSchema>(body: &[u8]) -> Result<T, ApiError> {
    // In valid JSON, U+0000 can only stand in a text as an escape.
    if contains(body, b"\\u0000")
        && let Ok(value) = serde_json::from_slice::<Value>(body)
    {
        let found = shape::nul_texts(&value);
        if !found.is_empty() {
            return Err(ApiError::validation(found));
        }
    }
    serde_json::from_slice::<T>(body).map_err(|error| match error.classify() {
        Category::Data => ApiError::validation(mistakes::<T>(body, &error)),
        _ if body.is_empty() => {
            ApiError::new(Code::MalformedJson, "the body is empty; JSON was expected")
        }
        _ => ApiError::new(
            Code::MalformedJson,
            format!(
                "the body is not valid JSON: line {}, column {}",
                error.line(),
                error.column()
            ),
        ),
    })
}

fn mistakes<T: ToSchema>(body: &[u8], first: &serde_json::Error) -> Vec<FieldError> {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let found = serde_json::from_slice::<Value>(body)
        .map(|value| shape::mistakes(&value, &T::schema(), &named))
        .unwrap_or_default();
    if found.is_empty() {
        // What the schema cannot say (a member given twice, a number out of range) serde says, about names and types alone.
        vec![FieldError {
            pointer: String::new(),
            code: "does-not-fit".into(),
            detail: format!(
                "the body does not fit at line {}, column {}",
                first.line(),
                first.column()
            ),
        }]
    } else {
        found
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// Path parameters. A value that cannot be one names nothing, so the answer is 404, and NUL never reaches the database.
pub struct ValidPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ValidPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(ApiError::not_found("resource"))
            }
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}

/// Query parameters. Unknown names are refused before, from the documented list.
pub struct ValidQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ValidQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                Err(ApiError::new(Code::InvalidParameter, error.body_text()))
            }
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}
