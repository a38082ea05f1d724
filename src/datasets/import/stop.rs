//! Why imports end without their rows, and how their senders are told.

use diesel::result::{DatabaseErrorKind, Error};
use tokio_postgres::error::SqlState;

use super::model::{ImportProblem, ImportState, Progress};
use super::rows::FileError;
use super::target::OTHERS;
use crate::datasets::rules::NOT_UNIQUE;
use crate::datasets::rules::table::is_of_rule;
use crate::db::DbError;
use crate::db::load::LoadError;
use crate::kernel::error::{ApiError, Code};
use crate::process::spool::SpoolError;

/// Why an import ends without its rows.
#[derive(Debug)]
pub enum Stop {
    /// The file, or what it would make, does not fit.
    Refused(ImportProblem),
    Failed(ImportProblem),
    /// Somebody stopped it, or its sender went away.
    Cancelled,
}

impl Stop {
    /// What reads files says why it does not; it is not always the file.
    pub(super) fn of(problem: ImportProblem) -> Self {
        match problem.code.as_str() {
            "overloaded" | "model-failed" | "models-unavailable" => Self::Failed(problem),
            _ => Self::Refused(problem),
        }
    }
}

impl Stop {
    /// The state that the import ends in, and why.
    pub fn end(self) -> (ImportState, Option<ImportProblem>) {
        match self {
            Self::Refused(problem) => (ImportState::Refused, Some(problem)),
            Self::Failed(problem) => (ImportState::Failed, Some(problem)),
            Self::Cancelled => (ImportState::Cancelled, None),
        }
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        let is_ours = error.code.status().is_server_error();
        let problem = problem_of(error);
        match is_ours {
            true => Self::Failed(problem),
            false => Self::Refused(problem),
        }
    }
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        let problem = match &error {
            LoadError::Query(refused) => refused_row(refused),
            LoadError::Work(DbError::Query(Error::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                said,
            ))) => Some(duplicate(said.constraint_name(), said.details())),
            _ => None,
        };
        if let Some(problem) = problem {
            return Self::Refused(problem);
        }
        // What was read kept the rules that there were.
        if error.state() == Some(&SqlState::CHECK_VIOLATION) {
            return Self::Failed(problem_of(ApiError::new(Code::Conflict, OTHERS)));
        }
        failed(DbError::from(error))
    }
}

/// Some records cannot be taken, and the others are not wanted without them.
pub(super) fn rows_refused(progress: Progress) -> ImportProblem {
    let Progress {
        rows_read,
        rows_failed,
        ..
    } = progress;
    ImportProblem::new(
        "rows-refused",
        format!(
            "{rows_failed} of {rows_read} records cannot be taken, and `errors` says why; nothing was loaded"
        ),
    )
}

/// The key, or the value that has to be unique, out of what the database says of it.
fn duplicate(index: Option<&str>, detail: Option<&str>) -> ImportProblem {
    let values = detail
        .and_then(|detail| detail.split_once("=("))
        .and_then(|(_, rest)| rest.rsplit_once(')'));
    let values: String = values
        .map_or("", |(values, _)| values)
        .chars()
        .take(200)
        .collect();
    if is_of_rule(index) {
        return ImportProblem::new(
            NOT_UNIQUE,
            format!("more than one record has the value ({values}); nothing was loaded"),
        );
    }
    ImportProblem::new(
        "duplicate-key",
        format!("more than one record has the key ({values}); nothing was loaded"),
    )
}

/// What the database refuses that only the whole table shows.
fn refused_row(error: &tokio_postgres::Error) -> Option<ImportProblem> {
    let said = error.as_db_error()?;
    if *said.code() == SqlState::UNIQUE_VIOLATION {
        return Some(duplicate(said.constraint(), said.detail()));
    }
    if *said.code() == SqlState::PROGRAM_LIMIT_EXCEEDED {
        let line = said.where_().and_then(|text| text.rsplit_once("line "));
        let record: String = line
            .map_or("", |(_, line)| line)
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        return Some(ImportProblem::new(
            "row-too-wide",
            format!(
                "record {record} has more in its columns than one row can hold, about 8 KiB without long texts; nothing was loaded"
            ),
        ));
    }
    None
}

/// The disk has no room for the file, or does not work.
pub(super) fn unkept(error: SpoolError) -> Stop {
    match error {
        SpoolError::Full => {
            let busy = ApiError::new(Code::Overloaded, error.to_string());
            Stop::Failed(problem_of(busy))
        }
        error => Stop::Failed(problem_of(ApiError::internal(error))),
    }
}

pub(super) fn unread(error: FileError) -> Stop {
    match error {
        FileError::Refused(problem) => Stop::of(problem),
        FileError::Broken => Stop::Cancelled,
        error => Stop::Failed(problem_of(ApiError::internal(error))),
    }
}

pub(super) fn failed(error: DbError) -> Stop {
    Stop::Failed(problem_of(error.into()))
}

pub(super) fn problem_of(error: ApiError) -> ImportProblem {
    if let Some(cause) = &error.cause {
        tracing::error!(error = %format!("{cause:#}"), "an import failed");
    }
    ImportProblem::new(error.code.as_str(), error.detail)
}
