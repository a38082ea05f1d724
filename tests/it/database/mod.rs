//! The database layer: what handlers get from `Db`, in good times and in bad.

mod cancel;
mod endpoints;
mod faults;
mod grants;
mod handlers;
mod outage;
mod sessions;
mod shared;
mod texts;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use chartroom::config::endpoint::Endpoint;
use chartroom::db::pool::PoolSettings;
use chartroom::db::{Db, DbError};
use chartroom::telemetry::metrics::Metrics;
use diesel::result::QueryResult;
use diesel::sql_query;
use diesel::sql_types::{Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use crate::support::chaos_proxy::{ChaosProxy, Target};
use crate::support::database::{SERVER, TestDatabase};
use crate::support::wait::until;

const DEADLINE: Duration = Duration::from_secs(3);
/// For the machine to be slow in, and a debug build to compute what a password login takes.
const SLACK: Duration = Duration::from_millis(1_500);

fn settings() -> PoolSettings {
    PoolSettings {
        connections: 4,
        queue: 64,
        wait: Duration::from_millis(300),
        connect_timeout: Duration::from_secs(3),
        max_age: Duration::from_secs(600),
    }
}

/// A `Db` behind a proxy, on a database with a table that would show a write done twice.
struct Bench {
    db: Arc<Db>,
    proxy: ChaosProxy,
    database: TestDatabase,
    session: tokio_postgres::Client,
}

impl Bench {
    async fn new() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: PoolSettings) -> Self {
        let database = TestDatabase::empty().await;
        let session = database.session().await;
        session
            .batch_execute("CREATE TABLE ledger (entry text NOT NULL)")
            .await
            .unwrap();
        let proxy = ChaosProxy::start(socket()).await;
        let metrics = Arc::new(Metrics::new().unwrap());
        let endpoint = through(&proxy, &database.endpoint);
        let db = Db::new(endpoint, None, settings, DEADLINE, metrics).unwrap();
        Self {
            db: Arc::new(db),
            proxy,
            database,
            session,
        }
    }

    /// How often an entry is in the ledger, as another session sees it.
    async fn entries(&self, like: &str) -> i64 {
        let row = self
            .session
            .query_one("SELECT count(*) FROM ledger WHERE entry LIKE $1", &[&like])
            .await
            .unwrap();
        row.get(0)
    }

    /// Ends all sessions of the service; the number of those there were.
    async fn terminate(&self) -> i64 {
        let row = self
            .session
            .query_one(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name LIKE 'chartroom/%'",
                &[],
            )
            .await
            .unwrap();
        row.get(0)
    }

    /// Sessions of the service of which `condition` holds.
    async fn sessions(&self, condition: &str) -> i64 {
        let query = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name LIKE 'chartroom/%' AND ({condition})"
        );
        self.session.query_one(&query, &[]).await.unwrap().get(0)
    }

    async fn wait_for_sessions(&self, condition: &str, wanted: impl Fn(i64) -> bool) {
        until(condition, Duration::from_secs(8), async || {
            wanted(self.sessions(condition).await).then_some(())
        })
        .await
        .unwrap();
    }

    /// Opens every connection that the pool may have.
    async fn fill(&self) {
        let slow = || Box::pin(self.db.read(async |conn| sleep(conn, 0.1).await));
        let (a, b, c, d) = tokio::join!(slow(), slow(), slow(), slow());
        for answer in [a, b, c, d] {
            answer.unwrap();
        }
        assert_eq!(self.idle(), 4);
    }

    fn idle(&self) -> usize {
        let (_, status) = self.db.pool_status().next().unwrap();
        assert_eq!(status.used, 0, "all are back: {status:?}");
        status.idle
    }
}

fn socket() -> Target {
    let address = &SERVER.address;
    Target::Unix(
        address
            .socket_dir
            .join(format!(".s.PGSQL.{}", address.port)),
    )
}

/// The same database by way of a proxy.
fn through(proxy: &ChaosProxy, endpoint: &Endpoint) -> Endpoint {
    match endpoint.clone() {
        Endpoint::Fields {
            dbname,
            user,
            password,
            tls,
            ..
        } => Endpoint::Fields {
            host: proxy.addr.ip().to_string(),
            port: proxy.addr.port(),
            dbname,
            user,
            password,
            tls,
        },
        Endpoint::Url(_) => unreachable!("tests describe the server by fields"),
    }
}

#[derive(diesel::QueryableByName)]
struct Pid {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Which server process serves this connection.
async fn pid(conn: &mut AsyncPgConnection) -> QueryResult<i32> {
    let query = sql_query("SELECT pg_backend_pid() AS pid");
    Ok(query.get_result::<Pid>(conn).await?.pid)
}

async fn sleep(conn: &mut AsyncPgConnection, seconds: f64) -> QueryResult<()> {
    let query = sql_query("SELECT pg_sleep($1)").bind::<diesel::sql_types::Double, _>(seconds);
    query.execute(conn).await.map(drop)
}

async fn insert(conn: &mut AsyncPgConnection, entry: &str) -> QueryResult<()> {
    let query = sql_query("INSERT INTO ledger VALUES ($1)").bind::<Text, _>(entry);
    query.execute(conn).await.map(drop)
}

async fn write(db: &Db, entry: &str) -> Result<(), DbError> {
    db.write(async |conn| insert(conn, entry).await).await
}
