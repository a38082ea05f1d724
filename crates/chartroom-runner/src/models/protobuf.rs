//! The fields of a message of protobuf, without knowing what they mean.

use std::ops::Range;

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// One field, where it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) value: Value<'a>,
    /// From its tag to its end.
    pub(super) whole: Range<usize>,
    /// The value alone.
    pub(super) body: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed,
}

impl<'a> Field<'a> {
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The message that it holds, whose fields are placed in the file, too.
    pub(super) fn fields(&self) -> Option<Fields<'a>> {
        Some(Fields {
            bytes: self.bytes()?,
            at: 0,
            base: self.body.start,
        })
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

/// Goes through the fields of a message; ends behind the first thing that is none.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(file: &'a [u8]) -> Self {
        Self {
            bytes: file,
            at: 0,
            base: 0,
        }
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Broken)?;
            self.at += 1;
            // As protobuf does it: what is beyond 64 bits is lost.
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let end = self.at.checked_add(length).ok_or(Broken)?;
        let taken = self.bytes.get(self.at..end).ok_or(Broken)?;
        self.at = end;
        Ok(taken)
    }

    fn field(&mut self) -> Result<Field<'a>, Broken> {
        let start = self.at;
        let tag = self.varint()?;
        let number = tag >> 3;
        // Larger ones are none, and 0 is none.
        if !(1..1 << 29).contains(&number) {
            return Err(Broken);
        }
        let mut begin = self.at;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_bytes| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_large| Broken)?;
                begin = self.at;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_bytes| Value::Fixed)?,
            // Groups, which ONNX does not have.
            _ => return Err(Broken),
        };
        let place = |range: Range<usize>| self.base + range.start..self.base + range.end;
        Ok(Field {
            number,
            value,
            whole: place(start..self.at),
            body: place(begin..self.at),
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.bytes.len();
        }
        Some(field)
    }
}

/// Numbers that stand one behind another, as lists of them are packed.
pub(super) fn packed(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let mut fields = Fields::of(bytes);
    std::iter::from_fn(move || {
        let is_left = fields.at < fields.bytes.len();
        is_left.then(|| fields.varint().ok()).flatten()
    })
}

/// Appends a number.
pub(super) fn put_varint(to: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return to.push(low & 0x7f);
        }
        to.push(low | 0x80);
    }
}

/// Appends a field that holds bytes.
pub(super) fn put_bytes(to: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(to, number << 3 | 2);
    put_varint(to, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    to.extend_from_slice(bytes);
}

/// Appends a field that holds a number.
pub(super) fn put_number(to: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(to, number << 3);
    put_varint(to, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written_and_where_they_stand() {
        let mut inner = Vec::new();
        put_number(&mut inner, 1, u64::MAX);
        put_bytes(&mut inner, 536_870_911, b"text");
        let mut file = Vec::new();
        put_number(&mut file, 3, 300);
        put_bytes(&mut file, 7, &inner);
        file.extend_from_slice(&[5 << 3 | 5, 1, 2, 3, 4, 6 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8]);
        let fields: Vec<Field<'_>> = Fields::of(&file).map(|field| field.unwrap()).collect();
        let numbers: Vec<u64> = fields.iter().map(|field| field.number).collect();
        assert_eq!(numbers, [3, 7, 5, 6]);
        assert_eq!(fields[0].number(), Some(300));
        assert_eq!(fields[2].value, Value::Fixed);
        let within: Vec<Field<'_>> = fields[1].fields().unwrap().map(|f| f.unwrap()).collect();
        assert_eq!(within[0].number(), Some(u64::MAX));
        assert_eq!(within[1].text(), Some("text"));
        assert_eq!(&file[within[1].body.clone()], b"text");
        assert_eq!(&file[fields[1].body.clone()], inner.as_slice());
        assert_eq!(fields[3].whole.end, file.len());
        assert_eq!(fields[0].whole, 0..fields[1].whole.start);
    }

    #[test]
    fn what_is_no_field_is_broken_once() {
        for bytes in [
            &[0x08][..],      // no number behind the tag
            &[0x0a, 5, b'x'], // shorter than it says
            &[
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
            &[0x0b, 1],    // a group
            &[0x0f, 1],    // a kind that nobody knows
            &[0x00, 1],    // the field 0
            &[0x0d, 1, 2], // half of four bytes
            &[0xff; 12],   // a number that does not end
        ] {
            let mut fields = Fields::of(bytes);
            assert_eq!(fields.next(), Some(Err(Broken)), "{bytes:?}");
            assert_eq!(fields.next(), None, "{bytes:?}");
        }
        assert_eq!(Fields::of(&[0x08, 1]).count(), 1);
        assert_eq!(Fields::of(&[]).count(), 0);
    }

    #[test]
    fn a_list_of_numbers_ends_where_it_is_broken() {
        let mut bytes = Vec::new();
        for number in [0, 1, 127, 128, u64::MAX] {
            put_varint(&mut bytes, number);
        }
        let read: Vec<u64> = packed(&bytes).collect();
        assert_eq!(read, [0, 1, 127, 128, u64::MAX]);
        bytes.push(0x80);
        assert_eq!(packed(&bytes).count(), 5);
    }
}
