//! The heads of Parquet's pages, read before the pages: a head says how much its page unpacks to,
//! which a reader reserves, and how many values it has.

use chartroom_wire::tabular::{Code, Failure};
use parquet::file::metadata::ColumnChunkMetaData;

use super::parquet::bad;
use crate::output::unreadable;
use crate::source::Source;

/// Bytes that a page unpacks to. Writers make pages of about 1 MiB.
const PAGE: i64 = 64 << 20;
/// A head is some 30 bytes, and the smallest and largest of the page's texts.
const HEADS: [usize; 2] = [512, 1 << 20];
/// Structs in a head that are in each other: two, as the format is today.
const DEPTH: u32 = 8;

/// Compares a column of a row group with the file and with the pages that it has there.
pub(super) fn check(
    source: &Source,
    chunk: &ColumnChunkMetaData,
    rows: i64,
) -> Result<(), Failure> {
    let first = chunk.dictionary_page_offset().unwrap_or(i64::MAX);
    let first = first.min(chunk.data_page_offset());
    let begin = u64::try_from(first).map_err(|_error| bad(&"a column begins before the file"))?;
    let length = u64::try_from(chunk.compressed_size());
    let length = length.map_err(|_error| bad(&"a column has no length"))?;
    let end = begin
        .checked_add(length)
        .filter(|end| *end <= source.length());
    let end = end.ok_or_else(|| bad(&"a column is longer than the file"))?;
    let values = chunk.num_values();
    let is_flat = chunk.column_descr().max_rep_level() == 0;
    if values < 0 || (is_flat && values != rows) {
        return Err(bad(&"a column has another number of values than its rows"));
    }
    let (mut at, mut seen) = (begin, 0_i64);
    while at < end && seen < values {
        let head = head(source, at, end)?;
        if !(0..=PAGE).contains(&head.unpacked) {
            let message = format!("a page unpacks to more than {PAGE} bytes");
            return Err(Failure::new(Code::TooLarge, message));
        }
        let packed = u64::try_from(head.packed).ok();
        let next = packed.and_then(|packed| at.checked_add(head.length)?.checked_add(packed));
        at = next
            .filter(|next| *next <= end)
            .ok_or_else(|| bad(&"a page is longer than its column"))?;
        seen = seen
            .checked_add(head.values)
            .filter(|seen| *seen <= values && head.values >= 0)
            .ok_or_else(|| bad(&"a page has more values than its column"))?;
    }
    if seen < values {
        return Err(bad(&"a column has fewer values than it says"));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    /// Of the head itself.
    length: u64,
    unpacked: i64,
    packed: i64,
    /// Of a page of data; a dictionary's are others.
    values: i64,
}

fn head(source: &Source, at: u64, end: u64) -> Result<Head, Failure> {
    let left = usize::try_from(end - at).unwrap_or(usize::MAX);
    for most in HEADS {
        let bytes = source
            .bytes(at, most.min(left))
            .map_err(|error| unreadable(&error))?;
        if let Some(head) = parse(&bytes) {
            return Ok(head);
        }
    }
    Err(bad(&"a page has no head"))
}

fn parse(bytes: &[u8]) -> Option<Head> {
    let mut compact = Compact { rest: bytes };
    let mut head = Head::default();
    compact.fields(DEPTH, &mut |id, value| match (id, value) {
        (2, Value::Number(unpacked)) => head.unpacked = unpacked,
        (3, Value::Number(packed)) => head.packed = packed,
        // The heads of the two kinds of data pages, whose first field is the number of values.
        (5 | 8, Value::First(values)) => head.values = values,
        _ => {}
    })?;
    head.length = u64::try_from(bytes.len() - compact.rest.len()).ok()?;
    Some(head)
}

/// The compact protocol of Thrift, as far as a head goes: field by field, skipping what it does
/// not look at.
struct Compact<'a> {
    rest: &'a [u8],
}

enum Value {
    Number(i64),
    /// A struct, of which the field 1 is a number.
    First(i64),
    Other,
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some(i64::try_from(zigzag >> 1).ok()? ^ -i64::from(zigzag & 1 == 1))
    }

    fn skip(&mut self, bytes: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    fn fields(&mut self, depth: u32, see: &mut dyn FnMut(i64, Value)) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            id = match i64::from(head >> 4) {
                0 => self.number()?,
                by => id.checked_add(by)?,
            };
            let value = self.value(head & 0xf, depth)?;
            see(id, value);
        }
    }

    fn value(&mut self, kind: u8, depth: u32) -> Option<Value> {
        match kind {
            1 | 2 => {}
            3 => self.skip(1)?,
            4..=6 => return Some(Value::Number(self.number()?)),
            7 => self.skip(8)?,
            8 => {
                let length = self.varint()?;
                self.skip(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let length = match u64::from(head >> 4) {
                    15 => self.varint()?,
                    length => length,
                };
                let depth = depth.checked_sub(1)?;
                for _ in 0..length {
                    match head & 0xf {
                        // In a list a truth value is a byte of its own.
                        1 | 2 => self.skip(1)?,
                        kind => {
                            self.value(kind, depth)?;
                        }
                    }
                }
            }
            12 => {
                let mut first = None;
                self.fields(depth, &mut |id, value| {
                    if let (1, Value::Number(number)) = (id, value) {
                        first = Some(number);
                    }
                })?;
                return Some(first.map_or(Value::Other, Value::First));
            }
            // Maps are in no head.
            _ => return None,
        }
        Some(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of pyarrow: 5 values, 28 bytes packed, 40 unpacked, with statistics.
    const PAGE_HEAD: &[u8] = &[
        0x15, 0x00, 0x15, 0x50, 0x15, 0x38, 0x2c, 0x15, 0x0a, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06,
        0x1c, 0x18, 0x01, b'z', 0x18, 0x01, b'a', 0x16, 0x00, 0x00, 0x00, 0x00,
    ];

    #[test]
    fn a_head_is_read() {
        let mut bytes = PAGE_HEAD.to_vec();
        bytes.extend(b"the page");
        let head = parse(&bytes).unwrap();
        let expected = Head {
            length: 27,
            unpacked: 40,
            packed: 28,
            values: 5,
        };
        assert_eq!(head, expected);
        for end in 0..PAGE_HEAD.len() {
            assert_eq!(parse(PAGE_HEAD.get(..end).unwrap()), None, "{end}");
        }
    }

    #[test]
    fn a_forged_head_ends() {
        for forged in [
            // A text, a list and a nesting without end.
            &[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..],
            &[0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x1c; 100],
            &[
                0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
        ] {
            assert_eq!(parse(forged), None);
        }
    }
}
