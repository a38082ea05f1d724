//! What may go wrong between a handler and its data, and what is said of it.

use std::time::Duration;

use diesel::result::Error as DieselError;

use crate::kernel::error::{ApiError, Code};
use crate::telemetry::metrics::Metrics;

/// What went wrong between a handler and its data.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Nothing was done: there was no connection to do it on.
    #[error("no database connection: {0}")]
    NoConnection(String),
    /// All connections stayed busy for the whole wait, or too many were waiting already.
    #[error("no free database connection")]
    Busy,
    /// The operation began and its end is unknown: the connection or the time was lost.
    #[error("the database connection was lost or too slow")]
    Interrupted,
    /// A read was given up.
    #[error("reading took longer than {0:?}")]
    TooLong(Duration),
    /// The server only reads.
    #[error("the database only reads at present")]
    ReadOnly,
    /// Nothing was done: the server had no disk space for it. The connection is as it was.
    #[error("the database has no disk space left")]
    StorageFull(#[source] DieselError),
    #[error(transparent)]
    Query(DieselError),
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NoConnection(_) => Self {
                cause: Some(std::sync::Arc::new(error.into())),
                ..Self::new(
                    Code::DatabaseUnavailable,
                    "there is no database connection; nothing was done, repeat the request",
                )
            },
            DbError::Busy => Self::new(
                Code::Overloaded,
                "all database connections are busy; nothing was done, repeat the request",
            ),
            DbError::Interrupted => Self::new(
                Code::OutcomeUnknown,
                "the database was lost or too slow; a change may have been made or not: repeat the request, a POST with the same Idempotency-Key",
            ),
            DbError::TooLong(most) => Self::new(
                Code::DeadlineExceeded,
                format!(
                    "this takes longer than {} s and was given up: ask for less, by filters or fewer groups",
                    most.as_secs()
                ),
            ),
            DbError::ReadOnly => Self::new(
                Code::ReadOnly,
                "the database only reads at present; nothing was changed, repeat the request",
            ),
            DbError::StorageFull(cause) => Self {
                cause: Some(std::sync::Arc::new(cause.into())),
                ..Self::new(
                    Code::StorageFull,
                    "the database has no disk space left for this; nothing was done, and reading goes on: repeat the request once its operator has made space",
                )
            },
            DbError::Query(error) => Self::internal(error),
        }
    }
}

/// What database operations do.
const KINDS: [&str; 2] = ["read", "write"];
const OK: &str = "ok";
const FAILURES: [&str; 7] = [
    "no_connection",
    "busy",
    "interrupted",
    "too_long",
    "read_only",
    "storage_full",
    "error",
];

impl DbError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::NoConnection(_) => "no_connection",
            Self::Busy => "busy",
            Self::Interrupted => "interrupted",
            Self::TooLong(_) => "too_long",
            Self::ReadOnly => "read_only",
            Self::StorageFull(_) => "storage_full",
            Self::Query(_) => "error",
        }
    }
}

impl Metrics {
    /// All series that there will be, at nought: `rate()` misses the event that makes one.
    pub(super) fn announce_database(&self) {
        for kind in KINDS {
            for outcome in [OK].into_iter().chain(FAILURES) {
                let _ = self
                    .database_operation_duration_seconds
                    .with_label_values(&[kind, outcome]);
            }
        }
    }

    pub(super) fn observe_database(&self, kind: &str, took: Duration, error: Option<&DbError>) {
        self.database_operation_duration_seconds
            .with_label_values(&[kind, error.map_or(OK, DbError::outcome)])
            .observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_announced_under_its_name() {
        let named = [
            DbError::NoConnection(String::new()),
            DbError::Busy,
            DbError::Interrupted,
            DbError::TooLong(Duration::from_secs(30)),
            DbError::ReadOnly,
            DbError::StorageFull(DieselError::NotFound),
            DbError::Query(DieselError::NotFound),
        ];
        assert_eq!(named.map(|error| error.outcome()), FAILURES);
    }
}
