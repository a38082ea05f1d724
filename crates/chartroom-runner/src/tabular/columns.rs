//! The columns of Arrow: what they are, and their rows.

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use chartroom_wire::tabular::{self, Code, Failure, Head, Type};

use super::writers::{Column, column};
use crate::output::{Output, RowBuffer, Slot, Stop};

/// Levels of lists, structs and maps in each other.
const DEPTH: u32 = 16;

/// The head of what has these columns.
pub(super) fn head(schema: &Schema) -> Result<Head, Failure> {
    let columns = schema.fields().iter().map(|field| {
        let kind = kind(field.data_type(), DEPTH).map_err(|kind| {
            let message = format!(
                "the column {:.100?} is {kind}, which is not read",
                field.name()
            );
            Failure::new(Code::Unsupported, message)
        })?;
        Ok(tabular::Column {
            name: field.name().clone(),
            nullable: field.is_nullable(),
            kind,
        })
    });
    Ok(Head {
        columns: columns.collect::<Result<_, Failure>>()?,
        ..Head::default()
    })
}

/// Gives the rows of a batch to the output. `number` is that of the row before.
pub(super) fn rows(
    batch: &RecordBatch,
    number: &mut u64,
    row: &mut RowBuffer,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let columns: Vec<Column<'_>> = batch.columns().iter().map(|array| column(array)).collect();
    for at in 0..batch.num_rows() {
        *number += 1;
        row.clear();
        for column in &columns {
            if column.is_null(at) {
                row.null();
            } else {
                row.push(Slot::Text, |to| column.write(at, to));
            }
        }
        output.row(*number, row)?;
    }
    Ok(())
}

/// `Err` says what the type is, in words, where it is not read.
fn kind(data: &DataType, depth: u32) -> Result<Type, String> {
    let int = |bits, signed| Ok(Type::Int { bits, signed });
    let nested = |fields: &mut dyn Iterator<Item = &DataType>| {
        let depth = depth.checked_sub(1).ok_or("nested too deeply")?;
        for field in fields {
            kind(field, depth).map_err(|kind| format!("made of what is {kind}"))?;
        }
        Ok(Type::Json)
    };
    match data {
        DataType::Null => Ok(Type::Null),
        DataType::Boolean => Ok(Type::Bool),
        DataType::Int8 => int(8, true),
        DataType::Int16 => int(16, true),
        DataType::Int32 => int(32, true),
        DataType::Int64 => int(64, true),
        DataType::UInt8 => int(8, false),
        DataType::UInt16 => int(16, false),
        DataType::UInt32 => int(32, false),
        DataType::UInt64 => int(64, false),
        DataType::Float16 => Ok(Type::Float { bits: 16 }),
        DataType::Float32 => Ok(Type::Float { bits: 32 }),
        DataType::Float64 => Ok(Type::Float { bits: 64 }),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => Ok(Type::Decimal {
            precision: *precision,
            scale: *scale,
        }),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Type::Text),
        DataType::Date32 | DataType::Date64 => Ok(Type::Date),
        DataType::Time32(_) | DataType::Time64(_) => Ok(Type::Time),
        DataType::Timestamp(_, zone) => Ok(Type::Timestamp {
            zone: zone.as_deref().map(str::to_owned),
        }),
        DataType::Duration(unit) => Ok(Type::Duration {
            unit: unit.to_string(),
        }),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => nested(&mut std::iter::once(field.data_type())),
        DataType::Struct(fields) => nested(&mut fields.iter().map(|field| field.data_type())),
        DataType::Dictionary(_, values) if !values.is_nested() => kind(values, depth),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => Err("binary".to_owned()),
        other => Err(format!("of the type {:.60}", other.to_string())),
    }
}
