//! Records of a file that only others show to be wrong: those with values that have to be unique
//! and are not, and too few or too many of them.

use std::pin::pin;

use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt as _;

use super::model::{Ending, ImportProblem, MOST_ERRORS, RowError};
use super::options::{ImportMode, OnError};
use super::read::shown;
use super::rejects::Mistake;
use super::stop::rows_refused;
use super::target::{Change, Rejected};
use crate::datasets::column::Columns;
use crate::datasets::rules::table::has_unique;
use crate::datasets::rules::unique::{Marked, MarkedRow};
use crate::datasets::rules::whole::Counted;
use crate::datasets::rules::{DatasetRules, NOT_UNIQUE};
use crate::db::transaction::{Tx, Work};
use crate::kernel::error::{ApiError, ApiResult, Code};

impl Change<'_> {
    /// Leaves out the records that are not unique, or refuses the file for them. They are kept as
    /// others that could not be taken.
    pub(super) async fn single_out(&mut self, tx: &mut Tx<'_>, ending: &mut Ending) -> Work<()> {
        let Some(merge) = self.merge.filter(|merge| has_unique(merge.columns)) else {
            return Ok(());
        };
        let connection = tx.connection();
        let mode = self.job.options.mode;
        if mode != ImportMode::Replace && merge.there.is_some() {
            let replaces = mode == ImportMode::Upsert;
            merge.mark_all(connection, replaces).await?;
        }
        let count = merge.count_marked(connection).await?;
        if count == 0 {
            return Ok(());
        }
        let marked = merge.marked().statement::<MarkedRow>();
        let marked = RunQueryDsl::load_stream::<Marked>(marked, connection).await?;
        let mut marked = pin!(marked);
        while let Some(marked) = marked.try_next().await? {
            self.rejected.add(self.columns, &marked, ending);
            if let Some(full) = self.rejected.rejects.full() {
                self.job
                    .keep(&mut self.rejected.chunk, &full)
                    .await
                    .map_err(ApiError::from)?;
            }
            if self.rejected.rejects.is_full() && ending.errors.len() >= MOST_ERRORS {
                break;
            }
        }
        if let Some(rest) = self.rejected.rejects.rest() {
            self.job
                .keep(&mut self.rejected.chunk, &rest)
                .await
                .map_err(ApiError::from)?;
        }
        ending.errors.sort_by_key(|error| error.row);
        ending.rejected_rows = self.rejected.rejects.rows;
        ending.progress.rows_failed += count;
        ending.rows_written -= count;
        if self.job.options.on_error == OnError::Abort {
            let refused = rows_refused(ending.progress);
            return Err(refuse(ending, refused).into());
        }
        Ok(merge.forget_marked(tx).await?)
    }

    /// Refuses the file if the records would break a rule of all of them.
    pub(super) fn judge(
        &self,
        rules: &DatasetRules,
        counted: &Counted,
        ending: &mut Ending,
    ) -> ApiResult<()> {
        match rules.broken_by(counted).into_iter().next() {
            None => Ok(()),
            Some(broken) => {
                let detail = format!("{}; nothing was loaded", broken.detail);
                let problem = ImportProblem::new(&broken.code, detail);
                Err(refuse(ending, problem))
            }
        }
    }
}

/// The import is refused for this, whatever the transaction ends with.
fn refuse(ending: &mut Ending, problem: ImportProblem) -> ApiError {
    let refused = ApiError::new(Code::ImportRefused, problem.detail.clone());
    ending.problem = Some(problem);
    refused
}

impl Rejected {
    fn add(&mut self, columns: &Columns, marked: &Marked, ending: &mut Ending) {
        let (row, line, wrong, values) = marked;
        let number = |number: &i64| u64::try_from(*number).unwrap_or_default();
        let value = |place: usize| values.get(place).and_then(Option::as_deref);
        let mut mistakes: Vec<Mistake> = Vec::new();
        for place in wrong
            .iter()
            .filter_map(|number| usize::try_from(number - 1).ok())
        {
            let name = columns.0.get(place).map(|column| column.name.clone());
            mistakes.push((name.clone(), NOT_UNIQUE.to_owned()));
            if ending.errors.len() < MOST_ERRORS {
                ending.errors.push(RowError {
                    row: number(row),
                    line: Some(number(line)).filter(|line| *line > 0),
                    column: name,
                    code: NOT_UNIQUE.to_owned(),
                    value: value(place).map(shown),
                });
            }
        }
        let given = self.given.iter();
        let given = given.map(|(name, place)| (name.as_str(), value(*place)));
        self.rejects.add_values(number(row), &mistakes, given);
    }
}
