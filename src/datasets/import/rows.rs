//! The rows of a file, one after another, whatever kind of file it is.

use std::vec;

use bytes::Bytes;
use encoding_rs::Encoding;
use tokio::sync::mpsc::Receiver;

use super::decode::Decoder;
use super::model::ImportProblem;
use crate::datasets::column::{Column, ColumnType};
use crate::datasets::csv::{CsvError, Reader, Record};
use crate::process::{self, Batch, Cell, Row, RunnerError, Type};

/// Why a file cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The rest of it did not arrive.
    #[error("the file did not arrive whole")]
    Broken,
    #[error("{}", .0.detail)]
    Refused(ImportProblem),
    /// That is not the file's fault.
    #[error(transparent)]
    Failed(anyhow::Error),
}

/// Reads rows, in a thread that may wait.
pub trait Rows: Send {
    /// False after the last.
    fn next(&mut self, record: &mut Record) -> Result<bool, FileError>;

    /// How many bytes of the file have been taken.
    fn bytes(&self) -> i64;

    /// The columns, where the file itself says what they are, and so has no header. `declared` are
    /// those of the dataset, where it has some, that the file may give values for.
    fn begin(&mut self, _declared: Option<&[Column]>) -> Result<Option<Known>, FileError> {
        Ok(None)
    }
}

/// Columns by their names.
pub type Known = Vec<(String, ColumnType)>;

/// A part of a file as it arrives. Without an end the file is not whole.
pub enum Part {
    Data(Bytes),
    End,
}

/// CSV that arrives.
pub struct Csv {
    decoder: Decoder,
    reader: Reader,
    parts: Receiver<Part>,
    is_over: bool,
    bytes: i64,
}

impl Csv {
    pub fn new(delimiter: u8, encoding: &'static Encoding, parts: Receiver<Part>) -> Self {
        Self {
            decoder: Decoder::new(encoding),
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
                    self.decoder.push(&bytes, false, &mut self.reader)?;
                }
                Some(Part::End) => {
                    self.decoder.push(&[], true, &mut self.reader)?;
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

/// A workbook, or a file of columns, as a child of this process reads it.
pub struct Child {
    batches: Receiver<Result<Option<Batch>, RunnerError>>,
    records: vec::IntoIter<Record>,
    columns: Vec<process::Column>,
    bytes: i64,
}

impl Child {
    /// `columns` are those that the file names; a workbook does not.
    pub fn new(
        batches: Receiver<Result<Option<Batch>, RunnerError>>,
        columns: Vec<process::Column>,
        bytes: i64,
    ) -> Self {
        Self {
            batches,
            records: Vec::new().into_iter(),
            columns,
            bytes,
        }
    }
}

impl Rows for Child {
    fn next(&mut self, record: &mut Record) -> Result<bool, FileError> {
        loop {
            if let Some(next) = self.records.next() {
                *record = next;
                return Ok(true);
            }
            match self.batches.blocking_recv() {
                // Only an end that was told is one.
                None => return Err(FileError::Broken),
                Some(Ok(None)) => return Ok(false),
                Some(Ok(Some(batch))) => {
                    let records: Vec<Record> = batch.rows().map(record_of).collect();
                    self.records = records.into_iter();
                }
                Some(Err(error)) => return Err(refusal(error)),
            }
        }
    }

    fn bytes(&self) -> i64 {
        self.bytes
    }

    fn begin(&mut self, _: Option<&[Column]>) -> Result<Option<Known>, FileError> {
        let columns = self.columns.iter();
        let columns = columns.map(|column| (column.name.clone(), kind_of(&column.kind)));
        Ok((!self.columns.is_empty()).then(|| columns.collect()))
    }
}

/// Rows that this service makes, with columns whose types are known.
pub struct Made {
    columns: Known,
    /// Only an end that is told is one.
    batches: Receiver<Result<Option<Vec<Record>>, FileError>>,
    records: vec::IntoIter<Record>,
}

impl Made {
    pub fn new(columns: Known, batches: Receiver<Result<Option<Vec<Record>>, FileError>>) -> Self {
        Self {
            columns,
            batches,
            records: Vec::new().into_iter(),
        }
    }
}

impl Rows for Made {
    fn next(&mut self, record: &mut Record) -> Result<bool, FileError> {
        loop {
            if let Some(next) = self.records.next() {
                *record = next;
                return Ok(true);
            }
            let ended = || anyhow::anyhow!("nobody says where the rows end");
            let next = self.batches.blocking_recv();
            match next.ok_or_else(|| FileError::Failed(ended()))?? {
                None => return Ok(false),
                Some(records) => self.records = records.into_iter(),
            }
        }
    }

    /// There is no file.
    fn bytes(&self) -> i64 {
        0
    }

    fn begin(&mut self, _: Option<&[Column]>) -> Result<Option<Known>, FileError> {
        Ok(Some(self.columns.clone()))
    }
}

fn record_of(row: Row<'_>) -> Record {
    let mut record = Record::numbered(row.number);
    for cell in row {
        match cell {
            Cell::Null => record.push(None, false),
            Cell::Text(text) => record.push(Some(text), false),
            Cell::Error(text) => record.push(Some(text), true),
        }
    }
    record
}

fn kind_of(kind: &Type) -> ColumnType {
    match kind {
        Type::Bool => ColumnType::Bool,
        Type::Int {
            bits: 64,
            signed: false,
        } => ColumnType::Decimal,
        Type::Int { bits: 64, .. } => ColumnType::Bigint,
        Type::Int { .. } => ColumnType::Int,
        Type::Float { .. } => ColumnType::Float64,
        Type::Decimal { .. } => ColumnType::Decimal,
        Type::Date => ColumnType::Date,
        Type::Timestamp { .. } => ColumnType::Timestamp,
        Type::Json => ColumnType::Json,
        Type::Text | Type::Time | Type::Duration { .. } | Type::Null => ColumnType::Text,
    }
}

/// Whose fault it is that a child does not read on.
pub fn refusal(error: RunnerError) -> FileError {
    match error {
        RunnerError::Refused(failure) => {
            let code = serde_json::to_value(failure.code).ok();
            let code = code.as_ref().and_then(|code| code.as_str());
            let at = failure
                .row
                .map(|row| format!("row {row}: "))
                .unwrap_or_default();
            let detail = format!("{at}{}", failure.message);
            FileError::Refused(ImportProblem::new(code.unwrap_or("damaged"), detail))
        }
        RunnerError::Limit(_) => {
            FileError::Refused(ImportProblem::new("too-expensive", error.to_string()))
        }
        RunnerError::Busy | RunnerError::Killed => {
            FileError::Refused(ImportProblem::new("overloaded", error.to_string()))
        }
        error => FileError::Failed(error.into()),
    }
}
