//! The one file that is read, at any place and without moving a position that others share.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) struct Source {
    file: Arc<File>,
    length: u64,
}

impl Source {
    pub(crate) fn stdin() -> io::Result<Self> {
        let file = crate::once::stdin()?;
        is_for_reading(&file)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::Error::other("the standard input is not a file"));
        }
        Ok(Self {
            file: Arc::new(file),
            length: about.len(),
        })
    }

    /// Bytes of the file when it was opened.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// At most `most` bytes from `start` on; fewer where the file ends.
    pub(crate) fn bytes(&self, start: u64, most: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; most.min(left)];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }

    pub(crate) fn reader(&self, start: u64) -> Reader {
        Reader {
            source: self.clone(),
            at: start,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Reader {
    source: Source,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.file.read_at(buffer, self.at)?;
        self.at = self
            .at
            .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Nothing that is done here can change the file then.
#[cfg(target_os = "linux")]
fn is_for_reading(file: &File) -> io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl};
    let flags = fcntl_getfl(file)?;
    if flags.intersects(OFlags::WRONLY | OFlags::RDWR) {
        return Err(io::Error::other("it was not opened for reading alone"));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn is_for_reading(_file: &File) -> io::Result<()> {
    Ok(())
}
