//! What the service knows about a request beside its content: its id, its trace, whose connection
//! it came on.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue};

/// Longest id of a caller that is taken over.
const LONGEST_ID: usize = 128;

/// Identifies one request in the answer, in the log, and in a problem's `instance`.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

static PREFIX: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::new_v4().as_u64_pair().0);
static COUNTER: AtomicU64 = AtomicU64::new(0);

impl RequestId {
    /// The caller's id where it looks sane, else a new one: a random prefix of this process and a
    /// counter.
    pub fn of(headers: &HeaderMap) -> Self {
        match headers.get("x-request-id") {
            Some(id) if is_sane(id.as_bytes()) => Self(id.clone()),
            _ => Self::fresh(),
        }
    }

    fn fresh() -> Self {
        let id = format!(
            "{:016x}{:016x}",
            *PREFIX,
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        Self(HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none")))
    }

    pub fn header(&self) -> &HeaderValue {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("none")
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// A valid W3C `traceparent` (version 00 to fe,
/// <https://www.w3.org/TR/trace-context/#traceparent-header>); anything else is as if absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    pub trace_id: u128,
    pub span_id: u64,
    pub flags: u8,
}

impl TraceParent {
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let text = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            return None;
        }
        let is_lower_hex =
            |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths = (version.len(), trace.len(), span.len(), flags.len());
        if lengths != (2, 32, 16, 2)
            || ![version, trace, span, flags].into_iter().all(is_lower_hex)
            || version == "ff"
        {
            return None;
        }
        if version == "00" && parts.next().is_some() {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        Some(Self {
            trace_id,
            span_id,
            flags: u8::from_str_radix(flags, 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )])
    }

    #[test]
    fn a_sane_request_id_is_kept_and_another_replaced() {
        assert_eq!(
            RequestId::of(&headers("x-request-id", "abc-1.2_3")).as_str(),
            "abc-1.2_3"
        );
        for bad in ["", "a b", "a\"b", "a/b", &"x".repeat(129)] {
            assert_eq!(
                RequestId::of(&headers("x-request-id", bad)).as_str().len(),
                32
            );
        }
        assert_ne!(RequestId::fresh().as_str(), RequestId::fresh().as_str());
    }

    #[test]
    fn only_a_valid_traceparent_counts() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            TraceParent::of(&headers("traceparent", good))
                .unwrap()
                .flags,
            1
        );
        let future = format!("01{}-extra", &good[2..]);
        assert!(TraceParent::of(&headers("traceparent", &future)).is_some());
        for bad in [
            "",
            "00",
            &format!("ff{}", &good[2..]),
            &good.to_uppercase(),
            &format!("{good}-x"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            &"0".repeat(8000),
        ] {
            assert_eq!(TraceParent::of(&headers("traceparent", bad)), None, "{bad}");
        }
        let mut twice = headers("traceparent", good);
        twice.append("traceparent", HeaderValue::from_str(good).unwrap());
        assert_eq!(TraceParent::of(&twice), None);
    }
}
