//! What an attempt that is not admitted is told.

use std::time::Duration;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use crate::db::DbError;
use crate::http::shell::limits::{self, Standing};
use crate::kernel::error::{ApiError, Code};

/// Which limit refused. The pair's is told as the name's: whether a pair is proven is nobody's
/// business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Address,
    Name,
    EmailChange,
    PasswordReset,
    Registration,
    Invitation,
    InvitationAddress,
}

impl Policy {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "signin-address",
            Self::Name => "signin-name",
            Self::EmailChange => "email-change",
            Self::PasswordReset => "password-reset",
            Self::Registration => "registration",
            Self::Invitation => "invitation",
            Self::InvitationAddress => "invitation-address",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Address => "too many attempts to sign in or to register came from your network",
            Self::Name => "too many sign-in attempts",
            Self::EmailChange => "too many tries to change the email",
            Self::PasswordReset => "too many requests for a new password of this account",
            Self::Registration => "too many registrations with this email",
            Self::Invitation => "you have sent too many invitations",
            Self::InvitationAddress => "too many invitations were sent to this address",
        }
    }
}

/// Too many attempts; neither a password nor a name must be looked at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("too many attempts ({})", policy.name())]
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
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let wait = seconds(retry_after);
        let standing = Standing {
            policy: limits::Policy {
                name: policy.name(),
                quota,
                window_seconds: seconds(window),
            },
            remaining: 0,
            reset_seconds: wait,
        };
        let mut error = Self::new(
            Code::TooManyRequests,
            format!("{}; repeat after {wait} s", policy.detail()),
        )
        .with_header(RETRY_AFTER, HeaderValue::from(wait));
        error.headers.extend(standing.fields());
        error
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
