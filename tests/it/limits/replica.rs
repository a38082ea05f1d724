//! One process's part in sign-in limits, and time that passes without waiting.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chartroom::db::pool::PoolSettings;
use chartroom::db::{Db, DbError};
use chartroom::identity::limiter::{Attempt, Limited, Limiter, NameKey, Refused};
use chartroom::kernel::types::PrincipalId;
use chartroom::telemetry::metrics::Metrics;
use futures_util::future::join_all;

use crate::support::app::config;
use crate::support::database::TestDatabase;

const CONNECTIONS: usize = 8;

/// One process's limiter and pool.
pub(super) struct Replica {
    pub(super) limiter: Limiter,
    pub(super) db: Db,
    pub(super) metrics: Arc<Metrics>,
}

impl Replica {
    pub(super) fn new(database: &TestDatabase) -> Arc<Self> {
        let metrics = Arc::new(Metrics::new().unwrap());
        // Patient: a debug build on a busy machine needs seconds for eight password logins.
        let settings = PoolSettings {
            connections: CONNECTIONS,
            queue: 1_000,
            wait: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(30),
            max_age: Duration::from_secs(600),
        };
        let deadline = Duration::from_secs(30);
        let db = Db::new(
            database.endpoint.clone(),
            None,
            settings,
            deadline,
            metrics.clone(),
        );
        Arc::new(Self {
            limiter: Limiter::new(config(&[]).sign_in, CONNECTIONS, metrics.clone()),
            db: db.unwrap(),
            metrics,
        })
    }

    /// Makes the pool's connections, which in a debug build is what takes the time of a first use.
    pub(super) async fn warm(&self) {
        let reads = (0..CONNECTIONS).map(|_| self.read());
        join_all(reads).await;
    }

    /// What any other request does.
    pub(super) async fn read(&self) {
        let answer = self.db.read(async |connection| {
            diesel_async::RunQueryDsl::execute(diesel::sql_query("SELECT 1"), connection).await
        });
        answer.await.unwrap();
    }

    /// Asks again where the machine was too slow to say anything: nothing was taken then.
    pub(super) async fn check(&self, name: NameKey, from: IpAddr) -> Result<Attempt, Limited> {
        loop {
            match self.limiter.check(&self.db, name, from).await {
                Ok(attempt) => return Ok(attempt),
                Err(Refused::Limited(limited)) if limited.is_busy => {}
                Err(Refused::Limited(limited)) => return Err(limited),
                Err(Refused::Database(DbError::Busy | DbError::NoConnection(_))) => {}
                Err(Refused::Database(error)) => panic!("{error}"),
            }
        }
    }

    /// How many of `count` attempts in a row are admitted.
    pub(super) async fn admitted(&self, name: NameKey, from: IpAddr, count: usize) -> usize {
        let mut admitted = 0;
        for _ in 0..count {
            admitted += usize::from(self.check(name, from).await.is_ok());
        }
        admitted
    }

    /// How many of one attempt from each prefix are admitted.
    pub(super) async fn admitted_from_many(
        &self,
        name: NameKey,
        prefixes: std::ops::Range<u32>,
    ) -> usize {
        let mut admitted = 0;
        for number in prefixes {
            admitted += usize::from(self.check(name, prefix(number)).await.is_ok());
        }
        admitted
    }
}

pub(super) fn prefix(number: u32) -> IpAddr {
    let [_, a, b, c] = number.to_be_bytes();
    IpAddr::from([20 + a, b, c, 1])
}

/// A name that nobody has tried yet.
pub(super) fn name() -> NameKey {
    NameKey::of(&PrincipalId::fresh().to_string())
}

/// As if so much time had passed.
pub(super) async fn pass(database: &TestDatabase, seconds: f64) {
    let statement = "UPDATE attempt_buckets SET counted_at = counted_at - make_interval(secs => $1), \
         forget_at = forget_at - make_interval(secs => $1), proven_until = proven_until - make_interval(secs => $1)";
    database
        .session()
        .await
        .execute(statement, &[&seconds])
        .await
        .unwrap();
}

pub(super) async fn rows(database: &TestDatabase) -> i64 {
    let session = database.session().await;
    let counted = session
        .query_one("SELECT count(*) FROM attempt_buckets", &[])
        .await
        .unwrap();
    counted.get(0)
}
