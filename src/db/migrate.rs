//! Migrations: embedded in the binary, run by one process at a time, and the window of schemas a binary can serve.

use std::time::{Duration, Instant};

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::{OptionalExtension as _, QueryableByName, sql_query};
use diesel_async::{
    AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::connect::{ConnectError, connect};
use super::endpoint::Endpoint;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Key of the advisory lock: "chartrm" in ASCII. One migration at a time on a database.
const LOCK: i64 = 0x63_6861_7274_726d;
const LOCK_POLL: Duration = Duration::from_millis(200);
/// A migration that cannot get its table lock soon gives way to the traffic and tries again.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '2s'; SET statement_timeout = 0";
const LOCK_ATTEMPTS: u32 = 10;

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("{0}")]
    Connect(#[from] ConnectError),
    #[error("the database only reads: migrations need the primary")]
    ReadOnly,
    #[error(
        "another process has been migrating this database for {0:?}; try again when it has finished"
    )]
    Locked(Duration),
    #[error("migration {version} failed and was rolled back: {problem}")]
    Failed { version: String, problem: String },
    #[error("there is nothing to revert")]
    NothingToRevert,
    #[error(
        "the newest migration of this database, {0}, is not known to this binary; revert it with the binary that brought it"
    )]
    Unknown(String),
    #[error("the database refused: {0}")]
    Query(#[from] diesel::result::Error),
}

/// What the database holds, beside what this binary knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaState {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
    /// The oldest "newest migration" a binary may know to work on this schema.
    pub min_compatible: Option<String>,
}

impl SchemaState {
    /// `Err` says in a sentence why this binary cannot serve this schema. A newer schema is fine while it admits this binary.
    pub fn check(&self) -> Result<(), String> {
        if let Some(oldest) = self.pending.iter().next() {
            return Err(format!(
                "the schema lacks migration {oldest}: run `chartroom migrate up`"
            ));
        }
        let newest_known = newest_known();
        match &self.min_compatible {
            Some(least) if *least > newest_known => Err(format!(
                "the schema needs a binary that knows migration {least}, this one knows up to {newest_known}: deploy a newer one"
            )),
            _ => Ok(()),
        }
    }
}

/// The newest migration in this binary.
pub fn newest_known() -> String {
    known()
        .ok()
        .and_then(|mut versions| versions.pop())
        .unwrap_or_default()
}

fn known() -> QueryVec {
    versions_of(&MIGRATIONS)
}

type QueryVec = Result<Vec<String>, MigrateError>;

fn versions_of<S: MigrationSource<Pg>>(source: &S) -> QueryVec {
    let migrations = source.migrations().map_err(|error| MigrateError::Failed {
        version: "list".to_owned(),
        problem: error.to_string(),
    })?;
    let mut versions: Vec<String> = migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    versions.sort();
    Ok(versions)
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    value: bool,
}

/// What a database holds, also one that was never migrated.
pub async fn schema_state(connection: &mut AsyncPgConnection) -> Result<SchemaState, MigrateError> {
    let known = known()?;
    let exists: Flag = sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AND to_regclass('schema_window') IS NOT NULL AS value").get_result(connection).await?;
    if !exists.value {
        return Ok(SchemaState {
            pending: known,
            ..SchemaState::default()
        });
    }
    let applied: Vec<Text> =
        sql_query("SELECT version::text AS value FROM __diesel_schema_migrations ORDER BY version")
            .load(connection)
            .await?;
    let applied: Vec<String> = applied.into_iter().map(|row| row.value).collect();
    let window: Option<Text> = sql_query("SELECT min_compatible AS value FROM schema_window")
        .get_result(connection)
        .await
        .optional()?;
    let pending = known
        .into_iter()
        .filter(|version| !applied.contains(version))
        .collect();
    Ok(SchemaState {
        applied,
        pending,
        min_compatible: window.map(|row| row.value),
    })
}

/// The state of the schema at `endpoint`.
pub async fn status(endpoint: &Endpoint) -> Result<SchemaState, MigrateError> {
    let session = connect(endpoint, "migrate", Duration::from_secs(10)).await?;
    let mut connection =
        AsyncPgConnection::try_from_client_and_connection(session.client, session.connection)
            .await
            .map_err(|error| ConnectError::Unreachable(error.to_string()))?;
    schema_state(&mut connection).await
}

/// Runs `source` on `endpoint` until nothing is pending; waits for another process's run for at most `patience`. Returns what it applied.
pub async fn up<S>(endpoint: &Endpoint, source: fn() -> S, patience: Duration) -> QueryVec
where
    S: MigrationSource<Pg> + 'static,
{
    under_lock(endpoint, patience, async |mut connection| {
        drop_invalid_indexes(&mut connection).await?;
        let mut attempt = 1;
        loop {
            let (back, outcome) = in_thread(connection, move |harness| {
                let ran = harness.run_pending_migrations(source());
                ran.map(|versions| versions.iter().map(ToString::to_string).collect::<Vec<_>>())
                    .map_err(|error| error.to_string())
            })
            .await?;
            connection = back;
            match outcome {
                Ok(versions) => return Ok(versions),
                Err(problem) if attempt < LOCK_ATTEMPTS && problem.contains("lock timeout") => {
                    attempt += 1
                }
                Err(problem) => {
                    let version = next_pending(&mut connection)
                        .await
                        .unwrap_or_else(|| "unknown".to_owned());
                    return Err(MigrateError::Failed { version, problem });
                }
            }
        }
    })
    .await
}

/// Reverts the newest migration.
pub async fn down<S>(
    endpoint: &Endpoint,
    source: fn() -> S,
    patience: Duration,
) -> Result<String, MigrateError>
where
    S: MigrationSource<Pg> + 'static,
{
    let known = versions_of(&source())?;
    under_lock(endpoint, patience, async |connection| {
        let known = known.clone();
        let (_, outcome) = in_thread(connection, move |harness| {
            let failed =
                |version: String, problem: String| MigrateError::Failed { version, problem };
            let applied = harness
                .applied_migrations()
                .map_err(|error| failed("list".to_owned(), error.to_string()))?;
            let newest = applied
                .iter()
                .map(ToString::to_string)
                .max()
                .ok_or(MigrateError::NothingToRevert)?;
            if !known.contains(&newest) {
                return Err(MigrateError::Unknown(newest));
            }
            harness
                .revert_last_migration(source())
                .map(|version| version.to_string())
                .map_err(|error| failed(newest, error.to_string()))
        })
        .await?;
        outcome
    })
    .await
}

/// Diesel runs migrations on a blocking interface: the connection goes to a thread for it and comes back.
async fn in_thread<T: Send + 'static>(
    connection: AsyncPgConnection,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> T + Send + 'static,
) -> Result<(AsyncPgConnection, T), MigrateError> {
    let ran = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let outcome = work(&mut harness);
        (harness.into_inner(), outcome)
    });
    ran.await.map_err(|error| MigrateError::Failed {
        version: "thread".to_owned(),
        problem: error.to_string(),
    })
}

async fn next_pending(connection: &mut AsyncPgConnection) -> Option<String> {
    schema_state(connection)
        .await
        .ok()?
        .pending
        .into_iter()
        .next()
}

async fn under_lock<T>(
    endpoint: &Endpoint,
    patience: Duration,
    work: impl AsyncFnOnce(AsyncPgConnection) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let session = connect(endpoint, "migrate", Duration::from_secs(10)).await?;
    if session.read_only {
        return Err(MigrateError::ReadOnly);
    }
    // The lock lives on a session of its own: it ends with the process, and a failed statement elsewhere cannot end it.
    let keeper = session.client;
    let driver = tokio::spawn(session.connection);
    let until = Instant::now() + patience;
    loop {
        // Never the blocking form: a session that waits in it holds a snapshot, and CREATE INDEX CONCURRENTLY waits for snapshots.
        let row = keeper
            .query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK])
            .await
            .map_err(|error| ConnectError::Unreachable(error.to_string()))?;
        if row.get::<_, bool>(0) {
            break;
        }
        if Instant::now() >= until {
            return Err(MigrateError::Locked(patience));
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
    let session = connect(endpoint, "migrate", Duration::from_secs(10)).await?;
    let mut connection =
        AsyncPgConnection::try_from_client_and_connection(session.client, session.connection)
            .await
            .map_err(|error| ConnectError::Unreachable(error.to_string()))?;
    connection.batch_execute(LOCK_TIMEOUT).await?;
    let outcome = work(connection).await;
    drop(keeper);
    // Not before the server has seen the end of the session may the caller believe that the lock is free.
    let _ = tokio::time::timeout(Duration::from_secs(1), driver).await;
    outcome
}

/// A killed `CREATE INDEX CONCURRENTLY` leaves an invalid index under the name that the next try wants.
async fn drop_invalid_indexes(connection: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    let invalid: Vec<Text> = sql_query(
        "SELECT format('%I.%I', n.nspname, c.relname) AS value FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname = current_schema()",
    )
    .load(connection)
    .await?;
    for Text { value } in invalid {
        tracing::warn!(
            index = value,
            "dropping an index that an interrupted migration left invalid"
        );
        sql_query(format!("DROP INDEX IF EXISTS {value}"))
            .execute(connection)
            .await?;
    }
    Ok(())
}
