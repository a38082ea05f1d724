//! A file that a child makes of rows, while they come.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use chartroom_wire::tabular::{Column, FileFormat, Room, WriteHead, WriteRequest};
use chartroom_wire::{HEAD, Kind};
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::child::{Child, Start, unexpected};
use super::report::Reports;
use super::{Limit, RunnerError};

/// Bytes of memory that a child may write to: what a row group, one batch and the dictionaries of
/// many columns take.
const MEMORY: u64 = 128 << 20;
/// Seconds of a processor, for files that are made while somebody reads them.
const CPU: u64 = 3_600;
/// For the walls to stand, and for the end of the file once all rows are there.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a message of the file, at most.
const LONGEST: usize = 4 << 20;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Writing {
    pub format: FileFormat,
    pub columns: Vec<Column>,
    pub metadata: BTreeMap<String, String>,
}

/// Takes the rows.
pub struct Input {
    to: ChildStdin,
    fed: CancellationToken,
}

/// Gives the file.
pub struct Output {
    child: Child,
    /// Whether all rows are there.
    fed: CancellationToken,
    is_over: bool,
    _seat: OwnedSemaphorePermit,
}

pub(super) async fn begin(
    program: &OsStr,
    writing: &Writing,
    memory: u64,
    seat: OwnedSemaphorePermit,
    reports: &Reports,
) -> Result<(Input, Output), RunnerError> {
    let room = Room {
        memory: memory.min(MEMORY),
        cpu: CPU,
    };
    let request = WriteRequest {
        format: writing.format,
        walls: room,
    };
    let mut child = Child::start(Start {
        program,
        work: "tabular-write",
        request: &request,
        input: Stdio::piped(),
        room,
        longest: LONGEST,
        patience: PATIENCE,
    })?;
    let to = child.input().ok_or_else(unexpected)?;
    let fed = CancellationToken::new();
    let mut input = Input {
        to,
        fed: fed.clone(),
    };
    reports.walls(&child.walls().await?);
    let head = serde_json::to_vec(&WriteHead {
        columns: writing.columns.clone(),
        metadata: writing.metadata.clone(),
    });
    let head = head.map_err(|error| RunnerError::Wire(error.into()))?;
    input.message(Kind::Head, head.into()).await?;
    let output = Output {
        child,
        fed,
        is_over: false,
        _seat: seat,
    };
    Ok((input, output))
}

impl Input {
    /// Gives whole rows, as [`WriteRequest`] says. Where the child takes no more, the output says
    /// why.
    pub async fn send(&mut self, rows: Bytes) -> Result<(), RunnerError> {
        self.message(Kind::Data, rows).await
    }

    /// There are no more rows.
    pub async fn end(mut self) -> Result<(), RunnerError> {
        self.message(Kind::End, Bytes::new()).await?;
        self.fed.cancel();
        Ok(())
    }

    async fn message(&mut self, kind: Kind, body: Bytes) -> Result<(), RunnerError> {
        let mut frames = Vec::with_capacity(HEAD + body.len());
        chartroom_wire::write(&mut frames, 0, kind, &body).map_err(RunnerError::Wire)?;
        let sent = self.to.write_all(&frames).await;
        sent.map_err(|error| RunnerError::Wire(error.into()))
    }
}

impl Output {
    /// The next bytes of the file; `None` behind the last. Until all rows are there the child waits
    /// for them, and nobody knows for how long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RunnerError> {
        if self.is_over {
            return Ok(None);
        }
        let fed = self.fed.clone();
        let late = async move {
            fed.cancelled().await;
            sleep(PATIENCE).await;
        };
        let message = tokio::select! {
            message = self.child.message_at_last() => message?,
            () = late => return Err(RunnerError::Limit(Limit::Time(PATIENCE))),
        };
        match message.kind {
            Kind::Data => Ok(Some(message.body.into())),
            Kind::End => {
                self.is_over = true;
                Ok(None)
            }
            Kind::Failure => Err(self.child.refusal(&message)),
            _ => Err(unexpected()),
        }
    }
}
