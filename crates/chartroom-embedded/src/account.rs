//! Which OS account PostgreSQL runs as: ours, or an unprivileged one when we are root, which
//! PostgreSQL refuses.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::error::EmbeddedError;

/// In the order tried; `_postgres` is the name macOS ships.
const CANDIDATES: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// `None` inside means: no change of account needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account(Option<Ids>);

#[derive(Debug, Clone, Copy)]
struct Ids {
    uid: u32,
    gid: u32,
}

impl Account {
    pub(super) fn choose() -> Result<Self, EmbeddedError> {
        let uid =
            effective_uid().map_err(EmbeddedError::io("ask for the user id of", "this process"))?;
        if uid != 0 {
            return Ok(Self(None));
        }
        let passwd = Path::new("/etc/passwd");
        let text = fs::read_to_string(passwd).map_err(EmbeddedError::io("read", passwd))?;
        let ids = CANDIDATES
            .iter()
            .find_map(|name| find_ids(&text, name))
            .ok_or(EmbeddedError::NoAccount)?;
        Ok(Self(Some(ids)))
    }

    /// A database that is already there belongs to an account, and PostgreSQL insists on running as
    /// that one: root may start what an ordinary user had created. A link counts as its maker's,
    /// unless root made it.
    pub(super) fn owning(self, pgdata: &Path) -> Self {
        let owner = fs::symlink_metadata(pgdata)
            .ok()
            .filter(|found| found.uid() != 0)
            .or_else(|| fs::metadata(pgdata).ok());
        match (self.0, owner) {
            (Some(_), Some(found)) if found.uid() != 0 => Self(Some(Ids {
                uid: found.uid(),
                gid: found.gid(),
            })),
            _ => self,
        }
    }

    pub(super) fn differs(self) -> bool {
        self.0.is_some()
    }

    pub(super) fn owns(self, found: &Metadata) -> bool {
        self.0.is_none_or(|ids| ids.uid == found.uid())
    }

    /// A command that runs as this account, with nothing inherited that PostgreSQL's programs would
    /// listen to, in a process group of its own: a Ctrl-C in the terminal is for us to act on, once
    /// requests have drained.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir("/").process_group(0);
        if let Some(Ids { uid, gid }) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs a program as this account to its end. What belongs to the account is read and changed
    /// this way: a link that was put there leads only to what the account may do anyway, and a pipe
    /// keeps nobody waiting.
    pub(super) async fn run(
        self,
        program: &str,
        arguments: &[&OsStr],
        patience: Duration,
    ) -> io::Result<Output> {
        let mut command = self.command(Path::new(program));
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(patience, command.output()).await;
        output.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Makes a file or folder this account's own and closed to everybody else.
    pub(super) fn give(self, file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        match self.0 {
            Some(Ids { uid, gid }) => fchown(file, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    /// The first directory on the way to `path` (itself included, as far as it exists) that this
    /// account may not enter.
    pub(super) fn barred_at(self, path: &Path) -> Option<PathBuf> {
        let ids = self.0?;
        let real = path
            .ancestors()
            .find_map(|known| fs::canonicalize(known).ok())?;
        let mut ancestors: Vec<&Path> = real.ancestors().collect();
        ancestors.reverse();
        ancestors
            .into_iter()
            .find(|dir| fs::metadata(dir).is_ok_and(|found| !may_search(ids, &found)))
            .map(Path::to_owned)
    }
}

/// Opens what is at `path` itself, and nothing that a link there names. The data directory may
/// belong to an account that root must not do favours, and what root opens, gives away or writes to
/// has to be what it is called.
pub(super) fn open_itself(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let opened = options
        // A pipe would otherwise wait for its other end.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other(
            "it is a link, and chartroom follows none in its data directory; remove it and start again",
        ),
        _ => error,
    })
}

/// Mode bits only: where an access list says otherwise, the fallback places still work.
fn may_search(ids: Ids, found: &fs::Metadata) -> bool {
    let bit = if found.uid() == ids.uid {
        0o100
    } else if found.gid() == ids.gid {
        0o010
    } else {
        0o001
    };
    !found.is_dir() || found.mode() & bit != 0
}

/// The kernel tells a socket's peer who made it. That needs no unsafe code and, unlike the owner of
/// a file we create, is not remapped by network and container file systems.
fn effective_uid() -> io::Result<u32> {
    let (ours, _theirs) = UnixStream::pair()?;
    Ok(ours.peer_cred()?.uid())
}

fn find_ids(passwd: &str, name: &str) -> Option<Ids> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        let gid: u32 = fields.next()?.parse().ok()?;
        (uid != 0).then_some(Ids { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_exact_name_and_never_root() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgresql:x:9:9::/:/bin/sh\nnobody:*:-2:-2::/:/bin/false\n\
                      postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\nroguenobody:x:0:0::/:/bin/sh\n";
        let found = find_ids(passwd, "postgres").map(|ids| (ids.uid, ids.gid));
        assert_eq!(found, Some((101, 104)));
        assert!(
            find_ids(passwd, "nobody").is_none(),
            "a negative id is no account"
        );
        assert!(find_ids(passwd, "roguenobody").is_none());
    }
}
