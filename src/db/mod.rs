//! The database: where it is, how to reach it, what to do when it fails.
//!
//! Handlers call [`Db::look_up`], [`Db::read`] and [`Db::write`]. Every operation has a deadline
//! kept by this process, because a frozen server keeps none; a connection whose state is not
//! certain is closed, never reused; reads are tried a second time, writes never.

mod attempt;
pub mod connect;
mod errand;
mod error;
pub mod filter;
pub mod grants;
pub mod json;
pub mod level;
pub mod listen;
pub mod load;
pub mod migrate;
pub mod monitor;
pub mod operation;
pub mod page;
pub mod pool;
pub mod purge;
pub mod purpose;
mod replica;
pub mod retention;
pub mod row;
pub mod shared;
pub mod snapshot;
pub mod sql;
pub mod tls;
pub mod transaction;
pub mod window;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::QueryResult;
use diesel_async::AsyncPgConnection;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::config::endpoint::Endpoint;
use crate::telemetry::metrics::Metrics;
use attempt::{on_a_connection, on_a_line};
use errand::{Again, Alone, OnConnection, OnLine, Once};
use level::Mark;
use load::{Load, LoadError};
use operation::{Operation, Repeatable};
use pool::{Lease, Pool, PoolSettings};
use purpose::Purpose;
use replica::{Replica, from_replica, needs_primary};
use snapshot::Snapshot;
use transaction::Listeners;

pub use error::DbError;
pub use replica::{Sourced, is_from_replica, sourced};

/// Boxed: small in handlers, and its type does not name the closure, on whose bounds rustc 1.95
/// fails to build incrementally.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

/// For an analysis, after which it is given up.
pub const ANALYSIS: Duration = Duration::from_secs(30);
/// Connections of analyses to each endpoint, and how many more wait for one.
const ANALYSTS: usize = 3;
const ANALYSES_WAIT: usize = 8;

/// Where reads go, and how long they may take.
struct Reach {
    primary: Pool,
    replica: Option<Replica>,
    deadline: Duration,
}

/// The two endpoints and the rules of their use.
pub struct Db {
    usual: Reach,
    /// On connections of its own, so that whoever asks much keeps nobody waiting who asks little.
    analysis: Reach,
    metrics: Arc<Metrics>,
    listeners: Listeners,
    snapshots: Arc<Semaphore>,
    loads: Arc<Semaphore>,
}

impl Db {
    pub fn new(
        primary: Endpoint,
        replica: Option<Endpoint>,
        settings: PoolSettings,
        deadline: Duration,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        metrics.announce_database();
        let mark: Arc<Mark> = Arc::default();
        let reach = |purpose, read, settings, deadline| {
            let mark = || Some(mark.clone());
            let replica = replica
                .clone()
                .map(|endpoint| pool::pool(endpoint, read, mark(), settings))
                .transpose()?
                .map(Replica::new);
            Ok::<_, anyhow::Error>(Reach {
                primary: pool::pool(primary.clone(), purpose, None, settings)?,
                replica,
                deadline,
            })
        };
        let few = PoolSettings {
            connections: ANALYSTS,
            queue: ANALYSES_WAIT,
            ..settings
        };
        Ok(Self {
            usual: reach(Purpose::WRITE, Purpose::READ, settings, deadline)?,
            analysis: reach(Purpose::ANALYSIS, Purpose::ANALYSIS, few, ANALYSIS)?,
            metrics,
            listeners: Listeners::default(),
            snapshots: Arc::new(Semaphore::new(snapshot::MOST)),
            loads: Arc::new(Semaphore::new(load::MOST)),
        })
    }

    /// Reads, from the read-only endpoint where there is one and it answers. Tried again where that
    /// may help, so `operation` must change nothing. It is an `async |conn| ..` closure without
    /// `move`.
    pub fn read<'a, T, F>(&'a self, operation: F) -> Pending<'a, T>
    where
        T: Send + 'a,
        F: for<'c> AsyncFn(&'c mut AsyncPgConnection) -> QueryResult<T>
            + for<'c> Repeatable<&'c mut AsyncPgConnection, QueryResult<T>, Fut: Send>
            + Send
            + Sync
            + 'a,
    {
        let begun = Instant::now();
        Box::pin(async move {
            let mut errand = Again::new(operation);
            self.read_where_it_answers(&self.usual, begun, &mut errand)
                .await?;
            errand.answer()
        })
    }

    /// [`Db::read`] of much: it may take [`ANALYSIS`], and says so where that is too little.
    pub fn analyze<'a, T, F>(&'a self, operation: F) -> Pending<'a, T>
    where
        T: Send + 'a,
        F: for<'c> AsyncFn(&'c mut AsyncPgConnection) -> QueryResult<T>
            + for<'c> Repeatable<&'c mut AsyncPgConnection, QueryResult<T>, Fut: Send>
            + Send
            + Sync
            + 'a,
    {
        Box::pin(async move {
            let begun = Instant::now();
            let mut errand = Again::new(operation);
            let done = self.read_where_it_answers(&self.analysis, begun, &mut errand);
            match done.await {
                Err(DbError::Interrupted) if begun.elapsed() >= ANALYSIS => {
                    Err(DbError::TooLong(ANALYSIS))
                }
                done => done.and_then(|()| errand.answer()),
            }
        })
    }

    /// [`Db::read`] of a row by its key: one statement, whose connection others use at the same
    /// time.
    pub fn look_up<'a, T, F>(&'a self, operation: F) -> Pending<'a, T>
    where
        T: Send + 'a,
        F: for<'c> AsyncFn(&'c AsyncPgConnection) -> QueryResult<T>
            + for<'c> Repeatable<&'c AsyncPgConnection, QueryResult<T>, Fut: Send>
            + Send
            + Sync
            + 'a,
    {
        Box::pin(async move {
            let begun = Instant::now();
            let mut errand = Again::new(operation);
            match self.look_up_abreast(begun, &mut errand).await {
                Some(done) => done?,
                None => {
                    let mut alone = Alone(&mut errand);
                    self.read_where_it_answers(&self.usual, begun, &mut alone)
                        .await?;
                }
            }
            errand.answer()
        })
    }

    /// Reads where nothing may be behind: what decides who may do what is asked of the primary
    /// alone. Tried twice.
    pub fn read_primary<'a, T, F>(&'a self, operation: F) -> Pending<'a, T>
    where
        T: Send + 'a,
        F: for<'c> AsyncFn(&'c mut AsyncPgConnection) -> QueryResult<T>
            + for<'c> Repeatable<&'c mut AsyncPgConnection, QueryResult<T>, Fut: Send>
            + Send
            + Sync
            + 'a,
    {
        Box::pin(async move {
            let until = Instant::now() + self.usual.deadline;
            let mut errand = Again::new(operation);
            let primary = &self.usual.primary;
            match self.attempt(primary, "read", until, &mut errand).await {
                Err(DbError::Interrupted) if Instant::now() < until => {
                    self.attempt(primary, "read", until, &mut errand).await?;
                }
                done => done?,
            }
            errand.answer()
        })
    }

    /// Reads and writes on the primary, once.
    pub fn write<'a, T, F>(&'a self, operation: F) -> Pending<'a, T>
    where
        T: Send + 'a,
        F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> QueryResult<T>
            + for<'c> Operation<&'c mut AsyncPgConnection, QueryResult<T>, Fut: Send>
            + Send
            + 'a,
    {
        let until = Instant::now() + self.usual.deadline;
        Box::pin(async move {
            let mut errand = Once::new(operation);
            let primary = &self.usual.primary;
            self.attempt(primary, "write", until, &mut errand).await?;
            errand.answer()
        })
    }

    /// `None` where it has to be asked in the ordinary way.
    async fn look_up_abreast(
        &self,
        begun: Instant,
        errand: &mut OnLine<'_>,
    ) -> Option<Result<(), DbError>> {
        let replica = self.usual.replica.as_ref().filter(|_| !needs_primary());
        let pool = replica.map_or(&self.usual.primary, |replica| &replica.pool);
        let line = shared::line(pool)?;
        if replica.is_some_and(|replica| !replica.is_asked()) {
            return None;
        }
        // Half of the time stays for a connection of its own: on this one it may be another's
        // statement that is slow.
        let until = begun + self.usual.deadline / 2;
        let answer = self
            .observed("read", pin!(on_a_line(pool, &line, until, errand)))
            .await;
        let is_final = match replica {
            Some(replica) => replica.has_answered(&answer),
            None => !matches!(answer, Err(DbError::Interrupted)),
        };
        is_final.then_some(answer)
    }

    async fn read_where_it_answers(
        &self,
        reach: &Reach,
        begun: Instant,
        errand: &mut OnConnection<'_>,
    ) -> Result<(), DbError> {
        let until = begun + reach.deadline;
        let mut resting = None;
        let replica = reach.replica.as_ref().filter(|_| !needs_primary());
        if let Some(replica) = replica {
            if replica.is_asked() {
                // Half of the time stays for the primary.
                let half = begun + reach.deadline / 2;
                let answer = self.attempt(&replica.pool, "read", half, errand).await;
                if replica.has_answered(&answer) {
                    return answer;
                }
            } else {
                resting = Some(&replica.pool);
            }
            self.metrics.database_read_fallbacks_total.inc();
        }
        let answer = self.attempt(&reach.primary, "read", until, errand).await;
        let (again, is_replica) = match (&answer, resting) {
            (Err(DbError::Interrupted), _) => (&reach.primary, false),
            // Rest is over when there is nobody else to ask.
            (Err(DbError::NoConnection(_) | DbError::ReadOnly), Some(replica)) => (replica, true),
            _ => return answer,
        };
        if Instant::now() >= until {
            return answer;
        }
        let answer = self.attempt(again, "read", until, errand).await;
        if is_replica && answer.is_ok() {
            from_replica();
        }
        answer
    }

    async fn attempt(
        &self,
        pool: &Pool,
        kind: &'static str,
        until: Instant,
        errand: &mut OnConnection<'_>,
    ) -> Result<(), DbError> {
        self.observed(kind, pin!(on_a_connection(pool, until, errand)))
            .await
    }

    async fn observed(
        &self,
        kind: &'static str,
        work: Pin<&mut impl Future<Output = Result<(), DbError>>>,
    ) -> Result<(), DbError> {
        let begun = Instant::now();
        // What nobody asked for, as the polls of background tasks, is no trace of its own.
        let span = match tracing::Span::current().is_none() {
            true => tracing::Span::none(),
            false => {
                tracing::info_span!(target: "chartroom::span", "database", otel.name = kind, otel.kind = "client", db.system.name = "postgresql")
            }
        };
        let answer = work.instrument(span).await;
        self.metrics
            .observe_database(kind, begun.elapsed(), answer.as_ref().err());
        answer
    }

    /// For who looks at the primary: by this is judged whether the read-only endpoint is behind,
    /// where there is one.
    pub fn mark(&self) -> Option<Arc<Mark>> {
        self.usual.replica.as_ref()?.pool.manager().mark.clone()
    }

    /// Begins to read what lasts longer than an operation: all of it as it is now.
    pub async fn snapshot(&self) -> Result<Snapshot, DbError> {
        Ok(Snapshot::begin(self).await?)
    }

    /// Begins a transaction into which rows are copied as they arrive.
    pub async fn load(&self) -> Result<Load, LoadError> {
        Load::begin(self).await
    }

    /// Who hears of what transactions have committed.
    pub fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    pub fn pool_status(&self) -> impl Iterator<Item = (&'static str, pool::Status)> {
        [
            ("primary", Some(&self.usual.primary)),
            (
                "read",
                self.usual.replica.as_ref().map(|replica| &replica.pool),
            ),
        ]
        .into_iter()
        .filter_map(|(name, pool)| Some((name, pool::status(pool?))))
    }

    /// Makes one connection ahead of the first request.
    pub async fn warm(&self) {
        if let Ok(lease) = Lease::take(&self.usual.primary).await {
            lease.keep();
        }
    }

    pub fn close(&self) {
        for reach in [&self.usual, &self.analysis] {
            pool::close(&reach.primary);
            if let Some(replica) = &reach.replica {
                pool::close(&replica.pool);
            }
        }
    }
}
