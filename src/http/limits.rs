//! What callers are told about their limits: `RateLimit-Policy`, `RateLimit`, and the refusal once a limit is reached.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{ApiError, Code};

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
    /// Tells the caller. A second policy on the same answer adds to the first.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields() {
            headers.append(name, value);
        }
    }

    /// The refusal. `Retry-After` is never earlier than the reset, which the draft asks for, and never "now".
    pub fn refuse(&self) -> ApiError {
        let seconds = self.reset_seconds.max(1);
        let Policy {
            quota,
            window_seconds,
            ..
        } = self.policy;
        let mut error = ApiError::new(
            Code::TooManyRequests,
            format!(
                "{quota} requests in {window_seconds} s are allowed; nothing was done, repeat the request after {seconds} s"
            ),
        )
        .with_header(RETRY_AFTER, HeaderValue::from(seconds));
        error.headers.extend(self.fields());
        error
    }

    /// The two headers, for an answer that words its refusal itself.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let Policy {
            name,
            quota,
            window_seconds,
        } = self.policy;
        [
            (
                RATE_LIMIT_POLICY,
                format!("\"{name}\";q={quota};w={window_seconds}"),
            ),
            (
                RATE_LIMIT,
                format!(
                    "\"{name}\";r={};t={}",
                    self.remaining.min(quota),
                    self.reset_seconds
                ),
            ),
        ]
        .into_iter()
        .filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Policy = Policy {
        name: "default",
        quota: 600,
        window_seconds: 60,
    };

    #[test]
    fn a_standing_is_written_as_the_draft_says() {
        let mut headers = HeaderMap::new();
        Standing {
            policy: DEFAULT,
            remaining: 599,
            reset_seconds: 12,
        }
        .write(&mut headers);
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
            assert_eq!(
                headers["ratelimit"],
                format!("\"default\";r=0;t={reset_seconds}")
            );
        }
    }
}
