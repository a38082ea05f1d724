//! Work in a transaction of its own, and why it may end without a result.

use std::pin::Pin;

use diesel::result::QueryResult;
use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager as _};

use super::Db;
use super::operation::Operation;
use crate::kernel::error::{ApiError, ApiResult};

type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// Why work ended without an answer. Either way its transaction is rolled back.
#[derive(Debug)]
pub enum Failure {
    Refused(ApiError),
    Query(diesel::result::Error),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        ApiError::refused_by_trigger(&error).map_or(Self::Query(error), Self::Refused)
    }
}

pub type Work<T> = Result<T, Failure>;
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = ApiResult<T>> + Send + 'a>>;

/// Work in one transaction: committed with its result, rolled back with its failure.
pub fn transaction<'a, T, F>(db: &'a Db, work: F) -> Pending<'a, T>
where
    T: Send + 'a,
    F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> Work<T>
        + for<'c> Operation<&'c mut AsyncPgConnection, Work<T>, Fut: Send>
        + Send
        + 'a,
{
    Box::pin(async move {
        db.write(async |conn: &mut AsyncPgConnection| in_transaction(conn, work).await)
            .await?
    })
}

/// A single statement that writes, or several of which none but the last does.
pub fn statement<'a, T, F>(db: &'a Db, work: F) -> Pending<'a, T>
where
    T: Send + 'a,
    F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> Work<T>
        + for<'c> Operation<&'c mut AsyncPgConnection, Work<T>, Fut: Send>
        + Send
        + 'a,
{
    Box::pin(async move {
        db.write(
            async |conn: &mut AsyncPgConnection| match work(conn).await {
                Ok(value) => Ok(Ok(value)),
                Err(Failure::Refused(error)) => Ok(Err(error)),
                Err(Failure::Query(error)) => Err(error),
            },
        )
        .await?
    })
}

async fn in_transaction<T, F>(conn: &mut AsyncPgConnection, work: F) -> QueryResult<ApiResult<T>>
where
    F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> Work<T>
        + for<'c> Operation<&'c mut AsyncPgConnection, Work<T>, Fut: Send>,
{
    Transactions::begin_transaction(conn).await?;
    let failure = match work(&mut *conn).await {
        Ok(value) => {
            Transactions::commit_transaction(conn).await?;
            return Ok(Ok(value));
        }
        Err(failure) => failure,
    };
    // An error of the rollback is the one to report: it costs the connection, as it must.
    Transactions::rollback_transaction(conn).await?;
    match failure {
        Failure::Refused(error) => Ok(Err(error)),
        Failure::Query(error) => Err(error),
    }
}
