//! Where the rows of an import go, and the change that makes them count.

use super::model::{Ending, Import, ImportState};
use super::options::ImportMode;
use super::read::{MOST_ROWS, Numbers};
use super::rejects::Rejects;
use super::run::Job;
use super::stop::{Stop, failed, problem_of};
use crate::datasets::column::Columns;
use crate::datasets::merge::{Merge, Met};
use crate::datasets::model::Dataset;
use crate::datasets::rules::table::has_unique;
use crate::datasets::rules::whole::{Counted, Of};
use crate::datasets::table::Table;
use crate::datasets::versions::{NewVersion, VersionKind};
use crate::db::load::{CopyIn, Load};
use crate::db::transaction::{Tx, Work};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::projects::access::{Editor, ProjectAccess};

impl Job {
    /// Opens the transaction and the tables that the rows go to.
    pub(super) async fn begin(
        &self,
        columns: Columns,
        numbers: Numbers,
    ) -> Result<(Target, CopyIn), Stop> {
        let mode = self.options.mode;
        let load = self.db.load().await?;
        let there = self.dataset.generation.map(Table);
        let into = match there {
            _ if self.options.is_dry_run => None,
            Some(table) if mode != ImportMode::Replace => Some(Destination {
                table,
                is_new: false,
            }),
            _ => {
                let table = self.next_table().await?;
                load.run(&mut table.create(&columns)).await?;
                Some(Destination {
                    table,
                    is_new: true,
                })
            }
        };
        // Where keys are, or values that are unique, rows wait until the dataset is locked: in its
        // table, those of two changes that have one key would wait for each other.
        let has_key = there.is_some() && !self.dataset.key().is_empty();
        let mut waiting = None;
        let (first, has_begun) = match &into {
            Some(into) if !has_key && !has_unique(&columns) => (into.table, into.is_new),
            _ => {
                let incoming = self.next_table().await?;
                load.run(&mut incoming.create_for_a_while(&columns)).await?;
                waiting = Some(Waiting { incoming, there });
                (incoming, true)
            }
        };
        let copy = load.copy_in(&mut first.copy(&columns, has_begun)).await?;
        let target = Target {
            load,
            into,
            waiting,
            columns,
            numbers,
        };
        Ok((target, copy))
    }

    async fn next_table(&self) -> Result<Table, Stop> {
        let dataset = self.dataset.id;
        let made = self
            .db
            .write(async |connection| Table::next(connection, dataset).await);
        made.await.map_err(failed)
    }

    /// Makes the rows count, if everything is still as it was when they began to arrive; those of a
    /// file that is only checked are looked at, and go.
    pub(super) async fn commit(
        &self,
        target: Target,
        rejected: Rejected,
        ending: &mut Ending,
    ) -> Result<ImportState, Stop> {
        self.report(ImportState::Loading, ending.progress).await?;
        let Target {
            load,
            into,
            waiting,
            columns,
            numbers,
        } = target;
        let fields = self.dataset.key();
        let key = fields.iter().filter_map(|field| columns.place(field));
        let key: Vec<usize> = key.collect();
        let merge = waiting.map(|Waiting { incoming, there }| Merge {
            columns: &columns,
            key: &key,
            incoming,
            there,
        });
        let new = into.filter(|into| into.is_new).map(|into| into.table);
        if let Some(merge) = &merge {
            self.prepare(&load, merge, &fields, new).await?;
        }
        if let Some(table) = new {
            let mut index = table.index(&columns, &fields);
            self.watched(load.run(&mut index)).await??;
        }
        let mut change = Change {
            job: self,
            into,
            columns: &columns,
            numbers,
            merge,
            rejected,
        };
        let make = async |tx: &mut Tx<'_>| change.make(tx, ending).await;
        let settle = new.map(Table::settle);
        let done = load.finish(&self.db, &self.actor, make, settle).await?;
        match done {
            Ok(state) => Ok(state),
            Err(error) if error.code == Code::Conflict && error.detail == ENDED => {
                Err(Stop::Cancelled)
            }
            Err(error) => Err(match ending.problem.take() {
                Some(problem) => Stop::Refused(problem),
                None => Stop::Failed(problem_of(error)),
            }),
        }
    }

    /// What can be done with records that wait before the dataset is locked.
    async fn prepare(
        &self,
        load: &Load,
        merge: &Merge<'_>,
        key: &[String],
        new: Option<Table>,
    ) -> Result<(), Stop> {
        let mode = self.options.mode;
        let has_unique = has_unique(merge.columns);
        // An append meets nothing by its key.
        let meets = mode != ImportMode::Append && merge.there.is_some() && !key.is_empty();
        if meets {
            let mut index = merge.incoming.key(merge.columns, key);
            self.watched(load.run(&mut index)).await??;
        }
        if meets || has_unique {
            let mut analyze = merge.incoming.analyze();
            self.watched(load.run(&mut analyze)).await??;
        }
        if is_alone(mode, merge) {
            for mut mark in merge.marks() {
                self.watched(load.run(&mut mark)).await??;
            }
        }
        if let Some(table) = new {
            let mut replace = merge.replace(table);
            self.watched(load.run(&mut replace)).await??;
        }
        Ok(())
    }
}

/// Whether no record of the dataset stays beside those that wait.
fn is_alone(mode: ImportMode, merge: &Merge<'_>) -> bool {
    mode == ImportMode::Replace || merge.there.is_none()
}

/// Where the rows of an import go.
pub(super) struct Target {
    load: Load,
    /// Nowhere, where the file is only checked.
    into: Option<Destination>,
    waiting: Option<Waiting>,
    columns: Columns,
    numbers: Numbers,
}

/// The table that the rows are to be in.
#[derive(Clone, Copy)]
pub(super) struct Destination {
    pub table: Table,
    pub is_new: bool,
}

/// Where the rows wait that are to meet others, and where those are.
struct Waiting {
    incoming: Table,
    there: Option<Table>,
}

/// The records that could not be taken until now: those that are kept, the number of the next part
/// of the file of them, and the columns that it has.
pub(super) struct Rejected {
    pub rejects: Rejects,
    pub chunk: i32,
    pub given: Vec<(String, usize)>,
}

const ENDED: &str = "the import was ended by somebody else";

/// The change that an import makes once its rows are there.
pub(super) struct Change<'a> {
    pub job: &'a Job,
    pub into: Option<Destination>,
    pub columns: &'a Columns,
    pub numbers: Numbers,
    pub merge: Option<Merge<'a>>,
    pub rejected: Rejected,
}

impl Change<'_> {
    async fn make(&mut self, tx: &mut Tx<'_>, ending: &mut Ending) -> Work<ImportState> {
        match self.into {
            Some(into) => self.load(tx, into, ending).await,
            None => self.check(tx, ending).await,
        }
    }

    async fn load(
        &mut self,
        tx: &mut Tx<'_>,
        into: Destination,
        ending: &mut Ending,
    ) -> Work<ImportState> {
        let Job {
            by,
            id,
            dataset,
            options,
            ..
        } = self.job;
        ProjectAccess::<Editor>::to_write(tx, *by, dataset.project_id).await?;
        let now = Dataset::lock(tx, *by, dataset.id).await?;
        let now = now.ok_or(ApiError::not_found("dataset"))?;
        self.compare(&now)?;
        if now.columns != *self.columns {
            Dataset::set_columns(tx, dataset.id, self.columns).await?;
        }
        let (kind, removed) = match options.mode {
            ImportMode::Append => (VersionKind::Append, 0),
            ImportMode::Replace => (VersionKind::Replace, now.rows),
            ImportMode::Upsert => (VersionKind::Upsert, 0),
        };
        let copied = ending.rows_written;
        self.single_out(tx, ending).await?;
        let change = self.numbers.change;
        let mut met = Met::default();
        if let Some(merge) = &self.merge {
            let connection = tx.connection();
            match options.mode {
                // They are where they belong.
                _ if into.is_new => {}
                ImportMode::Upsert => met = merge.upsert(connection, into.table, change).await?,
                _ => merge.append(connection, into.table).await?,
            }
            merge.end(connection).await?;
        }
        let added = ending.rows_written - met.changed - met.unchanged;
        let rules = &now.rules.0;
        let counted = match rules.have_shares() {
            true => Counted::count(tx, Of::Living(into.table), self.columns, rules).await?,
            false => Counted::of_rows(now.rows + added - removed),
        };
        self.judge(rules, &counted, ending)?;
        let version = NewVersion {
            project: dataset.project_id,
            dataset: dataset.id,
            table: into.table,
            change,
            kind,
            by: Some(*by),
            import: Some(*id),
            added,
            removed,
            changed: met.changed,
            message: options.message.as_deref(),
        };
        let version = version.make(tx).await?;
        let last = self.numbers.first_rid + copied;
        Dataset::give_back(tx, dataset.id, self.numbers.first_rid + MOST_ROWS, last).await?;
        ending.version = Some(version);
        if !Import::end(tx, *id, ImportState::Ready, ending).await? {
            return Err(ApiError::new(Code::Conflict, ENDED).into());
        }
        if let Some(also) = &self.job.also {
            also.make(tx, version).await?;
        }
        Ok(ImportState::Ready)
    }

    /// What was loaded goes with the dataset as it was.
    fn compare(&self, now: &Dataset) -> ApiResult<()> {
        let before = &self.job.dataset;
        let is_same = now.columns == before.columns
            && now.key == before.key
            && (self.job.options.mode == ImportMode::Replace
                || now.generation == before.generation);
        if is_same {
            return Ok(());
        }
        Err(ApiError::new(Code::Conflict, OTHERS))
    }

    /// Looks at the records of a file that is only checked beside those that are there.
    async fn check(&mut self, tx: &mut Tx<'_>, ending: &mut Ending) -> Work<ImportState> {
        let Job {
            id,
            dataset,
            options,
            ..
        } = self.job;
        self.single_out(tx, ending).await?;
        if let Some(merge) = &self.merge {
            let beside = Merge {
                there: merge.there.filter(|_| !is_alone(options.mode, merge)),
                ..*merge
            };
            let of = Of::Both {
                merge: &beside,
                keeps: options.mode == ImportMode::Append,
            };
            let rules = &dataset.rules.0;
            let counted = Counted::count(tx, of, self.columns, rules).await?;
            self.judge(rules, &counted, ending)?;
            merge.end(tx.connection()).await?;
        }
        if !Import::end(tx, *id, ImportState::Checked, ending).await? {
            return Err(ApiError::new(Code::Conflict, ENDED).into());
        }
        Ok(ImportState::Checked)
    }
}

/// Somebody has changed the dataset meanwhile.
pub(super) const OTHERS: &str = "the dataset was replaced, or has other columns or rules, since the file began to arrive; nothing was loaded: send it again";
