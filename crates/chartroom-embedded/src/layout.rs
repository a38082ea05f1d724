//! What lies where: the data directory and its lock, the database files, the socket, the password.
//!
//! ```text
//! <data_dir>/lock        held for the life of the process, names its pid
//! <data_dir>/password    of the role "chartroom", readable by us only
//! <data_dir>/socket-location  only if the path is too long for a socket: the temporary directory
//!                        that has it
//! <data_dir>/location    only if PostgreSQL's account may not enter the data directory: where the
//!                        rest is instead
//! <home>/pgdata          the database; made as pgdata.new-* and renamed when complete
//! <home>/run             the socket, where its path is short enough
//! <home>/postgres.log    the server's own log, and postgres.log.1 before it
//! ```

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::account::{Account, open_itself};
use super::error::EmbeddedError;

/// Only ever part of the socket's file name: there is no TCP listener.
pub(super) const PORT: u16 = 5432;

/// What a socket address can hold on macOS; Linux has four bytes more.
const SOCKET_PATH_MAX: usize = 103;

/// A holder that was just killed may still be on its way out.
const LOCK_GRACE: Duration = Duration::from_millis(500);

const STAGING: &str = "pgdata.new-";

const LOG_MAX: u64 = 10 * 1024 * 1024;

/// For clusters whose data directory PostgreSQL's account may not enter.
const SYSTEM_HOME: &str = "/var/lib/chartroom";

#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) data_dir: PathBuf,
    home: PathBuf,
}

/// Held as long as a server may be using the directory; the kernel lets go of it however we end.
#[derive(Debug)]
pub(super) struct DataDirLock(File);

impl Drop for DataDirLock {
    /// Closing is not enough while a child that another thread is just starting has a copy of the
    /// descriptor.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Layout {
    pub(super) async fn open(
        data_dir: &Path,
        account: Account,
    ) -> Result<(Self, DataDirLock), EmbeddedError> {
        // PostgreSQL's account has to pass through it, but not to look around.
        let mode = if account.differs() { 0o711 } else { 0o700 };
        make_dir(data_dir, mode)?;
        // Absolute, because PostgreSQL's programs run elsewhere.
        let data_dir =
            fs::canonicalize(data_dir).map_err(EmbeddedError::io("resolve", data_dir))?;
        let lock = lock(&data_dir).await?;
        let home = home(&data_dir, account)?;
        Ok((Self { data_dir, home }, lock))
    }

    pub(super) fn pgdata(&self) -> PathBuf {
        self.home.join("pgdata")
    }

    /// A new name each time: the initdb of a run that was just killed empties its directory before
    /// it ends.
    pub(super) fn staging(&self) -> PathBuf {
        self.home
            .join(format!("{STAGING}{}", Uuid::new_v4().simple()))
    }

    /// Removes what interrupted first uses left. What is still being written to goes at the next
    /// start.
    pub(super) fn sweep_staging(&self) {
        for entry in fs::read_dir(&self.home)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                let path = entry.path();
                let _ = if path.is_dir() {
                    fs::remove_dir_all(&path)
                } else {
                    fs::remove_file(&path)
                };
            }
        }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Where the socket goes; made, and open to `account` and us only.
    pub(super) fn socket_dir(&self, account: Account) -> Result<SocketDir, EmbeddedError> {
        let usual = self.home.join("run");
        let too_long = |dir: &Path| {
            dir.as_os_str().as_bytes().len() + format!("/.s.PGSQL.{PORT}").len() > SOCKET_PATH_MAX
        };
        let mut socket_dir = SocketDir {
            path: usual,
            temporary: false,
        };
        if too_long(&socket_dir.path) {
            let name = format!("chartroom-{}", Uuid::new_v4().simple());
            let temp = Some(std::env::temp_dir())
                .filter(|temp| !too_long(&temp.join(&name)) && account.barred_at(temp).is_none());
            socket_dir = SocketDir {
                path: temp.unwrap_or_else(|| PathBuf::from("/tmp")).join(name),
                temporary: true,
            };
            self.forget_socket_dir(account);
            let note = self.socket_note();
            write_private(&note, &socket_dir.path.to_string_lossy())
                .map_err(EmbeddedError::io("write", &note))?;
        }
        make_dir(&socket_dir.path, 0o700)?;
        open_itself(File::options().read(true), &socket_dir.path)
            .and_then(|folder| account.give(&folder, 0o700))
            .map_err(EmbeddedError::io("hand over", &socket_dir.path))?;
        Ok(socket_dir)
    }

    fn socket_note(&self) -> PathBuf {
        self.data_dir.join("socket-location")
    }

    /// A killed run could not remove its temporary directory.
    fn forget_socket_dir(&self, account: Account) {
        let old = read_note(&self.socket_note())
            .map(|(text, _note)| PathBuf::from(text.trim_end_matches('\n')))
            .unwrap_or_default();
        let ours = old
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("chartroom-"));
        let is_its_own = |found: fs::Metadata| found.is_dir() && account.owns(&found);
        if ours && fs::symlink_metadata(&old).is_ok_and(is_its_own) {
            let _ = fs::remove_dir_all(&old);
        }
    }

    /// The stored password, and whether it had to be made just now.
    pub(super) fn password(&self) -> Result<(SecretString, bool), EmbeddedError> {
        let path = self.data_dir.join("password");
        match read_note(&path) {
            Ok((text, _note)) if !text.trim().is_empty() => return Ok((text.trim().into(), false)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::io("read", &path)(error));
            }
            _missing_or_cut_short => {}
        }
        // 244 random bits, and nothing in them that would need quoting anywhere.
        let password = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        write_private(&path, &password).map_err(EmbeddedError::io("write", &path))?;
        Ok((password.into(), true))
    }

    /// The server's log, opened for appending, moved aside when it has grown large.
    pub(super) fn open_log(&self) -> Result<File, EmbeddedError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_MAX) {
            fs::rename(&path, self.home.join("postgres.log.1"))
                .map_err(EmbeddedError::io("rename", &path))?;
        }
        open_itself(File::options().append(true).create(true).mode(0o600), &path)
            .map_err(EmbeddedError::io("open", &path))
    }

    /// The last lines written to the log since it was `from` bytes long.
    pub(super) fn log_tail(&self, from: u64) -> String {
        const MOST: u64 = 1500;
        let read = || -> io::Result<Vec<u8>> {
            let mut file = open_itself(File::options().read(true), &self.log())?;
            let len = file.metadata()?.len();
            file.seek(SeekFrom::Start(from.max(len.saturating_sub(MOST))))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().replace('\n', " | ")
    }
}

/// A socket directory outside the data directory goes away with the server.
#[derive(Debug)]
pub(super) struct SocketDir {
    pub(super) path: PathBuf,
    temporary: bool,
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

async fn lock(data_dir: &Path) -> Result<DataDirLock, EmbeddedError> {
    let path = data_dir.join("lock");
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let mut file = open_itself(&mut options, &path).map_err(EmbeddedError::io("open", &path))?;
    let deadline = Instant::now() + LOCK_GRACE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                sleep(LOCK_GRACE / 10).await
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may be between locking and writing its pid; the refusal stands without
                // it.
                let _ = file.read_to_string(&mut holder);
                return Err(EmbeddedError::AlreadyRunning {
                    pid: holder.trim().parse().ok(),
                    data_dir: data_dir.to_owned(),
                });
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(EmbeddedError::io("lock", &path)(error));
            }
        }
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(EmbeddedError::io("write", &path))?;
    Ok(DataDirLock(file))
}

/// The data directory itself, unless PostgreSQL's account cannot get there (root's home is closed
/// on most systems).
fn home(data_dir: &Path, account: Account) -> Result<PathBuf, EmbeddedError> {
    let note = data_dir.join("location");
    match read_note(&note) {
        // Root made it, or it is somebody's who would have root make and give away folders of his
        // choice.
        Ok((_text, found)) if account.differs() && found.uid() != 0 => {
            let whose = io::Error::other("root starts chartroom, but did not write it; remove it");
            return Err(EmbeddedError::io("trust", &note)(whose));
        }
        Ok((text, _found)) => {
            let home = PathBuf::from(text.trim_end_matches('\n'));
            make_dir(&home, 0o711)?;
            return Ok(home);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(EmbeddedError::io("read", &note)(error)),
    }
    let Some(barred) = account
        .barred_at(data_dir)
        .filter(|_| !data_dir.join("pgdata").exists())
    else {
        return Ok(data_dir.to_owned());
    };
    // A name of its own rather than one derived from the path: who deletes the data directory wants
    // to start afresh, and who moves it wants to keep the data.
    let system = Path::new(SYSTEM_HOME);
    let home = system.join(Uuid::new_v4().simple().to_string());
    make_dir(system, 0o755)?;
    make_dir(&home, 0o711)?;
    let origin = home.join("belongs-to");
    fs::write(&origin, data_dir.as_os_str().as_bytes())
        .map_err(EmbeddedError::io("write", &origin))?;
    write_private(&note, &home.to_string_lossy()).map_err(EmbeddedError::io("write", &note))?;
    tracing::info!(
        "PostgreSQL cannot run as root, and the account it runs as may not enter {}: its files are kept in {} instead",
        barred.display(),
        home.display()
    );
    Ok(home)
}

/// With `mode` whatever the umask, where it is ours to make; left as it is where it exists.
fn make_dir(path: &Path, mode: u32) -> Result<(), EmbeddedError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(EmbeddedError::io("create", parent))?;
    }
    fs::DirBuilder::new()
        .mode(mode)
        .create(path)
        .and_then(|()| open_itself(File::options().read(true), path))
        .and_then(|folder| folder.set_permissions(Permissions::from_mode(mode)))
        .map_err(EmbeddedError::io("create", path))
}

/// A small text that `write_private` wrote, and whose it is.
fn read_note(path: &Path) -> io::Result<(String, fs::Metadata)> {
    /// Longer than any path.
    const MOST: u64 = 8192;
    let file = open_itself(File::options().read(true), path)?;
    let found = file.metadata()?;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok((text, found))
}

/// Complete or not there at all, and never readable by others.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("new");
    let _ = fs::remove_file(&partial);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&partial, path)
}
