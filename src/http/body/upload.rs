//! A body that the handler reads as it arrives. It is limited by what it becomes when it is
//! unpacked, and never held whole.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::{broken, too_large};
use crate::http::shell::encoding::{Encoding, not_gzip};
use crate::kernel::error::{ApiError, ApiResult};

/// What is unpacked at once: at gzip's best it becomes one MiB.
const PIECE: usize = 1 << 10;

/// How an upload goes on, for the middleware, which gives up where it does not.
pub struct Progress {
    begun: Instant,
    /// Milliseconds after `begun` at which something arrived last.
    moved: AtomicU64,
    received: AtomicU64,
    is_over: AtomicBool,
    is_broken: AtomicBool,
}

impl Progress {
    pub fn new(begun: Instant) -> Self {
        Self {
            begun,
            moved: AtomicU64::new(0),
            received: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
        }
    }

    fn moved(&self, bytes: usize) {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(elapsed, Relaxed);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received.fetch_add(bytes, Relaxed);
    }

    /// Bytes that have arrived, as they were sent.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Whether the body did not arrive whole.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Relaxed)
    }

    /// When the handler has to be done: `answer` after the last byte, and as long as there may be
    /// more, `idle` later, which is when the connection gives up by itself.
    pub fn deadline(&self, idle: Duration, answer: Duration) -> Instant {
        let moved = self.begun + Duration::from_millis(self.moved.load(Relaxed));
        if self.is_over.load(Relaxed) {
            moved + answer
        } else {
            moved + idle + answer
        }
    }
}

/// What the middleware lets an upload be.
#[derive(Clone)]
pub struct UploadTerms {
    pub most: usize,
    pub progress: Arc<Progress>,
}

/// The body of a route with the policy `upload`.
pub struct Upload {
    body: Body,
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    /// What has arrived and is not unpacked yet.
    packed: Bytes,
    taken: usize,
    terms: UploadTerms,
}

impl Upload {
    fn new(headers: &HeaderMap, body: Body, terms: UploadTerms) -> ApiResult<Self> {
        let encoding = Encoding::of(headers)?;
        let most = u64::try_from(terms.most).unwrap_or(u64::MAX);
        if encoding == Encoding::Identity && body.size_hint().lower() > most {
            return Err(too_large(terms.most));
        }
        Ok(Self {
            body,
            unpacker: (encoding == Encoding::Gzip).then(|| MultiGzDecoder::new(Vec::new())),
            packed: Bytes::new(),
            taken: 0,
            terms,
        })
    }

    /// The next part; `None` after the last.
    pub async fn next(&mut self) -> ApiResult<Option<Bytes>> {
        loop {
            if self.packed.is_empty() {
                match self.arrive().await? {
                    Some(bytes) => self.packed = bytes,
                    None => return self.last(),
                }
            }
            let part = self.unpack()?;
            if !part.is_empty() {
                return self.count(part).map(Some);
            }
        }
    }

    async fn arrive(&mut self) -> ApiResult<Option<Bytes>> {
        let progress = &self.terms.progress;
        loop {
            let frame = self.body.frame().await;
            let frame = frame.transpose().map_err(|error| {
                progress.is_over.store(true, Relaxed);
                progress.is_broken.store(true, Relaxed);
                broken(&error)
            })?;
            match frame {
                Some(frame) => {
                    // Trailers say nothing that anybody asks for.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    progress.moved(data.len());
                    if !data.is_empty() {
                        return Ok(Some(data));
                    }
                }
                None => {
                    progress.moved(0);
                    progress.is_over.store(true, Relaxed);
                    return Ok(None);
                }
            }
        }
    }

    fn unpack(&mut self) -> ApiResult<Bytes> {
        let Some(unpacker) = &mut self.unpacker else {
            return Ok(std::mem::take(&mut self.packed));
        };
        let piece = self.packed.split_to(self.packed.len().min(PIECE));
        unpacker.write_all(&piece).or(Err(not_gzip()))?;
        Ok(std::mem::take(unpacker.get_mut()).into())
    }

    fn last(&mut self) -> ApiResult<Option<Bytes>> {
        let Some(unpacker) = self.unpacker.take() else {
            return Ok(None);
        };
        let rest = unpacker.finish().or(Err(not_gzip()))?;
        if rest.is_empty() {
            return Ok(None);
        }
        self.count(rest.into()).map(Some)
    }

    fn count(&mut self, part: Bytes) -> ApiResult<Bytes> {
        self.taken = self.taken.saturating_add(part.len());
        if self.taken > self.terms.most {
            return Err(too_large(self.terms.most));
        }
        Ok(part)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, ApiError> {
        let terms = request.extensions_mut().remove::<UploadTerms>();
        let terms = terms.ok_or_else(|| {
            ApiError::internal(anyhow::anyhow!(
                "a handler reads an upload, and its route has no such policy"
            ))
        })?;
        let (parts, body) = request.into_parts();
        Self::new(&parts.headers, body, terms)
    }
}
