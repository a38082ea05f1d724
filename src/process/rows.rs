//! The rows of a file as they come from a child.

use chartroom_wire::tabular::{End, Head};
use chartroom_wire::{Batch, Kind};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::RunnerError;
use super::child::{Child, unexpected};
use super::report::{Outcome, Reports};

/// Batches of about 256 KiB that are read ahead, so that neither side waits for the other.
const AHEAD: usize = 4;

/// A file that is being read. Dropping it kills the child.
#[derive(Debug)]
pub struct Rows {
    head: Head,
    batches: mpsc::Receiver<Result<Option<Batch>, RunnerError>>,
    is_over: bool,
    _reader: AbortOnDropHandle<()>,
}

impl Rows {
    /// What the file says of itself: its sheets, or its columns.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next rows; `None` behind the last. There is one error at most, and nothing behind it.
    /// Nothing is lost where this future is dropped before it is done.
    pub async fn next(&mut self) -> Result<Option<Batch>, RunnerError> {
        if self.is_over {
            return Ok(None);
        }
        // An end that nobody told is none: what came so far is a part of the file.
        let stopped = || Err(RunnerError::Crashed("nobody reads on".to_owned()));
        let next = self.batches.recv().await.unwrap_or_else(stopped);
        self.is_over = !matches!(next, Ok(Some(_)));
        next
    }
}

/// A child that has said what the file is.
pub(super) struct Beginning {
    child: Child,
    head: Head,
    columns: u32,
    seat: OwnedSemaphorePermit,
}

impl Beginning {
    pub(super) async fn read(
        mut child: Child,
        columns: u32,
        seat: OwnedSemaphorePermit,
        reports: &Reports,
    ) -> Result<Self, RunnerError> {
        reports.walls(&child.walls().await?);
        let message = child.message().await?;
        let head = match message.kind {
            Kind::Head => message.json().map_err(RunnerError::Wire)?,
            Kind::Failure => return Err(child.refusal(&message)),
            _ => return Err(unexpected()),
        };
        Ok(Self {
            child,
            head,
            columns,
            seat,
        })
    }

    /// Lets the rows come.
    pub(super) fn rows(self, outcome: Outcome) -> Rows {
        let Self {
            mut child,
            head,
            columns,
            seat,
        } = self;
        let (to, batches) = mpsc::channel(AHEAD);
        let reader = async move {
            // As a whole: its word alone would be moved in here, and it would count at once.
            let mut outcome = outcome;
            let _seat = seat;
            let mut rows = 0;
            loop {
                let next = batch(&mut child, columns, &mut rows).await;
                let is_last = !matches!(next, Ok(Some(_)));
                outcome.word = match &next {
                    Ok(Some(_)) => outcome.word,
                    Ok(None) => "read",
                    Err(error) => error.outcome(),
                };
                let _ = to.send(next).await;
                if is_last {
                    break;
                }
            }
        };
        Rows {
            head,
            batches,
            is_over: false,
            _reader: AbortOnDropHandle::new(tokio::spawn(reader)),
        }
    }
}

/// `rows`: how many have come.
async fn batch(
    child: &mut Child,
    columns: u32,
    rows: &mut u64,
) -> Result<Option<Batch>, RunnerError> {
    let message = child.message().await?;
    match message.kind {
        Kind::Data => {
            let batch = Batch::parse(message.body).map_err(RunnerError::Wire)?;
            let too_wide = |cells: usize| u32::try_from(cells).map_or(true, |n| n > columns);
            if batch.rows().any(|row| too_wide(row.len())) {
                return Err(unexpected());
            }
            *rows += u64::try_from(batch.len()).unwrap_or(u64::MAX);
            Ok(Some(batch))
        }
        Kind::End => {
            let end: End = message.json().map_err(RunnerError::Wire)?;
            if end.rows != *rows {
                return Err(unexpected());
            }
            Ok(None)
        }
        Kind::Failure => Err(child.refusal(&message)),
        _ => Err(unexpected()),
    }
}
