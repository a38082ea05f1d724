//! Processes as `/proc` shows them, signals by the shell's `kill`, and the rule for tools that are
//! not installed.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Names the tools whose absence is a failure, not a skip: CI sets it, a laptop need not.
const REQUIRE: &str = "CHARTROOM_TEST_REQUIRE";

/// Longer than a PostgreSQL gives its children in an immediate shutdown.
const GONE_WITHIN: Duration = Duration::from_secs(8);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: u32,
    pub parent: u32,
    pub state: char,
    /// Kernel ticks at its birth: together with the pid it names a process for good, even when the
    /// pid is reused.
    pub born: u64,
}

impl Process {
    pub(crate) fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold spaces and parentheses, so the fields start behind the last one.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            born: fields.get(19)?.parse().ok()?,
        })
    }

    pub(crate) fn now(&self) -> Option<Self> {
        Self::find(self.pid).filter(|p| p.born == self.born)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.now().is_some_and(|p| p.state != 'Z')
    }

    /// Does nothing when the process is gone, even if another one has its pid by now.
    pub(crate) fn signal(&self, name: &str) -> io::Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        // The shell's own `kill`: slim images have no other.
        let pid = self.pid.to_string();
        let said = Command::new("sh")
            .args(["-c", "kill -s $0 $1", name, &pid])
            .output()?;
        if said.status.success() || !self.is_running() {
            return Ok(());
        }
        Err(io::Error::other(
            String::from_utf8_lossy(&said.stderr).into_owned(),
        ))
    }
}

/// The process and all that descend from it, ancestors first.
pub(crate) fn tree(root: u32) -> Vec<Process> {
    let all: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Process::find)
        .collect();
    let mut found: Vec<Process> = all.iter().filter(|p| p.pid == root).cloned().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|p| p.pid) {
        found.extend(all.iter().filter(|p| p.parent == parent).cloned());
        next += 1;
    }
    found
}

/// What they write to is safe to remove when the last one is gone.
pub(crate) fn wait_for_end(family: &[Process]) {
    let deadline = Instant::now() + GONE_WITHIN;
    while family.iter().any(Process::is_running) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Where a program is: on the PATH, or in one of the places where distributions put it.
pub(crate) fn installed(program: &str, elsewhere: &[&Path]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(elsewhere.iter().map(|p| p.to_path_buf()))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// Passes on what was found. Nothing found is a skip with a message, or a failure where the tool is
/// required.
pub(crate) fn or_skip<T>(tool: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        let required = env::var(REQUIRE).unwrap_or_default();
        assert!(
            !required.split([',', ' ']).any(|name| name == tool),
            "{tool} is not installed, but {REQUIRE} asks for it"
        );
        // Not `eprintln!`: the test runner keeps to itself what a passing test prints that way.
        let test = thread::current();
        let test = test.name().unwrap_or("a test");
        let _ = writeln!(io::stderr(), "skipped: {test}: no {tool}");
    }
    found
}

/// An empty directory that goes away with its owner.
#[derive(Debug)]
pub(crate) struct TempDir(pub PathBuf);

impl TempDir {
    pub(crate) fn new(purpose: &str) -> io::Result<Self> {
        // Not under target/: a socket path has to stay below 108 bytes, and another user has to
        // reach it.
        let dir = env::temp_dir().join(format!(
            "chartroom-{purpose}-{}",
            uuid::Uuid::new_v4().simple()
        ));
        fs::create_dir(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}
