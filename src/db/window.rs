//! The window of schemas that a binary can serve: what the database holds beside what this binary
//! knows.

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::migrate::{MIGRATIONS, MigrateError};

pub type Versions = Result<Vec<String>, MigrateError>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaState {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
    /// The oldest "newest migration" a binary may know to work on this schema.
    pub min_compatible: Option<String>,
}

impl SchemaState {
    pub fn unmigrated() -> Result<Self, MigrateError> {
        Ok(Self {
            pending: versions_of(&MIGRATIONS)?,
            ..Self::default()
        })
    }

    /// `Err` says in a sentence why this binary cannot serve this schema. A newer schema is fine
    /// while it admits this binary.
    pub fn check(&self) -> Result<(), String> {
        if let [oldest, ..] = self.pending.as_slice() {
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
    versions_of(&MIGRATIONS)
        .ok()
        .and_then(|mut versions| versions.pop())
        .unwrap_or_default()
}

/// Versions in the order in which they run.
pub fn versions_of<S: MigrationSource<Pg>>(source: &S) -> Versions {
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

/// Whether the two tables that tell about the schema are there: without them it was never migrated,
/// or all was reverted.
pub async fn is_migrated(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        migrated: bool,
    }
    let answer: Answer = sql_query(
        "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AND to_regclass('schema_window') IS NOT NULL AS migrated",
    )
    .get_result(connection)
    .await?;
    Ok(answer.migrated)
}

/// Whether searches in this language are possible.
pub async fn knows_language(
    connection: &mut AsyncPgConnection,
    language: &str,
) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        is_known: bool,
    }
    let answer: Answer = sql_query(
        "SELECT EXISTS (SELECT FROM pg_ts_config WHERE cfgname = $1 AND pg_ts_config_is_visible(oid)) AS is_known",
    )
    .bind::<Text, _>(language)
    .get_result(connection)
    .await?;
    Ok(answer.is_known)
}

/// The state of a database that is migrated, in one statement: readiness asks for it every second.
pub async fn migrated_state(
    connection: &mut AsyncPgConnection,
) -> Result<SchemaState, MigrateError> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Array<Text>)]
        applied: Vec<String>,
        #[diesel(sql_type = Nullable<Text>)]
        min_compatible: Option<String>,
    }
    let Answer {
        applied,
        min_compatible,
    } = sql_query(
        "SELECT ARRAY(SELECT version::text FROM __diesel_schema_migrations ORDER BY version) AS applied, \
         (SELECT min_compatible FROM schema_window) AS min_compatible",
    )
    .get_result(connection)
    .await?;
    let pending = versions_of(&MIGRATIONS)?
        .into_iter()
        .filter(|version| !applied.contains(version))
        .collect();
    Ok(SchemaState {
        applied,
        pending,
        min_compatible,
    })
}

/// What a database holds, also one that was never migrated.
pub async fn schema_state(connection: &mut AsyncPgConnection) -> Result<SchemaState, MigrateError> {
    if is_migrated(connection).await? {
        migrated_state(connection).await
    } else {
        SchemaState::unmigrated()
    }
}
