//! One connection: its child, and which of both ends first.
//!
//! Where the other side is gone, the child is killed; where the child is, the other side is told
//! why. What is told comes behind what the child wrote. Where that was cut off within a frame, the
//! other side cannot understand what follows, and knows by that, too, that it is over.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chartroom_wire::models::{Code, ENDED, Failure};
use chartroom_wire::{Kind, write_json};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::Shutdown;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::log;
use crate::models;

/// Bytes of what a child says that are kept; the rest is read and forgotten.
const SAID: usize = 4 * 1024;
/// For what is still to be answered to one who asks no more.
const LAST: Duration = Duration::from_secs(2);
/// For the other side to read why.
const REFUSAL: Duration = Duration::from_secs(2);
/// Of what leads to the model of the connection.
const LOAD: u32 = 0;

/// What all connections have in common.
pub(super) struct House {
    pub(super) program: PathBuf,
    pub(super) library: PathBuf,
    /// Closed at its other end when all children are to be killed.
    pub(super) kill: OwnedFd,
    pub(super) most: usize,
    pub(super) children: AtomicUsize,
    pub(super) refused: AtomicUsize,
    pub(super) counts: Counts,
}

/// Since this process began.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) started: AtomicUsize,
    pub(super) refused: AtomicUsize,
    /// Of themselves, before who asked them was done.
    pub(super) ended: AtomicUsize,
}

/// One of those who are counted, for as long as it is there.
pub(super) struct Seat<'a>(&'a AtomicUsize);

impl<'a> Seat<'a> {
    pub(super) fn take(of: &'a AtomicUsize, most: usize) -> Option<Self> {
        let seat = Self(of);
        // Dropping it gives back what was taken too much.
        (of.fetch_add(1, Ordering::SeqCst) < most).then_some(seat)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl House {
    pub(super) fn attend(&self, connection: OwnedFd) {
        let Some(_seat) = Seat::take(&self.children, self.most) else {
            let message = format!(
                "{} models are in memory, which are the most there may be",
                self.most
            );
            return self.refuse(connection, Code::Busy, message);
        };
        match self.start(&connection) {
            Ok((child, said)) => {
                self.counts.started.fetch_add(1, Ordering::Relaxed);
                self.watch(connection, child, said);
            }
            Err(error) => {
                let message = format!("what runs models cannot be started: {error}");
                self.refuse(connection, Code::Runtime, message);
            }
        }
    }

    fn start(&self, connection: &OwnedFd) -> io::Result<(Child, ChildStderr)> {
        let mut command = Command::new(&self.program);
        models::quiet(&mut command);
        let mut child = command
            .arg0("chartroom-runner")
            .arg("model-attended")
            .arg(&self.library)
            .current_dir("/")
            // A signal from the terminal is for this process, which then ends its children.
            .process_group(0)
            .stdin(Stdio::from(connection.try_clone()?))
            .stdout(Stdio::from(connection.try_clone()?))
            .stderr(Stdio::piped())
            .spawn()?;
        log("started", &[("pid", child.id().into())]);
        match child.stderr.take() {
            Some(said) => Ok((child, said)),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn watch(&self, connection: OwnedFd, mut child: Child, said: ChildStderr) {
        let began = Instant::now();
        let mut said = Said::new(said);
        let is_ours = self.is_to_be_killed(&connection, &mut said);
        // Also one that closed what it says things by, which nothing in it does.
        let killed = child.kill();
        let status = killed.and_then(|()| child.wait());
        let ended = match (&status, is_ours) {
            (Ok(status), false) => why(*status, &said.text()),
            _ => None,
        };
        let mut line = vec![
            ("pid", child.id().into()),
            ("seconds", began.elapsed().as_secs_f64().into()),
            ("killed", is_ours.into()),
            (
                "status",
                status
                    .map_or_else(|it| it.to_string(), |it| it.to_string())
                    .into(),
            ),
        ];
        if let Some(ended) = ended {
            self.counts.ended.fetch_add(1, Ordering::Relaxed);
            line.push(("why", ended.message.clone().into()));
            tell(&mut File::from(connection), ENDED, &ended);
        }
        log("ended", &line);
    }

    /// Waits for the end of either side; whether it is on us to end the child.
    fn is_to_be_killed(&self, connection: &OwnedFd, said: &mut Said) -> bool {
        let mut until: Option<Instant> = None;
        loop {
            let gone = match until {
                // Where nobody asks any more, it is asked for the end alone.
                Some(_) => PollFlags::empty(),
                None => hung_up(),
            };
            let mut polled = [
                PollFd::new(connection, gone),
                PollFd::new(&said.from, PollFlags::IN),
                PollFd::new(&self.kill, PollFlags::IN),
            ];
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return true;
            }
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut polled, left.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return true,
                Ok(_) => {}
            }
            let [connection, spoke, kill] = polled.map(|one| one.revents());
            if !spoke.is_empty() && !said.listen() {
                return false;
            }
            if connection.intersects(PollFlags::HUP | PollFlags::ERR) || !kill.is_empty() {
                return true;
            }
            if !connection.is_empty() {
                until = Some(Instant::now() + LAST);
            }
        }
    }

    /// Says why, and lets it be read: closed at once, it could be lost together with what the other
    /// side is still sending.
    fn refuse(&self, connection: OwnedFd, code: Code, message: String) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        log("refused", &[("why", message.clone().into())]);
        let Some(_seat) = Seat::take(&self.refused, self.most) else {
            return;
        };
        let mut connection = File::from(connection);
        tell(&mut connection, LOAD, &Failure::new(code, message));
        if rustix::net::shutdown(&connection, Shutdown::Write).is_err() {
            return;
        }
        let until = Instant::now() + REFUSAL;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).unwrap_or_default();
            let mut polled = [PollFd::new(&connection, PollFlags::IN)];
            if !poll(&mut polled, Some(&left)).is_ok_and(|ready| ready > 0) {
                return;
            }
            if !connection.read(&mut buffer).is_ok_and(|read| read > 0) {
                return;
            }
        }
    }
}

/// Who is not there any more, or does not read, is not told.
fn tell(connection: &mut File, id: u32, failure: &Failure) {
    if set_socket_timeout(&*connection, Timeout::Send, Some(REFUSAL)).is_ok() {
        let _ = write_json(connection, id, Kind::Failure, failure);
    }
}

/// The other side sends nothing more. Elsewhere that is seen by the child alone.
pub(super) fn hung_up() -> PollFlags {
    #[cfg(target_os = "linux")]
    return PollFlags::RDHUP;
    #[cfg(not(target_os = "linux"))]
    return PollFlags::empty();
}

/// What a child says on its standard error, the end of which is its own.
struct Said {
    from: ChildStderr,
    kept: Vec<u8>,
}

impl Said {
    fn new(from: ChildStderr) -> Self {
        let kept = Vec::new();
        Self { from, kept }
    }

    /// Takes what is there; `false` at the end.
    fn listen(&mut self) -> bool {
        let mut buffer = [0; SAID];
        let read = self.from.read(&mut buffer).unwrap_or(0);
        let room = SAID - self.kept.len();
        self.kept.extend(buffer.iter().take(read.min(room)));
        read > 0
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).trim().to_owned()
    }
}

/// Why a child ended that nobody ended; `None` where it was in order.
fn why(status: ExitStatus, said: &str) -> Option<Failure> {
    const ABORT: i32 = 6;
    const KILL: i32 = 9;
    const SEGMENT: i32 = 11;
    const XCPU: i32 = 24;
    const SYS: i32 = 31;
    let is_memory = said.contains("memory allocation of") || said.contains("bad_alloc");
    let (code, message) = match status.signal() {
        None if status.success() => return None,
        None => (Code::Ended, format!("what ran the model ended: {said}")),
        Some(ABORT) if is_memory => {
            let message = "what ran the model took more memory than there is for it";
            (Code::OutOfMemory, message.to_owned())
        }
        Some(KILL) => {
            let message =
                "what ran the model was killed, as it is where the machine has no memory left";
            (Code::OutOfMemory, message.to_owned())
        }
        Some(XCPU) => {
            let message = "what ran the model took more time of a processor than there is for it";
            (Code::Ended, message.to_owned())
        }
        Some(SYS) => {
            let message = "what ran the model did something that it may not do";
            (Code::Ended, message.to_owned())
        }
        Some(SEGMENT) => {
            let message = "what ran the model reached for memory that it does not have";
            (Code::Ended, message.to_owned())
        }
        Some(_) => (Code::Ended, format!("what ran the model ended: {status}")),
    };
    Some(Failure::new(code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_one_cause() {
        let memory = "memory allocation of 8 bytes failed";
        for (raw, said, code, expected) in [
            (6, memory, Code::OutOfMemory, "more memory"),
            (
                6,
                "what(): std::bad_alloc",
                Code::OutOfMemory,
                "more memory",
            ),
            (6, "", Code::Ended, "ended"),
            (9, "", Code::OutOfMemory, "killed"),
            (11, memory, Code::Ended, "memory that it does not have"),
            (24, "", Code::Ended, "time of a processor"),
            (31, "", Code::Ended, "may not do"),
            (1 << 8, "the other side", Code::Ended, "the other side"),
        ] {
            let failure = why(ExitStatus::from_raw(raw), said).unwrap();
            assert_eq!(failure.code, code, "{raw}");
            assert!(failure.message.contains(expected), "{raw}: {failure}");
        }
        assert_eq!(why(ExitStatus::from_raw(0), memory), None);
    }

    #[test]
    fn a_seat_is_taken_once() {
        let taken = AtomicUsize::new(0);
        let one = Seat::take(&taken, 2).unwrap();
        let two = Seat::take(&taken, 2).unwrap();
        assert!(Seat::take(&taken, 2).is_none());
        assert_eq!(taken.load(Ordering::SeqCst), 2);
        drop(one);
        assert!(Seat::take(&taken, 2).is_some());
        drop(two);
        assert_eq!(taken.load(Ordering::SeqCst), 0);
    }
}
