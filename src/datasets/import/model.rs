//! Imports as the database keeps them.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::options::{ImportMode, ImportOptions};
use crate::datasets::column::{Column, Columns};
use crate::db::json::AsJson;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::kernel::types::{DatasetId, ImportId, PrincipalId, instant, words};
use crate::schema::{dataset_imports, datasets, project_members};

words! {
    /// How far an import is: it arrives, it is completed, it is loaded, it was checked without
    /// being loaded, its file does not fit, it could not be done, somebody stopped it
    ImportState {
        Receiving = "receiving",
        Loading = "loading",
        Ready = "ready",
        Checked = "checked",
        Refused = "refused",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl ImportState {
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Receiving | Self::Loading)
    }
}

/// The most errors that an import lists.
pub const MOST_ERRORS: usize = 1_000;

/// A value, or a row, that could not be taken
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowError {
    /// The number of the row in the file, counted from 1 with the header
    pub row: u64,
    /// The line on which it begins, in a file that has lines
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<u64>,
    /// The name of the column; none where it is about the whole row
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub column: Option<String>,
    /// What kind of mistake it is, for programs
    pub code: String,
    /// The beginning of the value
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
}

/// Why an import was refused or has failed
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportProblem {
    /// The kind of problem, for programs
    pub code: String,
    /// What is wrong and what to do
    pub detail: String,
}

impl ImportProblem {
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// An import.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = dataset_imports, check_for_backend(Pg))]
pub struct Import {
    pub id: ImportId,
    pub dataset_id: DatasetId,
    pub started_by: Option<PrincipalId>,
    pub state: ImportState,
    pub mode: ImportMode,
    pub is_dry_run: bool,
    pub options: Value,
    pub message: Option<String>,
    pub bytes: i64,
    pub rows_read: i64,
    pub rows_written: i64,
    pub rows_failed: i64,
    pub errors: AsJson<Vec<RowError>>,
    pub inferred: Option<Columns>,
    pub problem: Option<AsJson<ImportProblem>>,
    pub version: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub rejected_rows: i64,
    pub job_id: Option<i64>,
}

/// An import of somebody's that was not loaded, for a list of what needs them.
#[derive(Clone, Debug, Queryable)]
pub struct FailedImport {
    pub id: ImportId,
    pub dataset_id: DatasetId,
    pub dataset: String,
    pub started_at: DateTime<Utc>,
}

/// The last few imports that somebody has started within a week and that were not loaded, in
/// datasets of projects that they are a member of.
pub async fn failed_of(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
) -> QueryResult<Vec<FailedImport>> {
    let states = [ImportState::Refused, ImportState::Failed];
    let since = Utc::now() - chrono::TimeDelta::days(7);
    dataset_imports::table
        .inner_join(datasets::table.on(datasets::id.eq(dataset_imports::dataset_id)))
        .inner_join(
            project_members::table.on(project_members::project_id
                .eq(datasets::project_id)
                .and(project_members::principal_id.eq(who))),
        )
        .filter(dataset_imports::started_by.eq(who))
        .filter(dataset_imports::state.eq_any(states))
        .filter(dataset_imports::started_at.gt(since))
        .order(dataset_imports::id.desc())
        .limit(5)
        .select((
            dataset_imports::id,
            dataset_imports::dataset_id,
            datasets::name,
            dataset_imports::started_at,
        ))
        .load(connection)
        .await
}

/// An import, as its reader sees it
#[derive(Serialize, ToSchema)]
pub struct ImportBody {
    pub id: ImportId,
    dataset_id: DatasetId,
    /// Who started it; null if the account was deleted
    started_by: Option<PrincipalId>,
    pub state: ImportState,
    mode: ImportMode,
    dry_run: bool,
    /// What the request said of the file, as a list of names and values
    #[schema(value_type = Vec<Vec<String>>)]
    options: Value,
    message: Option<String>,
    /// Bytes of the file that were read, after decompression
    bytes: i64,
    /// Rows of the file that are records, up to now
    rows_read: i64,
    /// Records that were loaded, or would be
    rows_written: i64,
    /// Records that could not be taken
    pub rows_failed: i64,
    /// How many of them are in the file of rejected records, which is kept for 30 days and has at
    /// most 16 MiB
    rejected_rows: i64,
    /// The first 1,000 mistakes
    #[schema(max_items = 1000)]
    errors: Vec<RowError>,
    /// The columns that were made of the file, where the dataset had none
    inferred: Option<Vec<Column>>,
    /// Why it was refused or has failed
    problem: Option<ImportProblem>,
    /// The version of the dataset that it made
    version: Option<i64>,
    /// The job that brings its rows, where nobody sends a file
    job: Option<i64>,
    #[serde(serialize_with = "instant")]
    started_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    ended_at: Option<DateTime<Utc>>,
}

impl From<Import> for ImportBody {
    fn from(import: Import) -> Self {
        let Import {
            id,
            dataset_id,
            started_by,
            state,
            mode,
            is_dry_run,
            options,
            message,
            bytes,
            rows_read,
            rows_written,
            rows_failed,
            errors,
            inferred,
            problem,
            version,
            started_at,
            seen_at: _,
            ended_at,
            rejected_rows,
            job_id,
        } = import;
        Self {
            id,
            dataset_id,
            started_by,
            state,
            mode,
            dry_run: is_dry_run,
            options,
            message,
            bytes,
            rows_read,
            rows_written,
            rows_failed,
            rejected_rows,
            errors: errors.0,
            inferred: inferred.map(|columns| columns.0),
            problem: problem.map(|problem| problem.0),
            version,
            job: job_id,
            started_at,
            ended_at,
        }
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub bytes: i64,
    pub rows_read: i64,
    pub rows_failed: i64,
}

/// What an import ends with, besides its state.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    pub progress: Progress,
    pub rows_written: i64,
    pub rejected_rows: i64,
    pub errors: Vec<RowError>,
    pub inferred: Option<Columns>,
    pub problem: Option<ImportProblem>,
    pub version: Option<i64>,
}

/// Nobody has said for so long that the import goes on: its process is gone.
const GONE: &str = "now() - interval '60 seconds'";
/// That of a job waits for its turn, or for another worker.
const HAS_NO_JOB: &str = "NOT EXISTS (SELECT FROM jobs WHERE jobs.id = dataset_imports.job_id)";

impl Import {
    /// Every change to it says when it was.
    pub fn edition(&self) -> i64 {
        self.seen_at.timestamp_micros()
    }

    pub async fn insert(
        connection: &mut AsyncPgConnection,
        dataset: DatasetId,
        by: PrincipalId,
        options: &ImportOptions,
        key: Option<&str>,
    ) -> QueryResult<ImportId> {
        let id = ImportId::fresh();
        diesel::insert_into(dataset_imports::table)
            .values((
                dataset_imports::id.eq(id),
                dataset_imports::dataset_id.eq(dataset),
                dataset_imports::started_by.eq(by),
                dataset_imports::state.eq(ImportState::Receiving),
                dataset_imports::mode.eq(options.mode),
                dataset_imports::is_dry_run.eq(options.is_dry_run),
                dataset_imports::skips_errors.eq(options.on_error == super::options::OnError::Skip),
                dataset_imports::options.eq(json!(options.said)),
                dataset_imports::message.eq(&options.message),
                dataset_imports::idempotency_key.eq(key),
                dataset_imports::started_at.eq(id.made_at()),
                dataset_imports::seen_at.eq(diesel::dsl::now),
            ))
            .execute(connection)
            .await?;
        Ok(id)
    }

    pub async fn find(
        mut connection: &AsyncPgConnection,
        dataset: DatasetId,
        id: ImportId,
    ) -> QueryResult<Option<Self>> {
        dataset_imports::table
            .find(id)
            .filter(dataset_imports::dataset_id.eq(dataset))
            .select(Self::as_select())
            .first(&mut connection)
            .await
            .optional()
    }

    /// It is a job that brings its rows.
    pub async fn give_to(
        connection: &mut AsyncPgConnection,
        id: ImportId,
        job: i64,
    ) -> QueryResult<usize> {
        diesel::update(dataset_imports::table.find(id))
            .set(dataset_imports::job_id.eq(job))
            .execute(connection)
            .await
    }

    /// What an earlier request with the same key has made.
    pub async fn of_key(
        connection: &mut AsyncPgConnection,
        dataset: DatasetId,
        by: PrincipalId,
        key: &str,
    ) -> QueryResult<Option<Self>> {
        dataset_imports::table
            .filter(dataset_imports::dataset_id.eq(dataset))
            .filter(dataset_imports::started_by.eq(by))
            .filter(dataset_imports::idempotency_key.eq(key))
            .select(Self::as_select())
            .first(connection)
            .await
            .optional()
    }

    /// Lets a later request use the key.
    pub async fn give_up_key(
        connection: &mut AsyncPgConnection,
        id: ImportId,
    ) -> QueryResult<usize> {
        diesel::update(dataset_imports::table.find(id))
            .set(dataset_imports::idempotency_key.eq(None::<String>))
            .execute(connection)
            .await
    }

    /// Says how far it is; false where it is not to go on.
    pub async fn report(
        connection: &mut AsyncPgConnection,
        id: ImportId,
        state: ImportState,
        progress: Progress,
    ) -> QueryResult<bool> {
        let report = diesel::update(dataset_imports::table.find(id))
            .filter(dataset_imports::ended_at.is_null())
            .set((
                dataset_imports::state.eq(state),
                dataset_imports::bytes.eq(progress.bytes),
                dataset_imports::rows_read.eq(progress.rows_read),
                dataset_imports::rows_failed.eq(progress.rows_failed),
                dataset_imports::seen_at.eq(diesel::dsl::now),
            ));
        Ok(report.execute(connection).await? == 1)
    }

    /// Says that it goes on, where it has not ended.
    pub async fn is_going_on(
        connection: &mut AsyncPgConnection,
        id: ImportId,
    ) -> QueryResult<bool> {
        let alive = diesel::update(dataset_imports::table.find(id))
            .filter(dataset_imports::ended_at.is_null())
            .set(dataset_imports::seen_at.eq(diesel::dsl::now));
        Ok(alive.execute(connection).await? == 1)
    }

    /// Ends it, once; false where it has ended already.
    pub async fn end(
        connection: &mut AsyncPgConnection,
        id: ImportId,
        state: ImportState,
        ending: &Ending,
    ) -> QueryResult<bool> {
        let Progress {
            bytes,
            rows_read,
            rows_failed,
        } = ending.progress;
        let end = diesel::update(dataset_imports::table.find(id))
            .filter(dataset_imports::ended_at.is_null())
            .set((
                dataset_imports::state.eq(state),
                dataset_imports::bytes.eq(bytes),
                dataset_imports::rows_read.eq(rows_read),
                dataset_imports::rows_failed.eq(rows_failed),
                dataset_imports::rows_written.eq(ending.rows_written),
                dataset_imports::rejected_rows.eq(ending.rejected_rows),
                dataset_imports::errors.eq(AsJson(ending.errors.clone())),
                dataset_imports::inferred.eq(ending.inferred.as_ref()),
                dataset_imports::problem.eq(ending.problem.clone().map(AsJson)),
                dataset_imports::version.eq(ending.version),
                dataset_imports::seen_at.eq(diesel::dsl::now),
                dataset_imports::ended_at.eq(diesel::dsl::now),
            ));
        Ok(end.execute(connection).await? == 1)
    }

    /// Ends one that is under way; false where it has ended already.
    pub async fn cancel(connection: &mut AsyncPgConnection, id: ImportId) -> QueryResult<bool> {
        let cancel = diesel::update(dataset_imports::table.find(id))
            .filter(dataset_imports::ended_at.is_null())
            .set((
                dataset_imports::state.eq(ImportState::Cancelled),
                dataset_imports::seen_at.eq(diesel::dsl::now),
                dataset_imports::ended_at.eq(diesel::dsl::now),
            ));
        Ok(cancel.execute(connection).await? == 1)
    }

    /// Ends those whose process is gone. Their rows went with it.
    pub async fn end_abandoned(connection: &mut AsyncPgConnection) -> QueryResult<usize> {
        let problem = ImportProblem::new(
            "interrupted",
            "the service stopped while the rows were loaded, or their job was taken away; nothing was loaded: begin again",
        );
        diesel::update(dataset_imports::table)
            .filter(dataset_imports::ended_at.is_null())
            .filter(dataset_imports::seen_at.lt(diesel::dsl::sql::<Timestamptz>(GONE)))
            .filter(diesel::dsl::sql::<Bool>(HAS_NO_JOB))
            .set((
                dataset_imports::state.eq(ImportState::Failed),
                dataset_imports::problem.eq(AsJson(problem)),
                dataset_imports::seen_at.eq(diesel::dsl::now),
                dataset_imports::ended_at.eq(diesel::dsl::now),
            ))
            .execute(connection)
            .await
    }
}

/// Only the newest first, or the oldest first.
#[derive(Clone, Copy, PartialEq)]
pub enum ImportSort {
    StartedAt,
}

impl Sorts for ImportSort {
    type Row = Import;
    const LIST: &'static str = "imports";
    const ALL: &'static [(&'static str, Self)] = &[("started_at", Self::StartedAt)];
    const DEFAULT: (Self, Direction) = (Self::StartedAt, Direction::Descending);

    fn place(self, row: &Import) -> Place {
        Place {
            key: Key::Uuid(row.id.0),
            id: row.id.0,
        }
    }

    fn weight(row: &Import) -> usize {
        let of_error = |error: &RowError| 100 + error.value.as_ref().map_or(0, String::len);
        size_of::<Import>() + row.errors.0.iter().map(of_error).sum::<usize>()
    }
}

/// The imports of a dataset, in pages; only the one that somebody made with a key, where that is
/// asked for.
pub async fn page(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    key: Option<&(PrincipalId, String)>,
    page: &PageQuery<ImportSort>,
) -> QueryResult<Found<Import>> {
    let wanted = || {
        let all = dataset_imports::table
            .filter(dataset_imports::dataset_id.eq(dataset))
            .select(Import::as_select())
            .into_boxed();
        match key {
            Some((by, key)) => all
                .filter(dataset_imports::started_by.eq(*by))
                .filter(dataset_imports::idempotency_key.eq(key.clone())),
            None => all,
        }
    };
    let id = dataset_imports::id;
    page.load(connection, wanted, id, id).await
}
