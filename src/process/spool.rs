//! Files that are read from their end, so that all of them has to be here first: kept on the disk,
//! without a name, within a bound for all of them together.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use prometheus::IntGauge;
use tokio::task::spawn_blocking;

use crate::telemetry::metrics::Metrics;

/// The place for them.
pub struct Spool {
    directory: PathBuf,
    most: u64,
    taken: Arc<Taken>,
}

/// The room that is taken, and where that is shown.
struct Taken {
    bytes: AtomicU64,
    shown: IntGauge,
}

impl Taken {
    /// False, and nothing is taken, where there is no more room.
    fn take(&self, more: u64, most: u64) -> bool {
        let fits = self.bytes.fetch_add(more, Relaxed).saturating_add(more) <= most;
        if !fits {
            self.bytes.fetch_sub(more, Relaxed);
        }
        self.show();
        fits
    }

    fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.show();
    }

    fn show(&self) {
        let bytes = i64::try_from(self.bytes.load(Relaxed));
        self.shown.set(bytes.unwrap_or(i64::MAX));
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("too many files are kept for reading; send it again later")]
    Full,
    #[error("the file cannot be kept: {0}")]
    Io(#[from] io::Error),
    #[error("the work on the file was given up")]
    Gone,
}

/// A file that is kept. Its room is free again when it is dropped.
pub struct Spooled {
    writing: Option<File>,
    reading: File,
    bytes: u64,
    most: u64,
    taken: Arc<Taken>,
}

impl Spool {
    pub fn new(directory: PathBuf, most: u64, metrics: &Metrics) -> Self {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        metrics.file_spool_limit_bytes.set(limit);
        Self {
            directory,
            most,
            taken: Arc::new(Taken {
                bytes: AtomicU64::new(0),
                shown: metrics.file_spool_bytes.clone(),
            }),
        }
    }

    /// Says in the log if no file can be kept, which its operator should not hear from a user
    /// first.
    pub async fn check(&self) {
        if let Err(error) = self.begin().await {
            tracing::warn!(
                "XLSX, Parquet and Arrow files cannot be taken: {error} ({}); CHARTROOM_SPOOL_DIR names the folder where they are kept until they have been read",
                self.directory.display()
            );
        }
    }

    /// Bytes that are kept now.
    pub fn taken(&self) -> u64 {
        self.taken.bytes.load(Relaxed)
    }

    pub async fn begin(&self) -> Result<Spooled, SpoolError> {
        let path = self
            .directory
            .join(format!("chartroom-{}", uuid::Uuid::now_v7()));
        let opened = spawn_blocking(move || {
            let writing = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            let reading = File::open(&path);
            // Open, it needs no name, and without one nothing is left over.
            std::fs::remove_file(&path)?;
            Ok::<_, io::Error>((writing, reading?))
        });
        let (writing, reading) = opened.await.or(Err(SpoolError::Gone))??;
        Ok(Spooled {
            writing: Some(writing),
            reading,
            bytes: 0,
            most: self.most,
            taken: self.taken.clone(),
        })
    }
}

impl Spooled {
    pub async fn write(&mut self, part: Bytes) -> Result<(), SpoolError> {
        let more = u64::try_from(part.len()).unwrap_or(u64::MAX);
        if !self.taken.take(more, self.most) {
            return Err(SpoolError::Full);
        }
        self.bytes += more;
        let mut writing = self.writing.take().ok_or(SpoolError::Gone)?;
        let written = spawn_blocking(move || {
            writing.write_all(&part)?;
            Ok::<_, io::Error>(writing)
        });
        self.writing = Some(written.await.or(Err(SpoolError::Gone))??);
        Ok(())
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file, opened for reading alone.
    pub fn file(&self) -> io::Result<File> {
        self.reading.try_clone()
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        self.taken.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_read_and_its_room_is_given_back() {
        let directory = std::env::temp_dir();
        let metrics = Metrics::new().unwrap();
        let shown = || metrics.file_spool_bytes.get();
        let spool = Spool::new(directory, 10, &metrics);
        assert_eq!((shown(), metrics.file_spool_limit_bytes.get()), (0, 10));
        let mut one = spool.begin().await.unwrap();
        one.write(Bytes::from_static(b"12345")).await.unwrap();
        one.write(Bytes::from_static(b"678")).await.unwrap();
        let mut text = String::new();
        one.file().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(
            (text.as_str(), one.bytes(), spool.taken()),
            ("12345678", 8, 8)
        );
        let mut other = spool.begin().await.unwrap();
        let full = other.write(Bytes::from_static(b"901")).await;
        assert!(matches!(full, Err(SpoolError::Full)));
        assert_eq!(shown(), 8);
        drop(one);
        other.write(Bytes::from_static(b"901")).await.unwrap();
        drop(other);
        assert_eq!((spool.taken(), shown()), (0, 0));
        let nowhere = Spool::new("/nowhere/at/all".into(), 10, &metrics);
        assert!(matches!(nowhere.begin().await, Err(SpoolError::Io(_))));
    }
}
