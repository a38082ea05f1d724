//! One attempt at one operation, and what its failure says of the connections.

use std::sync::Arc;
use std::time::Instant;

use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::DbError;
use super::connect::ConnectError;
use super::operation::{Operation, Repeatable, is_lost, is_storage_full, leaves_connection_clean};
use super::pool::{self, Lease, MakeError, Pool, PoolError};
use super::shared::{self, Line};

pub(super) async fn on_a_connection<T, F>(
    pool: &Pool,
    until: Instant,
    operation: F,
) -> Result<T, DbError>
where
    T: Send,
    F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> QueryResult<T>
        + for<'c> Operation<&'c mut AsyncPgConnection, QueryResult<T>, Fut: Send>
        + Send,
{
    let mut lease = tokio::time::timeout_at(until.into(), Lease::take(pool))
        .await
        .map_err(|_elapsed| DbError::NoConnection("none was made in time".to_owned()))?
        .map_err(no_connection)?;
    let Some(connection) = lease.connection() else {
        return Err(DbError::Interrupted);
    };
    match tokio::time::timeout_at(until.into(), operation(&mut *connection)).await {
        Ok(Ok(value)) => {
            lease.keep();
            Ok(value)
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
pub(super) async fn on_a_line<T, F>(
    pool: &Pool,
    line: &Arc<Line>,
    until: Instant,
    operation: &F,
) -> Result<T, DbError>
where
    T: Send,
    F: for<'c> AsyncFn(&'c AsyncPgConnection) -> QueryResult<T>
        + for<'c> Repeatable<&'c AsyncPgConnection, QueryResult<T>, Fut: Send>
        + Sync,
{
    let Some(mut connection) = line.connection() else {
        return Err(DbError::Interrupted);
    };
    match tokio::time::timeout_at(until.into(), operation(connection)).await {
        Ok(Ok(value)) => Ok(value),
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
