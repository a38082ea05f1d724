//! The database files: made complete or not at all.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::account::{Account, open_itself};
use super::error::EmbeddedError;
use super::install::Install;
use super::layout::Layout;
use super::leftover::start_of;
use super::watchdog::Watchdog;
use super::{DATABASE, USER};

/// On a slow disk initdb takes seconds; beyond this something hangs.
const INITDB_TIMEOUT: Duration = Duration::from_secs(120);

/// The major version of the database that is already there.
pub(super) async fn existing_major(
    pgdata: &Path,
    account: Account,
) -> Result<Option<u32>, EmbeddedError> {
    if !pgdata.exists() {
        return Ok(None);
    }
    let path = pgdata.join("PG_VERSION");
    let text = start_of(&path, account)
        .await
        .map_err(EmbeddedError::io("read", &path))?;
    let digits: String = text
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let major = digits
        .parse()
        .map_err(|error| EmbeddedError::io("understand", &path)(io::Error::other(error)))?;
    Ok(Some(major))
}

/// initdb and `CREATE DATABASE` in a folder aside, renamed when both are done.
pub(super) async fn create(
    layout: &Layout,
    account: Account,
    install: &Install,
    password: &SecretString,
    durable: bool,
    watchdog: &mut Watchdog,
) -> Result<(), EmbeddedError> {
    let staging = layout.staging();
    fs::create_dir(&staging).map_err(EmbeddedError::io("create", &staging))?;
    open_itself(File::options().read(true), &staging)
        .and_then(|folder| account.give(&folder, 0o700))
        .map_err(EmbeddedError::io("hand over", &staging))?;

    let pwfile = staging.with_added_extension("pw");
    let written = write_for(account, &pwfile, password.expose_secret());
    written.map_err(EmbeddedError::io("write", &pwfile))?;
    let mut command = account.command(&install.program("initdb"));
    command.arg("-D").arg(&staging).arg("--pwfile").arg(&pwfile);
    command.args([
        "--username",
        USER,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
    ]);
    command.args(["--data-checksums", "--no-instructions"]);
    if !durable {
        command.arg("--no-sync");
    }
    let made = run(command, None, watchdog).await;
    let _ = fs::remove_file(&pwfile);
    check(&staging, made)?;

    let sql = format!("CREATE DATABASE {DATABASE}");
    single_user(&staging, account, install, durable, &sql, watchdog).await?;

    let pgdata = layout.pgdata();
    fs::rename(&staging, &pgdata).map_err(EmbeddedError::io("rename", &staging))?;
    if durable {
        let home = layout.home();
        File::open(home)
            .and_then(|dir| dir.sync_all())
            .map_err(EmbeddedError::io("sync", home))?;
    }
    Ok(())
}

/// For a data directory whose password file is gone: the files are ours, so is the right to set a
/// new one.
pub(super) async fn set_password(
    layout: &Layout,
    account: Account,
    install: &Install,
    password: &SecretString,
    watchdog: &mut Watchdog,
) -> Result<(), EmbeddedError> {
    let sql = format!("ALTER ROLE {USER} PASSWORD '{}'", password.expose_secret());
    single_user(&layout.pgdata(), account, install, true, &sql, watchdog).await
}

fn write_for(account: Account, path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    account.give(&file, 0o600)
}

/// One statement without a server, hence without a socket, a password or a client program.
async fn single_user(
    pgdata: &Path,
    account: Account,
    install: &Install,
    durable: bool,
    sql: &str,
    watchdog: &mut Watchdog,
) -> Result<(), EmbeddedError> {
    let mut command = account.command(&install.program("postgres"));
    command
        .arg("--single")
        .arg("-D")
        .arg(pgdata)
        .args(["-c", "log_min_error_statement=panic"]);
    if !durable {
        command.args(["-c", "fsync=off"]);
    }
    command.arg("postgres");
    let done = run(command, Some(format!("{sql}\n")), watchdog).await;
    let stderr = check(pgdata, done)?;
    // A failed statement does not change the exit code.
    if stderr.contains("ERROR:") {
        return Err(EmbeddedError::Initdb {
            path: pgdata.to_owned(),
            output: one_line(&stderr),
        });
    }
    Ok(())
}

/// Guarded like the server: nothing of ours keeps writing after we were killed.
async fn run(
    mut command: Command,
    input: Option<String>,
    watchdog: &mut Watchdog,
) -> io::Result<Output> {
    let stdin = if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    watchdog.guard(child.id()).await;
    let work = async {
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(input.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let output = timeout(INITDB_TIMEOUT, work).await;
    watchdog.guard(None).await;
    output.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
}

fn check(path: &Path, output: io::Result<Output>) -> Result<String, EmbeddedError> {
    let refuse = |output: String| EmbeddedError::Initdb {
        path: path.to_owned(),
        output,
    };
    let output = output.map_err(|error| refuse(error.to_string()))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(stderr)
    } else {
        Err(refuse(format!("{}: {}", output.status, one_line(&stderr))))
    }
}

fn one_line(text: &str) -> String {
    text.trim().replace('\n', " | ")
}
