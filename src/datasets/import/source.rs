//! Where the rows of an import come from: a file that somebody sends, or this service itself.

use std::sync::Arc;

use encoding_rs::Encoding;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::model::{ImportState, Progress};
use super::ndjson::Ndjson;
use super::rows::{Child, Csv, Made, Part, Rows, refusal};
use super::run::{EVERY, Job};
use super::stop::{Stop, unkept, unread};
use crate::process::{Format, Reading};
use crate::state::Core;

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

/// A file that arrives in parts.
pub struct File {
    pub kind: FileKind,
    pub parts: mpsc::Receiver<Part>,
    pub core: Arc<Core>,
}

pub enum Source {
    File(File),
    Made(Made),
}

/// Of rows that this service makes, as metrics name it.
const MADE: &str = "made";

impl Source {
    /// The names of all.
    pub const NAMES: [&str; 6] = ["csv", "ndjson", "xlsx", "parquet", "arrow", MADE];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::File(file) => file.kind.name(),
            Self::Made(_) => MADE,
        }
    }
}

impl Job {
    pub(super) async fn rows(&self, source: Source) -> Result<Box<dyn Rows>, Stop> {
        let File { kind, parts, core } = match source {
            Source::Made(made) => return Ok(Box::new(made)),
            Source::File(file) => file,
        };
        Ok(match kind {
            FileKind::Csv(encoding) => Box::new(Csv::new(self.options.delimiter, encoding, parts)),
            FileKind::Ndjson => Box::new(Ndjson::new(parts)),
            FileKind::Child(format) => Box::new(self.child(&core, format, parts).await?),
        })
    }

    /// Keeps the file on the disk until all of it is here, and has a child read it.
    async fn child(
        &self,
        core: &Core,
        format: Format,
        mut parts: mpsc::Receiver<Part>,
    ) -> Result<Child, Stop> {
        let mut spooled = core.spool.begin().await.map_err(unkept)?;
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
        let read = self.watched(core.runner.read(file, reading)).await?;
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
}
