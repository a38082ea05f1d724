//! Request bodies: read whole before the handler runs, within limits of size, time and memory: that
//! of all requests together, that of strangers, and that of each caller.

pub mod extract;
pub mod json;
pub mod patch;
pub mod shape;
pub mod upload;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use prometheus::{IntCounter, IntGauge};

use crate::http::shell::client::Caller;
use crate::kernel::error::{ApiError, Code};
use crate::server::BodyTimedOut;

/// What a route takes unless it says otherwise: forms, names, passwords.
pub const SMALL: usize = 16 << 10;

/// What the bodies of callers who are known may take together, and those of strangers, who cannot
/// use up the others' part. A request beyond it is refused, not the process killed. Never below
/// what two of the largest bodies allowed take, or the setting would promise what this refuses.
const KNOWN: usize = 56 << 20;
const STRANGERS: usize = 8 << 20;
/// The share of a part that one caller may have.
const CALLERS: usize = 4;

/// Counts the bytes held by all requests.
pub struct Held {
    known: Part,
    strangers: Part,
    gauge: IntGauge,
    shed: IntCounter,
}

struct Part {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    bytes: usize,
    /// Of those alone who have something here, of whom there are no more than requests.
    each: HashMap<Caller, usize>,
}

/// What one request holds; given back on drop.
pub struct Share<'a> {
    held: &'a Held,
    caller: Caller,
    bytes: usize,
}

impl Part {
    fn new(most: usize, largest: usize) -> Self {
        let two = largest.saturating_mul(2);
        Self {
            most: most.max(two),
            most_each: (most / CALLERS).max(two),
            taken: Mutex::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was room; where there was none, nothing is taken.
    fn take(&self, caller: Caller, more: usize) -> Result<(), Full> {
        let mut taken = self.taken();
        let own = taken.each.get(&caller).copied().unwrap_or_default();
        if own.saturating_add(more) > self.most_each {
            return Err(Full::Own);
        }
        if taken.bytes.saturating_add(more) > self.most {
            return Err(Full::All);
        }
        taken.bytes += more;
        taken.each.insert(caller, own + more);
        Ok(())
    }

    fn give_back(&self, caller: Caller, bytes: usize) {
        let mut taken = self.taken();
        taken.bytes -= bytes;
        if let Some(own) = taken.each.get_mut(&caller) {
            *own -= bytes;
            if *own == 0 {
                taken.each.remove(&caller);
            }
        }
    }
}

/// What there is no more room in.
enum Full {
    Own,
    All,
}

impl Held {
    pub fn new(largest: usize, gauge: IntGauge, shed: IntCounter) -> Self {
        Self {
            known: Part::new(KNOWN, largest),
            strangers: Part::new(STRANGERS, SMALL),
            gauge,
            shed,
        }
    }

    pub fn share(&self, caller: Caller) -> Share<'_> {
        Share {
            held: self,
            caller,
            bytes: 0,
        }
    }

    fn part(&self, caller: Caller) -> &Part {
        match caller {
            Caller::Known(_) => &self.known,
            Caller::Stranger(_) => &self.strangers,
        }
    }
}

impl Share<'_> {
    pub fn grow(&mut self, more: usize) -> Result<(), ApiError> {
        let part = self.held.part(self.caller);
        if let Err(full) = part.take(self.caller, more) {
            self.held.shed.inc();
            let detail = match (full, self.caller) {
                (Full::Own, Caller::Known(_)) => {
                    "you send too much at the same time; nothing was done, repeat the request when others of yours are done"
                }
                (Full::Own, Caller::Stranger(_)) => {
                    "callers of your network who are not signed in send too much at the same time; nothing was done, repeat the request"
                }
                (Full::All, _) => {
                    "too many large bodies are arriving; nothing was done, repeat the request"
                }
            };
            return Err(ApiError::new(Code::Overloaded, detail));
        }
        self.bytes += more;
        self.held.gauge.add(i64::try_from(more).unwrap_or(i64::MAX));
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        self.held
            .part(self.caller)
            .give_back(self.caller, self.bytes);
        self.held
            .gauge
            .sub(i64::try_from(self.bytes).unwrap_or(i64::MAX));
    }
}

pub fn too_large(most: impl std::fmt::Display) -> ApiError {
    ApiError::new(
        Code::PayloadTooLarge,
        format!("the body is larger than {most} bytes, the most that this resource takes"),
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
        if first.len() + rest.len() + data.len() > most {
            return Err(too_large(most));
        }
        share.grow(data.len())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::shell::client::Prefix;
    use crate::kernel::types::PrincipalId;

    const MIB: usize = 1 << 20;

    fn held(largest: usize) -> Held {
        let counter = |name: &str| IntCounter::new(name, "n").unwrap();
        Held::new(largest, IntGauge::new("g", "n").unwrap(), counter("c"))
    }

    fn stranger(number: u8) -> Caller {
        Caller::Stranger(Prefix::V4([192, 0, number]))
    }

    #[test]
    fn strangers_leave_the_others_their_part() {
        let held = held(MIB);
        let mut shares = Vec::new();
        for number in 0..4 {
            let mut share = held.share(stranger(number));
            share.grow(2 * MIB).unwrap();
            assert!(share.grow(1).unwrap_err().detail.contains("your network"));
            shares.push(share);
        }
        let refused = held.share(stranger(9)).grow(1).unwrap_err();
        assert!(refused.detail.contains("too many large bodies"));
        held.share(Caller::Known(PrincipalId::fresh()))
            .grow(2 * MIB)
            .unwrap();
        assert_eq!(held.shed.get(), 5);
        assert_eq!(held.gauge.get(), 8 << 20);
        shares.pop();
        held.share(stranger(9)).grow(2 * MIB).unwrap();
        shares.clear();
        assert_eq!(held.gauge.get(), 0);
        assert!(held.strangers.taken().each.is_empty());
    }

    #[test]
    fn nobody_has_more_than_a_share_and_the_largest_body_always_fits() {
        let held = held(MIB);
        let mut shares = Vec::new();
        for _ in 0..4 {
            let mut share = held.share(Caller::Known(PrincipalId::fresh()));
            share.grow(14 * MIB).unwrap();
            assert!(share.grow(1).unwrap_err().detail.starts_with("you send"));
            shares.push(share);
        }
        let mut other = held.share(Caller::Known(PrincipalId::fresh()));
        other.grow(1).unwrap_err();
        // Once packed and once unpacked.
        let large = super::tests::held(100 * MIB);
        let mut share = large.share(Caller::Known(PrincipalId::fresh()));
        share.grow(100 * MIB).unwrap();
        share.grow(100 * MIB).unwrap();
        share.grow(1).unwrap_err();
    }
}
