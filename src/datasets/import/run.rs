//! One import from its first byte to its version: a thread reads the file, this task hands the rows
//! to the database, and both end together or not at all.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};
use encoding_rs::Encoding;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::error::SqlState;

use super::model::{Ending, Import, ImportProblem, ImportState, Progress};
use super::ndjson::Ndjson;
use super::options::{ImportMode, ImportOptions, OnError};
use super::read::{MOST_ROWS, Message, Numbers, Outcome, read};
use super::rejects;
use super::rows::{Child, Csv, FileError, Part, Rows, refusal};
use crate::datasets::column::Columns;
use crate::datasets::merge::{Merge, Met};
use crate::datasets::model::Dataset;
use crate::datasets::report::Importing;
use crate::datasets::table::Table;
use crate::datasets::versions::{NewVersion, VersionKind, next_change};
use crate::db::DbError;
use crate::db::load::{CopyIn, Load, LoadError};
use crate::db::transaction::{Tx, Work};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{ImportId, PrincipalId};
use crate::process::spool::SpoolError;
use crate::process::{Format, Reading};
use crate::projects::access::{Editor, ProjectAccess};
use crate::state::Core;

/// Parts of a file that wait to be read, each of which is what arrived at once.
const PARTS: usize = 4;
/// Chunks that wait for the database.
const CHUNKS: usize = 8;
/// How often an import says how far it is, and asks whether it is to go on.
const EVERY: Duration = Duration::from_secs(1);

/// What an import is about.
#[derive(Clone)]
pub struct Job {
    pub actor: Actor,
    pub by: PrincipalId,
    pub id: ImportId,
    pub dataset: Dataset,
    pub options: ImportOptions,
    pub kind: FileKind,
    pub core: Arc<Core>,
}

/// What a file is, as its sender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// In the encoding that its sender declares.
    Csv(&'static Encoding),
    Ndjson,
    /// A child of this process reads it.
    Child(Format),
}

impl FileKind {
    /// The names of all.
    pub const NAMES: [&str; 5] = ["csv", "ndjson", "xlsx", "parquet", "arrow"];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv(_) => "csv",
            Self::Ndjson => "ndjson",
            Self::Child(Format::Xlsx) => "xlsx",
            Self::Child(Format::Parquet) => "parquet",
            Self::Child(Format::Arrow) => "arrow",
        }
    }
}

/// Starts to read what is sent as parts. Without [`Part::End`] it is broken off.
pub fn start(job: Job) -> (mpsc::Sender<Part>, JoinHandle<()>) {
    let (sender, parts) = mpsc::channel(PARTS);
    let task = tokio::spawn(async move { job.run(parts).await });
    (sender, task)
}

/// Why an import ends without its rows.
enum Stop {
    /// The file, or what it would make, does not fit.
    Refused(ImportProblem),
    Failed(ImportProblem),
    /// Somebody stopped it, or its sender went away.
    Cancelled,
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        let problem = match &error {
            LoadError::Query(refused) => refused_row(refused),
            LoadError::Work(DbError::Query(Error::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                said,
            ))) => Some(duplicate_key(said.details())),
            _ => None,
        };
        if let Some(problem) = problem {
            return Self::Refused(problem);
        }
        failed(DbError::from(error))
    }
}

/// The key, out of what the database says of it.
fn duplicate_key(detail: Option<&str>) -> ImportProblem {
    let values = detail
        .and_then(|detail| detail.split_once("=("))
        .and_then(|(_, rest)| rest.rsplit_once(')'));
    let values: String = values
        .map_or("", |(values, _)| values)
        .chars()
        .take(200)
        .collect();
    ImportProblem::new(
        "duplicate-key",
        format!("more than one record has the key ({values}); nothing was loaded"),
    )
}

/// What the database refuses that only the whole table shows.
fn refused_row(error: &tokio_postgres::Error) -> Option<ImportProblem> {
    let said = error.as_db_error()?;
    if *said.code() == SqlState::UNIQUE_VIOLATION {
        return Some(duplicate_key(said.detail()));
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
fn unkept(error: SpoolError) -> Stop {
    match error {
        SpoolError::Full => {
            let busy = ApiError::new(Code::Overloaded, error.to_string());
            Stop::Failed(problem_of(busy))
        }
        error => Stop::Failed(problem_of(ApiError::internal(error))),
    }
}

fn unread(error: FileError) -> Stop {
    match error {
        FileError::Refused(problem) if problem.code == "overloaded" => Stop::Failed(problem),
        FileError::Refused(problem) => Stop::Refused(problem),
        FileError::Broken => Stop::Cancelled,
        error => Stop::Failed(problem_of(ApiError::internal(error))),
    }
}

fn failed(error: DbError) -> Stop {
    Stop::Failed(problem_of(error.into()))
}

fn problem_of(error: ApiError) -> ImportProblem {
    if let Some(cause) = &error.cause {
        tracing::error!(error = %format!("{cause:#}"), "an import failed");
    }
    ImportProblem::new(error.code.as_str(), error.detail)
}

impl Job {
    async fn run(self, parts: mpsc::Receiver<Part>) {
        let counted = Importing::begin(self.core.metrics.clone(), self.kind);
        let mut ending = Ending::default();
        let mut numbers = None;
        let stop = match self.load(parts, &mut ending, &mut numbers).await {
            Ok(state) => return counted.end(state, &ending),
            Err(stop) => stop,
        };
        if let Some(Numbers { first_rid, .. }) = numbers {
            let id = self.dataset.id;
            let unused = self.core.db.write(async |connection| {
                Dataset::give_back(connection, id, first_rid + MOST_ROWS, first_rid).await
            });
            // Ids are many enough for those that nobody gives back.
            let _ = unused.await;
        }
        let (state, problem) = match stop {
            Stop::Refused(problem) => (ImportState::Refused, Some(problem)),
            Stop::Failed(problem) => (ImportState::Failed, Some(problem)),
            Stop::Cancelled => (ImportState::Cancelled, None),
        };
        ending.problem = problem;
        self.end(state, &ending).await;
        counted.end(state, &ending);
    }

    /// Where even this fails, the import is swept up as abandoned.
    async fn end(&self, state: ImportState, ending: &Ending) {
        let id = self.id;
        let ended = self
            .core
            .db
            .write(async |connection| Import::end(connection, id, state, ending).await);
        if let Err(error) = ended.await {
            tracing::warn!(%error, import = %id, "an import ended and could not say so");
        }
    }

    async fn load(
        &self,
        parts: mpsc::Receiver<Part>,
        ending: &mut Ending,
        reserved: &mut Option<Numbers>,
    ) -> Result<ImportState, Stop> {
        let (to, mut messages) = mpsc::channel(CHUNKS);
        let (options, columns) = (self.options.clone(), self.wanted());
        let mut rows: Box<dyn Rows> = match self.kind {
            FileKind::Csv(encoding) => Box::new(Csv::new(options.delimiter, encoding, parts)),
            FileKind::Ndjson => Box::new(Ndjson::new(parts)),
            FileKind::Child(format) => Box::new(self.child(format, parts).await?),
        };
        let reader = spawn_blocking(move || read(&mut *rows, options, columns, &to));
        let target = self.copy(&mut messages, ending, reserved).await?;
        drop(messages);
        let outcome = self.watched(reader).await?;
        let outcome =
            outcome.map_err(|error| Stop::Failed(problem_of(ApiError::internal(error))))?;
        let Outcome {
            progress,
            errors,
            rejects,
            problem,
            is_broken,
            failure,
        } = outcome;
        if let Some(error) = failure {
            return Err(Stop::Failed(problem_of(ApiError::internal(error))));
        }
        let Progress {
            rows_read,
            rows_failed,
            ..
        } = progress;
        ending.progress = progress;
        ending.errors = errors;
        ending.rejected_rows = rejects.rows;
        if is_broken {
            return Err(Stop::Cancelled);
        }
        if let Some(problem) = problem {
            return Err(Stop::Refused(problem));
        }
        if rows_failed > 0 && self.options.on_error == OnError::Abort {
            return Err(Stop::Refused(ImportProblem::new(
                "rows-refused",
                format!(
                    "{rows_failed} of {rows_read} records cannot be taken, and `errors` says why; nothing was loaded"
                ),
            )));
        }
        ending.rows_written = rows_read - rows_failed;
        match target {
            Some((target, copy)) => {
                self.watched(copy.finish()).await??;
                self.commit(target, ending).await?;
                Ok(ImportState::Ready)
            }
            None => {
                self.end(ImportState::Checked, ending).await;
                Ok(ImportState::Checked)
            }
        }
    }

    /// The columns as the file has to have them: a record that is to meet another needs its key.
    fn wanted(&self) -> Columns {
        let mut columns = self.dataset.columns.clone();
        if self.options.mode == ImportMode::Upsert {
            let key = self.dataset.key();
            for column in &mut columns.0 {
                column.nullable &= !key.contains(&column.field);
            }
        }
        columns
    }

    /// Copies what the reader has for it. `None` where the file is only checked.
    async fn copy(
        &self,
        messages: &mut mpsc::Receiver<Message>,
        ending: &mut Ending,
        reserved: &mut Option<Numbers>,
    ) -> Result<Option<(Target, CopyIn)>, Stop> {
        let mut target: Option<(Target, CopyIn)> = None;
        let (id, mut rejected) = (self.id, 0);
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                message = messages.recv() => message,
                _ = tick.tick() => {
                    self.report(ImportState::Receiving, ending.progress).await?;
                    continue;
                }
            };
            match message {
                None => break,
                Some(Message::Begin {
                    columns,
                    is_inferred,
                    numbers,
                }) => {
                    let columns = match is_inferred {
                        true => columns,
                        false => self.dataset.columns.clone(),
                    };
                    if is_inferred {
                        ending.inferred = Some(columns.clone());
                    }
                    let begun = match self.options.is_dry_run {
                        true => None,
                        false => {
                            let numbers = self.reserve().await?;
                            *reserved = Some(numbers);
                            Some(self.begin(columns, numbers).await?)
                        }
                    };
                    let mut first = Numbers {
                        change: 0,
                        first_rid: 0,
                    };
                    if let Some((begun, _)) = &begun {
                        first = begun.numbers;
                    }
                    target = begun;
                    // Where nobody waits for them, the reader has said why.
                    let _ = numbers.send(first);
                }
                Some(Message::Rejected(bytes)) => {
                    let kept = self.core.db.write(async |connection| {
                        rejects::insert(connection, id, rejected, &bytes).await
                    });
                    kept.await.map_err(failed)?;
                    rejected += 1;
                }
                Some(Message::Chunk { bytes, progress }) => {
                    ending.progress = progress;
                    if let Some((_, copy)) = &mut target {
                        copy.send(bytes).await?;
                    }
                }
            }
        }
        Ok(target)
    }

    /// Keeps the file on the disk until all of it is here, and has a child read it.
    async fn child(&self, format: Format, mut parts: mpsc::Receiver<Part>) -> Result<Child, Stop> {
        let mut spooled = self.core.spool.begin().await.map_err(unkept)?;
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let bytes = i64::try_from(spooled.bytes()).unwrap_or(i64::MAX);
            tokio::select! {
                part = parts.recv() => match part {
                    Some(Part::Data(bytes)) => spooled.write(bytes).await.map_err(unkept)?,
                    Some(Part::End) => break,
                    None => return Err(Stop::Cancelled),
                },
                _ = tick.tick() => {
                    let progress = Progress { bytes, ..Progress::default() };
                    self.report(ImportState::Receiving, progress).await?;
                }
            }
        }
        let bytes = i64::try_from(spooled.bytes()).unwrap_or(i64::MAX);
        let file = spooled.file().map_err(|error| unkept(error.into()))?;
        let mut reading = Reading::new(format);
        reading.sheet = self.options.sheet.clone();
        let read = self.watched(self.core.runner.read(file, reading)).await?;
        let mut rows = read.map_err(|error| unread(refusal(error)))?;
        let columns = rows.head().columns.clone();
        let (to, batches) = mpsc::channel(1);
        tokio::spawn(async move {
            // Its room is kept for as long as it is read.
            let _spooled = spooled;
            loop {
                let next = rows.next().await;
                let is_last = !matches!(next, Ok(Some(_)));
                if to.send(next).await.is_err() || is_last {
                    break;
                }
            }
        });
        Ok(Child::new(batches, columns, bytes))
    }

    /// Waits for something, and says meanwhile that the import goes on.
    async fn watched<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut work = pin!(work);
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                _ = tick.tick() => {
                    let id = self.id;
                    let goes_on = self
                        .core
                        .db
                        .write(async |connection| Import::is_going_on(connection, id).await);
                    if let Ok(false) = goes_on.await {
                        return Err(Stop::Cancelled);
                    }
                }
            }
        }
    }

    async fn report(&self, state: ImportState, progress: Progress) -> Result<(), Stop> {
        let id = self.id;
        let goes_on = self
            .core
            .db
            .write(async |connection| Import::report(connection, id, state, progress).await);
        match goes_on.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Cancelled),
            // The database is away, which the load itself will see.
            Err(_) => Ok(()),
        }
    }

    async fn reserve(&self) -> Result<Numbers, Stop> {
        let dataset = self.dataset.id;
        let reserved = self.core.db.write(async |connection| {
            let change = next_change(connection).await?;
            let first_rid = Dataset::reserve(connection, dataset, MOST_ROWS).await?;
            Ok(Numbers { change, first_rid })
        });
        reserved.await.map_err(failed)
    }

    /// Opens the transaction and the tables that the rows go to.
    async fn begin(&self, columns: Columns, numbers: Numbers) -> Result<(Target, CopyIn), Stop> {
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
    async fn commit(&self, target: Target, ending: &mut Ending) -> Result<(), Stop> {
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
        if let Some(merge) = &merge {
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
struct Target {
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
