//! Answers that wait in memory for their readers: what all of them together may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Response, Version};
use http_body::Body as _;
use prometheus::{IntCounter, IntGauge};

use crate::kernel::error::{ApiError, Code};

/// Less than the kernel takes at once of the one answer that a connection has under way; on HTTP/2
/// it may have many.
const SMALL: u64 = 16 * 1024;

pub(super) struct Answers {
    most: usize,
    shed: IntCounter,
    held: Arc<Held>,
}

struct Held {
    bytes: AtomicUsize,
    gauge: IntGauge,
}

/// The bytes of an answer, counted for as long as anybody has a part of them.
struct Counted {
    bytes: Bytes,
    held: Arc<Held>,
}

impl Answers {
    pub(super) fn new(most: usize, gauge: IntGauge, shed: IntCounter) -> Self {
        let held = Arc::new(Held {
            bytes: AtomicUsize::new(0),
            gauge,
        });
        Self { most, shed, held }
    }

    /// The answer, counted if it is large; an error if there is no room for it. What was changed by
    /// then cannot be taken back, so the answer to a change finds twice the room.
    pub(super) async fn hold(
        &self,
        response: Response<Body>,
        method: &Method,
        version: Version,
    ) -> Result<Response<Body>, ApiError> {
        let small = if version == Version::HTTP_2 { 0 } else { SMALL };
        // Without an exact size it is not whole in memory, but made as it is read.
        let size = response.body().size_hint().exact();
        if size.is_none_or(|size| size <= small) {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .map_err(ApiError::internal)?;
        // What others have too, such as a file of the documentation, costs nothing more.
        if !bytes.is_unique() {
            return Ok(Response::from_parts(parts, Body::from(bytes)));
        }
        let counted = Counted::new(bytes, &self.held);
        let most = if method.is_safe() {
            self.most
        } else {
            self.most.saturating_mul(2)
        };
        // An error's document is never large, and says what nothing else would.
        if parts.status.is_success() && self.held.bytes.load(Relaxed) > most {
            self.shed.inc();
            return Err(if method.is_safe() {
                ApiError::new(
                    Code::Overloaded,
                    "too many large answers wait for their readers; repeat the request, for less at once where it has a limit",
                )
            } else {
                ApiError::new(
                    Code::OutcomeUnknown,
                    "the request was carried out, but too many large answers wait for their readers to hold this one; read what it changed, or repeat a POST with the same Idempotency-Key",
                )
            });
        }
        Ok(Response::from_parts(
            parts,
            Body::from(Bytes::from_owner(counted)),
        ))
    }
}

impl Counted {
    fn new(bytes: Bytes, held: &Arc<Held>) -> Self {
        held.bytes.fetch_add(bytes.len(), Relaxed);
        held.gauge.add(size(&bytes));
        Self {
            bytes,
            held: Arc::clone(held),
        }
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes.len(), Relaxed);
        self.held.gauge.sub(size(&self.bytes));
    }
}

fn size(bytes: &Bytes) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
