//! What an earlier, killed run may have left running or lying about, and how it is got out of the way.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::error::EmbeddedError;
use super::layout::{Layout, PORT};
use super::watchdog::{Signal, send};

const POLL: Duration = Duration::from_millis(20);

/// A leftover server is asked nicely, then told, then killed.
const LEFTOVER: [(Signal, Duration); 3] = [
    (Signal::Int, Duration::from_secs(20)),
    (Signal::Quit, Duration::from_secs(7)),
    (Signal::Kill, Duration::from_secs(5)),
];

/// Makes sure that no server of an earlier run is using `pgdata`. We hold the lock, so it is nobody else's.
pub(super) async fn stop_leftover(layout: &Layout, account: Account) -> Result<(), EmbeddedError> {
    let pgdata = layout.pgdata();
    let pid_file = pgdata.join("postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    if let Ok(pid) = first.trim().parse::<u32>() {
        for (signal, patience) in LEFTOVER {
            if !serves(pid, &pgdata).await {
                break;
            }
            tracing::info!(
                pid,
                ?signal,
                "stopping the PostgreSQL that an earlier run left behind"
            );
            send(account, signal, pid).await;
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline && serves(pid, &pgdata).await {
                sleep(POLL).await;
            }
        }
        if serves(pid, &pgdata).await {
            let what = format!("of an earlier run (process {pid}) cannot be stopped");
            return Err(EmbeddedError::Failed {
                what,
                log: layout.log(),
                tail: layout.log_tail(0),
            });
        }
    }
    quit_orphans(&pgdata, account).await;
    disown(&pgdata)
}

/// Ends the backends of a postmaster that was killed. They notice by themselves when they next wait for something, which
/// a busy statement may not do for hours, and until then PostgreSQL rightly refuses to start. Only the kernel's list of
/// processes says which are on `pgdata`: where there is none (macOS), starting takes as long as they do.
pub(super) async fn quit_orphans(pgdata: &Path, account: Account) {
    for entry in fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let on_pgdata = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == pgdata);
        if on_pgdata
            && fs::read(entry.path().join("cmdline"))
                .is_ok_and(|line| line.starts_with(b"postgres: "))
        {
            tracing::info!(pid, "ending a backend whose PostgreSQL was killed");
            send(account, Signal::Quit, pid).await;
        }
    }
}

/// Takes the pid of a dead server out of PostgreSQL's way. It may be somebody else's by now (after a reboot, and always in
/// containers) or a zombie's, and PostgreSQL would refuse to start. The file stays, because it also names the shared memory
/// that tells whether old backends still run: with its parent's pid in it PostgreSQL knows that the file is stale and
/// checks just that.
pub(super) fn disown(pgdata: &Path) -> Result<(), EmbeddedError> {
    let pid_file = pgdata.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else {
        return Ok(());
    };
    let rest = text.split_once('\n').map_or("", |(_pid, rest)| rest);
    fs::write(&pid_file, format!("{}\n{rest}", std::process::id()))
        .map_err(EmbeddedError::io("write", &pid_file))
}

/// The same for the socket, in a directory where nobody but us listens.
pub(super) fn clear_socket(dir: &Path) -> Result<(), EmbeddedError> {
    for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::io("remove", &path)(error));
            }
            _gone => {}
        }
    }
    Ok(())
}

/// Whether process `pid` is a PostgreSQL on `pgdata`: pids are reused, its command line is not. Empty for a zombie.
async fn serves(pid: u32, pgdata: &Path) -> bool {
    let wanted = pgdata.to_string_lossy();
    if let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) {
        return String::from_utf8_lossy(&line)
            .split('\0')
            .any(|argument| argument == wanted);
    }
    // No /proc on macOS, and none for a process that is gone.
    let output = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .output()
        .await;
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).contains(&format!("-D {wanted} "))
    })
}
