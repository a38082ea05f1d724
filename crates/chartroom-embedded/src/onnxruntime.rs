//! The library of ONNX Runtime: the one asked for, else a pinned one that is fetched once.

use std::io;
use std::path::{Path, PathBuf};

/// The version of Python's package that models are compared with in the tests.
pub const VERSION: &str = "1.32.0";

/// Every message is a paragraph that ends in what to do.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error(
        "CHARTROOM_ONNXRUNTIME is {}, but no file is there; it must be the library of ONNX Runtime, such as \
         libonnxruntime.so.{VERSION} of Python's package onnxruntime",
        .0.display()
    )]
    NotThere(PathBuf),
    #[error("there is no library of ONNX Runtime, {reason}. {}", how_to())]
    Absent { reason: String },
    #[error(
        "what came from {url} is not the ONNX Runtime that this version of chartroom was made for (SHA-256 {got}, expected \
         {expected}), so it was thrown away; a proxy in between may have answered in its place. {}",
        how_to()
    )]
    Checksum {
        url: String,
        expected: &'static str,
        got: String,
    },
    #[error("cannot {doing} {}: {error}; choose another CHARTROOM_EMBEDDED_CACHE_DIR, or {}", path.display(), how_to())]
    Io {
        doing: &'static str,
        path: PathBuf,
        error: io::Error,
    },
}

fn how_to() -> String {
    format!(
        "Set CHARTROOM_ONNXRUNTIME to one: `pip download --no-deps onnxruntime=={VERSION}` fetches a file of zip with it"
    )
}

/// Beside the one of PostgreSQL.
pub fn default_cache_dir() -> PathBuf {
    crate::default_cache_dir().with_file_name("onnxruntime")
}

/// `configured` if it is there, else the pinned one in the folder, which is fetched if it may be.
pub async fn library(
    configured: Option<&Path>,
    cache_dir: &Path,
    may_fetch: bool,
) -> Result<PathBuf, LibraryError> {
    library_from(None, configured, cache_dir, may_fetch).await
}

/// As [`library`], from a mirror of where PyPI keeps its files. What comes is verified either way.
pub async fn library_from(
    mirror: Option<&str>,
    configured: Option<&Path>,
    cache_dir: &Path,
    may_fetch: bool,
) -> Result<PathBuf, LibraryError> {
    match configured {
        Some(path) if path.is_file() => Ok(path.to_owned()),
        Some(path) => Err(LibraryError::NotThere(path.to_owned())),
        None => pinned(mirror, cache_dir, may_fetch).await,
    }
}

#[cfg(not(feature = "fetch"))]
#[expect(
    clippy::unused_async,
    reason = "the same signature as with the download compiled in"
)]
async fn pinned(
    _mirror: Option<&str>,
    _cache_dir: &Path,
    _may_fetch: bool,
) -> Result<PathBuf, LibraryError> {
    let reason = "and this build of chartroom cannot download one".to_owned();
    Err(LibraryError::Absent { reason })
}

#[cfg(feature = "fetch")]
use fetched::pinned;

#[cfg(feature = "fetch")]
mod fetched {
    use std::fs;
    use std::io::{self, Cursor};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use super::{LibraryError, VERSION};
    use crate::download::{download, lock, sha256};

    const FILES: &str = "https://files.pythonhosted.org/packages";
    const TOTAL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
    /// What is being written has another name until it is whole.
    const PART: &str = "part";

    /// The image of the runner is made by the same table.
    const BUILDS: &str = include_str!("../onnxruntime.txt");

    /// One line of the table.
    struct Build {
        size: usize,
        sha256: &'static str,
        library: &'static str,
        path: &'static str,
    }

    impl Build {
        fn of(os: &str, arch: &str) -> Option<Self> {
            let lines = BUILDS.lines().filter(|line| !line.starts_with('#'));
            let mut builds = lines.map(|line| line.split(' ').collect::<Vec<_>>());
            builds.find_map(|words| match words.as_slice() {
                [for_os, for_arch, size, sha256, library, path]
                    if (*for_os, *for_arch) == (os, arch) =>
                {
                    let size = size.parse().ok()?;
                    Some(Self {
                        size,
                        sha256,
                        library,
                        path,
                    })
                }
                _ => None,
            })
        }
    }

    /// From the folder if it is there, whatever the setting about downloads says.
    pub(super) async fn pinned(
        mirror: Option<&str>,
        cache_dir: &Path,
        may_fetch: bool,
    ) -> Result<PathBuf, LibraryError> {
        let absent = |reason: String| LibraryError::Absent { reason };
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let build = Build::of(os, arch)
            .ok_or_else(|| absent(format!("and there is none to download for {os} on {arch}")))?;
        let target = cache_dir.join(build.library);
        if target.is_file() {
            return Ok(target);
        }
        if !may_fetch {
            let forbidden = "and CHARTROOM_EMBEDDED_DOWNLOAD forbids fetching one";
            return Err(absent(forbidden.to_owned()));
        }
        let work = fetch(&build, mirror.unwrap_or(FILES), cache_dir, &target);
        let late = |_elapsed| {
            let minutes = TOTAL_TIMEOUT.as_secs() / 60;
            Err(absent(format!(
                "and fetching one took more than {minutes} minutes"
            )))
        };
        tokio::time::timeout(TOTAL_TIMEOUT, work)
            .await
            .unwrap_or_else(late)?;
        Ok(target)
    }

    async fn fetch(
        build: &Build,
        base: &str,
        cache_dir: &Path,
        target: &Path,
    ) -> Result<(), LibraryError> {
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |error| LibraryError::Io { doing, path, error }
        };
        fs::create_dir_all(cache_dir).map_err(io("make the folder", cache_dir))?;
        let path = cache_dir.join("lock");
        let _lock = lock(&path).await.map_err(io("lock", &path))?;
        // Another process was first.
        if target.is_file() {
            return Ok(());
        }
        let url = format!("{}/{}", base.trim_end_matches('/'), build.path);
        let title = format!("ONNX Runtime {VERSION}");
        let wheel = download(&title, &url, build.size).await;
        let wheel = wheel.map_err(|problem| LibraryError::Absent {
            reason: format!("and fetching {url} failed: {problem}"),
        })?;
        let got = sha256(&wheel);
        if got != build.sha256 {
            return Err(LibraryError::Checksum {
                url,
                expected: build.sha256,
                got,
            });
        }
        let (library, to) = (build.library, target.to_owned());
        let unpacking = tokio::task::spawn_blocking(move || unpack(&wheel, library, &to));
        let unpacked = unpacking.await.map_err(io::Error::other).flatten();
        unpacked.map_err(io("write", target))
    }

    /// Written beside its place and renamed, so that no reader ever sees half of it.
    fn unpack(wheel: &[u8], name: &str, target: &Path) -> io::Result<()> {
        let mut zip = zip::ZipArchive::new(Cursor::new(wheel))?;
        let mut library = zip.by_name(&format!("onnxruntime/capi/{name}"))?;
        let part = target.with_extension(PART);
        let mut file = fs::File::create(&part)?;
        io::copy(&mut library, &mut file)?;
        file.sync_all()?;
        fs::rename(&part, target)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn each_line_of_the_table_is_a_build_of_this_version() {
            let lines = BUILDS.lines().filter(|line| !line.starts_with('#'));
            let platforms: Vec<_> = lines.filter_map(|it| it.split_once(' ')).collect();
            assert_eq!(platforms.len(), 3);
            for (os, rest) in platforms {
                let (arch, _) = rest.split_once(' ').unwrap();
                let build = Build::of(os, arch).unwrap();
                assert!(build.path.contains(&format!("/onnxruntime-{VERSION}-")));
                assert!(build.library.contains(VERSION));
                assert_eq!(build.sha256.len(), 64);
            }
            assert!(Build::of("plan9", "x86_64").is_none());
        }
    }
}
