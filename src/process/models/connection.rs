//! The stream of frames to one process, and why it ended.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr};
use tokio::time::timeout;

use chartroom_wire::models::{Code, Failure, MAX_MESSAGE};
use chartroom_wire::tabular::Wall;
use chartroom_wire::{Frame, Kind, MAX_PAYLOAD, Message, Messages, WireError};

use super::ModelError;
use crate::process::frames;

/// From the end of its output to its own.
const END: Duration = Duration::from_secs(2);
/// Bytes of its standard error that are looked at.
const SAID: u64 = 4 * 1024;

type From = Box<dyn AsyncRead + Send + Unpin>;
type To = Box<dyn AsyncWrite + Send + Unpin>;

pub(super) struct Connection {
    from: BufReader<From>,
    to: To,
    messages: Messages,
    frames: Vec<u8>,
    /// None where another process has started it.
    child: Option<Child>,
    /// A runner elsewhere says why its process ended, so that silence is its own end.
    is_far: bool,
}

impl Connection {
    pub(super) fn new(
        from: impl AsyncRead + Send + Unpin + 'static,
        to: impl AsyncWrite + Send + Unpin + 'static,
        child: Option<Child>,
    ) -> Self {
        Self {
            from: BufReader::with_capacity(64 << 10, Box::new(from)),
            to: Box::new(to),
            messages: Messages::new(MAX_MESSAGE),
            frames: Vec::new(),
            child,
            is_far: false,
        }
    }

    /// With a runner behind a network.
    pub(super) fn far(
        from: impl AsyncRead + Send + Unpin + 'static,
        to: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            is_far: true,
            ..Self::new(from, to, None)
        }
    }

    /// Sends one message, in as many frames as it takes.
    pub(super) async fn send(
        &mut self,
        id: u32,
        kind: Kind,
        body: &[u8],
    ) -> Result<(), ModelError> {
        let mut rest = body;
        loop {
            let (now, later) = rest.split_at(rest.len().min(MAX_PAYLOAD));
            self.frames.clear();
            let frame = Frame::of(id, kind, now, !later.is_empty());
            self.frames.extend_from_slice(&frame.to_bytes());
            self.frames.extend_from_slice(now);
            let sent = self.to.write_all(&self.frames).await;
            sent.map_err(|error| ModelError::Wire(error.into()))?;
            if later.is_empty() {
                return Ok(());
            }
            rest = later;
        }
    }

    /// The next message; at the end of the stream, why the process ended.
    pub(super) async fn message(&mut self) -> Result<Message, ModelError> {
        loop {
            let (frame, payload) = match frames::read(&mut self.from).await {
                Ok(read) => read,
                Err(WireError::Io(_)) => return Err(self.end().await),
                Err(error) => return Err(ModelError::Wire(error)),
            };
            let whole = self.messages.push(frame, payload);
            if let Some(message) = whole.map_err(ModelError::Wire)? {
                return Ok(message);
            }
        }
    }

    pub(super) fn note_walls(&self, message: &Message) {
        let walls: Vec<Wall> = message.json().unwrap_or_default();
        for wall in walls {
            if let Some(why) = wall.missing {
                tracing::debug!(
                    wall = wall.name,
                    why,
                    "a wall around a model does not stand"
                );
            }
        }
    }

    async fn end(&mut self) -> ModelError {
        if self.is_far {
            return ModelError::Gone;
        }
        let Some(child) = &mut self.child else {
            return ModelError::Ended("its connection was closed".to_owned());
        };
        let said = match child.stderr.take() {
            Some(stderr) => said(stderr).await,
            None => String::new(),
        };
        match timeout(END, child.wait()).await {
            Ok(Ok(status)) => cause(status, &said),
            Ok(Err(error)) => ModelError::Unreachable(error),
            Err(_elapsed) => ModelError::Ended("it closed its output and goes on".to_owned()),
        }
    }
}

async fn said(stderr: ChildStderr) -> String {
    let mut said = Vec::new();
    let mut stderr = stderr.take(SAID);
    let _ = timeout(END, stderr.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// What the end of the process means. C++ and Rust both abort where memory is refused, and say so.
fn cause(status: ExitStatus, said: &str) -> ModelError {
    const WRONG_USAGE: i32 = 2;
    const KILL: i32 = 9;
    const XCPU: i32 = 24;
    if status.code() == Some(WRONG_USAGE) {
        let other = "the program does not run models; build it with its feature `models`";
        return ModelError::Unreachable(io::Error::new(io::ErrorKind::Unsupported, other));
    }
    let is_memory = said.contains("memory allocation of") || said.contains("bad_alloc");
    if is_memory {
        let message = "the model takes more memory than there is for it";
        return ModelError::Refused(Failure::new(Code::OutOfMemory, message));
    }
    let why = match status.signal() {
        Some(XCPU) => "it takes too long a time of a processor".to_owned(),
        Some(KILL) => "it was killed, as it is where the machine has no memory left".to_owned(),
        Some(signal) => format!("by signal {signal}"),
        None => format!("with {status}"),
    };
    ModelError::Ended(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_one_cause() {
        for (raw, said, expected) in [
            (6, "memory allocation of 8 bytes failed", "more memory"),
            (6, "what():  std::bad_alloc", "more memory"),
            (6, "a panic", "by signal 6"),
            (9, "", "was killed"),
            (24, "", "too long"),
            (31, "", "by signal 31"),
            (0, "", "exit status: 0"),
            (2 << 8, "", "build it with its feature"),
        ] {
            let error = cause(ExitStatus::from_raw(raw), said).to_string();
            assert!(error.contains(expected), "{raw}: {error}");
        }
    }
}
