//! Arrow IPC. A file is a stream between two magic words, with a table of contents behind it that
//! reading in order does not need.

use std::io::BufReader;

use arrow_ipc::reader::StreamReader;

use super::{columns, damaged, other_format};
use crate::output::{Output, RowBuffer, Stop, unreadable};
use crate::source::Source;

const FILE: &[u8] = b"ARROW1\0\0";
/// What every message of a stream begins with.
const CONTINUATION: &[u8] = &[0xff; 4];

/// Writers that lay out their buffers at multiples of 64 bytes begin the stream at one too.
const ALIGNMENT: u64 = 64;

fn behind_padding(source: &Source) -> Result<u64, Stop> {
    for begin in (8..ALIGNMENT).step_by(8) {
        let word = source.bytes(begin, 8);
        if word.map_err(|error| unreadable(&error))? != [0; 8] {
            return Ok(begin);
        }
    }
    Ok(ALIGNMENT)
}

pub(super) fn read(source: &Source, start: &[u8], output: &mut Output<'_>) -> Result<(), Stop> {
    let bad = |error: arrow_schema::ArrowError| damaged("Arrow file", &error);
    let begin = match start {
        FILE => behind_padding(source)?,
        start if start.starts_with(CONTINUATION) => 0,
        _ => return Err(other_format("Arrow file or stream").into()),
    };
    let reader = BufReader::new(source.reader(begin));
    let reader = StreamReader::try_new(reader, None).map_err(bad)?;
    output.head(&columns::head(&reader.schema())?)?;
    let (mut number, mut row) = (0, RowBuffer::default());
    for batch in reader {
        let batch = batch.map_err(|error| bad(error).at(number + 1))?;
        columns::rows(&batch, &mut number, &mut row, output)?;
    }
    Ok(())
}
