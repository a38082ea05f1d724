//! Columns of Arrow as texts.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, OffsetSizeTrait};
use arrow_buffer::{ArrowNativeType as _, NullBuffer};
use arrow_schema::{DataType, Schema, TimeUnit};
use chartroom_wire::tabular::{self, Code, Failure, Head, Type};
use std::fmt::{Display, Write as _};

use super::calendar::{self, Unit};
use super::texts;
use crate::output::{Output, RowBuffer, Slot, Stop};

/// Levels of lists, structs and maps in each other.
const DEPTH: u32 = 16;
const MILLISECONDS_OF_A_DAY: i64 = 86_400_000;

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
    batch: &arrow_array::RecordBatch,
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
                row.push(Slot::Text, |to| (column.write)(at, to));
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

/// When JSON puts the text between quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Always,
    Never,
    /// Where it is no number.
    Words,
}

type Write<'a> = Box<dyn Fn(usize, &mut String) + 'a>;

struct Column<'a> {
    nulls: Option<NullBuffer>,
    quotes: Quotes,
    /// Writes the text of a row that is not null.
    write: Write<'a>,
}

impl Column<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    fn json(&self, row: usize, to: &mut String) {
        if self.is_null(row) {
            return to.push_str("null");
        }
        let start = to.len();
        (self.write)(row, to);
        let is_number = || to.ends_with(|last: char| last.is_ascii_digit());
        let quoted = match self.quotes {
            Quotes::Always => true,
            Quotes::Never => false,
            Quotes::Words => !is_number(),
        };
        if quoted {
            texts::quote(start, to);
        }
    }
}

/// How a column is written whose type [`kind`] has found to be one that is read.
fn column(array: &dyn Array) -> Column<'_> {
    use Quotes::{Always, Never, Words};
    let (quotes, write): (Quotes, Write<'_>) = match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean();
            let word = |is| if is { "true" } else { "false" };
            (
                Never,
                Box::new(move |row, to| to.push_str(word(array.value(row)))),
            )
        }
        DataType::Int8 => (Never, shown::<Int8Type>(array)),
        DataType::Int16 => (Never, shown::<Int16Type>(array)),
        DataType::Int32 => (Never, shown::<Int32Type>(array)),
        DataType::Int64 => (Never, shown::<Int64Type>(array)),
        DataType::UInt8 => (Never, shown::<UInt8Type>(array)),
        DataType::UInt16 => (Never, shown::<UInt16Type>(array)),
        DataType::UInt32 => (Never, shown::<UInt32Type>(array)),
        DataType::UInt64 => (Never, shown::<UInt64Type>(array)),
        DataType::Float16 => (
            Words,
            each::<Float16Type>(array, |value, to| texts::float(value.to_f32(), to)),
        ),
        DataType::Float32 => (Words, each::<Float32Type>(array, texts::float)),
        DataType::Float64 => (Words, each::<Float64Type>(array, texts::float)),
        DataType::Decimal32(_, scale) => (Never, decimal::<Decimal32Type>(array, *scale)),
        DataType::Decimal64(_, scale) => (Never, decimal::<Decimal64Type>(array, *scale)),
        DataType::Decimal128(_, scale) => (Never, decimal::<Decimal128Type>(array, *scale)),
        DataType::Decimal256(_, scale) => (Never, decimal::<Decimal256Type>(array, *scale)),
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            (Always, Box::new(|row, to| to.push_str(array.value(row))))
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            (Always, Box::new(|row, to| to.push_str(array.value(row))))
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            (Always, Box::new(|row, to| to.push_str(array.value(row))))
        }
        DataType::Date32 => (
            Always,
            each::<Date32Type>(array, |days, to| calendar::date(days.into(), to)),
        ),
        DataType::Date64 => (Always, each::<Date64Type>(array, date)),
        DataType::Time32(TimeUnit::Second) => (
            Always,
            each::<Time32SecondType>(array, |at, to| calendar::time(at.into(), SECOND, to)),
        ),
        DataType::Time32(_) => (
            Always,
            each::<Time32MillisecondType>(array, |at, to| {
                calendar::time(at.into(), MILLISECOND, to);
            }),
        ),
        DataType::Time64(TimeUnit::Microsecond) => (
            Always,
            each::<Time64MicrosecondType>(array, |at, to| calendar::time(at, MICROSECOND, to)),
        ),
        DataType::Time64(_) => (
            Always,
            each::<Time64NanosecondType>(array, |at, to| calendar::time(at, NANOSECOND, to)),
        ),
        DataType::Timestamp(unit, zone) => {
            let zone = if zone.is_some() { "Z" } else { "" };
            let write = match unit {
                TimeUnit::Second => stamps::<TimestampSecondType>(array, SECOND, zone),
                TimeUnit::Millisecond => {
                    stamps::<TimestampMillisecondType>(array, MILLISECOND, zone)
                }
                TimeUnit::Microsecond => {
                    stamps::<TimestampMicrosecondType>(array, MICROSECOND, zone)
                }
                TimeUnit::Nanosecond => stamps::<TimestampNanosecondType>(array, NANOSECOND, zone),
            };
            (Always, write)
        }
        DataType::Duration(unit) => {
            let write = match unit {
                TimeUnit::Second => shown::<DurationSecondType>(array),
                TimeUnit::Millisecond => shown::<DurationMillisecondType>(array),
                TimeUnit::Microsecond => shown::<DurationMicrosecondType>(array),
                TimeUnit::Nanosecond => shown::<DurationNanosecondType>(array),
            };
            (Never, write)
        }
        DataType::List(_) => (Never, list::<i32>(array)),
        DataType::LargeList(_) => (Never, list::<i64>(array)),
        DataType::FixedSizeList(_, _) => {
            let array = array.as_fixed_size_list();
            let values = column(array.values());
            let length = usize::try_from(array.value_length()).unwrap_or(0);
            let write =
                move |row, to: &mut String| items(row * length..(row + 1) * length, &values, to);
            (Never, Box::new(write))
        }
        DataType::Struct(_) => (Never, structure(array)),
        DataType::Map(_, _) => (Never, map(array)),
        DataType::Dictionary(_, _) => dictionary(array),
        // A column of nulls alone; everything else was refused by its type.
        _ => (Never, Box::new(|_row, _to| ())),
    };
    Column {
        nulls: array.logical_nulls(),
        quotes,
        write,
    }
}

const SECOND: Unit = Unit(1);
const MILLISECOND: Unit = Unit(1_000);
const MICROSECOND: Unit = Unit(1_000_000);
const NANOSECOND: Unit = Unit(1_000_000_000);

fn each<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    write: impl Fn(T::Native, &mut String) + 'a,
) -> Write<'a> {
    let array = array.as_primitive::<T>();
    Box::new(move |row, to| write(array.value(row), to))
}

fn shown<T: ArrowPrimitiveType<Native: Display>>(array: &dyn Array) -> Write<'_> {
    each::<T>(array, |value, to| {
        let _ = write!(to, "{value}");
    })
}

fn decimal<T: DecimalType>(array: &dyn Array, scale: i8) -> Write<'_> {
    each::<T>(array, move |value, to| {
        to.push_str(&T::format_decimal(value, 0, scale))
    })
}

/// A day in milliseconds. One that is not a whole day, which the format forbids, shows its time.
fn date(at: i64, to: &mut String) {
    if at % MILLISECONDS_OF_A_DAY == 0 {
        calendar::date(at / MILLISECONDS_OF_A_DAY, to);
    } else {
        calendar::timestamp(at, MILLISECOND, to);
    }
}

fn stamps<'a, T: ArrowPrimitiveType<Native = i64>>(
    array: &'a dyn Array,
    unit: Unit,
    zone: &'static str,
) -> Write<'a> {
    each::<T>(array, move |at, to| {
        calendar::timestamp(at, unit, to);
        to.push_str(zone);
    })
}

fn items(rows: std::ops::Range<usize>, values: &Column<'_>, to: &mut String) {
    to.push('[');
    for (at, row) in rows.enumerate() {
        if at > 0 {
            to.push(',');
        }
        values.json(row, to);
    }
    to.push(']');
}

fn list<O: OffsetSizeTrait>(array: &dyn Array) -> Write<'_> {
    let array = array.as_list::<O>();
    let values = column(array.values());
    Box::new(move |row, to| {
        let at = |at: usize| {
            array
                .value_offsets()
                .get(at)
                .map_or(0, |offset| offset.as_usize())
        };
        items(at(row)..at(row + 1), &values, to);
    })
}

fn structure(array: &dyn Array) -> Write<'_> {
    let array = array.as_struct();
    let keys = array.column_names().into_iter().map(|name| {
        let mut key = name.to_owned();
        texts::quote(0, &mut key);
        key
    });
    let columns = array.columns().iter().map(|child| column(child));
    let fields: Vec<(String, Column<'_>)> = keys.zip(columns).collect();
    Box::new(move |row, to| {
        to.push('{');
        for (at, (key, column)) in fields.iter().enumerate() {
            if at > 0 {
                to.push(',');
            }
            to.push_str(key);
            to.push(':');
            column.json(row, to);
        }
        to.push('}');
    })
}

/// An object; keys of other types are the texts that they are elsewhere.
fn map(array: &dyn Array) -> Write<'_> {
    let array = array.as_map();
    let (keys, values) = (column(array.keys()), column(array.values()));
    Box::new(move |row, to| {
        let at = |at: usize| {
            array
                .value_offsets()
                .get(at)
                .map_or(0, |offset| offset.as_usize())
        };
        to.push('{');
        for (place, entry) in (at(row)..at(row + 1)).enumerate() {
            if place > 0 {
                to.push(',');
            }
            let start = to.len();
            (keys.write)(entry, to);
            texts::quote(start, to);
            to.push(':');
            values.json(entry, to);
        }
        to.push('}');
    })
}

fn dictionary(array: &dyn Array) -> (Quotes, Write<'_>) {
    let array = array.as_any_dictionary();
    if array.values().is_empty() {
        // Every key is null then.
        return (Quotes::Never, Box::new(|_row, _to| ()));
    }
    let values = column(array.values());
    let keys = array.normalized_keys();
    let write = move |row: usize, to: &mut String| {
        if let Some(key) = keys.get(row) {
            (values.write)(*key, to);
        }
    };
    (values_quotes(array.values()), Box::new(write))
}

fn values_quotes(values: &dyn Array) -> Quotes {
    column(values).quotes
}
