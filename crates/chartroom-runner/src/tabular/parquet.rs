//! Parquet. What a file says of itself is compared with its length, and every page with its
//! column, before anything of that size is reserved.

use std::io::BufReader;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use chartroom_wire::tabular::{Code, Failure};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{CompressionCodec, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use super::{columns, damaged, other_format, pages};
use crate::output::{Output, RowBuffer, Stop, unreadable};
use crate::source::{Reader, Source};

const MAGIC: &[u8] = b"PAR1";
const ENCRYPTED: &[u8] = b"PARE";
/// Bytes of a table of contents; one of 100,000 column chunks has some 20 MB.
const CONTENTS: u64 = 64 << 20;
/// Rows are decoded in batches of about this many bytes.
const BATCH: i64 = 4 << 20;

impl Length for Source {
    fn len(&self) -> u64 {
        self.length()
    }
}

impl ChunkReader for Source {
    type T = BufReader<Reader>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.reader(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.bytes(start, length)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF("the file ends too early".to_owned()));
        }
        Ok(bytes.into())
    }
}

pub(super) fn bad(error: &impl std::fmt::Display) -> Failure {
    damaged("Parquet file", error)
}

pub(super) fn read(source: &Source, start: &[u8], output: &mut Output<'_>) -> Result<(), Stop> {
    contents(source, start)?;
    // The schema that Arrow's writers put beside Parquet's own is not needed, and not believed.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let there = ArrowReaderMetadata::load(source, options.clone()).map_err(|error| bad(&error))?;
    output.columns(there.schema().fields().len())?;
    let wanted = Arc::new(wanted(&there));
    let contents = there.metadata().clone();
    let chosen = ArrowReaderMetadata::try_new(contents.clone(), options.with_schema(wanted))
        .map_err(|error| bad(&error))?;
    output.head(&columns::head(chosen.schema())?)?;
    plausible(&contents)?;
    let (mut number, mut row) = (0, RowBuffer::default());
    for (at, group) in contents.row_groups().iter().enumerate() {
        for chunk in group.columns() {
            known(chunk.compression_codec())?;
            pages::check(source, chunk, group.num_rows())?;
        }
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(source.clone(), chosen.clone())
                .with_row_groups(vec![at])
                .with_batch_size(rows_at_once(group))
                .build()
                .map_err(|error| bad(&error))?;
        for batch in reader {
            let batch = batch.map_err(|error| bad(&error).at(number + 1))?;
            columns::rows(&batch, &mut number, &mut row, output)?;
        }
    }
    Ok(())
}

/// Whether the table of contents is where the file says, and of a length that the file can have.
fn contents(source: &Source, start: &[u8]) -> Result<(), Failure> {
    if !start.starts_with(MAGIC) && !start.starts_with(ENCRYPTED) {
        return Err(other_format("Parquet file"));
    }
    let tail = source.length().checked_sub(8);
    let tail = tail
        .filter(|tail| *tail >= 4)
        .ok_or_else(|| bad(&"it has no end"))?;
    let tail = source.bytes(tail, 8).map_err(|error| unreadable(&error))?;
    let (length, magic) = tail
        .split_first_chunk::<4>()
        .ok_or_else(|| bad(&"it has no end"))?;
    if magic == ENCRYPTED || start.starts_with(ENCRYPTED) {
        return Err(Failure::new(
            Code::Encrypted,
            "the Parquet file is encrypted",
        ));
    }
    if magic != MAGIC {
        return Err(bad(&"it does not end as it begins, so it is not whole"));
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length > source.length() - 12 {
        return Err(bad(&"its table of contents is longer than the file"));
    }
    if length > CONTENTS {
        let message = format!("the table of contents has more than {CONTENTS} bytes");
        return Err(Failure::new(Code::TooLarge, message));
    }
    Ok(())
}

/// The types to read columns as. Texts are shown where they lie, since one of them may stand in a
/// million rows; and the timestamps of 96 bits are read as microseconds, because nanoseconds reach
/// from 1677 to 2262 alone.
fn wanted(there: &ArrowReaderMetadata) -> Schema {
    let columns = there.parquet_schema();
    let fields = there
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let mut leaves =
                (0..columns.num_columns()).filter(|leaf| columns.get_column_root_idx(*leaf) == at);
            let is_96 = leaves
                .next()
                .is_some_and(|leaf| columns.column(leaf).physical_type() == Physical::INT96);
            let kind = match field.data_type() {
                DataType::Utf8 => DataType::Utf8View,
                DataType::Timestamp(TimeUnit::Nanosecond, zone) if is_96 => {
                    DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
                }
                other => other.clone(),
            };
            Field::clone(field).with_data_type(kind)
        });
    Schema::new(fields.collect::<Vec<Field>>())
}

/// Whether the numbers of rows agree.
fn plausible(contents: &ParquetMetaData) -> Result<(), Failure> {
    let mut rows = 0_i64;
    for group in contents.row_groups() {
        let sum = rows.checked_add(group.num_rows());
        rows = sum
            .filter(|_| group.num_rows() >= 0)
            .ok_or_else(|| bad(&"a number of rows is not one"))?;
    }
    if rows != contents.file_metadata().num_rows() {
        return Err(bad(&"its numbers of rows contradict each other"));
    }
    Ok(())
}

fn known(codec: CompressionCodec) -> Result<(), Failure> {
    use CompressionCodec as Codec;
    match codec {
        Codec::BROTLI | Codec::LZO => {
            let message = format!(
                "a column is packed with {codec:?}; Snappy, Zstandard, gzip and LZ4 are read"
            );
            Err(Failure::new(Code::Unsupported, message))
        }
        _ => Ok(()),
    }
}

fn rows_at_once(group: &RowGroupMetaData) -> usize {
    let row = group.total_byte_size().max(1) / group.num_rows().max(1);
    usize::try_from((BATCH / row.max(1)).clamp(16, 8_192)).unwrap_or(16)
}
