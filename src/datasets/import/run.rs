//! One import from its first byte to its version: a thread reads the file, this task hands the rows
//! to the database, and both end together or not at all.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::model::{Ending, Import, ImportState, Progress};
use super::options::{ImportMode, ImportOptions, OnError};
use super::read::{MOST_ROWS, Message, Numbers, Outcome, read};
use super::rejects;
use super::rows::{Made, Part};
use super::source::{File, FileKind, Source};
use super::stop::{Stop, failed, problem_of, rows_refused};
use super::target::{Rejected, Target};
use crate::datasets::column::Columns;
use crate::datasets::model::Dataset;
use crate::datasets::report::Importing;
use crate::datasets::rules::table::has_unique;
use crate::datasets::versions::next_change;
use crate::db::load::CopyIn;
use crate::db::transaction::{Tx, Work};
use crate::db::{Db, DbError};
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiError;
use crate::kernel::types::{ImportId, PrincipalId};
use crate::state::Core;
use crate::telemetry::metrics::Metrics;

/// Parts of a file that wait to be read, each of which is what arrived at once.
const PARTS: usize = 4;
/// Chunks that wait for the database.
const CHUNKS: usize = 8;
/// How often an import says how far it is, and asks whether it is to go on.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// What an import is about.
#[derive(Clone)]
pub struct Job {
    pub actor: Actor,
    pub by: PrincipalId,
    pub id: ImportId,
    pub dataset: Dataset,
    pub options: ImportOptions,
    pub db: Arc<Db>,
    pub metrics: Arc<Metrics>,
    pub also: Option<Arc<dyn Also>>,
}

/// What happens besides in the transaction that makes the rows of an import count, at its end.
pub trait Also: Send + Sync {
    fn make<'a>(&'a self, tx: &'a mut Tx<'_>, version: i64) -> BoxFuture<'a, Work<()>>;
}

/// Starts to read a file that is sent as parts. Without [`Part::End`] it is broken off.
pub fn start(job: Job, kind: FileKind, core: Arc<Core>) -> (mpsc::Sender<Part>, JoinHandle<()>) {
    let (sender, parts) = mpsc::channel(PARTS);
    let source = Source::File(File { kind, parts, core });
    let task = tokio::spawn(async move { job.run(source).await });
    (sender, task)
}

/// An import whose rows do not count.
pub struct Unfinished {
    pub stop: Stop,
    ending: Ending,
    counted: Importing,
}

impl Job {
    async fn run(self, source: Source) {
        if let Err(unfinished) = self.attempt(source).await {
            self.conclude(*unfinished).await;
        }
    }

    /// Loads rows that this service makes. Where they do not count, the import has not ended, and
    /// it may be tried again.
    pub async fn bring(&self, made: Made) -> Result<(), Box<Unfinished>> {
        self.attempt(Source::Made(made)).await
    }

    /// Ends the import without its rows.
    pub async fn conclude(&self, unfinished: Unfinished) {
        let Unfinished {
            stop,
            mut ending,
            counted,
        } = unfinished;
        let state;
        (state, ending.problem) = stop.end();
        self.end(state, &ending).await;
        counted.end(state, &ending);
    }

    async fn attempt(&self, source: Source) -> Result<(), Box<Unfinished>> {
        let counted = Importing::begin(self.metrics.clone(), source.name());
        let mut ending = Ending::default();
        let mut numbers = None;
        let stop = match self.load(source, &mut ending, &mut numbers).await {
            Ok(state) => {
                counted.end(state, &ending);
                return Ok(());
            }
            Err(stop) => stop,
        };
        if let Some(Numbers { first_rid, .. }) = numbers {
            let id = self.dataset.id;
            let unused = self.db.write(async |connection| {
                Dataset::give_back(connection, id, first_rid + MOST_ROWS, first_rid).await
            });
            // Ids are many enough for those that nobody gives back.
            let _ = unused.await;
        }
        Err(Box::new(Unfinished {
            stop,
            ending,
            counted,
        }))
    }

    /// Where even this fails, the import is swept up as abandoned.
    async fn end(&self, state: ImportState, ending: &Ending) {
        let id = self.id;
        let ended = self
            .db
            .write(async |connection| Import::end(connection, id, state, ending).await);
        if let Err(error) = ended.await {
            tracing::warn!(%error, import = %id, "an import ended and could not say so");
        }
    }

    async fn load(
        &self,
        source: Source,
        ending: &mut Ending,
        reserved: &mut Option<Numbers>,
    ) -> Result<ImportState, Stop> {
        let (to, mut messages) = mpsc::channel(CHUNKS);
        let (options, columns) = (self.options.clone(), self.wanted());
        let mut rows = self.rows(source).await?;
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

    /// Copies what the reader has for it. `None` where the file is only checked, and no rule is
    /// about more than one record.
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
            .db
            .write(async |connection| rejects::insert(connection, id, number, bytes).await);
        kept.await?;
        *chunk += 1;
        Ok(())
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
        let reserved = self.db.write(async |connection| {
            let change = next_change(connection).await?;
            let first_rid = Dataset::reserve(connection, dataset, MOST_ROWS).await?;
            Ok(Numbers { change, first_rid })
        });
        reserved.await.map_err(failed)
    }
}
