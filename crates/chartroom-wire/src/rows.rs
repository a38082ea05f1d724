//! Rows of text cells in one body: the lengths of all cells, then all their texts joined, so that
//! the receiver checks UTF-8 once for a batch and copies nothing for a cell.

use crate::WireError;

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing, which is not the empty text.
    Null,
    Text(&'a str),
    /// What the file itself calls an error, such as `#DIV/0!`.
    Error(&'a str),
}

/// A cell's first number: 0 is null, 1 an error whose length follows, else a text of that number
/// less 2.
const NULL: usize = 0;
const ERROR: usize = 1;
const TEXT: usize = 2;

/// Collects rows for one message.
#[derive(Debug, Default)]
pub struct RowsWriter {
    shape: Vec<u8>,
    text: String,
    rows: usize,
    last: u64,
}

impl RowsWriter {
    /// Begins a row of `cells` cells, which [`cell`](Self::cell) then gives one by one. `number` is
    /// the row's place in the file, and rises.
    pub fn row(&mut self, number: u64, cells: usize) {
        number_to(&mut self.shape, number.saturating_sub(self.last));
        number_to(&mut self.shape, wide(cells));
        self.last = number;
        self.rows += 1;
    }

    pub fn cell(&mut self, cell: Cell<'_>) {
        let text = match cell {
            Cell::Null => return number_to(&mut self.shape, wide(NULL)),
            Cell::Text(text) => {
                number_to(&mut self.shape, wide(TEXT + text.len()));
                text
            }
            Cell::Error(text) => {
                number_to(&mut self.shape, wide(ERROR));
                number_to(&mut self.shape, wide(text.len()));
                text
            }
        };
        self.text.push_str(text);
    }

    /// About the bytes of the message so far.
    pub fn weight(&self) -> usize {
        self.shape.len() + self.text.len()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The body of a `Data` message; what comes next begins anew.
    pub fn take(&mut self) -> Vec<u8> {
        let length = u32::try_from(self.shape.len()).unwrap_or(u32::MAX);
        let mut body = Vec::with_capacity(4 + self.weight());
        body.extend_from_slice(&length.to_le_bytes());
        body.append(&mut self.shape);
        body.extend_from_slice(self.text.as_bytes());
        self.text.clear();
        (self.rows, self.last) = (0, 0);
        body
    }
}

/// Rows as they arrived, checked as a whole before the first one is looked at.
#[derive(Clone, Debug)]
pub struct Batch {
    shape: Vec<u8>,
    text: String,
    rows: usize,
}

impl Batch {
    /// Reads the body of a `Data` message.
    pub fn parse(mut body: Vec<u8>) -> Result<Self, WireError> {
        let bad = || WireError::Malformed("a batch whose lengths are not those of its cells");
        let length = body.first_chunk::<4>().ok_or_else(bad)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok();
        let end = length.and_then(|length| length.checked_add(4));
        let end = end.filter(|end| *end <= body.len()).ok_or_else(bad)?;
        let text = String::from_utf8(body.split_off(end))
            .map_err(|_error| WireError::Malformed("a text that is not UTF-8"))?;
        body.drain(..4);
        let mut batch = Self {
            shape: body,
            text,
            rows: 0,
        };
        batch.rows = batch.check().ok_or_else(bad)?;
        Ok(batch)
    }

    /// Walks over every cell once. `None` where a number does not fit.
    fn check(&self) -> Option<usize> {
        let (mut shape, mut text) = (self.shape.as_slice(), self.text.as_str());
        let (mut rows, mut last) = (0, 0_u64);
        while !shape.is_empty() {
            last = last.checked_add(number_from(&mut shape)?)?;
            for _ in 0..number_from(&mut shape)? {
                cell_from(&mut shape, &mut text)?;
            }
            rows += 1;
        }
        text.is_empty().then_some(rows)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let (mut shape, mut text) = (self.shape.as_slice(), self.text.as_str());
        let mut last = 0_u64;
        std::iter::from_fn(move || {
            last = last.saturating_add(number_from(&mut shape)?);
            let left = usize::try_from(number_from(&mut shape)?).ok()?;
            let row = Row {
                number: last,
                shape,
                text,
                left,
            };
            for _ in 0..left {
                cell_from(&mut shape, &mut text)?;
            }
            Some(row)
        })
    }
}

/// One row of a batch: an iterator over its cells.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The row's place in the file, counted from 1.
    pub number: u64,
    shape: &'a [u8],
    text: &'a str,
    left: usize,
}

impl<'a> Iterator for Row<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        self.left = self.left.checked_sub(1)?;
        cell_from(&mut self.shape, &mut self.text)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Row<'_> {}

fn cell_from<'a>(shape: &mut &[u8], text: &mut &'a str) -> Option<Cell<'a>> {
    let number = usize::try_from(number_from(shape)?).ok()?;
    let length = match number {
        NULL => return Some(Cell::Null),
        ERROR => usize::try_from(number_from(shape)?).ok()?,
        number => number - TEXT,
    };
    let (here, rest) = text.split_at_checked(length)?;
    *text = rest;
    Some(if number == ERROR {
        Cell::Error(here)
    } else {
        Cell::Text(here)
    })
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Seven bits a byte, the lowest first.
fn number_to(shape: &mut Vec<u8>, mut number: u64) {
    while let low @ 0x80.. = number {
        let [byte, ..] = (low | 0x80).to_le_bytes();
        shape.push(byte);
        number >>= 7;
    }
    let [byte, ..] = number.to_le_bytes();
    shape.push(byte);
}

fn number_from(shape: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = shape.split_first()?;
        *shape = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
