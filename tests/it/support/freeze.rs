//! Freezes a process with all its children by SIGSTOP: the kernel keeps acknowledging, nobody
//! answers.

use super::process::{Process, tree};
use std::{
    io, thread,
    time::{Duration, Instant},
};

const WITHIN: Duration = Duration::from_secs(5);

/// Thaws on drop, so a failed assertion leaves no stopped process behind.
#[derive(Debug)]
#[must_use = "dropping it thaws at once"]
pub(crate) struct Frozen {
    members: Vec<Process>,
}

impl Frozen {
    /// Returns when a fresh listing shows nobody running: a child forked between two passes is
    /// caught by the next.
    pub(crate) fn new(root: u32) -> io::Result<Self> {
        let deadline = Instant::now() + WITHIN;
        let mut frozen = Self {
            members: Vec::new(),
        };
        loop {
            let family = tree(root);
            if family.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("no process {root}"),
                ));
            }
            let awake: Vec<_> = family
                .into_iter()
                .filter(|p| !matches!(p.state, 'T' | 'Z'))
                .collect();
            if awake.is_empty() {
                return Ok(frozen);
            }
            for process in awake {
                process.signal("STOP")?;
                if !frozen
                    .members
                    .iter()
                    .any(|p| p.pid == process.pid && p.born == process.born)
                {
                    frozen.members.push(process);
                }
            }
            if Instant::now() > deadline {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "some children keep running",
                ));
            }
            // A signal to a process on another core takes effect a moment later.
            thread::yield_now();
        }
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.members.iter().map(|p| p.pid).collect()
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Children first: the parent then finds them as it left them.
        for process in self.members.iter().rev() {
            if let Err(error) = process.signal("CONT") {
                eprintln!("process {} stays frozen: {error}", process.pid);
            }
        }
    }
}
