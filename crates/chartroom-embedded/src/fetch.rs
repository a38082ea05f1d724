//! Fetches the one PostgreSQL build this version of chartroom is pinned to, for machines that have
//! none.

use std::fs;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::account::Account;
use super::download::{download, lock, sha256};
use super::error::EmbeddedError;
use super::install::Install;
use super::{Options, SYSTEM_CACHE_DIR};

const VERSION: &str = "18.6.0";
pub(super) const MAJOR: u32 = 18;

const MAVEN_CENTRAL: &str = "https://repo1.maven.org/maven2";

const TOTAL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// A build of the zonky project, as published on Maven Central. Moving VERSION means fetching each
/// once and pinning anew.
struct Build {
    os: &'static str,
    arch: &'static str,
    name: &'static str,
    size: usize,
    sha256: &'static str,
}

const BUILDS: [Build; 4] = [
    Build {
        os: "linux",
        arch: "x86_64",
        name: "linux-amd64",
        size: 15_119_738,
        sha256: "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1",
    },
    Build {
        os: "linux",
        arch: "aarch64",
        name: "linux-arm64v8",
        size: 14_142_322,
        sha256: "5f54e016723afa6213925a8acb939bac52944b1d348f65c7a20f0cd2928c31be",
    },
    Build {
        os: "macos",
        arch: "x86_64",
        name: "darwin-amd64",
        size: 71_185_174,
        sha256: "690941008aac9ee360820fde9bb7870a4f3dcac5e9e2f9e45e42333a436ad0f9",
    },
    Build {
        os: "macos",
        arch: "aarch64",
        name: "darwin-arm64v8",
        size: 71_185_174,
        sha256: "8f6ed6f38195b50a40712ada8b2a12060b6193c1a6977a6eb5cff053bb5a1b89",
    },
];

/// From the cache if it is there, whatever the setting about downloads says.
pub(super) async fn install(
    options: &Options,
    account: Account,
    found: Vec<String>,
) -> Result<Install, EmbeddedError> {
    let refuse = |reason: String| EmbeddedError::NotInstalled {
        reason,
        found: found.clone(),
    };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let build = BUILDS
        .iter()
        .find(|build| build.os == os && build.arch == arch)
        .ok_or_else(|| refuse(format!("there is none to download for {os} on {arch}")))?;

    // The system's folder only where the chosen one is closed to the account that has to run what
    // is in it.
    let closed = account.barred_at(&options.cache_dir).is_some();
    let cache = if closed {
        PathBuf::from(SYSTEM_CACHE_DIR)
    } else {
        options.cache_dir.clone()
    };
    let target = cache.join(format!("postgresql-{VERSION}-{}", build.name));
    if let Ok(install) = Install::probe(&target.join("bin"), account) {
        return Ok(install);
    }
    if !options.download {
        return Err(refuse(
            "and CHARTROOM_EMBEDDED_DOWNLOAD forbids fetching one".to_owned(),
        ));
    }

    make_cache(&cache).map_err(|error| {
        refuse(format!(
            "and there is no place for a fetched one, CHARTROOM_EMBEDDED_CACHE_DIR {}: {error}",
            cache.display()
        ))
    })?;
    let base = options
        .mirror
        .as_deref()
        .unwrap_or(MAVEN_CENTRAL)
        .trim_end_matches('/');
    let artifact = format!("embedded-postgres-binaries-{}", build.name);
    let url =
        format!("{base}/io/zonky/test/postgres/{artifact}/{VERSION}/{artifact}-{VERSION}.jar");

    let work = async {
        let path = cache.join("lock");
        let _lock = lock(&path)
            .await
            .map_err(EmbeddedError::io("lock", &path))?;
        if let Ok(install) = Install::probe(&target.join("bin"), account) {
            return Ok(install);
        }
        let title = format!("PostgreSQL {VERSION}");
        let jar = download(&title, &url, build.size)
            .await
            .map_err(|problem| refuse(format!("fetching {url} failed: {problem}")))?;
        let got = sha256(&jar);
        if got != build.sha256 {
            return Err(EmbeddedError::Checksum {
                url: url.clone(),
                expected: build.sha256.to_owned(),
                got,
            });
        }
        let unpacking = tokio::task::spawn_blocking({
            let (cache, target) = (cache.clone(), target.clone());
            move || unpack(&jar, &cache, &target)
        });
        match unpacking.await {
            Ok(unpacked) => {
                unpacked.map_err(EmbeddedError::io("unpack PostgreSQL into", &target))?
            }
            Err(stopped) => return Err(refuse(format!("unpacking it failed: {stopped}"))),
        }
        Install::probe(&target.join("bin"), account).map_err(|problem| {
            refuse(format!(
                "the fetched one in {} does not run on this machine: {problem}",
                target.display()
            ))
        })
    };
    tokio::time::timeout(TOTAL_TIMEOUT, work)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(refuse(format!(
                "fetching {url} took more than {} minutes",
                TOTAL_TIMEOUT.as_secs() / 60
            )))
        })
}

/// There is nothing private in it, and a strict umask must not close it to the account that has to
/// run what it holds.
fn make_cache(cache: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = cache
        .ancestors()
        .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
        .collect();
    fs::create_dir_all(cache)?;
    missing.into_iter().try_for_each(open_to_all)
}

fn open_to_all(dir: &Path) -> std::io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
}

/// The archive has no entries for some of its directories: those were made with whatever the umask
/// left.
fn open_tree(dir: &Path) -> std::io::Result<()> {
    open_to_all(dir)?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// The jar is a zip around one tar.xz. Unpacked beside its place and renamed, so that no reader
/// ever sees half of it.
fn unpack(jar: &[u8], cache: &Path, target: &Path) -> std::io::Result<()> {
    const PREFIX: &str = "unpacking-";
    // We hold the lock, so these are of runs that were killed.
    for entry in fs::read_dir(cache)?.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    let mut zip = zip::ZipArchive::new(Cursor::new(jar))?;
    let mut xz = Vec::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index)?;
        if file.name().is_ok_and(|name| name.ends_with(".txz")) {
            file.read_to_end(&mut xz)?;
        }
    }
    let staging = cache.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir(&staging)?;
    let mut tar = tar::Archive::new(liblzma::read::XzDecoder::new(xz.as_slice()));
    tar.set_preserve_permissions(true);
    tar.unpack(&staging)?;
    open_tree(&staging)?;
    if target.exists() {
        // It was there and did not work, else it would have been used.
        fs::remove_dir_all(target)?;
    }
    fs::rename(&staging, target)
}
