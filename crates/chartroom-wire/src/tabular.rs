//! What is asked of the feature `tabular`, and what it says besides rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What to read, and how much of it at most. The file itself is the runner's standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub format: Format,
    /// Of a workbook: the sheet's name; the first one when absent.
    pub sheet: Option<String>,
    pub bounds: Bounds,
    pub walls: Room,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    Xlsx,
    Parquet,
    /// Arrow IPC, as a file or as a stream.
    Arrow,
}

/// Bounds of what a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    pub columns: u32,
    pub rows: u64,
    /// Cells that hold something.
    pub cells: u64,
    /// Bytes of one cell's text.
    pub text: u32,
    /// Bytes of one row's texts.
    pub row: u32,
    /// Bytes that all parts of a workbook unpack to.
    pub unpacked: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            columns: 1_000,
            rows: 1 << 32,
            cells: 1 << 32,
            text: 1 << 20,
            row: 4 << 20,
            unpacked: 2 << 30,
        }
    }
}

/// What to write. What it is of follows on the standard input of the runner: a [`WriteHead`], rows
/// as `Data`, and an `End`.
///
/// A body of `Data` holds whole rows. A row is its values in the order of the columns: each a
/// length of four bytes, the highest first, with as many bytes behind it, or -1 for null. The bytes
/// are those that PostgreSQL sends of `text`, `boolean`, `bigint`, `double precision`, `numeric`,
/// `date` and `timestamptz` when it is asked for binary ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRequest {
    pub format: FileFormat,
    pub walls: Room,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    Parquet,
    /// Arrow IPC with a table of contents at its end.
    Arrow,
    /// Arrow IPC that is read in order.
    ArrowStream,
}

/// The columns of a file that is written. Types are `Text`, `Bool`, `Int` and `Float` of 64 bits,
/// `Decimal`, `Date` and `Timestamp`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteHead {
    pub columns: Vec<Column>,
    /// What the file says of itself besides.
    pub metadata: BTreeMap<String, String>,
}

/// Bytes of unfinished messages that the runner takes: more than the longest row.
pub const MAX_ROWS: usize = 64 << 20;

/// What the process may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Bytes of memory that it may write to.
    pub memory: u64,
    /// Seconds of a processor.
    pub cpu: u64,
}

/// The walls there may be around the process, by their names.
pub const WALLS: [&str; 9] = [
    // The kernel's choice of what to kill where memory runs out.
    "victim",
    "memory",
    "cpu",
    "files",
    "processes",
    "privileges",
    "landlock",
    "descriptors",
    "seccomp",
];

/// One wall around the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wall {
    pub name: String,
    /// Why it does not stand, or not as high as it could.
    pub missing: Option<String>,
}

/// Bytes of a head: some kilobytes for each of a thousand columns.
pub const MAX_HEAD: usize = 4 << 20;

/// What comes before the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of a workbook: its worksheets, in their order.
    pub sheets: Vec<Sheet>,
    /// Of a workbook: the sheet that is read.
    pub sheet: Option<String>,
    /// Of Parquet and Arrow: the columns. A workbook has none: its header is a row like others.
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub name: String,
    pub hidden: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub nullable: bool,
    #[serde(flatten)]
    pub kind: Type,
}

/// What a column's texts are. A text loses nothing of its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Type {
    Text,
    /// `true` or `false`.
    Bool,
    /// In decimal digits.
    Int {
        bits: u8,
        signed: bool,
    },
    /// The shortest text that gives the same number again; `NaN`, `Infinity`, `-Infinity`.
    Float {
        bits: u8,
    },
    /// With all digits of its scale.
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// `2024-05-06`
    Date,
    /// `07:08:09`, with six or nine digits behind the seconds where they are not zero.
    Time,
    /// `2024-05-06T07:08:09` and perhaps a fraction; with `Z` where the column has a zone.
    Timestamp {
        zone: Option<String>,
    },
    /// A whole number of the unit: `s`, `ms`, `us`, `ns`.
    Duration {
        unit: String,
    },
    /// Lists, structs and maps as JSON.
    Json,
    /// Nothing but nulls.
    Null,
}

/// What comes after the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub rows: u64,
    pub cells: u64,
}

/// Why a file is not read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: Code,
    /// A sentence for the one who sent the file.
    pub message: String,
    /// The row of the file at which it happened, counted from 1.
    pub row: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// It is not what the format prescribes.
    Damaged,
    /// It is of another format.
    OtherFormat,
    Encrypted,
    UnknownSheet,
    /// It holds something that is not read, such as a binary column.
    Unsupported,
    TooManyColumns,
    TooManyRows,
    TooManyCells,
    /// A row or a text is longer than it may be.
    TooLong,
    /// It unpacks to more than it may.
    TooLarge,
    /// Reading it takes more memory than there is for it.
    OutOfMemory,
    /// Nothing is wrong with the file: it could not be read from.
    Io,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            row: None,
        }
    }

    pub fn at(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }
}
