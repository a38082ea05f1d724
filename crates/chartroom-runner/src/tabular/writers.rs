//! How each type of a column is written.

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
use arrow_schema::{DataType, TimeUnit};
use std::fmt::{Display, Write as _};

use super::calendar::{self, Unit};
use super::texts;

const MILLISECONDS_OF_A_DAY: i64 = 86_400_000;

/// When JSON puts the text between quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Always,
    Never,
    /// Where it is no number.
    Words,
}

type Write<'a> = Box<dyn Fn(usize, &mut String) + 'a>;

pub(super) struct Column<'a> {
    nulls: Option<NullBuffer>,
    quotes: Quotes,
    write: Write<'a>,
}

impl Column<'_> {
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes the text of a row that is not null.
    pub(super) fn write(&self, row: usize, to: &mut String) {
        (self.write)(row, to);
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

/// How a column is written whose type `columns` has found to be one that is read.
pub(super) fn column(array: &dyn Array) -> Column<'_> {
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
