//! One attempt at one operation, and what its failure says of the connections.

use std::sync::Arc;
use std::time::Instant;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::SimpleAsyncConnection;

use super::DbError;
use super::connect::ConnectError;
use super::errand::{OnConnection, OnLine};
use super::operation::{is_lost, is_storage_full, leaves_connection_clean};
use super::pool::{self, Lease, MakeError, Pool, PoolError};
use super::shared::{self, Line};

pub(super) async fn on_a_connection(
    pool: &Pool,
    until: Instant,
    errand: &mut OnConnection<'_>,
) -> Result<(), DbError> {
    let mut lease = tokio::time::timeout_at(until.into(), Lease::take(pool))
        .await
        .map_err(|_elapsed| DbError::NoConnection("none was made in time".to_owned()))?
        .map_err(no_connection)?;
    let Some(connection) = lease.connection() else {
        return Err(DbError::Interrupted);
    };
    match tokio::time::timeout_at(until.into(), errand.run(&mut *connection)).await {
        Ok(Ok(())) => {
            lease.keep();
            Ok(())
        }
        Ok(Err(error)) if leaves_connection_clean(&error) => {
            lease.keep();
            Err(DbError::Query(error))
        }
        Ok(Err(error)) => {
            let error = what_it_means(pool, error, connection, until).await;
            if let DbError::StorageFull(_) = error {
                lease.keep();
            }
            Err(error)
        }
        Err(_elapsed) => {
            pool::doubt(pool);
            Err(DbError::Interrupted)
        }
    }
}

/// Others ask at the same time, and go on when this one stops.
pub(super) async fn on_a_line(
    pool: &Pool,
    line: &Arc<Line>,
    until: Instant,
    errand: &mut OnLine<'_>,
) -> Result<(), DbError> {
    let Some(mut connection) = line.connection() else {
        return Err(DbError::Interrupted);
    };
    match tokio::time::timeout_at(until.into(), errand.run(connection)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if leaves_connection_clean(&error) => Err(DbError::Query(error)),
        Ok(Err(error)) => {
            shared::spend(pool, line);
            Err(what_it_means(pool, error, &mut connection, until).await)
        }
        Err(_elapsed) => {
            shared::spend(pool, line);
            pool::doubt(pool);
            Err(DbError::Interrupted)
        }
    }
}

/// An error that does not leave the connection as it was, and what it says of the others.
async fn what_it_means(
    pool: &Pool,
    error: DieselError,
    connection: &mut impl SimpleAsyncConnection,
    until: Instant,
) -> DbError {
    if let DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) = error {
        // A demoted primary: every other connection to it is as useless as this one.
        pool::condemn(pool);
        return DbError::ReadOnly;
    }
    if is_lost(&error, connection, until).await {
        pool::condemn(pool);
        tracing::debug!(error = %error, "a database connection was lost");
        return DbError::Interrupted;
    }
    if is_storage_full(&error) {
        return DbError::StorageFull(error);
    }
    DbError::Query(error)
}

fn no_connection(error: PoolError) -> DbError {
    use deadpool::managed::{PoolError, TimeoutType};
    match error {
        PoolError::Timeout(TimeoutType::Wait) => DbError::Busy,
        PoolError::Backend(MakeError::Connect(ConnectError::ReadOnly)) => DbError::ReadOnly,
        error => DbError::NoConnection(error.to_string()),
    }
}
