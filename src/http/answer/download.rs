//! An answer that is made while it is read. Where making it fails, the connection breaks off, so
//! that half of an answer never looks whole.

use std::error::Error;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// The answer of a route with the policy `download`.
pub struct Download {
    kind: HeaderValue,
    body: Body,
}

impl Download {
    pub fn new<E>(
        kind: HeaderValue,
        parts: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        let parts = parts.inspect(|part| {
            if let Err(error) = part {
                let error: &dyn Error = error;
                tracing::error!(error, "a download broke off");
            }
        });
        Self {
            kind,
            body: Body::from_stream(parts),
        }
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, self.kind)], self.body).into_response()
    }
}
