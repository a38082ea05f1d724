//! Where the rows of an import go, and the change that makes them count.

use super::model::{Ending, Import, ImportState};
use super::options::ImportMode;
use super::read::{MOST_ROWS, Numbers};
use super::run::Job;
use super::stop::{Stop, failed, problem_of};
use crate::datasets::column::Columns;
use crate::datasets::merge::{Merge, Met};
use crate::datasets::model::Dataset;
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
        let load = self.core.db.load().await?;
        let there = self.dataset.generation.map(Table);
        let (table, is_new) = match there {
            Some(there) if mode != ImportMode::Replace => (there, false),
            _ => {
                let table = self.next_table().await?;
                load.run(&mut table.create(&columns)).await?;
                (table, true)
            }
        };
        // Where keys are, rows wait until the dataset is locked: in its table, those of two changes
        // that have one key would wait for each other.
        let mut waiting = None;
        let has_key = !self.dataset.key().is_empty();
        if let Some(there) = there.filter(|_| has_key) {
            let incoming = self.next_table().await?;
            load.run(&mut incoming.create_for_a_while(&columns)).await?;
            waiting = Some(Waiting { incoming, there });
        }
        let first = waiting.as_ref().map_or(table, |waiting| waiting.incoming);
        let has_begun = is_new || waiting.is_some();
        let copy = load.copy_in(&mut first.copy(&columns, has_begun)).await?;
        let target = Target {
            load,
            table,
            is_new,
            waiting,
            columns,
            numbers,
        };
        Ok((target, copy))
    }

    async fn next_table(&self) -> Result<Table, Stop> {
        let dataset = self.dataset.id;
        let made = self
            .core
            .db
            .write(async |connection| Table::next(connection, dataset).await);
        made.await.map_err(failed)
    }

    /// Makes the rows count, if everything is still as it was when they began to arrive.
    pub(super) async fn commit(&self, target: Target, ending: &mut Ending) -> Result<(), Stop> {
        self.report(ImportState::Loading, ending.progress).await?;
        let Target {
            load,
            table,
            is_new,
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
        // An append meets nothing.
        let meets = merge.as_ref();
        if let Some(merge) = meets.filter(|_| self.options.mode != ImportMode::Append) {
            let mut index = merge.incoming.key(&columns, &fields);
            self.watched(load.run(&mut index)).await??;
            let mut analyze = merge.incoming.analyze();
            self.watched(load.run(&mut analyze)).await??;
            if is_new {
                let mut replace = merge.replace(table);
                self.watched(load.run(&mut replace)).await??;
            }
        }
        if is_new {
            let mut index = table.index(&columns, &fields);
            self.watched(load.run(&mut index)).await??;
        }
        let change = Change {
            job: self,
            table,
            columns: &columns,
            numbers,
            merge,
        };
        let make = async |tx: &mut Tx<'_>| change.make(tx, ending).await;
        let settle = is_new.then(|| table.settle());
        let done = load
            .finish(&self.core.db, &self.actor, make, settle)
            .await?;
        match done {
            Ok(()) => Ok(()),
            Err(error) if error.code == Code::Conflict && error.detail == ENDED => {
                Err(Stop::Cancelled)
            }
            Err(error) => Err(Stop::Failed(problem_of(error))),
        }
    }
}

/// Where the rows of an import go.
pub(super) struct Target {
    load: Load,
    table: Table,
    is_new: bool,
    waiting: Option<Waiting>,
    columns: Columns,
    numbers: Numbers,
}

/// Where the rows wait that are to meet others, and where those are.
struct Waiting {
    incoming: Table,
    there: Table,
}

const ENDED: &str = "the import was ended by somebody else";

/// The change that an import makes once its rows are there.
struct Change<'a> {
    job: &'a Job,
    table: Table,
    columns: &'a Columns,
    numbers: Numbers,
    merge: Option<Merge<'a>>,
}

impl Change<'_> {
    async fn make(&self, tx: &mut Tx<'_>, ending: &mut Ending) -> Work<()> {
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
        let change = self.numbers.change;
        let mut met = Met::default();
        if let Some(merge) = &self.merge {
            let connection = tx.connection();
            match options.mode {
                ImportMode::Append => merge.append(connection).await?,
                ImportMode::Upsert => met = merge.upsert(connection, change).await?,
                // They are where they belong.
                ImportMode::Replace => {}
            }
            merge.end(connection).await?;
        }
        let version = NewVersion {
            project: dataset.project_id,
            dataset: dataset.id,
            table: self.table,
            change,
            kind,
            by: Some(*by),
            import: Some(*id),
            added: ending.rows_written - met.changed - met.unchanged,
            removed,
            changed: met.changed,
            message: options.message.as_deref(),
        };
        let version = version.make(tx).await?;
        let last = self.numbers.first_rid + ending.rows_written;
        Dataset::give_back(tx, dataset.id, self.numbers.first_rid + MOST_ROWS, last).await?;
        ending.version = Some(version);
        if !Import::end(tx, *id, ImportState::Ready, ending).await? {
            return Err(ApiError::new(Code::Conflict, ENDED).into());
        }
        Ok(())
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
        Err(ApiError::new(
            Code::Conflict,
            "the dataset was replaced, or has other columns, since the file began to arrive; nothing was loaded: send it again",
        ))
    }
}
