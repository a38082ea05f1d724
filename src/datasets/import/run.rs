//! One import from its first byte to its version: a thread reads the file, this task hands the rows
//! to the database, and both end together or not at all.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use encoding_rs::Encoding;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::model::{Ending, Import, ImportState, Progress};
use super::ndjson::Ndjson;
use super::options::{ImportMode, ImportOptions, OnError};
use super::read::{MOST_ROWS, Message, Numbers, Outcome, read};
use super::rejects;
use super::rows::{Child, Csv, Part, Rows, refusal};
use super::stop::{Stop, failed, problem_of, rows_refused, unkept, unread};
use super::target::{Rejected, Target};
use crate::datasets::column::Columns;
use crate::datasets::model::Dataset;
use crate::datasets::report::Importing;
use crate::datasets::rules::table::has_unique;
use crate::datasets::versions::next_change;
use crate::db::DbError;
use crate::db::load::CopyIn;
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiError;
use crate::kernel::types::{ImportId, PrincipalId};
use crate::process::{Format, Reading};
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
        let mut chunk = 0;
        let copied = self.copy(&mut messages, ending, reserved, &mut chunk);
        let target = copied.await?;
        drop(messages);
        let outcome = self.watched(reader).await?;
        let outcome =
            outcome.map_err(|error| Stop::Failed(problem_of(ApiError::internal(error))))?;
        let Outcome {
            progress,
            errors,
            rejects,
            given,
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
            return Err(Stop::of(problem));
        }
        if rows_failed > 0 && self.options.on_error == OnError::Abort {
            return Err(Stop::Refused(rows_refused(progress)));
        }
        ending.rows_written = rows_read - rows_failed;
        match target {
            Some((target, copy)) => {
                self.watched(copy.finish()).await??;
                let rejected = Rejected {
                    rejects,
                    chunk,
                    given,
                };
                self.commit(target, rejected, ending).await
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

    /// Whether a file that is only checked has to be seen by the database.
    fn asks_database(&self, columns: &Columns) -> bool {
        has_unique(columns) || !self.dataset.rules.0.is_empty()
    }

    /// Copies what the reader has for it. `None` where the file is only checked, and no rule is about
    /// more than one record.
    async fn copy(
        &self,
        messages: &mut mpsc::Receiver<Message>,
        ending: &mut Ending,
        reserved: &mut Option<Numbers>,
        rejected: &mut i32,
    ) -> Result<Option<(Target, CopyIn)>, Stop> {
        let mut target: Option<(Target, CopyIn)> = None;
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
                    let mut first = Numbers::default();
                    if !self.options.is_dry_run {
                        first = self.reserve().await?;
                        *reserved = Some(first);
                    }
                    if !self.options.is_dry_run || self.asks_database(&columns) {
                        target = Some(self.begin(columns, first).await?);
                    }
                    // Where nobody waits for them, the reader has said why.
                    let _ = numbers.send(first);
                }
                Some(Message::Rejected(bytes)) => {
                    self.keep(rejected, &bytes).await.map_err(failed)?;
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

    /// Keeps the next part of the records that could not be taken.
    pub(super) async fn keep(&self, chunk: &mut i32, bytes: &[u8]) -> Result<(), DbError> {
        let (id, number) = (self.id, *chunk);
        let kept = self
            .core
            .db
            .write(async |connection| rejects::insert(connection, id, number, bytes).await);
        kept.await?;
        *chunk += 1;
        Ok(())
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
    pub(super) async fn watched<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
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

    pub(super) async fn report(&self, state: ImportState, progress: Progress) -> Result<(), Stop> {
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
}
