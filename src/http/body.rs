//! Request bodies: read whole before the handler runs, within limits of size, time and memory held by all requests together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use prometheus::{IntCounter, IntGauge};

use crate::error::{ApiError, Code};
use crate::server::BodyTimedOut;

/// What all request bodies together may take; a request beyond it is refused, not the process killed.
/// Never below what two of the largest bodies allowed take, or the setting would promise what this refuses.
const LEAST_BUDGET: usize = 64 << 20;

/// Counts the bytes held by all requests.
pub struct Held {
    most: usize,
    bytes: AtomicUsize,
    gauge: IntGauge,
    shed: IntCounter,
}

/// One request's share; given back on drop.
pub struct Share<'a> {
    held: &'a Held,
    bytes: usize,
}

impl Held {
    pub fn new(max_body: usize, gauge: IntGauge, shed: IntCounter) -> Self {
        Self {
            most: LEAST_BUDGET.max(max_body.saturating_mul(2)),
            shed,
            bytes: AtomicUsize::new(0),
            gauge,
        }
    }

    pub fn share(&self) -> Share<'_> {
        Share {
            held: self,
            bytes: 0,
        }
    }
}

impl Share<'_> {
    pub fn grow(&mut self, more: usize) -> Result<(), ApiError> {
        let before = self.held.bytes.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        self.held.gauge.add(i64::try_from(more).unwrap_or(i64::MAX));
        if before + more > self.held.most {
            self.held.shed.inc();
            return Err(ApiError::new(
                Code::Overloaded,
                "too many large bodies are arriving; nothing was done, repeat the request",
            ));
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.held
            .gauge
            .sub(i64::try_from(self.bytes).unwrap_or(i64::MAX));
    }
}

pub fn too_large(most: usize) -> ApiError {
    ApiError::new(
        Code::PayloadTooLarge,
        format!("the body is larger than {} bytes", most),
    )
}

/// The whole body. What a body announces is checked before a byte of it is read.
pub async fn read(
    mut body: Body,
    most: usize,
    until: Instant,
    share: &mut Share<'_>,
) -> Result<Bytes, ApiError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(too_large(most));
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout_at(until.into(), body.frame()).await {
            Err(_) => {
                return Err(ApiError::new(
                    Code::RequestTimeout,
                    "the body did not arrive within the time for a whole request",
                ));
            }
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(broken(&error)),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        share.grow(data.len())?;
        if first.len() + rest.len() + data.len() > most {
            return Err(too_large(most));
        }
        // Nearly every body is one piece, which then is not copied.
        match (first.is_empty() && rest.is_empty(), rest.is_empty()) {
            (true, _) => first = data,
            (false, true) => {
                rest.reserve(first.len() + data.len());
                rest.extend_from_slice(&first);
                rest.extend_from_slice(&data);
                first = Bytes::new();
            }
            (false, false) => rest.extend_from_slice(&data),
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

fn broken(error: &axum::Error) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<BodyTimedOut>() {
            return ApiError::new(Code::RequestTimeout, "the body arrived too slowly");
        }
        cause = error.source();
    }
    ApiError::new(
        Code::BadRequest,
        "the body broke off or is not framed as HTTP asks",
    )
}
