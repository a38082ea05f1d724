//! Migrations: embedded in the binary, run by one process at a time.

use std::time::{Duration, Instant};

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{
    AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::connect::{ConnectError, connect};
use super::purpose::Purpose;
use super::window::{SchemaState, Versions, schema_state, versions_of};
use crate::config::endpoint::Endpoint;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Key of the advisory lock: "chartrm" in ASCII. One migration at a time on a database.
const LOCK: i64 = 0x63_6861_7274_726d;
const LOCK_POLL: Duration = Duration::from_millis(200);
/// A migration that cannot get its table lock soon gives way to the traffic and tries again.
const SESSION: &str = "SET lock_timeout = '2s'; SET statement_timeout = 0";
const LOCK_ATTEMPTS: u32 = 10;
/// For the traffic that queued up behind the attempt.
const LOCK_PAUSE: Duration = Duration::from_millis(500);
const CONNECT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    #[error("migration {version} failed: {problem}")]
    Failed { version: String, problem: String },
    #[error("there is nothing to revert")]
    NothingToRevert,
    #[error(
        "the newest migration of this database, {0}, is not known to this binary; revert it with the binary that brought it"
    )]
    Unknown(String),
    #[error("there is no role {0} in the database; make it, or leave --runtime-role out")]
    NoRole(String),
    #[error("the database refused: {0}")]
    Query(#[from] diesel::result::Error),
}

/// The state of the schema at `endpoint`.
pub async fn status(endpoint: &Endpoint) -> Result<SchemaState, MigrateError> {
    let (mut connection, _) = open(endpoint, Purpose::MIGRATE).await?;
    schema_state(&mut connection).await
}

/// Runs `source` on `endpoint` until nothing is pending; waits for another process's run for at
/// most `patience`. Returns what it applied.
pub async fn up<S>(endpoint: &Endpoint, source: fn() -> S, patience: Duration) -> Versions
where
    S: MigrationSource<Pg> + 'static,
{
    let mut connection = locked(endpoint, patience).await?;
    let mut applied = Vec::new();
    let mut attempt = 1;
    loop {
        let (back, next) = in_thread(connection, move |harness| next(harness, &source())).await?;
        connection = back;
        let Some(version) = next? else { break };
        // An index of an attempt that was cut off stands in the way of the next one.
        let mut outcome = drop_invalid_indexes(&mut connection)
            .await
            .map_err(|error| error.to_string());
        if outcome.is_ok() {
            let (back, ran) = in_thread(connection, move |harness| {
                let ran = harness.run_next_migration(source());
                ran.map(drop).map_err(|error| error.to_string())
            })
            .await?;
            connection = back;
            outcome = ran;
        }
        match outcome {
            Ok(()) => {
                applied.push(version);
                attempt = 1;
            }
            // Diesel shows no SQLSTATE: a server that speaks another language than English gets one
            // attempt.
            Err(problem) if attempt < LOCK_ATTEMPTS && problem.contains("lock timeout") => {
                tracing::info!(
                    version,
                    attempt,
                    "a migration waits for a lock and tries again"
                );
                attempt += 1;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(problem) => return Err(MigrateError::Failed { version, problem }),
        }
    }
    unlock(connection).await?;
    Ok(applied)
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
    let connection = locked(endpoint, patience).await?;
    let (connection, outcome) = in_thread(connection, move |harness| {
        let newest = newest_applied(harness)?.ok_or(MigrateError::NothingToRevert)?;
        if !known.contains(&newest) {
            return Err(MigrateError::Unknown(newest));
        }
        match harness.revert_last_migration(source()) {
            Ok(_) => Ok(newest),
            Err(error) => Err(failed(newest, error)),
        }
    })
    .await?;
    unlock(connection).await?;
    outcome
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;

fn next<S: MigrationSource<Pg>>(
    harness: &mut Harness,
    source: &S,
) -> Result<Option<String>, MigrateError> {
    let applied = applied(harness)?;
    let known = versions_of(source)?;
    Ok(known.into_iter().find(|version| !applied.contains(version)))
}

fn newest_applied(harness: &mut Harness) -> Result<Option<String>, MigrateError> {
    Ok(applied(harness)?.into_iter().max())
}

fn applied(harness: &mut Harness) -> Versions {
    let versions = harness.applied_migrations();
    versions
        .map(|versions| versions.iter().map(ToString::to_string).collect())
        .map_err(|error| failed("list".to_owned(), error))
}

fn failed(version: String, error: impl std::fmt::Display) -> MigrateError {
    MigrateError::Failed {
        version,
        problem: error.to_string(),
    }
}

/// Diesel runs migrations on a blocking interface: the connection goes to a thread for it and comes
/// back.
async fn in_thread<T: Send + 'static>(
    connection: AsyncPgConnection,
    work: impl FnOnce(&mut Harness) -> T + Send + 'static,
) -> Result<(AsyncPgConnection, T), MigrateError> {
    let ran = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let outcome = work(&mut harness);
        (harness.into_inner(), outcome)
    });
    ran.await
        .map_err(|error| failed("thread".to_owned(), error))
}

/// A connection for a command, and whether the server only reads.
pub async fn open(
    endpoint: &Endpoint,
    purpose: Purpose,
) -> Result<(AsyncPgConnection, bool), ConnectError> {
    let session = connect(endpoint, purpose, CONNECT).await?;
    let connection =
        AsyncPgConnection::try_from_client_and_connection(session.client, session.connection);
    match tokio::time::timeout(CONNECT, connection).await {
        Ok(Ok(connection)) => Ok((connection, session.read_only)),
        Ok(Err(error)) => Err(ConnectError::Unreachable(error.to_string())),
        Err(_elapsed) => Err(ConnectError::TimedOut(CONNECT)),
    }
}

/// Waits, for at most `patience`, until a database answers that can be written to: the first one of
/// a new cluster takes its time. `say` hears what is waited for, each time that it is something
/// else.
pub async fn writable(
    endpoint: &Endpoint,
    patience: Duration,
    say: impl Fn(&str),
) -> Result<(), MigrateError> {
    let until = Instant::now() + patience;
    let mut said = String::new();
    loop {
        let problem = match connect(endpoint, Purpose::MIGRATE, CONNECT).await {
            Ok(session) if !session.read_only => return Ok(()),
            Ok(_) => MigrateError::ReadOnly,
            Err(error @ ConnectError::Settings(_)) => return Err(error.into()),
            Err(error) => error.into(),
        };
        if Instant::now() + LOOK_EVERY >= until {
            return Err(problem);
        }
        let now = problem.to_string();
        if said != now {
            say(&now);
            said = now;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A session that holds the lock. The migrations run on it: where our process is killed, the server
/// may go on with the last statement for a while, and until it is done nobody else begins.
pub(super) async fn locked(
    endpoint: &Endpoint,
    patience: Duration,
) -> Result<AsyncPgConnection, MigrateError> {
    let (mut connection, read_only) = open(endpoint, Purpose::MIGRATE).await?;
    if read_only {
        return Err(MigrateError::ReadOnly);
    }
    let until = Instant::now() + patience;
    // Never the blocking form: a session that waits in it holds a snapshot, and CREATE INDEX
    // CONCURRENTLY waits for snapshots.
    while !ask(&mut connection, "SELECT pg_try_advisory_lock($1) AS value").await? {
        if Instant::now() >= until {
            return Err(MigrateError::Locked(patience));
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
    connection.batch_execute(SESSION).await?;
    Ok(connection)
}

/// The end of the session would free the lock too, but only some time after our caller believes
/// that it is free.
pub(super) async fn unlock(mut connection: AsyncPgConnection) -> Result<(), MigrateError> {
    ask(&mut connection, "SELECT pg_advisory_unlock($1) AS value").await?;
    Ok(())
}

async fn ask(connection: &mut AsyncPgConnection, question: &str) -> Result<bool, MigrateError> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        value: bool,
    }
    let answer: Answer = sql_query(question)
        .bind::<BigInt, _>(LOCK)
        .get_result(connection)
        .await?;
    Ok(answer.value)
}

/// A killed `CREATE INDEX CONCURRENTLY` leaves an invalid index under the name that the next try
/// wants. Indexes of partitioned tables are left alone: those are invalid as long as a partition
/// lacks its own.
async fn drop_invalid_indexes(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Invalid {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let invalid: Vec<Invalid> = sql_query(
        "SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname = current_schema()",
    )
    .load(connection)
    .await?;
    for Invalid { name } in invalid {
        tracing::warn!(
            index = name,
            "dropping an index that an interrupted migration left invalid"
        );
        sql_query(format!("DROP INDEX IF EXISTS {name}"))
            .execute(connection)
            .await?;
    }
    Ok(())
}
