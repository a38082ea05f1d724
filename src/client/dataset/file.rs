//! The file that is sent: what it is, by its name, and its bytes as they are read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::ValueEnum;
use futures_util::stream::{self, Stream};
use tokio::sync::mpsc;

use super::super::error::ClientError;

/// Read and sent at once.
const PART: usize = 256 << 10;
/// Parts that are read before they are sent.
const AHEAD: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Kind {
    Csv,
    Tsv,
    Ndjson,
    Xlsx,
    Parquet,
    Arrow,
}

impl Kind {
    pub(in super::super) fn media_type(self) -> &'static str {
        match self {
            Self::Csv | Self::Tsv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    fn of_ending(ending: &str) -> Option<Self> {
        Some(match ending {
            "csv" | "txt" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "ndjson" | "jsonl" => Self::Ndjson,
            "xlsx" | "xlsm" => Self::Xlsx,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        })
    }
}

/// What is sent, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// `None` is standard input.
    pub(super) path: Option<PathBuf>,
    pub(super) kind: Kind,
    pub(super) is_gzip: bool,
}

impl Sent {
    /// By the ending of its name, unless that is said.
    pub(super) fn of(path: &Path, kind: Option<Kind>, is_gzip: bool) -> Result<Self, ClientError> {
        let is_standard_input = path.as_os_str() == "-";
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let (name, has_gzip_ending) = match name.strip_suffix(".gz") {
            Some(packed) => (packed, true),
            None => (name.as_str(), false),
        };
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        let kind = kind.or_else(|| ending.and_then(Kind::of_ending));
        let kind = kind.ok_or_else(|| {
            let what = match is_standard_input {
                true => "what comes from standard input".to_owned(),
                false => format!("the file {}", path.display()),
            };
            ClientError::Usage(format!(
                "cannot tell what {what} is; say it by --type csv, tsv, ndjson, xlsx, parquet or arrow"
            ))
        })?;
        Ok(Self {
            path: (!is_standard_input).then(|| path.to_owned()),
            kind,
            is_gzip: is_gzip || has_gzip_ending,
        })
    }

    /// The bytes, and how many there are where that is known.
    pub(super) fn open(&self) -> Result<(Box<dyn Read + Send>, Option<u64>), ClientError> {
        let Some(path) = &self.path else {
            return Ok((Box::new(io::stdin()), None));
        };
        let unusable =
            |error: io::Error| ClientError::Usage(format!("the file {}: {error}", path.display()));
        let file = File::open(path).map_err(unusable)?;
        let kind = file.metadata().map_err(unusable)?;
        if kind.is_dir() {
            return Err(unusable(io::ErrorKind::IsADirectory.into()));
        }
        let length = kind.is_file().then_some(kind.len());
        Ok((Box::new(file), length))
    }
}

/// Reads ahead, in a thread that nobody waits for: standard input may keep it for ever.
pub(in super::super) fn parts(
    mut file: impl Read + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (to, parts) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        loop {
            let mut part = Vec::with_capacity(PART);
            let limit = u64::try_from(PART).unwrap_or(u64::MAX);
            let read = file.by_ref().take(limit).read_to_end(&mut part);
            let part = match read {
                Ok(0) => break,
                Ok(_) => Ok(part.into()),
                Err(error) => Err(error),
            };
            let is_over = part.is_err();
            if to.blocking_send(part).is_err() || is_over {
                break;
            }
        }
    });
    stream::unfold(parts, |mut parts| async {
        Some((parts.recv().await?, parts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_name_ends_with() {
        for (name, kind, is_gzip) in [
            ("a.csv", Kind::Csv, false),
            ("folder.x/a.CSV.GZ", Kind::Csv, true),
            ("a.b.tsv", Kind::Tsv, false),
            ("a.jsonl.gz", Kind::Ndjson, true),
            ("p08w.xlsx", Kind::Xlsx, false),
            ("a.parquet", Kind::Parquet, false),
            ("a.feather", Kind::Arrow, false),
        ] {
            let sent = Sent::of(Path::new(name), None, false).unwrap();
            assert_eq!((sent.kind, sent.is_gzip), (kind, is_gzip), "{name}");
        }
        for name in ["-", "a", "a.gz", ".csv/a", "a.json"] {
            let refused = Sent::of(Path::new(name), None, false).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{name}");
        }
        let said = Sent::of(Path::new("-"), Some(Kind::Csv), true).unwrap();
        assert_eq!((said.path, said.is_gzip), (None, true));
    }
}
