//! The values of rows as the arrays of Arrow.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Float64Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::i256;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use chartroom_wire::tabular::{Column, Failure, Type};

use super::{malformed, unsupported};

/// PostgreSQL counts from the first day of 2000, and Arrow from that of 1970.
const DAYS: i32 = 10_957;
const MICROSECONDS: i64 = 946_684_800_000_000;
/// Digits of a decimal in 16 and in 32 bytes.
const DIGITS_128: u8 = 38;
const DIGITS_256: u8 = 76;

/// Rows that are put together.
pub(super) struct Batch {
    columns: Vec<Builder>,
    schema: SchemaRef,
    rows: usize,
    bytes: usize,
}

impl Batch {
    pub(super) fn new(columns: &[Column]) -> Result<Self, Failure> {
        let builders = columns
            .iter()
            .map(|column| Builder::of(&column.kind).ok_or_else(|| unsupported(column)));
        let builders = builders.collect::<Result<Vec<_>, Failure>>()?;
        let fields = columns.iter().zip(&builders);
        let fields = fields.map(|(column, builder)| {
            Field::new(&column.name, builder.data_type(), column.nullable)
        });
        Ok(Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            columns: builders,
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the values so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the row with which `rest` begins.
    pub(super) fn row(&mut self, rest: &mut &[u8]) -> Result<(), Failure> {
        let before = rest.len();
        for column in &mut self.columns {
            column.value(field(rest)?)?;
        }
        if self.columns.is_empty() {
            return Err(malformed("rows without columns"));
        }
        self.rows += 1;
        self.bytes += before - rest.len();
        Ok(())
    }

    pub(super) fn take(&mut self) -> Result<RecordBatch, Failure> {
        (self.rows, self.bytes) = (0, 0);
        let arrays = self.columns.iter_mut().map(Builder::finish);
        let arrays = arrays.collect::<Result<Vec<_>, _>>();
        arrays
            .and_then(|arrays| RecordBatch::try_new(self.schema.clone(), arrays))
            .map_err(|error| malformed(&error.to_string()))
    }
}

/// The next value; `None` for null.
fn field<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Failure> {
    let short = || malformed("a row that ends too early");
    let (length, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        *rest = after;
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_negative| malformed("a negative length"))?;
    let (value, after) = after.split_at_checked(length).ok_or_else(short)?;
    *rest = after;
    Ok(Some(value))
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Failure> {
    let value = value.try_into();
    value.map_err(|_length| malformed("a value of another length than its type has"))
}

/// The values of one column.
enum Builder {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Decimal128(Decimal128Builder, u8, i8),
    Decimal256(Decimal256Builder, u8, i8),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder, Option<Arc<str>>),
}

impl Builder {
    fn of(kind: &Type) -> Option<Self> {
        Some(match kind {
            Type::Text => Self::Text(StringBuilder::new()),
            Type::Bool => Self::Bool(BooleanBuilder::new()),
            Type::Int {
                bits: 64,
                signed: true,
            } => Self::Int(Int64Builder::new()),
            Type::Float { bits: 64 } => Self::Float(Float64Builder::new()),
            Type::Decimal { precision, scale } if *precision <= DIGITS_128 => {
                Self::Decimal128(Decimal128Builder::new(), *precision, *scale)
            }
            Type::Decimal { precision, scale } if *precision <= DIGITS_256 => {
                Self::Decimal256(Decimal256Builder::new(), *precision, *scale)
            }
            Type::Date => Self::Date(Date32Builder::new()),
            Type::Timestamp { zone } => {
                let zone = zone.as_deref().map(Arc::from);
                Self::Timestamp(TimestampMicrosecondBuilder::new(), zone)
            }
            _ => return None,
        })
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Bool(_) => DataType::Boolean,
            Self::Int(_) => DataType::Int64,
            Self::Float(_) => DataType::Float64,
            Self::Decimal128(_, precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::Decimal256(_, precision, scale) => DataType::Decimal256(*precision, *scale),
            Self::Date(_) => DataType::Date32,
            Self::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        }
    }

    fn value(&mut self, value: Option<&[u8]>) -> Result<(), Failure> {
        let Some(value) = value else {
            self.null();
            return Ok(());
        };
        let outside = || malformed("a day or a moment that Arrow cannot say");
        match self {
            Self::Text(texts) => {
                let text = std::str::from_utf8(value);
                texts.append_value(text.map_err(|_error| malformed("a text that is not UTF-8"))?);
            }
            Self::Bool(bools) => bools.append_value(exactly::<1>(value)? == [1]),
            Self::Int(ints) => ints.append_value(i64::from_be_bytes(exactly(value)?)),
            Self::Float(floats) => floats.append_value(f64::from_be_bytes(exactly(value)?)),
            Self::Decimal128(decimals, _, scale) => {
                let value = numeric(value, *scale)?.to_i128().ok_or_else(too_long)?;
                decimals.append_value(value);
            }
            Self::Decimal256(decimals, _, scale) => decimals.append_value(numeric(value, *scale)?),
            Self::Date(days) => {
                let day = i32::from_be_bytes(exactly(value)?).checked_add(DAYS);
                days.append_value(day.ok_or_else(outside)?);
            }
            Self::Timestamp(moments, _) => {
                let moment = i64::from_be_bytes(exactly(value)?).checked_add(MICROSECONDS);
                moments.append_value(moment.ok_or_else(outside)?);
            }
        }
        Ok(())
    }

    fn null(&mut self) {
        match self {
            Self::Text(texts) => texts.append_null(),
            Self::Bool(bools) => bools.append_null(),
            Self::Int(ints) => ints.append_null(),
            Self::Float(floats) => floats.append_null(),
            Self::Decimal128(decimals, ..) => decimals.append_null(),
            Self::Decimal256(decimals, ..) => decimals.append_null(),
            Self::Date(days) => days.append_null(),
            Self::Timestamp(moments, _) => moments.append_null(),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Bool(bools) => Arc::new(bools.finish()),
            Self::Int(ints) => Arc::new(ints.finish()),
            Self::Float(floats) => Arc::new(floats.finish()),
            Self::Decimal128(decimals, precision, scale) => {
                let decimals = decimals
                    .finish()
                    .with_precision_and_scale(*precision, *scale)?;
                decimals.validate_decimal_precision(*precision)?;
                Arc::new(decimals)
            }
            Self::Decimal256(decimals, precision, scale) => {
                let decimals = decimals
                    .finish()
                    .with_precision_and_scale(*precision, *scale)?;
                decimals.validate_decimal_precision(*precision)?;
                Arc::new(decimals)
            }
            Self::Date(days) => Arc::new(days.finish()),
            Self::Timestamp(moments, zone) => {
                Arc::new(moments.finish().with_timezone_opt(zone.clone()))
            }
        })
    }
}

fn too_long() -> Failure {
    malformed("a number with more digits than its column has")
}

/// PostgreSQL's `numeric` as a whole number of 10^-`scale`.
///
/// It sends how many digits of base 10,000 there are, which power of it the first one has, the
/// sign, how many decimal places are shown, and the digits.
fn numeric(value: &[u8], scale: i8) -> Result<i256, Failure> {
    const NEGATIVE: u16 = 0x4000;
    const BASE: i256 = i256::from_i128(10_000);
    let short = || malformed("a number that ends too early");
    let (head, digits) = value.split_first_chunk::<8>().ok_or_else(short)?;
    let [n0, n1, w0, w1, s0, s1, _, _] = *head;
    let count = usize::from(u16::from_be_bytes([n0, n1]));
    let weight = i32::from(i16::from_be_bytes([w0, w1]));
    let sign = u16::from_be_bytes([s0, s1]);
    if sign != 0 && sign != NEGATIVE {
        return Err(malformed("a decimal that is no number"));
    }
    if digits.len() != count * 2 {
        return Err(short());
    }
    let mut sum = i256::ZERO;
    for digit in digits.chunks_exact(2) {
        let digit = digit.first_chunk::<2>().ok_or_else(short)?;
        let digit = i256::from_i128(i128::from(u16::from_be_bytes(*digit)));
        let next = sum.checked_mul(BASE).and_then(|sum| sum.checked_add(digit));
        sum = next.ok_or_else(too_long)?;
    }
    // The last digit counts 10,000 to this power; `sum` is to count 10^-scale.
    let last = weight - i32::try_from(count).map_err(|_many| too_long())? + 1;
    let power = last * 4 + i32::from(scale);
    let tens = |power: u32| i256::from_i128(10).checked_pow(power).ok_or_else(too_long);
    let scaled = if sum == i256::ZERO {
        sum
    } else if power >= 0 {
        let tens = tens(power.unsigned_abs())?;
        sum.checked_mul(tens).ok_or_else(too_long)?
    } else {
        // The digits behind the places of the column are noughts, which fill up the last one.
        let tens = tens(power.unsigned_abs())?;
        let rest = sum.checked_rem(tens).ok_or_else(too_long)?;
        if rest != i256::ZERO {
            return Err(malformed("a number with more places than its column has"));
        }
        sum.checked_div(tens).ok_or_else(too_long)?
    };
    Ok(if sign == NEGATIVE {
        scaled.wrapping_neg()
    } else {
        scaled
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(weight: i16, sign: u16, places: u16, digits: &[u16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&u16::try_from(digits.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&weight.to_be_bytes());
        bytes.extend_from_slice(&sign.to_be_bytes());
        bytes.extend_from_slice(&places.to_be_bytes());
        for digit in digits {
            bytes.extend_from_slice(&digit.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        for (weight, sign, digits, scale, expected) in [
            (0, 0, &[][..], 2, 0),
            (0, 0, &[1][..], 0, 1),
            (0, 0x4000, &[12, 3400][..], 2, -1_234),
            (1, 0, &[1], 0, 10_000),
            (2, 0, &[1], 3, 100_000_000_000),
            (-1, 0, &[1000], 1, 1),
            (-1, 0, &[1], 4, 1),
            (-2, 0, &[5000], 5, 5),
            (0, 0, &[9_999, 9_999], 6, 9_999_999_900),
        ] {
            let value = numeric(&sent(weight, sign, 0, digits), scale).unwrap();
            assert_eq!(
                value,
                i256::from_i128(expected),
                "{weight} {digits:?} {scale}"
            );
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for (bytes, scale) in [
            (sent(0, 0xc000, 0, &[]), 0),
            (sent(-1, 0, 0, &[1]), 3),
            (sent(30, 0, 0, &[1]), 0),
            (sent(0, 0, 0, &[1; 30]), 0),
            (sent(0, 0, 0, &[1])[..9].to_vec(), 0),
            (vec![0; 7], 0),
        ] {
            assert!(numeric(&bytes, scale).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn rows_that_are_not_whole_are_refused() {
        let column = |kind| Column {
            name: "a".to_owned(),
            nullable: true,
            kind,
        };
        let int = Type::Int {
            bits: 64,
            signed: true,
        };
        let mut whole = Vec::new();
        whole.extend_from_slice(&8_i32.to_be_bytes());
        whole.extend_from_slice(&7_i64.to_be_bytes());
        let mut batch = Batch::new(&[column(int.clone())]).unwrap();
        batch.row(&mut whole.as_slice()).unwrap();
        batch.row(&mut (-1_i32).to_be_bytes().as_slice()).unwrap();
        let made = batch.take().unwrap();
        assert_eq!((made.num_rows(), made.column(0).null_count()), (2, 1));
        for bad in [
            &whole[..11],
            &whole[..3],
            &(-2_i32).to_be_bytes(),
            &[0, 0, 0, 4, 1, 2, 3, 4],
        ] {
            let mut batch = Batch::new(&[column(int.clone())]).unwrap();
            assert!(batch.row(&mut &*bad).is_err(), "{bad:?}");
        }
        assert!(Batch::new(&[column(Type::Json)]).is_err());
    }
}
