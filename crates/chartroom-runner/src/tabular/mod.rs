//! XLSX, Parquet and Arrow as rows of texts, and rows as Parquet and Arrow.

mod arrow;
mod calendar;
mod columns;
mod exact;
mod pages;
mod parquet;
mod texts;
mod write;
mod writers;
mod xlsx;
mod xml;

use std::fs::File;

use chartroom_wire::tabular::{Code, Failure, Format, Request};

use crate::output::{Output, Stop, unreadable};
use crate::source::Source;

pub(crate) use write::write;

/// Has the hashers of these libraries take their seed while something can be opened: a static
/// program reads it from a file, and behind the walls that would end the process.
pub(crate) fn prepare() {
    let _seeded = std::hint::black_box(ahash::RandomState::new());
}

pub(crate) fn read(request: &Request, source: Source, to: &mut File) -> Result<(), Stop> {
    let source = &source;
    let mut output = Output::new(to, request.bounds);
    let start = source.bytes(0, 8).map_err(|error| unreadable(&error))?;
    match request.format {
        Format::Xlsx => xlsx::read(request, source, &start, &mut output)?,
        Format::Parquet => parquet::read(source, &start, &mut output)?,
        Format::Arrow => arrow::read(source, &start, &mut output)?,
    }
    output.end()
}

fn other_format(expected: &str) -> Failure {
    let message = format!("the file is no {expected}: it begins with other bytes");
    Failure::new(Code::OtherFormat, message)
}

/// What a library says of a file it cannot read, unless it could not have the memory for it.
fn damaged(what: &str, error: &impl std::fmt::Display) -> Failure {
    let error = error.to_string();
    let memory = ["not enough memory", "memory allocation", "out of memory"];
    if memory
        .iter()
        .any(|words| error.to_lowercase().contains(words))
    {
        return Failure::new(
            Code::OutOfMemory,
            "reading the file takes more memory than there is",
        );
    }
    // The error may quote the file.
    let error: String = error.chars().take(300).collect();
    Failure::new(Code::Damaged, format!("the {what} is damaged: {error}"))
}
