//! The database: where it is, how to reach it, what to do when it fails.
//!
//! Handlers call [`Db::read`] and [`Db::write`]. Every operation has a deadline kept by this process, because a frozen server
//! keeps none; a connection whose state is not certain is closed, never reused; reads are tried a second time, writes never.

pub mod connect;
pub mod embedded;
pub mod endpoint;
pub mod migrate;
pub mod monitor;
pub mod pool;
pub mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolableConnection as _;
use tracing::Instrument as _;

use crate::metrics::Metrics;
use endpoint::Endpoint;
use pool::{Lease, MakeError, Pool, PoolError, PoolSettings};

/// Time in which the end of a connection follows the error that announced it.
const CLOSING_GRACE: Duration = Duration::from_millis(20);

/// What went wrong between a handler and its data.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Nothing was done: there was no connection to do it on.
    #[error("no database connection: {0}")]
    NoConnection(String),
    /// All connections stayed busy for the whole wait.
    #[error("no free database connection")]
    Busy,
    /// The operation began and its end is unknown: the connection or the time was lost.
    #[error("the database connection was lost or too slow")]
    Interrupted,
    /// The server only reads.
    #[error("the database only reads at present")]
    ReadOnly,
    #[error(transparent)]
    Query(DieselError),
}

/// The two endpoints and the rules of their use.
pub struct Db {
    primary: Pool,
    replica: Option<Pool>,
    deadline: Duration,
    metrics: Arc<Metrics>,
}

impl Db {
    pub fn new(
        primary: Endpoint,
        replica: Option<Endpoint>,
        settings: PoolSettings,
        deadline: Duration,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let primary = pool::pool(primary, "write", true, settings)?;
        let replica = replica
            .map(|endpoint| pool::pool(endpoint, "read", false, settings))
            .transpose()?;
        Ok(Self {
            primary,
            replica,
            deadline,
            metrics,
        })
    }

    /// Reads, from the read-only endpoint where there is one and it answers. Tried twice, so `operation` must change nothing.
    pub async fn read<T>(
        &self,
        operation: impl AsyncFn(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, DbError> {
        let until = Instant::now() + self.deadline;
        if let Some(replica) = &self.replica {
            match self.attempt(replica, "read", until, &operation).await {
                Err(DbError::NoConnection(_) | DbError::Busy | DbError::Interrupted) => {
                    self.metrics.database_read_fallbacks_total.inc()
                }
                answer => return answer,
            }
        }
        match self.attempt(&self.primary, "read", until, &operation).await {
            Err(DbError::Interrupted) if Instant::now() < until => {
                self.attempt(&self.primary, "read", until, &operation).await
            }
            answer => answer,
        }
    }

    /// Reads and writes on the primary, once.
    pub async fn write<T>(
        &self,
        operation: impl AsyncFn(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, DbError> {
        self.attempt(
            &self.primary,
            "write",
            Instant::now() + self.deadline,
            &operation,
        )
        .await
    }

    async fn attempt<T>(
        &self,
        pool: &Pool,
        kind: &'static str,
        until: Instant,
        operation: &impl AsyncFn(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, DbError> {
        let begun = Instant::now();
        let answer = self.attempt_inner(pool, until, operation).instrument(tracing::info_span!(target: "chartroom::span", "database", otel.name = kind, otel.kind = "client", db.system.name = "postgresql")).await;
        self.metrics
            .observe_database(kind, begun.elapsed(), answer.as_ref().err());
        answer
    }

    async fn attempt_inner<T>(
        &self,
        pool: &Pool,
        until: Instant,
        operation: &impl AsyncFn(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, DbError> {
        let mut lease = Lease::take(pool).await.map_err(no_connection)?;
        let Some(connection) = lease.connection() else {
            return Err(DbError::Interrupted);
        };
        match tokio::time::timeout_at(until.into(), operation(connection)).await {
            Ok(Ok(value)) => {
                lease.keep();
                Ok(value)
            }
            Ok(Err(error)) if leaves_connection_clean(&error) => {
                lease.keep();
                Err(DbError::Query(error))
            }
            Ok(Err(DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _))) => {
                // A demoted primary: every other connection to it is as useless as this one.
                pool.retain(|_, _| false);
                Err(DbError::ReadOnly)
            }
            Ok(Err(error)) if is_closed(&error, lease.connection()).await => {
                pool.retain(|_, _| false);
                tracing::debug!(error = %error, "a database connection was lost");
                Err(DbError::Interrupted)
            }
            Ok(Err(error)) => Err(DbError::Query(error)),
            Err(_) => Err(DbError::Interrupted),
        }
    }

    /// Connections open, idle, and requests waiting, per endpoint.
    pub fn pool_status(&self) -> impl Iterator<Item = (&'static str, deadpool::Status)> {
        [
            ("primary", Some(&self.primary)),
            ("read", self.replica.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, pool)| Some((name, pool?.status())))
    }

    /// Makes one connection ahead of the first request.
    pub async fn warm(&self) {
        if let Ok(lease) = Lease::take(&self.primary).await {
            lease.keep();
        }
    }

    pub fn close(&self) {
        self.primary.close();
        if let Some(replica) = &self.replica {
            replica.close();
        }
    }
}

fn no_connection(error: PoolError) -> DbError {
    use deadpool::managed::{PoolError, TimeoutType};
    match error {
        PoolError::Timeout(TimeoutType::Wait) => DbError::Busy,
        PoolError::Backend(MakeError::ReadOnly) => DbError::ReadOnly,
        error => DbError::NoConnection(error.to_string()),
    }
}

/// Errors after which the session is known to be as it was. Diesel shows no SQLSTATE, so everything else costs the connection.
fn leaves_connection_clean(error: &DieselError) -> bool {
    match error {
        DieselError::NotFound
        | DieselError::RollbackTransaction
        | DieselError::QueryBuilderError(_) => true,
        DieselError::DatabaseError(kind, _) => matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::ExclusionViolation
                | DatabaseErrorKind::SerializationFailure
        ),
        _ => false,
    }
}

/// Whether the error came with the end of the connection (57P01 and its kin, or a broken socket). The end may trail the error a little.
async fn is_closed(error: &DieselError, connection: Option<&mut AsyncPgConnection>) -> bool {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection,
            _,
        ) => return true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)
        | DieselError::BrokenTransactionManager => {}
        _ => return false,
    }
    let Some(connection) = connection else {
        return true;
    };
    let until = Instant::now() + CLOSING_GRACE;
    while !connection.is_broken() {
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    true
}
