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

    /// A wheel of PyPI. Maven Central lacks this version, and a file there is for all platforms.
    /// Moving VERSION means to pin each anew, and the package in tests/model-libraries.
    struct Build {
        os: &'static str,
        arch: &'static str,
        path: &'static str,
        library: &'static str,
        size: usize,
        sha256: &'static str,
    }

    const BUILDS: [Build; 3] = [
        Build {
            os: "linux",
            arch: "x86_64",
            path: "1d/46/e6f356c9539d2eed44126de3421a81e217da2ad91b22dc11b379cb1e384f/\
                   onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl",
            library: "libonnxruntime.so.1.32.0",
            size: 27_773_237,
            sha256: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
        },
        Build {
            os: "linux",
            arch: "aarch64",
            path: "b7/30/103820b32e9dc1d1fcfc5b519fd2de5bd699d25a25895caf5d726350d1b5/\
                   onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_aarch64.whl",
            library: "libonnxruntime.so.1.32.0",
            size: 23_195_070,
            sha256: "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
        },
        Build {
            os: "macos",
            arch: "aarch64",
            path: "b7/5d/50be370b540a6cb9ea173503f5418e8315dfe5757400ad7720542d348b94/\
                   onnxruntime-1.32.0-cp311-cp311-macosx_14_0_arm64.whl",
            library: "libonnxruntime.1.32.0.dylib",
            size: 22_506_162,
            sha256: "366b9e53d07812cc5c92822cecf7563b76a8a0f32ba3bb8dd232a206ac3bcb6c",
        },
    ];

    /// From the folder if it is there, whatever the setting about downloads says.
    pub(super) async fn pinned(
        mirror: Option<&str>,
        cache_dir: &Path,
        may_fetch: bool,
    ) -> Result<PathBuf, LibraryError> {
        let absent = |reason: String| LibraryError::Absent { reason };
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let build = BUILDS
            .iter()
            .find(|build| build.os == os && build.arch == arch);
        let build = build
            .ok_or_else(|| absent(format!("and there is none to download for {os} on {arch}")))?;
        let target = cache_dir.join(build.library);
        if target.is_file() {
            return Ok(target);
        }
        if !may_fetch {
            let forbidden = "and CHARTROOM_EMBEDDED_DOWNLOAD forbids fetching one";
            return Err(absent(forbidden.to_owned()));
        }
        let work = fetch(build, mirror.unwrap_or(FILES), cache_dir, &target);
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
        build: &'static Build,
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
        let to = target.to_owned();
        let unpacking = tokio::task::spawn_blocking(move || unpack(&wheel, build.library, &to));
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
}
