//! Connections for requests. A connection goes back to the pool only after an operation that
//! certainly left it clean.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult, TimeoutType, Timeouts};
use diesel_async::pooled_connection::PoolableConnection as _;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use super::connect::{ConnectError, connect};
use super::level::Mark;
use super::purpose::Purpose;
use super::shared::Lines;
use crate::config::endpoint::Endpoint;

/// How long a connection in doubt has to answer.
const PING: Duration = Duration::from_millis(500);
/// How long a password or certificate that was refused is not tried again.
const REFUSED_REST: Duration = Duration::from_secs(1);
/// For how long a server that was level with the primary is believed to be.
const LEVEL: Duration = Duration::from_secs(1);
/// How often a request that may not make a connection looks for one that has become free.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Makes connections to one endpoint.
pub struct Manager {
    endpoint: Endpoint,
    purpose: Purpose,
    queue: usize,
    connect_timeout: Duration,
    max_age: Duration,
    verdicts: Mutex<Verdicts>,
    /// Where only reads are done, and a server may be behind. Of several behind one address each is
    /// asked for itself.
    pub(super) mark: Option<Arc<Mark>>,
    pub(super) lines: Lines,
}

/// A connection, and when its server was last seen to be level with the primary.
pub struct Made {
    connection: AsyncPgConnection,
    level_at: Instant,
}

impl Made {
    fn is_level(&self) -> bool {
        self.level_at.elapsed() <= LEVEL
    }
}

/// What later events say of connections that were handed out before them.
#[derive(Default)]
struct Verdicts {
    doubted: Option<Instant>,
    condemned: Option<Instant>,
    /// The last time that server and client did not trust each other. While a password or a CA is
    /// being replaced, the server has the new one before the file that a kubelet renews, for up to
    /// a minute and a half; connections that live are not affected.
    refused: Option<(Instant, MakeError)>,
}

impl Manager {
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn verdicts(&self) -> std::sync::MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection is young, and nothing was learnt since it was handed out that speaks
    /// against it.
    pub(super) fn trusts(&self, lease: &Lease) -> bool {
        let Some(metrics) = lease.0.as_ref().map(managed::Object::metrics) else {
            return false;
        };
        let verdicts = self.verdicts();
        let since = |event: Option<Instant>| event.is_some_and(|at| handed_out(metrics) <= at);
        let is_level = self.mark.is_none() || lease.0.as_ref().is_some_and(|made| made.is_level());
        metrics.age() <= self.max_age
            && is_level
            && !since(verdicts.condemned)
            && !since(verdicts.doubted)
    }

    /// Asks a server that may be behind whether it is, once in a while.
    async fn level(&self, made: &mut Made) -> Result<(), MakeError> {
        let Some(mark) = self.mark.as_ref().filter(|_| !made.is_level()) else {
            return Ok(());
        };
        let asked_at = Instant::now();
        let asked = Box::pin(mark.is_reached(&mut made.connection));
        match tokio::time::timeout(PING, asked).await {
            Ok(Ok(true)) => {
                made.level_at = asked_at;
                Ok(())
            }
            _ => Err(MakeError::Behind),
        }
    }

    /// Whether a connection that is too old can be replaced. Tried before it is given up: it may be
    /// the last one for a while.
    async fn is_replaceable(&self) -> bool {
        let made = managed::Manager::create(self).await;
        !made.is_err_and(|error| error.is_distrust())
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum MakeError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the database is behind the primary, or does not say that it is not")]
    Behind,
}

impl MakeError {
    /// The server answers, and a file of ours or a secret of its is out of date.
    fn is_distrust(&self) -> bool {
        matches!(
            self,
            Self::Connect(ConnectError::Credentials | ConnectError::Tls(_))
        )
    }
}

impl managed::Manager for Manager {
    type Type = Made;
    type Error = MakeError;

    async fn create(&self) -> Result<Made, MakeError> {
        if let Some((at, error)) = &self.verdicts().refused
            && at.elapsed() < REFUSED_REST
        {
            return Err(error.clone());
        }
        let made = async {
            let session = connect(&self.endpoint, self.purpose, self.connect_timeout).await?;
            let (client, connection) = (session.client, session.connection);
            let connection = AsyncPgConnection::try_from_client_and_connection(client, connection)
                .await
                .map_err(|error| {
                    MakeError::Connect(ConnectError::Unreachable(error.to_string()))
                })?;
            let mut made = Made {
                connection,
                level_at: Instant::now() - LEVEL * 2,
            };
            self.level(&mut made).await?;
            Ok(made)
        };
        let made = tokio::time::timeout(self.connect_timeout, Box::pin(made))
            .await
            .unwrap_or(Err(MakeError::Connect(ConnectError::TimedOut(
                self.connect_timeout,
            ))));
        let error = made.as_ref().err();
        self.verdicts().refused = error
            .filter(|error| error.is_distrust())
            .map(|error| (Instant::now(), error.clone()));
        made
    }

    async fn recycle(&self, made: &mut Made, metrics: &Metrics) -> RecycleResult<MakeError> {
        let (doubted, condemned) = {
            let verdicts = self.verdicts();
            (verdicts.doubted, verdicts.condemned)
        };
        let before = |event: Option<Instant>| event.is_some_and(|at| handed_out(metrics) <= at);
        if made.connection.is_broken() || before(condemned) {
            return Err(RecycleError::message("spent"));
        }
        // Boxed: rare, and whoever takes a connection holds the place for it.
        if metrics.age() > self.max_age && Box::pin(self.is_replaceable()).await {
            return Err(RecycleError::message("old"));
        }
        if before(doubted) {
            let ping = Box::pin(made.connection.batch_execute(""));
            let answer = tokio::time::timeout(PING, ping).await;
            if !matches!(answer, Ok(Ok(()))) {
                // The others would be silent too: asking each in turn would cost the request its
                // time.
                self.verdicts().condemned = Some(Instant::now());
                return Err(RecycleError::message("silent"));
            }
        }
        self.level(made).await.map_err(RecycleError::Backend)
    }
}

fn handed_out(metrics: &Metrics) -> Instant {
    metrics.recycled.unwrap_or(metrics.created)
}

/// The server is gone or of no use: no connection that exists now is used again.
pub fn condemn(pool: &Pool) {
    pool.manager().verdicts().condemned = Some(Instant::now());
    pool.retain(|_, _| false);
}

/// An operation ran out of time: either it was slow or the server is silent, so connections that
/// exist now are asked first.
pub fn doubt(pool: &Pool) {
    pool.manager().verdicts().doubted = Some(Instant::now());
}

/// Connections open, and requests waiting for one.
#[derive(Debug)]
pub struct Status {
    pub idle: usize,
    pub shared: usize,
    pub used: usize,
    pub waiting: usize,
}

pub fn status(pool: &Pool) -> Status {
    let shared = pool.manager().lines.count();
    let deadpool::Status {
        size,
        available,
        waiting,
        ..
    } = pool.status();
    Status {
        idle: available,
        shared,
        used: size.saturating_sub(available + shared),
        waiting,
    }
}

/// Closes it, and what it lent for longer.
pub fn close(pool: &Pool) {
    pool.manager().lines.clear();
    pool.close();
}

pub type Pool = managed::Pool<Manager>;
pub type PoolError = managed::PoolError<MakeError>;

/// How a pool is made; the settings of `config::Pool`.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    pub connections: usize,
    pub queue: usize,
    pub wait: Duration,
    pub connect_timeout: Duration,
    pub max_age: Duration,
}

pub fn pool(
    endpoint: Endpoint,
    purpose: Purpose,
    mark: Option<Arc<Mark>>,
    settings: PoolSettings,
) -> Result<Pool, managed::BuildError> {
    let PoolSettings {
        connections,
        queue,
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
        queue,
        connect_timeout,
        max_age,
        verdicts: Mutex::default(),
        mark,
        lines: Lines::of_a_pool(connections),
    })
    .max_size(connections)
    .timeouts(timeouts)
    .runtime(deadpool::Runtime::Tokio1)
    .build()
}

/// A borrowed connection. Dropped without `keep`, it is closed: its last statement may still be
/// running or its state be unknown.
pub struct Lease(Option<managed::Object<Manager>>);

impl Lease {
    /// Where server and client do not trust each other, it waits for one of the connections that
    /// live, as it would if no more could be made.
    pub async fn take(pool: &Pool) -> Result<Self, PoolError> {
        if pool.status().waiting >= pool.manager().queue {
            return Err(PoolError::Timeout(TimeoutType::Wait));
        }
        let until = Instant::now() + pool.timeouts().wait.unwrap_or_default();
        loop {
            match pool.get().await {
                Err(PoolError::Backend(error))
                    if error.is_distrust() && pool.status().size > 0 && Instant::now() < until =>
                {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                taken => return taken.map(|object| Self(Some(object))),
            }
        }
    }

    pub fn connection(&mut self) -> Option<&mut AsyncPgConnection> {
        self.0.as_deref_mut().map(|made| &mut made.connection)
    }

    pub fn shared(&self) -> Option<&AsyncPgConnection> {
        self.0.as_deref().map(|made| &made.connection)
    }

    /// For others to use, unless an operation that answered left a transaction open or the
    /// connection ended meanwhile.
    pub fn keep(mut self) {
        let Some(object) = self.0.as_mut() else {
            return;
        };
        if !object.connection.is_broken()
            && let Some(pool) = managed::Object::pool(object)
            && let Some(lease) = pool.manager().lines.share(self)
        {
            lease.give_back();
        }
    }

    pub fn give_back(mut self) {
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
