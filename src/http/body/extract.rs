//! Extractors whose refusals are problem documents: JSON bodies, path and query parameters.

use std::error::Error as _;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::json::{self, NUL_CHARACTER};
use super::shape::Shape;
use crate::kernel::error::{ApiError, Code, FieldError, MOST_FIELD_ERRORS};

/// A JSON body. Request types deny unknown fields; whatever does not fit is listed field by field.
pub struct ValidJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for ValidJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = json_bytes(request, state).await?;
        parse(&body).map(Self)
    }
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

pub(in crate::http) async fn json_bytes<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Bytes, ApiError> {
    let expected = "the body must be JSON: send Content-Type: application/json";
    json_body(request, state, is_json, expected).await
}

/// The bytes of a body whose type, in lower case and without parameters, is one of those `taken`.
pub(in crate::http) async fn json_body<S: Send + Sync>(
    request: Request,
    state: &S,
    taken: impl Fn(&str) -> bool,
    expected: &'static str,
) -> Result<Bytes, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or("");
    if !taken(&essence.trim().to_ascii_lowercase()) {
        return Err(ApiError::new(Code::UnsupportedMediaType, expected));
    }
    let WholeBody(body) = WholeBody::from_request(request, state).await?;
    Ok(body)
}

/// A body whose type says nothing. The middleware has read it and kept its limits, so this cannot
/// wait or fail; `Bytes` has a limit of its own, which is lower than some settings.
pub struct WholeBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for WholeBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let read = axum::body::to_bytes(request.into_body(), usize::MAX).await;
        read.map(Self).map_err(ApiError::internal)
    }
}

/// What a JSON text says, or every mistake in it.
pub fn parse<T: DeserializeOwned + ToSchema>(body: &[u8]) -> Result<T, ApiError> {
    let fits = serde_json::from_slice::<T>(body);
    if fits.is_ok() && !may_hold_nul(body) && !body.contains(&b'[') {
        return fits.map_err(ApiError::internal);
    }
    if body.is_empty() {
        return Err(ApiError::new(
            Code::MalformedJson,
            "the body is empty; JSON was expected",
        ));
    }
    // Serde may have refused the type before it came to where the JSON itself breaks.
    let shape = Shape::of::<T>();
    let unknown = |name: &str| shape.unknown(name);
    let refused: Option<json::Unknown<'_>> = if fits.is_err() { Some(&unknown) } else { None };
    let (value, mut found) = json::examine(body, refused).map_err(|error| malformed(&error))?;
    if found.len() > MOST_FIELD_ERRORS {
        return Err(ApiError::validation(found));
    }
    match fits {
        Ok(fits) => {
            found.extend(lists_for_objects(&shape, &value));
            if found.is_empty() {
                Ok(fits)
            } else {
                Err(ApiError::validation(found))
            }
        }
        Err(error) => {
            let mut mistakes = shape.mistakes(&value);
            // Of a text that cannot be stored, more need not be said.
            mistakes.retain(|it| {
                !found
                    .iter()
                    .any(|nul| is_nul(nul) && nul.pointer == it.pointer)
            });
            found.extend(mistakes);
            if found.is_empty() {
                // What the schema cannot say. Serde's own words name types, which are nobody's
                // business.
                found.push(json::mistake(
                    &json::pointer_at(body, error.line(), error.column()),
                    "invalid-value",
                    "this value is not possible here",
                ));
            }
            Err(ApiError::validation(found))
        }
    }
}

fn is_nul(mistake: &FieldError) -> bool {
    mistake.code == NUL_CHARACTER
}

/// Serde takes the members of a struct from a list as well, by their order, which no document says.
fn lists_for_objects(shape: &Shape, value: &Value) -> impl Iterator<Item = FieldError> {
    shape.mistakes(value).into_iter().filter(|it| {
        it.code == "wrong-type" && value.pointer(&it.pointer).is_some_and(Value::is_array)
    })
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        Code::MalformedJson,
        format!(
            "the body is not JSON that can be read: line {}, column {}",
            error.line(),
            error.column()
        ),
    )
}

/// In valid JSON, U+0000 can only stand in a text as an escape.
fn may_hold_nul(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| text.contains("\\u0000"))
}

/// A form (`application/x-www-form-urlencoded`). Members that are not known are ignored, as RFC
/// 6749 asks of the token endpoints.
pub struct ValidForm<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ValidForm<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "the body must be a form: send Content-Type: application/x-www-form-urlencoded",
            ));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(ApiError::internal)?;
        let is_text = percent_encoding::percent_decode(&body)
            .decode_utf8()
            .is_ok_and(|text| !text.contains('\0'));
        let form = is_text
            .then(|| serde_urlencoded::from_bytes(&body).ok())
            .flatten();
        form.map(Self).ok_or_else(|| {
            ApiError::new(
                Code::BadRequest,
                "the form lacks a member, has one twice, or is not text",
            )
        })
    }
}

/// Path parameters. A value that cannot be one names nothing, so the answer is 404, and NUL never
/// reaches the database.
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
                // The source names the parameter and what is wrong with it, without axum's words
                // around it.
                let detail = error
                    .source()
                    .map_or_else(|| error.body_text(), ToString::to_string);
                Err(ApiError::new(Code::InvalidParameter, detail))
            }
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}
