//! One child: how it is started, what it says, and why it ended.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chartroom_wire::tabular::{MAX_HEAD, Request, Room};
use chartroom_wire::{Frame, HEAD, Message, Messages, WireError};
use tokio::io::{AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{Code, Failure, Limit, RunnerError};

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

impl Child {
    /// `patience`: for how long it is waited for, in all; not counted is the time in which the
    /// child waits for us.
    pub(super) fn start(
        program: &OsStr,
        file: File,
        request: &Request,
        patience: Duration,
    ) -> Result<Self, RunnerError> {
        let argument = serde_json::to_string(request).map_err(io::Error::from);
        let argument = argument.map_err(RunnerError::Start)?;
        let mut child = Command::new(program)
            .arg0("chartroom")
            .args(["runner", "tabular", &argument])
            .env_clear()
            .current_dir("/")
            // A signal from the terminal is for the service, which then ends its children.
            .process_group(0)
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(RunnerError::Start)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(RunnerError::Start(io::ErrorKind::BrokenPipe.into()));
        };
        // A message is as long as the longest row, and some more where it stands behind others.
        let row = usize::try_from(request.bounds.row).unwrap_or(usize::MAX);
        Ok(Self {
            child,
            from: BufReader::new(stdout),
            messages: Messages::new(row.saturating_mul(2).max(MAX_HEAD)),
            said: AbortOnDropHandle::new(tokio::spawn(listen(stderr))),
            room: request.walls,
            patience,
            left: patience,
        })
    }

    pub(super) fn memory(&self) -> u64 {
        self.room.memory
    }

    /// The next message. At the end of its output: why the child ended.
    pub(super) async fn message(&mut self) -> Result<Message, RunnerError> {
        loop {
            let began = Instant::now();
            let read = timeout(self.left, frame(&mut self.from)).await;
            self.left = self.left.saturating_sub(began.elapsed());
            let (frame, payload) = match read {
                Ok(Ok(frame)) => frame,
                Ok(Err(WireError::Io(_))) => return Err(self.end().await),
                Ok(Err(error)) => return Err(RunnerError::Wire(error)),
                Err(_elapsed) => return Err(RunnerError::Limit(Limit::Time(self.patience))),
            };
            let message = self
                .messages
                .push(frame, payload)
                .map_err(RunnerError::Wire)?;
            if let Some(message) = message {
                return Ok(message);
            }
        }
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

async fn frame(from: &mut (impl AsyncRead + Unpin)) -> Result<(Frame, Vec<u8>), WireError> {
    let mut head = [0; HEAD];
    from.read_exact(&mut head).await?;
    let frame = Frame::parse(head)?;
    let mut payload = vec![0; frame.length()];
    from.read_exact(&mut payload).await?;
    Ok((frame, payload))
}

async fn listen(mut from: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    let _ = (&mut from).take(SAID).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// What the end of the process means. The standard library aborts where memory is refused, and
/// says so; a kill that is not ours is the kernel's, for want of memory; and a panic is what a file
/// comes to that a library did not expect.
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
        Some(KILL) => RunnerError::Limit(Limit::Memory(room.memory)),
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
            (9, "", "takes more memory than 1 MiB"),
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
