//! Which OS account PostgreSQL runs as: ours, or an unprivileged one when we are root, which PostgreSQL refuses.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;
use tokio::process::Command;

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

    /// A database that is already there belongs to an account, and PostgreSQL insists on running as that one: root may
    /// start what an ordinary user had created.
    pub(super) fn owning(self, pgdata: &Path) -> Self {
        match (self.0, fs::metadata(pgdata)) {
            (Some(_), Ok(found)) if found.uid() != 0 => Self(Some(Ids {
                uid: found.uid(),
                gid: found.gid(),
            })),
            _ => self,
        }
    }

    pub(super) fn differs(self) -> bool {
        self.0.is_some()
    }

    /// A command that runs as this account, with nothing inherited that PostgreSQL's programs would listen to, in a
    /// process group of its own: a Ctrl-C in the terminal is for us to act on, once requests have drained.
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

    /// Makes `path` this account's own and closed to everybody else.
    pub(super) fn give(self, path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        match self.0 {
            Some(Ids { uid, gid }) => chown(path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    /// The first directory on the way to `path` (itself included, as far as it exists) that this account may not enter.
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

/// The kernel tells a socket's peer who made it. That needs no unsafe code and, unlike the owner of a file we create, is
/// not remapped by network and container file systems.
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
