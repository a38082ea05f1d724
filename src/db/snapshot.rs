//! Rows of one moment, read for as long as somebody takes them, on a connection of their own. They
//! are read as fast as they are taken: never are more than some in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use diesel_async::AsyncPgConnection;
use futures_util::Stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_postgres::{Client, CopyOutStream};
use tokio_util::task::AbortOnDropHandle;

use super::connect::{ConnectError, connect};
use super::purpose::Purpose;
use super::{Db, DbError};

/// For the next part, once it is asked for. The time in which the reader is busy does not count.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("as many snapshots as allowed are being read")]
    Busy,
    #[error("the database sent nothing for {PATIENCE:?}")]
    TimedOut,
    #[error("the database ended the connection or refused the statement: {0}")]
    Query(#[from] tokio_postgres::Error),
}

impl From<SnapshotError> for DbError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Busy => Self::Busy,
            SnapshotError::Connect(error) => Self::NoConnection(error.to_string()),
            SnapshotError::TimedOut | SnapshotError::Query(_) => Self::Interrupted,
        }
    }
}

/// Connections for snapshots beside those of the pool.
pub(super) const MOST: usize = 8;

/// A transaction that only reads, and sees what had been committed when it began.
pub struct Snapshot {
    client: Client,
    driver: AbortOnDropHandle<()>,
    permit: OwnedSemaphorePermit,
}

impl Snapshot {
    pub(super) async fn begin(db: &Db) -> Result<Self, SnapshotError> {
        let permit = Arc::clone(&db.snapshots).try_acquire_owned();
        let permit = permit.or(Err(SnapshotError::Busy))?;
        let manager = db.usual.primary.manager();
        let endpoint = manager.endpoint();
        let session = connect(endpoint, Purpose::SNAPSHOT, PATIENCE).await?;
        let (client, connection) = (session.client, session.connection);
        let driver = AbortOnDropHandle::new(tokio::spawn(async move {
            // The statement fails by itself if the connection does.
            let _ = connection.await;
        }));
        let begin = client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        within(begin).await?;
        Ok(Self {
            client,
            driver,
            permit,
        })
    }

    /// The transaction as diesel takes it, for statements with values. The guard ends it.
    pub async fn connection(self) -> Result<(AsyncPgConnection, Guard), SnapshotError> {
        let connection = AsyncPgConnection::try_from(self.client).await;
        let connection = connection.or(Err(SnapshotError::TimedOut))?;
        let guard = Guard {
            _driver: self.driver,
            _permit: self.permit,
        };
        Ok((connection, guard))
    }

    /// What `COPY (..) TO STDOUT` writes, in the form that the statement says.
    pub async fn copy_out(self, statement: &str) -> Result<CopyOut, SnapshotError> {
        let stream = within(self.client.copy_out(statement)).await?;
        Ok(CopyOut {
            stream: Box::pin(stream),
            late: None,
            _client: self.client,
            _driver: self.driver,
            _permit: self.permit,
        })
    }
}

/// Keeps the connection of a snapshot for as long as it is read.
pub struct Guard {
    _driver: AbortOnDropHandle<()>,
    _permit: OwnedSemaphorePermit,
}

async fn within<T>(
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, SnapshotError> {
    let answer = timeout(PATIENCE, work).await;
    Ok(answer.or(Err(SnapshotError::TimedOut))??)
}

/// The end of it ends the connection, so that a reader who goes away leaves nothing running.
pub struct CopyOut {
    stream: Pin<Box<CopyOutStream>>,
    /// Runs only while a part is waited for.
    late: Option<Pin<Box<Sleep>>>,
    _client: Client,
    _driver: AbortOnDropHandle<()>,
    _permit: OwnedSemaphorePermit,
}

impl Stream for CopyOut {
    type Item = Result<Bytes, SnapshotError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Poll::Ready(part) = this.stream.as_mut().poll_next(cx) {
            this.late = None;
            return Poll::Ready(part.map(|part| part.map_err(SnapshotError::from)));
        }
        let late = this
            .late
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + PATIENCE)));
        ready!(late.as_mut().poll(cx));
        Poll::Ready(Some(Err(SnapshotError::TimedOut)))
    }
}
