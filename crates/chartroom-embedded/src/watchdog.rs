//! A tiny shell that outlives us: when our process disappears without a word, it stops PostgreSQL.
//!
//! It blocks reading a pipe that only we hold open. Each line is the pid to stop, `none`, or `done`
//! (a normal end). End of file means we were killed, or a test process ended. It needs no file and
//! no lock, so killing it too costs nothing but this convenience: the next start finds and stops
//! what was left.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};

use super::account::Account;
use super::error::EmbeddedError;

/// Fast shutdown first, then the kind that recovers at the next start. The polite signals are
/// ignored because a service manager sends them to everything at once, long before there is
/// anything to do.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
pid=
while read -r word; do
    case $word in
        done) exit 0 ;;
        none) pid= ;;
        *) pid=$word ;;
    esac
done
[ -n "$pid" ] || exit 0
kill -s INT "$pid" || exit 0
seconds=0
while [ $seconds -lt 60 ] && kill -s 0 "$pid"; do
    [ $seconds -ne 30 ] || kill -s QUIT "$pid"
    sleep 1
    seconds=$((seconds + 1))
done
"#;

pub(super) const SHELL: &str = "/bin/sh";
const DISMISSAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Watchdog {
    child: Child,
    words: ChildStdin,
}

impl Watchdog {
    pub(super) fn start(account: Account) -> Result<Self, EmbeddedError> {
        let shell = Path::new(SHELL);
        let mut child = account
            .command(shell)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(EmbeddedError::io("run", shell))?;
        let words = child.stdin.take().ok_or_else(|| {
            EmbeddedError::io("write to", shell)(std::io::ErrorKind::BrokenPipe.into())
        })?;
        Ok(Self { child, words })
    }

    /// `None` while there is nothing to stop, so that a reused pid is never hit.
    pub(super) async fn guard(&mut self, pid: Option<u32>) {
        let word = pid.map_or_else(|| "none".to_owned(), |pid| pid.to_string());
        self.say(&word).await;
    }

    /// Resolves when somebody killed it.
    pub(super) async fn died(&mut self) {
        let _ = self.child.wait().await;
    }

    pub(super) async fn dismiss(mut self) {
        self.say("done").await;
        if tokio::time::timeout(DISMISSAL, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.start_kill();
        }
    }

    /// A dead reader is noticed by `died`.
    async fn say(&mut self, word: &str) {
        let _ = self.words.write_all(format!("{word}\n").as_bytes()).await;
        let _ = self.words.flush().await;
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    Int,
    Quit,
    Kill,
}

/// Safe Rust has no `kill`; the shell has. Sent as PostgreSQL's own account, which can hit nobody
/// else's processes.
pub(super) async fn send(account: Account, signal: Signal, pid: u32) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let name = match signal {
        Signal::Int => "INT",
        Signal::Quit => "QUIT",
        Signal::Kill => "KILL",
    };
    let pid = pid.to_string();
    let arguments = ["-c", r#"kill -s "$1" "$2""#, "kill", name, &pid].map(OsStr::new);
    let _ = account.run(SHELL, &arguments, PATIENCE).await;
}
