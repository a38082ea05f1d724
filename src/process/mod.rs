//! What strangers send is read by a child of this process, which can be killed; so are files made
//! that take memory to make.
//!
//! The child is this program again, as `chartroom runner` (`crates/chartroom-runner`). It gets one
//! file, opened for reading, or a pipe with rows, and nothing else: no environment, no setting, no
//! database. It raises walls around itself before it looks at the file, and this side holds three
//! limits of its own: a wall clock, what a message may weigh, and how much the child may say on its
//! standard error. Whatever becomes of the child is one [`RunnerError`] here.

mod child;
mod frames;
mod memory;
pub mod models;
mod report;
mod rows;
pub mod spool;
mod write;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub use chartroom_wire::tabular::{
    Bounds, Code, Column, Failure, FileFormat, Format, Head, Sheet, Type,
};
pub use chartroom_wire::{Batch, Cell, Row};
pub use rows::Rows;
pub use write::{Input, Output, Writing};

use chartroom_wire::WireError;
use chartroom_wire::tabular::{MAX_HEAD, Request, Room};

use crate::telemetry::metrics::Metrics;
use child::{Child, Start};
use report::Reports;
use rows::Beginning;

/// Files that wait until one has been read; each of them takes up room on the disk already.
const WAITING: usize = 16;
/// Files that are made at once. Each takes as long as its reader takes.
const WRITERS: usize = 2;
/// For one of them to end, before another is refused.
const WRITER_WAIT: Duration = Duration::from_secs(5);
/// Seconds of a processor for each of these many bytes, and at least for one of them: a hundred
/// times what a plain file of that size takes.
const CPU_SECONDS: u64 = 60;
const CPU_BYTES: u64 = 100_000_000;
/// The wall clock lets a machine be half as fast as its processor, and the disk be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// What of a file is wanted.
#[derive(Clone, Debug)]
pub struct Reading {
    pub format: Format,
    /// Of a workbook: the sheet's name; the first one that is not hidden when absent.
    pub sheet: Option<String>,
    pub bounds: Bounds,
}

impl Reading {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            sheet: None,
            bounds: Bounds::default(),
        }
    }
}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// As many files as may wait do.
    #[error("too many files wait to be read")]
    Busy,
    /// The file is to blame; the failure says why, for the one who sent it.
    #[error(transparent)]
    Refused(Failure),
    /// The file is to blame, most likely: reading it took more than there is for it.
    #[error("reading the file takes {0}, so it was given up")]
    Limit(Limit),
    #[error("what reads files cannot be started: {0}")]
    Start(io::Error),
    /// The file need not be to blame.
    #[error(
        "what reads files was killed, as it is where the machine has no memory left; nothing was loaded, repeat the request"
    )]
    Killed,
    /// A mistake in this program, or a file that found one.
    #[error("what reads files ended unexpectedly: {0}")]
    Crashed(String),
    #[error("what reads files cannot be understood: {0}")]
    Wire(WireError),
}

/// The limit that ended a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    #[error("more memory than {} MiB", .0 >> 20)]
    Memory(u64),
    #[error("more than {0} s of a processor")]
    Cpu(u64),
    #[error("longer than {} s", .0.as_secs())]
    Time(Duration),
}

impl RunnerError {
    /// One word for the metric.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Refused(_) => "refused",
            Self::Limit(Limit::Memory(_)) => "memory",
            Self::Limit(Limit::Cpu(_)) => "cpu",
            Self::Limit(Limit::Time(_)) => "time",
            Self::Killed | Self::Start(_) | Self::Crashed(_) | Self::Wire(_) => "crashed",
        }
    }
}

/// Starts children, so many at once.
pub struct Runner {
    program: OsString,
    memory: u64,
    patience: Duration,
    cpu: u64,
    seats: Arc<Semaphore>,
    queue: Semaphore,
    writers: Arc<Semaphore>,
    reports: Reports,
}

impl Runner {
    /// `memory`: bytes that a child may write to; a share of what the container has when absent.
    pub fn new(memory: Option<usize>, metrics: Arc<Metrics>) -> Self {
        // By this name it is the file that runs, even where another one has taken its place.
        let program = match cfg!(target_os = "linux") {
            true => "/proc/self/exe".into(),
            false => std::env::current_exe().map_or_else(|_unknown| "chartroom".into(), Into::into),
        };
        let memory = memory.and_then(|bytes| u64::try_from(bytes).ok());
        Self {
            program,
            memory: memory.unwrap_or_else(memory::share),
            patience: PATIENCE,
            cpu: CPU_SECONDS,
            seats: Arc::new(Semaphore::new(1)),
            queue: Semaphore::new(WAITING),
            writers: Arc::new(Semaphore::new(WRITERS)),
            reports: Reports::new(metrics),
        }
    }

    /// Runs another program than this one, with other limits: for tests, whose program is another.
    pub fn of(mut self, program: impl Into<OsString>, cpu: u64, patience: Duration) -> Self {
        self.program = program.into();
        (self.cpu, self.patience) = (cpu, patience);
        self
    }

    /// Bytes that a child may write to.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Begins to read a file, which has to be opened for reading alone, as soon as none is being
    /// read. Dropping what comes back, or this future, kills the child.
    pub async fn read(&self, file: File, reading: Reading) -> Result<Rows, RunnerError> {
        let mut outcome = self.reports.begin();
        match self.begin(file, reading).await {
            Ok(beginning) => Ok(beginning.rows(outcome)),
            Err(error) => {
                outcome.word = error.outcome();
                Err(error)
            }
        }
    }

    async fn begin(&self, file: File, reading: Reading) -> Result<Beginning, RunnerError> {
        let bytes = file.metadata().map_err(RunnerError::Start)?.len();
        let seat = self.seat().await?;
        let hundreds = bytes.div_ceil(CPU_BYTES).max(1);
        let cpu = self.cpu.saturating_mul(hundreds);
        let request = Request {
            format: reading.format,
            sheet: reading.sheet,
            bounds: reading.bounds,
            walls: Room {
                memory: self.memory,
                cpu,
            },
        };
        let patience = Duration::from_secs(cpu.saturating_mul(2)).saturating_add(self.patience);
        // A message is as long as the longest row, and some more where it stands behind others.
        let row = usize::try_from(reading.bounds.row).unwrap_or(usize::MAX);
        let child = Child::start(Start {
            program: &self.program,
            work: "tabular",
            request: &request,
            input: Stdio::from(file),
            room: request.walls,
            longest: row.saturating_mul(2).max(MAX_HEAD),
            patience,
        })?;
        Beginning::read(child, reading.bounds.columns, seat, &self.reports).await
    }

    /// Begins to make a file. Dropping either half, or this future, kills the child.
    pub async fn write(&self, writing: &Writing) -> Result<(Input, Output), RunnerError> {
        let seat = timeout(WRITER_WAIT, self.writers.clone().acquire_owned()).await;
        let seat = seat.ok().and_then(Result::ok).ok_or(RunnerError::Busy)?;
        write::begin(&self.program, writing, self.memory, seat, &self.reports).await
    }

    async fn seat(&self) -> Result<OwnedSemaphorePermit, RunnerError> {
        let closed = |_error| RunnerError::Busy;
        if let Ok(seat) = self.seats.clone().try_acquire_owned() {
            return Ok(seat);
        }
        let _place = self
            .queue
            .try_acquire()
            .map_err(|_error| RunnerError::Busy)?;
        self.seats.clone().acquire_owned().await.map_err(closed)
    }
}
