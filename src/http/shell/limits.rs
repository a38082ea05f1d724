//! What callers are told about their limits: `RateLimit-Policy`, `RateLimit`, and the refusal once
//! a limit is reached.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use prometheus::IntCounter;

use super::client::Caller;
use crate::kernel::error::{ApiError, Code};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// So many requests in so many seconds (draft-ietf-httpapi-ratelimit-headers, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Lower-case letters, digits and hyphens.
    pub name: &'static str,
    pub quota: u32,
    pub window_seconds: u32,
}

/// Where a caller stands under a policy (section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub policy: Policy,
    pub remaining: u32,
    /// Until there is more than `remaining`.
    pub reset_seconds: u32,
}

impl Standing {
    /// The refusal. `Retry-After` is never earlier than the reset, which the draft asks for, and
    /// never "now". Where the caller stands is not in it.
    pub fn refuse(&self) -> ApiError {
        let seconds = self.reset_seconds.max(1);
        let Policy {
            quota,
            window_seconds,
            ..
        } = self.policy;
        ApiError::new(
            Code::TooManyRequests,
            format!(
                "{quota} requests in {window_seconds} s are allowed; nothing was done, repeat the request after {seconds} s"
            ),
        )
        .with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The two headers, for an answer that words its refusal itself.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        [
            (RATE_LIMIT_POLICY, self.policy.value()),
            (RATE_LIMIT, self.value()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    fn value(&self) -> Option<HeaderValue> {
        let mut text = String::with_capacity(48);
        let (name, remaining) = (self.policy.name, self.remaining.min(self.policy.quota));
        write!(text, "\"{name}\";r={remaining};t={}", self.reset_seconds).ok()?;
        HeaderValue::try_from(text).ok()
    }
}

impl Policy {
    fn value(&self) -> Option<HeaderValue> {
        let Self {
            name,
            quota,
            window_seconds,
        } = self;
        HeaderValue::try_from(format!("\"{name}\";q={quota};w={window_seconds}")).ok()
    }
}

/// How many requests each caller may make in a minute, counted by this process alone, in windows
/// that begin for all at once.
pub struct RateLimit {
    policy: Policy,
    advertised: Option<HeaderValue>,
    begun: Instant,
    /// Apart, so that strangers, who can come from anywhere, take no place of those who are known.
    known: Mutex<Window>,
    strangers: Mutex<Window>,
    refused: IntCounter,
}

#[derive(Default)]
struct Window {
    number: u64,
    counts: HashMap<Caller, u32>,
}

const WINDOW_SECONDS: u32 = 60;
/// How many callers of a kind are counted in a window. Whoever comes after so many others is let
/// through uncounted: what so many do together is what other limits are for.
const MOST_CALLERS: usize = 65_536;

impl RateLimit {
    /// `None` where there is no limit.
    pub fn new(quota: u32, refused: IntCounter) -> Option<Self> {
        let policy = Policy {
            name: "default",
            quota,
            window_seconds: WINDOW_SECONDS,
        };
        (quota > 0).then(|| Self {
            policy,
            advertised: policy.value(),
            begun: Instant::now(),
            known: Mutex::default(),
            strangers: Mutex::default(),
            refused,
        })
    }

    /// Counts one request of a caller, and says where this leaves it. `Err`: it had made as many as
    /// it may, and this one is not to be worked on.
    pub fn count(&self, caller: Caller, now: Instant) -> Result<Standing, Standing> {
        let seconds = now.saturating_duration_since(self.begun).as_secs();
        let window = u64::from(WINDOW_SECONDS);
        let counts = match caller {
            Caller::Known(_) => &self.known,
            Caller::Stranger(_) => &self.strangers,
        };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seconds / window;
        if number > counts.number {
            *counts = Window {
                number,
                ..Window::default()
            };
        }
        let end = (counts.number + 1) * window;
        let standing = |remaining| Standing {
            policy: self.policy,
            remaining,
            reset_seconds: u32::try_from(end.saturating_sub(seconds))
                .map_or(WINDOW_SECONDS, |left| left.min(WINDOW_SECONDS)),
        };
        let quota = self.policy.quota;
        let has_room = counts.counts.len() < MOST_CALLERS;
        match counts.counts.get_mut(&caller) {
            Some(count) if *count >= quota => {
                self.refused.inc();
                Err(standing(0))
            }
            Some(count) => {
                *count += 1;
                Ok(standing(quota - *count))
            }
            None => {
                if has_room {
                    counts.counts.insert(caller, 1);
                }
                Ok(standing(quota - 1))
            }
        }
    }

    /// Tells the caller. What another policy has said on the same answer stays beside it.
    pub fn write(&self, standing: Standing, headers: &mut HeaderMap) {
        if let (Some(policy), Some(standing)) = (&self.advertised, standing.value()) {
            headers.append(RATE_LIMIT_POLICY, policy.clone());
            headers.append(RATE_LIMIT, standing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::shell::client::Prefix;
    use crate::kernel::types::PrincipalId;
    use std::time::Duration;

    const DEFAULT: Policy = Policy {
        name: "default",
        quota: 600,
        window_seconds: 60,
    };

    #[test]
    fn a_standing_is_written_as_the_draft_says() {
        let headers: HeaderMap = Standing {
            policy: DEFAULT,
            remaining: 599,
            reset_seconds: 12,
        }
        .fields()
        .collect();
        assert_eq!(headers["ratelimit-policy"], "\"default\";q=600;w=60");
        assert_eq!(headers["ratelimit"], "\"default\";r=599;t=12");
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        for (reset_seconds, expected) in [(0, "1"), (17, "17")] {
            let error = Standing {
                policy: DEFAULT,
                remaining: 0,
                reset_seconds,
            }
            .refuse();
            assert_eq!(error.code, Code::TooManyRequests);
            let headers: HeaderMap = error.headers.into_iter().collect();
            assert_eq!(headers["retry-after"], expected);
        }
    }

    fn limit(quota: u32) -> RateLimit {
        RateLimit::new(quota, IntCounter::new("c", "n").unwrap()).unwrap()
    }

    fn stranger(number: u32) -> Caller {
        let [a, b, c, d] = number.to_be_bytes();
        Caller::Stranger(Prefix::V6([0x20, 1, 0xd, 0xb8, a, b, c, d]))
    }

    #[test]
    fn a_minute_has_its_quota_and_then_the_next_one() {
        let limit = limit(3);
        let at = |seconds| limit.begun + Duration::from_secs(seconds);
        let who = Caller::Known(PrincipalId::fresh());
        let left = |it: Standing| (it.remaining, it.reset_seconds);
        assert_eq!(limit.count(who, at(0)).map(left), Ok((2, 60)));
        assert_eq!(limit.count(who, at(30)).map(left), Ok((1, 30)));
        assert_eq!(limit.count(who, at(59)).map(left), Ok((0, 1)));
        assert_eq!(limit.count(who, at(59)).map_err(left), Err((0, 1)));
        assert_eq!(limit.count(stranger(1), at(59)).map(left), Ok((2, 1)));
        assert_eq!(limit.count(who, at(60)).map(left), Ok((2, 60)));
        // Begun in the minute before, counted in this one.
        assert_eq!(limit.count(who, at(50)).map(left), Ok((1, 60)));
        assert_eq!(limit.refused.get(), 1);
        assert!(RateLimit::new(0, IntCounter::new("c", "n").unwrap()).is_none());
    }

    #[test]
    fn strangers_from_everywhere_take_no_more_memory_and_nobodys_place() {
        let limit = limit(1);
        let now = limit.begun;
        for number in 0..100_000 {
            limit.count(stranger(number), now).unwrap();
        }
        let held = limit.strangers.lock().unwrap().counts.len();
        assert_eq!(held, MOST_CALLERS);
        let who = Caller::Known(PrincipalId::fresh());
        limit.count(who, now).unwrap();
        limit.count(who, now).unwrap_err();
        limit.count(stranger(0), now).unwrap_err();
        // The control: whoever found no place is not counted.
        limit.count(stranger(99_999), now).unwrap();
    }
}
