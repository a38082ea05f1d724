//! Connections for requests. A connection goes back to the pool only after an operation that certainly left it clean.

use std::time::Duration;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult, Timeouts};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolableConnection as _;

use super::connect::{ConnectError, connect};
use super::endpoint::Endpoint;

/// Makes connections to one endpoint.
pub struct Manager {
    endpoint: Endpoint,
    purpose: &'static str,
    /// A pool for writes refuses a server that only reads, as a demoted primary does.
    must_write: bool,
    connect_timeout: Duration,
    max_age: Duration,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum MakeError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the database only reads")]
    ReadOnly,
}

impl managed::Manager for Manager {
    type Type = AsyncPgConnection;
    type Error = MakeError;

    async fn create(&self) -> Result<AsyncPgConnection, MakeError> {
        let made = async {
            let session = connect(&self.endpoint, self.purpose, self.connect_timeout).await?;
            if session.read_only && self.must_write {
                return Err(MakeError::ReadOnly);
            }
            AsyncPgConnection::try_from_client_and_connection(session.client, session.connection)
                .await
                .map_err(|error| MakeError::Connect(ConnectError::Unreachable(error.to_string())))
        };
        tokio::time::timeout(self.connect_timeout, made)
            .await
            .unwrap_or(Err(MakeError::Connect(ConnectError::TimedOut(
                self.connect_timeout,
            ))))
    }

    async fn recycle(
        &self,
        connection: &mut AsyncPgConnection,
        metrics: &Metrics,
    ) -> RecycleResult<MakeError> {
        if connection.is_broken() || metrics.age() > self.max_age {
            Err(RecycleError::message("spent"))
        } else {
            Ok(())
        }
    }
}

pub type Pool = managed::Pool<Manager>;
pub type PoolError = managed::PoolError<MakeError>;

/// How a pool is made; the settings of `config::Pool`.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    pub connections: usize,
    pub wait: Duration,
    pub connect_timeout: Duration,
    pub max_age: Duration,
}

pub fn pool(
    endpoint: Endpoint,
    purpose: &'static str,
    must_write: bool,
    settings: PoolSettings,
) -> Result<Pool, managed::BuildError> {
    let PoolSettings {
        connections,
        wait,
        connect_timeout,
        max_age,
    } = settings;
    let timeouts = Timeouts {
        wait: Some(wait),
        create: Some(connect_timeout),
        recycle: Some(connect_timeout),
    };
    Pool::builder(Manager {
        endpoint,
        purpose,
        must_write,
        connect_timeout,
        max_age,
    })
    .max_size(connections)
    .timeouts(timeouts)
    .runtime(deadpool::Runtime::Tokio1)
    .build()
}

/// A borrowed connection. Dropped without `keep`, it is closed: its last statement may still be running or its state be unknown.
pub struct Lease(Option<managed::Object<Manager>>);

impl Lease {
    pub async fn take(pool: &Pool) -> Result<Self, PoolError> {
        pool.get().await.map(|object| Self(Some(object)))
    }

    pub fn connection(&mut self) -> Option<&mut AsyncPgConnection> {
        self.0.as_deref_mut()
    }

    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(managed::Object::take(object));
        }
    }
}
