//! What is said of a file: its head, its rows in batches, its end; and the bounds of a row.

use std::fs::File;
use std::io;

use chartroom_wire::tabular::{Bounds, Code, End, Failure, Head, MAX_HEAD};
use chartroom_wire::{Cell, Kind, RowsWriter, WireError, write, write_json};

use crate::once::ID;

/// A batch is sent once it weighs this much, so that it fits one frame unless a row is larger.
const BATCH: usize = 240 * 1024;

/// Why reading ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    Failure(Failure),
    /// Nobody listens any more.
    Gone(WireError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<WireError> for Stop {
    fn from(error: WireError) -> Self {
        Self::Gone(error)
    }
}

pub(crate) fn unreadable(error: &io::Error) -> Failure {
    Failure::new(Code::Io, format!("the file cannot be read: {error}"))
}

/// A row while it is put together: its texts joined, and where each of them ends.
#[derive(Debug, Default)]
pub(crate) struct RowBuffer {
    text: String,
    cells: Vec<(Slot, usize)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    Null,
    Text,
    Error,
}

impl RowBuffer {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
    }

    /// Adds a cell whose text `write` writes.
    pub(crate) fn push(&mut self, slot: Slot, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.cells.push((slot, self.text.len()));
    }

    pub(crate) fn null(&mut self) {
        self.push(Slot::Null, |_| ());
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let mut start = 0;
        self.cells.iter().map(move |(slot, end)| {
            let text = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            match slot {
                Slot::Null => Cell::Null,
                Slot::Text => Cell::Text(text),
                Slot::Error => Cell::Error(text),
            }
        })
    }
}

#[derive(Debug)]
pub(crate) struct Output<'a> {
    to: &'a mut File,
    bounds: Bounds,
    rows: RowsWriter,
    end: End,
}

impl<'a> Output<'a> {
    pub(crate) fn new(to: &'a mut File, bounds: Bounds) -> Self {
        Self {
            to,
            bounds,
            rows: RowsWriter::default(),
            end: End::default(),
        }
    }

    pub(crate) fn head(&mut self, head: &Head) -> Result<(), Stop> {
        self.columns(head.columns.len())?;
        let head = serde_json::to_vec(head).map_err(WireError::from)?;
        if head.len() > MAX_HEAD {
            let message = "the names of columns or of sheets are too long together";
            return Err(Failure::new(Code::TooLong, message).into());
        }
        Ok(write(self.to, ID, Kind::Head, &head)?)
    }

    /// Refuses more columns than there may be.
    pub(crate) fn columns(&self, columns: usize) -> Result<(), Failure> {
        let most = self.bounds.columns;
        if u32::try_from(columns).is_ok_and(|columns| columns <= most) {
            return Ok(());
        }
        let message =
            format!("there are more than {most} columns, which are the most there may be");
        Err(Failure::new(Code::TooManyColumns, message))
    }

    pub(crate) fn row(&mut self, number: u64, row: &RowBuffer) -> Result<(), Stop> {
        self.judge(row).map_err(|failure| failure.at(number))?;
        self.rows.row(number, row.len());
        for cell in row.cells() {
            self.rows.cell(cell);
        }
        if self.rows.weight() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn judge(&mut self, row: &RowBuffer) -> Result<(), Failure> {
        let Bounds {
            rows,
            cells,
            text,
            row: most,
            ..
        } = self.bounds;
        self.columns(row.len())?;
        let within = |length: usize, most: u32| u32::try_from(length).is_ok_and(|l| l <= most);
        if !within(row.text.len(), most) {
            let message = format!("the texts of a row are longer than {most} bytes together");
            return Err(Failure::new(Code::TooLong, message));
        }
        let mut filled = 0;
        for cell in row.cells() {
            let (Cell::Text(here) | Cell::Error(here)) = cell else {
                continue;
            };
            if !within(here.len(), text) {
                let message = format!("a text is longer than {text} bytes");
                return Err(Failure::new(Code::TooLong, message));
            }
            filled += 1;
        }
        self.end.rows += 1;
        self.end.cells += filled;
        if self.end.rows > rows {
            return Err(Failure::new(
                Code::TooManyRows,
                format!("there are more than {rows} rows"),
            ));
        }
        if self.end.cells > cells {
            let message = format!("there are more than {cells} cells that hold something");
            return Err(Failure::new(Code::TooManyCells, message));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WireError> {
        if self.rows.rows() > 0 {
            write(self.to, ID, Kind::Data, &self.rows.take())?;
        }
        Ok(())
    }

    pub(crate) fn end(mut self) -> Result<(), Stop> {
        self.flush()?;
        Ok(write_json(self.to, ID, Kind::End, &self.end)?)
    }
}
