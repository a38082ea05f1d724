//! Connections for requests. A connection goes back to the pool only after an operation that certainly left it clean.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult, Timeouts};
use diesel_async::pooled_connection::PoolableConnection as _;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use super::connect::{ConnectError, connect};
use super::endpoint::Endpoint;

/// How long a connection in doubt has to answer.
const PING: Duration = Duration::from_millis(500);

/// Makes connections to one endpoint.
pub struct Manager {
    endpoint: Endpoint,
    purpose: &'static str,
    /// A pool for writes refuses a server that only reads, as a demoted primary does.
    must_write: bool,
    connect_timeout: Duration,
    max_age: Duration,
    verdicts: Mutex<Verdicts>,
}

/// What later events say of connections that were handed out before them.
#[derive(Clone, Copy, Default)]
struct Verdicts {
    doubted: Option<Instant>,
    condemned: Option<Instant>,
}

impl Manager {
    fn verdicts(&self) -> std::sync::MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let Verdicts { doubted, condemned } = *self.verdicts();
        let handed_out = metrics.recycled.unwrap_or(metrics.created);
        let before = |event: Option<Instant>| event.is_some_and(|at| handed_out <= at);
        if connection.is_broken() || metrics.age() > self.max_age || before(condemned) {
            return Err(RecycleError::message("spent"));
        }
        if before(doubted) {
            let answer = tokio::time::timeout(PING, connection.batch_execute("")).await;
            if !matches!(answer, Ok(Ok(()))) {
                // The others would be silent too: asking each in turn would cost the request its time.
                self.verdicts().condemned = Some(Instant::now());
                return Err(RecycleError::message("silent"));
            }
        }
        Ok(())
    }
}

/// The server is gone or of no use: no connection that exists now is used again.
pub fn condemn(pool: &Pool) {
    pool.manager().verdicts().condemned = Some(Instant::now());
    pool.retain(|_, _| false);
}

/// An operation ran out of time: either it was slow or the server is silent, so connections that exist now are asked first.
pub fn doubt(pool: &Pool) {
    pool.manager().verdicts().doubted = Some(Instant::now());
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
        verdicts: Mutex::default(),
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

    /// Back to the pool, unless an operation that answered left a transaction open or the connection ended meanwhile.
    pub fn keep(mut self) {
        if !self.0.as_mut().is_some_and(|object| object.is_broken()) {
            self.0 = None;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(managed::Object::take(object));
        }
    }
}
