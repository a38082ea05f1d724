//! How a call ends that did not succeed, and the exit code that says so.

use std::time::Duration;

use http::StatusCode;

use crate::config::Broken;
use crate::net::NetError;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;
const NOT_FOUND: u8 = 4;
const CONFLICT: u8 = 5;
const TRY_AGAIN: u8 = 6;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{0}")]
    Usage(String),
    /// The service says no.
    #[error("{text}")]
    Answered {
        status: StatusCode,
        text: String,
        retry_after: Option<Duration>,
    },
    /// There is no answer, or no whole one.
    #[error("{0}")]
    Unanswered(String),
    /// What came is not what a Chartroom sends, or cannot be passed on.
    #[error("{0}")]
    Failed(String),
}

impl ClientError {
    pub(super) fn unanswered(url: &str, error: &NetError) -> Self {
        match error {
            NetError::Url(_) => Self::Usage(format!("CHARTROOM_URL: {error}")),
            NetError::TooLarge(_) => Self::Failed(format!("{url}: {error}")),
            _ => Self::Unanswered(format!("{url}: {error}")),
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Answered { status, .. } => match *status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => REFUSED,
                StatusCode::NOT_FOUND | StatusCode::GONE => NOT_FOUND,
                StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => CONFLICT,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => TRY_AGAIN,
                status if status.is_server_error() => TRY_AGAIN,
                _ => FAILED,
            },
            Self::Unanswered(_) => TRY_AGAIN,
            Self::Failed(_) => FAILED,
        }
    }

    /// When the service wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        self.exit_code() == TRY_AGAIN
    }
}

impl From<Broken> for ClientError {
    fn from(broken: Broken) -> Self {
        Self::Usage(broken.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_how_it_ends() {
        for (status, expected) in [
            (400, 1),
            (401, 3),
            (403, 3),
            (404, 4),
            (408, 6),
            (409, 5),
            (410, 4),
            (412, 5),
            (422, 1),
            (429, 6),
            (307, 1),
            (500, 6),
            (503, 6),
        ] {
            let error = ClientError::Answered {
                status: StatusCode::from_u16(status).unwrap(),
                text: String::new(),
                retry_after: None,
            };
            assert_eq!(error.exit_code(), expected, "{status}");
        }
    }
}
