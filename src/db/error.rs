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

impl Metrics {
    pub fn observe_database(&self, kind: &str, took: Duration, error: Option<&DbError>) {
        let outcome = match error {
            None => "ok",
            Some(DbError::NoConnection(_)) => "no_connection",
            Some(DbError::Busy) => "busy",
            Some(DbError::Interrupted) => "interrupted",
            Some(DbError::ReadOnly) => "read_only",
            Some(DbError::StorageFull(_)) => "storage_full",
            Some(DbError::Query(_)) => "error",
        };
        self.database_operation_duration_seconds
            .with_label_values(&[kind, outcome])
            .observe(took.as_secs_f64());
    }
}
