//! The file as it goes out: its bytes become messages, and its kind is chosen here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use chartroom_wire::tabular::{Code, Failure, FileFormat};
use chartroom_wire::{Kind, WireError};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::once::ID;
use crate::output::Stop;

/// Bytes of a message of the file.
const PART: usize = 128 << 10;
/// A row group ends with the first of these. The bytes are those in memory until then.
const GROUP_ROWS: usize = 128 << 10;
const GROUP_BYTES: usize = 16 << 20;

/// Bytes on their way out.
pub(super) struct Sink<'a> {
    to: &'a mut File,
    part: Vec<u8>,
}

impl Sink<'_> {
    fn send(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let sent = chartroom_wire::write(self.to, ID, Kind::Data, &self.part);
        self.part.clear();
        sent.map_err(|error| match error {
            WireError::Io(error) => error,
            error => io::Error::other(error),
        })
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// Parts are sent when they are long enough, and at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) enum FileWriter<'a> {
    Parquet(Box<ArrowWriter<Sink<'a>>>),
    Arrow(writer::FileWriter<Sink<'a>>),
    ArrowStream(writer::StreamWriter<Sink<'a>>),
}

impl<'a> FileWriter<'a> {
    pub(super) fn begin(
        format: FileFormat,
        schema: &SchemaRef,
        metadata: BTreeMap<String, String>,
        to: &'a mut File,
    ) -> Result<Self, Stop> {
        let sink = Sink {
            to,
            part: Vec::with_capacity(PART * 2),
        };
        Ok(match format {
            FileFormat::Parquet => {
                let said = metadata.into_iter();
                let said = said.map(|(key, value)| KeyValue::new(key, value));
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(Default::default()))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(GROUP_BYTES))
                    .set_key_value_metadata(Some(said.collect()))
                    .build();
                let writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties));
                Self::Parquet(Box::new(writer.map_err(of_parquet)?))
            }
            FileFormat::Arrow => {
                let schema = with(schema, metadata);
                Self::Arrow(writer::FileWriter::try_new(sink, &schema).map_err(of_arrow)?)
            }
            FileFormat::ArrowStream => {
                let schema = with(schema, metadata);
                Self::ArrowStream(writer::StreamWriter::try_new(sink, &schema).map_err(of_arrow)?)
            }
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        match self {
            Self::Parquet(writer) => {
                writer.write(batch).map_err(of_parquet)?;
                if writer.memory_size() > GROUP_BYTES {
                    writer.flush().map_err(of_parquet)?;
                }
                Ok(())
            }
            Self::Arrow(writer) => writer.write(batch).map_err(of_arrow),
            Self::ArrowStream(writer) => writer.write(batch).map_err(of_arrow),
        }
    }

    /// Writes what stands at the end of the file.
    pub(super) fn end(self) -> Result<(), Stop> {
        let mut sink = match self {
            Self::Parquet(writer) => writer.into_inner().map_err(of_parquet)?,
            Self::Arrow(writer) => writer.into_inner().map_err(of_arrow)?,
            Self::ArrowStream(writer) => writer.into_inner().map_err(of_arrow)?,
        };
        sink.send()
            .map_err(|error| Stop::Gone(WireError::Io(error)))
    }
}

fn with(schema: &Schema, metadata: BTreeMap<String, String>) -> Schema {
    Schema::new_with_metadata(schema.fields().clone(), metadata)
}

/// Where the one who reads the file has gone away, there is nobody to tell.
fn of_parquet(error: ParquetError) -> Stop {
    match error {
        ParquetError::External(error) if error.is::<io::Error>() => {
            Stop::Gone(WireError::Malformed("nobody takes what is written"))
        }
        error => Failure::new(
            Code::Io,
            format!("the Parquet file cannot be made: {error}"),
        )
        .into(),
    }
}

fn of_arrow(error: ArrowError) -> Stop {
    match error {
        ArrowError::IoError(_, error) => Stop::Gone(WireError::Io(error)),
        error => Failure::new(Code::Io, format!("the Arrow file cannot be made: {error}")).into(),
    }
}
