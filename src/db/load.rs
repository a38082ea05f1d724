//! Rows that are copied into tables as they arrive, for as long as they do, in one transaction on a
//! connection of its own. Until its end nobody sees them; without its end there are none.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::SinkExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, CopyInSink};
use tokio_util::task::AbortOnDropHandle;

use super::connect::{ConnectError, connect};
use super::operation::{Operation, is_lost, is_storage_full};
use super::purpose::Purpose;
use super::sql::Writer;
use super::transaction::{Failure, Tx, Work, finish_transaction};
use super::{Db, DbError};
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;

/// For one part to be taken, and for one statement. Building an index over all rows is one.
const PATIENCE: Duration = Duration::from_secs(600);
/// Connections for loads beside those of the pool.
pub(super) const MOST: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("as many loads as allowed are under way")]
    Busy,
    #[error("the database took nothing for {PATIENCE:?}")]
    TimedOut,
    #[error("the statement cannot be written: {0}")]
    Statement(String),
    #[error("the database ended the connection or refused the statement: {0}")]
    Query(#[from] tokio_postgres::Error),
    /// Nothing was kept of what the work at the end refused.
    #[error(transparent)]
    Work(DbError),
}

impl LoadError {
    /// What the database refused, where it answered.
    pub fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Query(error) => error.code(),
            _ => None,
        }
    }
}

impl From<LoadError> for DbError {
    fn from(error: LoadError) -> Self {
        let state = error.state().cloned();
        match error {
            LoadError::Busy => Self::Busy,
            LoadError::Connect(ConnectError::ReadOnly) => Self::ReadOnly,
            LoadError::Connect(error) => Self::NoConnection(error.to_string()),
            LoadError::Work(error) => error,
            LoadError::Statement(text) => {
                Self::Query(diesel::result::Error::QueryBuilderError(text.into()))
            }
            LoadError::Query(error) if state == Some(SqlState::DISK_FULL) => {
                Self::StorageFull(diesel::result::Error::QueryBuilderError(Box::new(error)))
            }
            LoadError::Query(_) if state == Some(SqlState::READ_ONLY_SQL_TRANSACTION) => {
                Self::ReadOnly
            }
            LoadError::Query(error) if state.is_some() => {
                Self::Query(diesel::result::Error::QueryBuilderError(Box::new(error)))
            }
            LoadError::TimedOut | LoadError::Query(_) => Self::Interrupted,
        }
    }
}

/// The transaction. Dropped, it is rolled back.
pub struct Load {
    client: Client,
    driver: AbortOnDropHandle<()>,
    _permit: OwnedSemaphorePermit,
}

impl Load {
    pub(super) async fn begin(db: &Db) -> Result<Self, LoadError> {
        let permit = Arc::clone(&db.loads).try_acquire_owned();
        let permit = permit.or(Err(LoadError::Busy))?;
        let endpoint = db.usual.primary.manager().endpoint();
        let session = connect(endpoint, Purpose::LOAD, db.usual.deadline).await?;
        let (client, connection) = (session.client, session.connection);
        let driver = AbortOnDropHandle::new(tokio::spawn(async move {
            // The statement fails by itself if the connection does.
            let _ = connection.await;
        }));
        let load = Self {
            client,
            driver,
            _permit: permit,
        };
        load.run(Writer::default().text("BEGIN")).await?;
        Ok(load)
    }

    /// Statements without values, such as those that make tables and indexes.
    pub async fn run(&self, sql: &mut Writer<'_>) -> Result<(), LoadError> {
        let text = sql.plain().map_err(LoadError::Statement)?;
        within(self.client.batch_execute(&text)).await
    }

    /// Begins `COPY .. FROM STDIN`.
    pub async fn copy_in(&self, sql: &mut Writer<'_>) -> Result<CopyIn, LoadError> {
        let text = sql.plain().map_err(LoadError::Statement)?;
        let sink = within(self.client.copy_in(&text)).await?;
        Ok(CopyIn(Box::pin(sink)))
    }

    /// Does the work that makes the rows count, and commits both. What is to be done `afterwards`,
    /// such as looking at what the rows are like, nobody waits for.
    pub async fn finish<T, F>(
        self,
        db: &Db,
        actor: &Actor,
        work: F,
        afterwards: Option<Writer<'_>>,
    ) -> Result<ApiResult<T>, LoadError>
    where
        F: for<'c, 't> AsyncFnOnce(&'c mut Tx<'t>) -> Work<T>
            + for<'c, 't> Operation<&'c mut Tx<'t>, Work<T>, Fut: Send>,
    {
        let afterwards = afterwards.map(|mut sql| sql.plain().map_err(LoadError::Statement));
        let afterwards = afterwards.transpose()?;
        let Self {
            client,
            driver,
            _permit: permit,
        } = self;
        let mut connection = AsyncPgConnection::try_from(client)
            .await
            .map_err(|error| LoadError::Work(DbError::NoConnection(error.to_string())))?;
        let done = finish_transaction(&mut connection, actor, db.listeners(), work);
        let done = timeout(PATIENCE, done).await.or(Err(LoadError::TimedOut));
        match done? {
            Ok(value) => {
                if let Some(text) = afterwards {
                    tokio::spawn(async move {
                        let _held = (driver, permit);
                        // Where it fails, PostgreSQL does it by itself within a minute.
                        let _ = timeout(PATIENCE, connection.batch_execute(&text)).await;
                    });
                }
                Ok(Ok(value))
            }
            Err(Failure::Refused(error)) => Ok(Err(error)),
            Err(Failure::Query(error)) => {
                let until = Instant::now() + db.usual.deadline;
                Err(LoadError::Work(
                    if is_lost(&error, &mut connection, until).await {
                        DbError::Interrupted
                    } else if is_storage_full(&error) {
                        DbError::StorageFull(error)
                    } else {
                        DbError::Query(error)
                    },
                ))
            }
        }
    }
}

/// `COPY` under way. Its end without [`CopyIn::finish`] breaks it off.
pub struct CopyIn(Pin<Box<CopyInSink<Bytes>>>);

impl CopyIn {
    pub async fn send(&mut self, part: Bytes) -> Result<(), LoadError> {
        within(self.0.send(part)).await
    }

    /// How many rows were copied.
    pub async fn finish(mut self) -> Result<u64, LoadError> {
        within(self.0.as_mut().finish()).await
    }
}

async fn within<T>(
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, LoadError> {
    let answer = timeout(PATIENCE, work).await;
    Ok(answer.or(Err(LoadError::TimedOut))??)
}
