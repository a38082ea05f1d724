//! Bodies written as JSON. Into a `Vec`, because `axum::Json` appends to `BytesMut` by a call for
//! each piece, which a list has hundreds of.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::kernel::error::{ApiError, ApiResult};

pub(in crate::http) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Room for one thing of usual size.
const ROOM: usize = 1_024;

pub(in crate::http) fn json(body: &impl Serialize) -> ApiResult<Bytes> {
    let mut text = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut text, body).map_err(ApiError::internal)?;
    // A large text may have grown to twice its size, and is held until a client has read it.
    if text.len() > 16 * ROOM {
        text.shrink_to_fit();
    }
    Ok(text.into())
}

pub(in crate::http) fn answer(body: &impl Serialize) -> Response {
    match json(body) {
        Ok(text) => ([(CONTENT_TYPE, JSON)], text).into_response(),
        Err(error) => error.into_response(),
    }
}
