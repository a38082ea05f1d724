//! Rows as the database sends them, as a file of Parquet or Arrow that is made while they come.

mod sink;
mod values;

use std::fs::File;

use chartroom_wire::tabular::{Code, Column, Failure, FileFormat, MAX_ROWS, WriteHead};
use chartroom_wire::{Kind, Message, Messages, WireError};

use crate::once::ID;
use crate::output::Stop;
use sink::FileWriter;
use values::Batch;

/// The bytes of values, and the rows, that are put together before the file gets them.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_ROWS: usize = 8 * 1_024;

pub(crate) fn write(format: FileFormat, mut from: File, to: &mut File) -> Result<(), Stop> {
    let mut messages = Messages::new(MAX_ROWS);
    let head = next(&mut messages, &mut from)?;
    if head.kind != Kind::Head {
        return Err(malformed("rows without a head").into());
    }
    let WriteHead { columns, metadata } = head.json().map_err(Stop::Gone)?;
    let mut batch = Batch::new(&columns)?;
    let mut file = FileWriter::begin(format, batch.schema(), metadata, &mut *to)?;
    loop {
        let message = next(&mut messages, &mut from)?;
        match message.kind {
            Kind::Data => {
                let mut rest = message.body.as_slice();
                while !rest.is_empty() {
                    batch.row(&mut rest)?;
                    if batch.bytes() >= BATCH_BYTES || batch.rows() >= BATCH_ROWS {
                        file.write(&batch.take()?)?;
                    }
                }
            }
            Kind::End => break,
            _ => return Err(malformed("a message that does not belong here").into()),
        }
    }
    if batch.rows() > 0 {
        file.write(&batch.take()?)?;
    }
    file.end()?;
    Ok(chartroom_wire::write(to, ID, Kind::End, &[])?)
}

/// An input that ends without `End` is not whole, and so is no file that is made of it.
fn next(messages: &mut Messages, from: &mut File) -> Result<Message, Stop> {
    let message = messages.read(from)?;
    message.ok_or(Stop::Gone(WireError::Malformed("rows without an end")))
}

fn malformed(what: &str) -> Failure {
    Failure::new(
        Code::Damaged,
        format!("the rows cannot be understood: {what}"),
    )
}

fn unsupported(column: &Column) -> Failure {
    let Column { name, kind, .. } = column;
    let message = format!("the column {name:.100?} is {kind:?}, which is not written");
    Failure::new(Code::Unsupported, message)
}
