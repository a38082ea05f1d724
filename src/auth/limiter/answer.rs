//! What an attempt that is not admitted is told.

use std::time::Duration;

use http::HeaderValue;
use http::header::{HeaderName, RETRY_AFTER};

use crate::db::DbError;
use crate::error::{ApiError, Code};

/// Which limit refused. The pair's is told as the account's: whether a pair is proven is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Address,
    Account,
}

impl Policy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "signin-address",
            Self::Account => "signin-account",
        }
    }
}

/// Too many attempts; the password must not be looked at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("too many sign-in attempts ({})", policy.name())]
pub struct Limited {
    pub retry_after: Duration,
    pub policy: Policy,
    /// How many the policy admits, and in which time.
    pub quota: u32,
    pub window: Duration,
    /// Its row was locked for so long that whether it had a token was not found out.
    pub is_busy: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Nothing is known, so nothing is admitted.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        let Limited {
            retry_after,
            policy,
            quota,
            window,
            ..
        } = limited;
        let (name, wait) = (policy.name(), retry_after.as_secs());
        let rendered = [
            (
                HeaderName::from_static("ratelimit-policy"),
                format!("\"{name}\";q={quota};w={}", window.as_secs()),
            ),
            (
                HeaderName::from_static("ratelimit"),
                format!("\"{name}\";r=0;t={wait}"),
            ),
        ];
        let error = Self::new(
            Code::TooManyRequests,
            format!("too many sign-in attempts; repeat after {wait} s"),
        )
        .with_header(RETRY_AFTER, HeaderValue::from(wait));
        rendered
            .into_iter()
            .fold(error, |error, (header, text)| match text.parse() {
                Ok(value) => error.with_header(header, value),
                Err(_) => error,
            })
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Limited(limited) => limited.into(),
            Refused::Database(error) => error.into(),
        }
    }
}
