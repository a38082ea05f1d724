//! The rows of a file, one after another, whatever kind of file it is.

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

use crate::datasets::csv::{CsvError, Reader, Record};

/// Why a file cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The rest of it did not arrive.
    #[error("the file did not arrive whole")]
    Broken,
}

/// Reads rows, in a thread that may wait.
pub trait Rows: Send {
    /// False after the last.
    fn next(&mut self, record: &mut Record) -> Result<bool, FileError>;

    /// How many bytes of the file have been taken.
    fn bytes(&self) -> i64;
}

/// A part of a file as it arrives. Without an end the file is not whole.
pub enum Part {
    Data(Bytes),
    End,
}

/// CSV that arrives.
pub struct Csv {
    reader: Reader,
    parts: Receiver<Part>,
    is_over: bool,
    bytes: i64,
}

impl Csv {
    pub fn new(delimiter: u8, parts: Receiver<Part>) -> Self {
        Self {
            reader: Reader::new(delimiter),
            parts,
            is_over: false,
            bytes: 0,
        }
    }
}

impl Rows for Csv {
    fn next(&mut self, record: &mut Record) -> Result<bool, FileError> {
        loop {
            if self.reader.next(record)? {
                return Ok(true);
            }
            if self.is_over {
                return Ok(false);
            }
            match self.parts.blocking_recv() {
                Some(Part::Data(bytes)) => {
                    self.bytes += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                    self.reader.push(&bytes);
                }
                Some(Part::End) => {
                    self.reader.end();
                    self.is_over = true;
                }
                None => return Err(FileError::Broken),
            }
        }
    }
    fn bytes(&self) -> i64 {
        self.bytes
    }
}
