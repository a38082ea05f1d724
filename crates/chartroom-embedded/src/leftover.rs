//! What an earlier, killed run may have left running or lying about, and how it is got out of the
//! way.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::error::EmbeddedError;
use super::layout::{Layout, PORT};
use super::watchdog::{SHELL, Signal, send};

const POLL: Duration = Duration::from_millis(20);

/// For what takes milliseconds, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(10);

/// A leftover server is asked nicely, then told, then killed.
const LEFTOVER: [(Signal, Duration); 3] = [
    (Signal::Int, Duration::from_secs(20)),
    (Signal::Quit, Duration::from_secs(7)),
    (Signal::Kill, Duration::from_secs(5)),
];

/// Makes sure that no server of an earlier run is using `pgdata`. We hold the lock, so it is nobody
/// else's.
pub(super) async fn stop_leftover(layout: &Layout, account: Account) -> Result<(), EmbeddedError> {
    let pgdata = layout.pgdata();
    let pid_file = pgdata.join("postmaster.pid");
    let text = start_of(&pid_file, account).await.unwrap_or_default();
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
    disown(&pgdata, account).await
}

/// The first characters of a file in PostgreSQL's own folder.
pub(super) async fn start_of(path: &Path, account: Account) -> io::Result<String> {
    let [bytes, most, end] = ["-c", "64", "--"].map(OsStr::new);
    let arguments = [bytes, most, end, path.as_os_str()];
    said(account.run("head", &arguments, PATIENCE).await?)
}

fn said(output: Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let problem = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(problem))
}

/// Ends the backends of a postmaster that was killed. They notice by themselves when they next wait
/// for something, which a busy statement may not do for hours, and until then PostgreSQL rightly
/// refuses to start. Only the kernel's list of processes says which are on `pgdata`: where there is
/// none (macOS), starting takes as long as they do.
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

/// Takes the pid of a dead server out of PostgreSQL's way. It may be somebody else's by now (after
/// a reboot, and always in containers) or a zombie's, and PostgreSQL would refuse to start. The
/// file stays, because it also names the shared memory that tells whether old backends still run:
/// with its parent's pid in it PostgreSQL knows that the file is stale and checks just that.
pub(super) async fn disown(pgdata: &Path, account: Account) -> Result<(), EmbeddedError> {
    // Renamed when complete: PostgreSQL does not start with an empty one.
    const SCRIPT: &str = r#"[ -f "$1" ] || exit 0
{ echo "$2" && tail -n +2 -- "$1"; } >"$1.new" && mv -f -- "$1.new" "$1""#;
    let pid_file = pgdata.join("postmaster.pid");
    let us = std::process::id().to_string();
    let [command, script, name, us] = ["-c", SCRIPT, "disown", &us].map(OsStr::new);
    let arguments = [command, script, name, pid_file.as_os_str(), us];
    let done = account.run(SHELL, &arguments, PATIENCE).await;
    done.and_then(said)
        .map(drop)
        .map_err(EmbeddedError::io("renew", &pid_file))
}

/// The same for the socket, in a directory where nobody but us listens.
pub(super) async fn clear_socket(dir: &Path, account: Account) -> Result<(), EmbeddedError> {
    let socket = dir.join(format!(".s.PGSQL.{PORT}"));
    let lock = dir.join(format!(".s.PGSQL.{PORT}.lock"));
    let [force, end] = ["-f", "--"].map(OsStr::new);
    let arguments = [force, end, socket.as_os_str(), lock.as_os_str()];
    let done = account.run("rm", &arguments, PATIENCE).await;
    done.and_then(said)
        .map(drop)
        .map_err(EmbeddedError::io("remove", &socket))
}

/// Whether process `pid` is a PostgreSQL on `pgdata`: pids are reused, its command line is not.
/// Empty for a zombie.
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
