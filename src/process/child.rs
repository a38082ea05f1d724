//! One child: how it is started, what it says, and why it ended.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chartroom_wire::tabular::{Room, Wall};
use chartroom_wire::{Frame, Kind, Message, Messages, WireError};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{Code, Failure, Limit, RunnerError, frames};

/// Bytes of its standard error that are kept; the rest is read and forgotten.
const SAID: u64 = 4 * 1024;
/// From the end of its output to its own.
const END: Duration = Duration::from_secs(5);

pub(super) struct Child {
    child: tokio::process::Child,
    from: BufReader<ChildStdout>,
    messages: Messages,
    said: AbortOnDropHandle<String>,
    room: Room,
    patience: Duration,
    left: Duration,
}

/// How a child is started.
pub(super) struct Start<'a, Request> {
    pub program: &'a OsStr,
    /// What it is to do, and with what.
    pub work: &'static str,
    pub request: &'a Request,
    pub input: Stdio,
    pub room: Room,
    /// Bytes of its longest message.
    pub longest: usize,
    /// For how long it is waited for, in all; not counted is the time in which the child waits for
    /// us.
    pub patience: Duration,
}

impl Child {
    pub(super) fn start(start: Start<'_, impl Serialize>) -> Result<Self, RunnerError> {
        let argument = serde_json::to_string(start.request).map_err(io::Error::from);
        let argument = argument.map_err(RunnerError::Start)?;
        let mut child = Command::new(start.program)
            .arg0("chartroom")
            .args(["runner", start.work, &argument])
            .env_clear()
            .current_dir("/")
            // A signal from the terminal is for the service, which then ends its children.
            .process_group(0)
            .stdin(start.input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(RunnerError::Start)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(RunnerError::Start(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self {
            child,
            from: BufReader::new(stdout),
            messages: Messages::new(start.longest),
            said: AbortOnDropHandle::new(tokio::spawn(listen(stderr))),
            room: start.room,
            patience: start.patience,
            left: start.patience,
        })
    }

    /// Where it takes what it is to work on, if that is a pipe.
    pub(super) fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Reads what it says first: which walls stand around it.
    pub(super) async fn walls(&mut self) -> Result<Vec<Wall>, RunnerError> {
        let message = self.message().await?;
        match message.kind {
            Kind::Walls => message.json().map_err(RunnerError::Wire),
            _ => Err(unexpected()),
        }
    }

    /// What a message says that tells why it gives up.
    pub(super) fn refusal(&self, message: &Message) -> RunnerError {
        match message.json::<Failure>() {
            Ok(failure) if failure.code == Code::OutOfMemory => {
                RunnerError::Limit(Limit::Memory(self.room.memory))
            }
            Ok(failure) => RunnerError::Refused(failure),
            Err(error) => RunnerError::Wire(error),
        }
    }

    /// The next message, for which it is waited as long as there is patience. At the end of its
    /// output: why the child ended.
    pub(super) async fn message(&mut self) -> Result<Message, RunnerError> {
        let began = Instant::now();
        let before = self.left;
        loop {
            let read = timeout(self.left, frames::read(&mut self.from)).await;
            self.left = before.saturating_sub(began.elapsed());
            let late = |_elapsed| RunnerError::Limit(Limit::Time(self.patience));
            if let Some(message) = self.whole(read.map_err(late)?).await? {
                return Ok(message);
            }
        }
    }

    /// The next message, however long it takes.
    pub(super) async fn message_at_last(&mut self) -> Result<Message, RunnerError> {
        loop {
            let read = frames::read(&mut self.from).await;
            if let Some(message) = self.whole(read).await? {
                return Ok(message);
            }
        }
    }

    /// The message that a frame ends.
    async fn whole(
        &mut self,
        read: Result<(Frame, Vec<u8>), WireError>,
    ) -> Result<Option<Message>, RunnerError> {
        let (frame, payload) = match read {
            Ok(frame) => frame,
            Err(WireError::Io(_)) => return Err(self.end().await),
            Err(error) => return Err(RunnerError::Wire(error)),
        };
        self.messages
            .push(frame, payload)
            .map_err(RunnerError::Wire)
    }

    /// Waits for its end, and logs what it said.
    async fn end(&mut self) -> RunnerError {
        let status = match timeout(END, self.child.wait()).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return RunnerError::Start(error),
            Err(_elapsed) => return RunnerError::Crashed("it does not end".to_owned()),
        };
        let said = timeout(END, &mut self.said).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        let error = cause(status, &said, self.room);
        tracing::warn!(%status, ?said, "a runner has ended: {error}");
        error
    }
}

pub(super) fn unexpected() -> RunnerError {
    RunnerError::Wire(WireError::Malformed("a message that does not belong here"))
}

async fn listen(mut from: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    let _ = (&mut from).take(SAID).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// What the end of the process means. The standard library aborts where memory is refused, and
/// says so; a kill comes from outside, most likely from the kernel for want of memory; and a panic
/// is what a file comes to that a library did not expect.
fn cause(status: ExitStatus, said: &str, room: Room) -> RunnerError {
    const PANIC: i32 = 101;
    const KILL: i32 = 9;
    const ABORT: i32 = 6;
    const XCPU: i32 = 24;
    let is_memory = said.contains("memory allocation of");
    if status.code() == Some(PANIC) {
        let message = "the file is damaged in a way that what reads it did not expect";
        return RunnerError::Refused(Failure::new(Code::Damaged, message));
    }
    match status.signal() {
        Some(XCPU) => RunnerError::Limit(Limit::Cpu(room.cpu)),
        Some(ABORT) if is_memory => RunnerError::Limit(Limit::Memory(room.memory)),
        Some(KILL) => RunnerError::Killed,
        _ => RunnerError::Crashed(status.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_one_cause() {
        let room = Room {
            memory: 1 << 20,
            cpu: 3,
        };
        let said = "memory allocation of 8 bytes failed";
        for (raw, said, expected) in [
            (24, "", "takes more than 3 s of a processor"),
            (9, "", "was killed"),
            (6, said, "takes more memory than 1 MiB"),
            (6, "a panic", "unexpectedly"),
            (11, said, "unexpectedly"),
            (31, "", "unexpectedly"),
            (101 << 8, "", "the file is damaged"),
            (0, "", "unexpectedly"),
        ] {
            let error = cause(ExitStatus::from_raw(raw), said, room).to_string();
            assert!(error.contains(expected), "{raw}: {error}");
        }
    }
}
