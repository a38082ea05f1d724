//! An answer as the Open Inference Protocol writes it.

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};

use super::data::Flat;
use super::request::Wanted;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::serving::Tensors;
use crate::models::signature::Signature;

/// How many bytes of the body are JSON, where bytes follow it.
pub(super) const JSON_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Flat<'a>>,
}

/// Who answers.
pub(super) struct Answering<'a> {
    pub name: &'a str,
    pub version: i64,
    pub signature: &'a Signature,
}

pub(super) fn write(by: &Answering<'_>, wanted: &Wanted, tensors: &Tensors) -> ApiResult<Response> {
    let mut outputs = Vec::with_capacity(tensors.len());
    let mut behind = Vec::new();
    for ((place, is_binary), values) in wanted.outputs.iter().zip(tensors) {
        let name = by.signature.outputs.get(*place).map_or("", |it| &it.name);
        let bytes = &values.bytes;
        if *is_binary {
            behind.extend_from_slice(bytes);
        }
        outputs.push(Output {
            name,
            datatype: values.datatype.word(),
            shape: &values.shape,
            parameters: is_binary.then(|| json!({ "binary_data_size": bytes.len() })),
            data: (!is_binary).then_some(Flat {
                datatype: values.datatype,
                bytes,
            }),
        });
    }
    let answer = Answer {
        model_name: by.name,
        model_version: by.version.to_string(),
        id: wanted.id.as_deref(),
        outputs,
    };
    let mut body = serde_json::to_vec(&answer)
        .map_err(|error| ApiError::new(Code::InvalidInput, error.to_string()))?;
    let has_binary = wanted.outputs.iter().any(|(_, is_binary)| *is_binary);
    let length = body.len();
    body.extend_from_slice(&behind);
    let mut response = Response::new(Body::from(body));
    let kind = match has_binary {
        true => "application/octet-stream",
        false => "application/json",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if has_binary {
        headers.insert(JSON_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}
