//! Which PostgreSQL to run: the one asked for, one installed on this machine, or a fetched one.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::Options;
use super::account::Account;
use super::error::EmbeddedError;

/// Major versions the service is tested with.
pub(super) const SUPPORTED: RangeInclusive<u32> = 15..=18;

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Where packages put PostgreSQL without putting it on PATH. One `*` stands for anything inside one
/// path component.
const USUAL_PLACES: [&str; 12] = [
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                                   // PGDG packages for Fedora and RHEL
    "/usr/libexec/postgresql*",                           // Alpine
    "/usr/lib/postgresql*/bin",                           // openSUSE
    "/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
    "/opt/local/lib/postgresql*/bin",                     // MacPorts
    "/Library/PostgreSQL/*/bin",                          // EDB installer
    "/usr/local/pgsql/bin",                               // built from source
    "/usr/bin",                                           // where PATH was emptied
];

/// A complete PostgreSQL of a known version.
#[derive(Debug, Clone)]
pub(super) struct Install {
    pub(super) bin_dir: PathBuf,
    pub(super) major: u32,
}

impl Install {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// Runs `postgres --version`, so a build for another machine or with libraries missing is
    /// noticed here. As the account that will run the server: the folder may be anybody's.
    pub(super) fn probe(bin_dir: &Path, account: Account) -> Result<Self, String> {
        if let Some(missing) = PROGRAMS.iter().find(|name| !bin_dir.join(name).is_file()) {
            return Err(format!("there is no {missing} in it"));
        }
        let output = account
            .command(&bin_dir.join("postgres"))
            .arg("--version")
            .as_std_mut()
            .output()
            .map_err(|error| format!("its postgres does not start: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = parse_major(&text).ok_or_else(|| {
            format!(
                "its postgres does not tell its version: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )
        })?;
        Ok(Self {
            bin_dir: bin_dir.to_owned(),
            major,
        })
    }

    fn describe(&self) -> String {
        format!("PostgreSQL {} in {}", self.major, self.bin_dir.display())
    }
}

/// `existing` is the major version of the database that is already there, which nothing else can
/// open.
pub(super) async fn find(
    options: &Options,
    account: Account,
    existing: Option<(PathBuf, u32)>,
) -> Result<Install, EmbeddedError> {
    let wanted = existing.as_ref().map(|(_, major)| *major);
    let fits = |install: &Install| {
        SUPPORTED.contains(&install.major) && wanted.is_none_or(|major| install.major == major)
    };
    let other_major = |found: Vec<String>| {
        existing
            .clone()
            .map(|(pgdata, has)| EmbeddedError::OtherMajor {
                pgdata,
                has: has.to_string(),
                found,
            })
    };

    if let Some(bin_dir) = &options.bin_dir {
        let refuse = |problem: String| EmbeddedError::BinDir {
            bin_dir: bin_dir.clone(),
            problem,
        };
        if let Some(dir) = account.barred_at(bin_dir) {
            return Err(refuse(format!(
                "the account PostgreSQL has to run as may not enter {}",
                dir.display()
            )));
        }
        let install = Install::probe(bin_dir, account).map_err(refuse)?;
        if !SUPPORTED.contains(&install.major) {
            return Err(refuse(format!("that is PostgreSQL {}", install.major)));
        }
        if !fits(&install) {
            return Err(other_major(vec![install.describe()])
                .unwrap_or_else(|| refuse("its version does not fit".to_owned())));
        }
        return Ok(install);
    }

    let installed = if options.hide_installed {
        Vec::new()
    } else {
        installed(account)
    };
    let found: Vec<String> = installed.iter().map(Install::describe).collect();
    // The first of the newest: PATH comes before the usual places.
    let best = installed
        .into_iter()
        .filter(fits)
        .reduce(|best, next| if next.major > best.major { next } else { best });
    if let Some(install) = best {
        return Ok(install);
    }
    fetched(options, account, wanted, found, other_major).await
}

#[cfg(feature = "fetch")]
async fn fetched(
    options: &Options,
    account: Account,
    wanted: Option<u32>,
    found: Vec<String>,
    other_major: impl Fn(Vec<String>) -> Option<EmbeddedError>,
) -> Result<Install, EmbeddedError> {
    if wanted.is_some_and(|major| major != super::fetch::MAJOR)
        && let Some(error) = other_major(found.clone())
    {
        return Err(error);
    }
    super::fetch::install(options, account, found).await
}

#[cfg(not(feature = "fetch"))]
#[expect(
    clippy::unused_async,
    reason = "the same signature as with the download compiled in"
)]
async fn fetched(
    _options: &Options,
    _account: Account,
    _wanted: Option<u32>,
    found: Vec<String>,
    other_major: impl Fn(Vec<String>) -> Option<EmbeddedError>,
) -> Result<Install, EmbeddedError> {
    let reason = "this build of chartroom cannot download one".to_owned();
    Err(other_major(found.clone()).unwrap_or(EmbeddedError::NotInstalled { reason, found }))
}

/// Everything that works, PATH first. Broken ones are skipped, they are not ours to repair.
fn installed(account: Account) -> Vec<Install> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut seen = Vec::new();
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .chain(USUAL_PLACES.iter().flat_map(|pattern| expand(pattern)))
        .filter_map(|dir| {
            // PATH often has links: the real folder is where PostgreSQL looks for its own files.
            let real = fs::canonicalize(dir.join("postgres"))
                .ok()?
                .parent()?
                .to_owned();
            if seen.contains(&real) || account.barred_at(&real).is_some() {
                return None;
            }
            seen.push(real.clone());
            Install::probe(&real, account)
                .or_else(|_broken| Install::probe(&dir, account))
                .ok()
        })
        .collect()
}

/// `pattern` with its one `*` replaced by what is there.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut dirs: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .filter(|dir| dir.is_dir())
        .collect();
    dirs.sort();
    dirs
}

/// From `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`, also `18beta1`.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_packagers_spelling() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("pg_ctl: command not found"), None);
    }

    #[test]
    fn a_pattern_without_a_match_is_no_place() {
        assert!(expand("/nonexistent-place/*/bin").is_empty());
        assert_eq!(
            expand("/usr/local/pgsql/bin"),
            [PathBuf::from("/usr/local/pgsql/bin")]
        );
    }
}
