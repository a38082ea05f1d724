//! What can go wrong with the private PostgreSQL, said to the person who has to fix it.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use super::install::SUPPORTED;

/// Every message is one paragraph that ends in what to do; it needs no error chain to be
/// understood.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "the data directory {} is in use by another chartroom process{}; stop that one, or give this one a data directory \
         of its own with CHARTROOM_DATA_DIR",
        data_dir.display(), with_pid(*pid)
    )]
    AlreadyRunning { pid: Option<u32>, data_dir: PathBuf },

    #[error(
        "no usable PostgreSQL was found{}: {reason}. {}",
        besides(found),
        how_to_install()
    )]
    NotInstalled { reason: String, found: Vec<String> },

    #[error(
        "CHARTROOM_EMBEDDED_BIN_DIR is {}, but {problem}; it must be the folder that holds initdb, pg_ctl and postgres of \
         a PostgreSQL {} to {}",
        bin_dir.display(), SUPPORTED.start(), SUPPORTED.end()
    )]
    BinDir { bin_dir: PathBuf, problem: String },

    #[error(
        "the database in {} was made by PostgreSQL {has}, and its files can only be opened by that version{}; install \
         PostgreSQL {has} or point CHARTROOM_EMBEDDED_BIN_DIR at its bin folder, or dump the database with version {has} \
         and start again with an empty CHARTROOM_DATA_DIR",
        pgdata.display(), besides(found)
    )]
    OtherMajor {
        pgdata: PathBuf,
        has: String,
        found: Vec<String>,
    },

    #[error(
        "what came from {url} is not the PostgreSQL build this version of chartroom was made for (SHA-256 {got}, expected \
         {expected}), so it was thrown away; a proxy in between may have answered in its place. Try again, or do without \
         the download. {}",
        how_to_install()
    )]
    Checksum {
        url: String,
        expected: String,
        got: String,
    },

    #[error(
        "PostgreSQL refuses to run as root, and this system has neither an account \"postgres\" nor \"nobody\" to run it as; \
         start chartroom as an ordinary user, create such an account, or set CHARTROOM_DATABASE_URL to an existing database"
    )]
    NoAccount,

    #[error("PostgreSQL could not prepare its database files in {}: {output}. Nothing is left half made: start again when \
         the cause is solved", path.display())]
    Initdb { path: PathBuf, output: String },

    #[error("the private PostgreSQL {what}; its log is {}, and ends with: {tail}", log.display())]
    Failed {
        what: String,
        log: PathBuf,
        tail: String,
    },

    #[error("cannot {doing} {}: {error}{}", path.display(), what_to_do(error))]
    Io {
        doing: &'static str,
        path: PathBuf,
        error: io::Error,
    },
}

impl EmbeddedError {
    /// For `map_err` on file operations.
    pub(super) fn io(
        doing: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |error| Self::Io { doing, path, error }
    }
}

/// For the causes that have a usual reason.
fn what_to_do(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; if it belongs to another account (root, after a first start as root), run chartroom as that one, or choose \
             another CHARTROOM_DATA_DIR"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room on that file system and start again"
        }
        io::ErrorKind::Unsupported => {
            "; that file system cannot do it: put CHARTROOM_DATA_DIR on a local one"
        }
        _ => "",
    }
}

fn with_pid(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

fn besides(found: &[String]) -> String {
    if found.is_empty() {
        String::new()
    } else {
        format!(" (found: {})", found.join(", "))
    }
}

/// The way out for every system we document; printed whole, because the reader may be on another
/// machine's terminal.
fn how_to_install() -> String {
    let mut text = format!(
        "Install PostgreSQL {} to {}: ",
        SUPPORTED.start(),
        SUPPORTED.end()
    );
    let newest = SUPPORTED.end();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "`sudo apt-get install postgresql` on Debian or Ubuntu, `sudo dnf install postgresql-server` on Fedora, \
         `brew install postgresql@{newest}` on macOS. Or set CHARTROOM_DATABASE_URL to an existing database, \
         CHARTROOM_EMBEDDED_BIN_DIR to the bin folder of a PostgreSQL elsewhere on this machine"
    );
    if cfg!(feature = "fetch") {
        text.push_str(", or CHARTROOM_EMBEDDED_DOWNLOAD=true to let chartroom fetch one");
    }
    text.push('.');
    text
}
