//! Reads a file in a thread of its own: rows become binary rows for `COPY`, and what cannot be
//! taken becomes errors.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::infer::Guess;
use super::layout::{Layout, Mismatch, Row};
use super::model::{ImportProblem, MOST_ERRORS, Progress, RowError};
use super::options::{ImportOptions, OnError};
use super::rejects::{Mistake, Rejects};
use super::rows::{FileError, Rows};
use crate::datasets::column::{Column, Columns, MOST_COLUMNS, of_file};
use crate::datasets::csv::Record;
use crate::datasets::rules::check::Checks;
use crate::datasets::rules::table::has_unique;
use crate::datasets::value::{encode, encode_bigint, encode_null, trimmed};

/// What goes to the database at once.
const CHUNK: usize = 256 << 10;
/// The most records of one import, which is as many ids as it sets aside.
pub const MOST_ROWS: i64 = 1_000_000_000;
/// By so much of a file its columns are guessed.
pub const SAMPLE: usize = 64 << 10;
/// So much of a value is shown with an error.
const SHOWN: usize = 200;

/// The header of binary `COPY`: its signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// What the thread has for the task.
pub enum Message {
    /// The columns, and where to say by which numbers the records begin. The thread waits for them.
    Begin {
        columns: Columns,
        is_inferred: bool,
        numbers: oneshot::Sender<Numbers>,
    },
    Chunk {
        bytes: Bytes,
        progress: Progress,
    },
    /// Records that could not be taken.
    Rejected(Bytes),
}

/// The change that the records come with, and the id of the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    pub change: i64,
    pub first_rid: i64,
}

/// What the file came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub progress: Progress,
    pub errors: Vec<RowError>,
    pub rejects: Rejects,
    /// The columns that the file gives, by their names there and their places.
    pub given: Vec<(String, usize)>,
    /// The file as a whole does not fit.
    pub problem: Option<ImportProblem>,
    /// The file did not arrive whole.
    pub is_broken: bool,
    /// Reading it failed, which is not the file's fault.
    pub failure: Option<anyhow::Error>,
}

impl From<Mismatch> for ImportProblem {
    fn from(mismatch: Mismatch) -> Self {
        Self::new(mismatch.code, mismatch.detail)
    }
}

/// Reads all of it, or as much as there is a point in. `columns` are empty where the dataset has
/// none yet.
pub fn read(
    rows: &mut dyn Rows,
    options: ImportOptions,
    columns: Columns,
    to: &mpsc::Sender<Message>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let on_error = options.on_error;
    let read = Reading {
        rows,
        layout: Layout::new(options),
        on_error,
        to,
        outcome: &mut outcome,
    }
    .all(columns);
    match read {
        Ok(()) | Err(Stopped::Gone) => {}
        Err(Stopped::Failed(error)) => outcome.failure = Some(error),
        Err(Stopped::Broken) => outcome.is_broken = true,
        Err(Stopped::Problem(problem)) => outcome.problem = Some(problem),
    }
    if let Some(rest) = outcome.rejects.rest() {
        // Where nobody waits for them, the import has ended already.
        let _ = to.blocking_send(Message::Rejected(rest));
    }
    outcome
}

/// Why reading ends early.
enum Stopped {
    Problem(ImportProblem),
    Failed(anyhow::Error),
    Broken,
    /// Nobody waits for the rows.
    Gone,
}

impl From<Mismatch> for Stopped {
    fn from(mismatch: Mismatch) -> Self {
        Self::Problem(mismatch.into())
    }
}

struct Reading<'a> {
    rows: &'a mut dyn Rows,
    layout: Layout,
    on_error: OnError,
    to: &'a mpsc::Sender<Message>,
    outcome: &'a mut Outcome,
}

impl Reading<'_> {
    fn all(mut self, declared: Columns) -> Result<(), Stopped> {
        let mut sample = Vec::new();
        let is_inferred = declared.0.is_empty();
        let open = declared.0.iter().filter(|column| !self.layout.adds(column));
        let open: Vec<Column> = open.cloned().collect();
        let known = self.rows.begin((!is_inferred).then_some(&open));
        let known = known.map_err(|error| self.stopped(error))?;
        if let Some(known) = &known {
            self.layout.name(known);
        }
        let columns = match (is_inferred, known) {
            (false, _) => declared,
            (true, Some(known)) => {
                let mut columns = of_file(known);
                self.layout.give_types(&mut columns)?;
                // It reads them as what they are to be.
                let begun = self.rows.begin(Some(&columns.0));
                begun.map_err(|error| self.stopped(error))?;
                columns
            }
            (true, None) => {
                let mut columns = self.infer(&mut sample)?;
                self.layout.give_types(&mut columns)?;
                columns
            }
        };
        let numbers = self.begin(&columns, is_inferred)?;
        if !sample.is_empty() {
            self.layout.settle(&columns)?;
        }
        let checks = Checks::of(&columns);
        let mut encoder = Encoder {
            columns: &columns,
            checks: checks.map_err(|mistake| Stopped::Failed(anyhow::Error::msg(mistake)))?,
            tells_rows: has_unique(&columns),
            numbers,
            out: HEADER.to_vec(),
        };
        let mut is_settled = !sample.is_empty();
        let now = self.layout.sections();
        for Sampled {
            row,
            record,
            sections,
        } in sample
        {
            self.layout.restore(sections);
            self.record(&mut encoder, row, &record)?;
        }
        self.layout.restore(now);
        let mut record = Record::default();
        while self.next(&mut record)? {
            if self.layout.look(&record)? != Row::Record {
                continue;
            }
            if !is_settled {
                self.layout.settle(&columns)?;
                is_settled = true;
            }
            let number = self.layout.row();
            self.record(&mut encoder, number, &record)?;
        }
        if !self.layout.is_named() {
            return Err(Stopped::Problem(ImportProblem::new(
                "empty-file",
                "the file has neither a header nor a record; nothing was loaded",
            )));
        }
        if !is_settled {
            self.layout.settle(&columns)?;
        }
        self.outcome.given = self.layout.places(&columns);
        encoder.out.extend_from_slice(&TRAILER);
        self.send(&mut encoder)
    }

    fn next(&mut self, record: &mut Record) -> Result<bool, Stopped> {
        self.outcome.progress.bytes = self.rows.bytes();
        self.rows.next(record).map_err(|error| self.stopped(error))
    }

    fn stopped(&self, error: FileError) -> Stopped {
        match error {
            FileError::Broken => Stopped::Broken,
            FileError::Csv(_) => Stopped::Problem(ImportProblem::new(
                "unreadable-file",
                format!("after row {}: {error}", self.layout.row()),
            )),
            FileError::Refused(problem) => Stopped::Problem(problem),
            FileError::Failed(error) => Stopped::Failed(error),
        }
    }

    /// Looks at the beginning of the file, and keeps the records for later.
    fn infer(&mut self, sample: &mut Vec<Sampled>) -> Result<Columns, Stopped> {
        let mut guesses: Vec<Guess> = Vec::new();
        let (mut size, mut spare) = (0, Vec::new());
        // The columns that options add come after those of the file, as texts to be read.
        let mut columns = Columns::default();
        while size < SAMPLE {
            let mut record = Record::default();
            if !self.next(&mut record)? {
                break;
            }
            if self.layout.look(&record)? != Row::Record {
                continue;
            }
            if columns.0.is_empty() {
                columns = self.texts()?;
                self.layout.settle(&columns)?;
                guesses = vec![Guess::default(); columns.0.len()];
            }
            for (at, guess) in guesses.iter_mut().enumerate() {
                if let Some(text) = self.layout.value(at, &record) {
                    guess.see(&text, &mut spare);
                }
            }
            size += record.size();
            sample.push(Sampled {
                row: self.layout.row(),
                sections: self.layout.sections(),
                record,
            });
        }
        if columns.0.is_empty() {
            columns = self.texts()?;
        }
        for (column, guess) in columns.0.iter_mut().zip(&guesses) {
            column.kind = guess.kind();
        }
        Ok(columns)
    }

    /// The columns that the file gives, as texts.
    fn texts(&self) -> Result<Columns, Stopped> {
        use crate::datasets::column::ColumnType::Text;
        let given: Vec<_> = self.layout.given().collect();
        if given.len() > MOST_COLUMNS {
            return Err(Stopped::Problem(ImportProblem::new(
                "too-many-columns",
                format!(
                    "the file has {} columns, and a dataset at most {MOST_COLUMNS}; leave some out by `-` in `columns`",
                    given.len()
                ),
            )));
        }
        Ok(of_file(
            given.into_iter().map(|name| (name.to_owned(), Text)),
        ))
    }

    fn begin(&self, columns: &Columns, is_inferred: bool) -> Result<Numbers, Stopped> {
        if columns.0.is_empty() {
            return Err(Stopped::Problem(ImportProblem::new(
                "empty-file",
                "the file has neither a header nor a record; nothing was loaded",
            )));
        }
        let (numbers, answer) = oneshot::channel();
        let begin = Message::Begin {
            columns: columns.clone(),
            is_inferred,
            numbers,
        };
        self.to.blocking_send(begin).or(Err(Stopped::Gone))?;
        answer.blocking_recv().or(Err(Stopped::Gone))
    }

    fn record(
        &mut self,
        encoder: &mut Encoder<'_>,
        number: u64,
        record: &Record,
    ) -> Result<(), Stopped> {
        self.outcome.progress.rows_read += 1;
        if self.outcome.progress.rows_read > MOST_ROWS {
            return Err(Stopped::Problem(ImportProblem::new(
                "too-many-rows",
                format!("an import has at most {MOST_ROWS} records; split the file"),
            )));
        }
        let mut mistakes: Vec<Mistake> = Vec::new();
        let mut error = |column: Option<&str>, code: &str, value: Option<&str>| {
            mistakes.push((column.map(str::to_owned), code.to_owned()));
            if self.outcome.errors.len() < MOST_ERRORS {
                self.outcome.errors.push(RowError {
                    row: number,
                    line: (record.line > 0).then_some(record.line),
                    column: column.map(str::to_owned),
                    code: code.to_owned(),
                    value: value.map(shown),
                });
            }
        };
        if let Some(wrong) = &record.wrong {
            error(wrong.column.as_deref(), wrong.code, wrong.value.as_deref());
        } else if record.has_stray_quote {
            error(None, "stray-quote", None);
        } else if !self.layout.fits(record) {
            error(
                None,
                "wrong-number-of-fields",
                Some(&record.len().to_string()),
            );
        } else {
            encoder.record(&self.layout, number, record, &mut error);
        }
        if !mistakes.is_empty() {
            self.outcome.progress.rows_failed += 1;
            let rejects = &mut self.outcome.rejects;
            rejects.add(number, &mistakes, &self.layout, record);
            if let Some(full) = rejects.full() {
                self.to
                    .blocking_send(Message::Rejected(full))
                    .or(Err(Stopped::Gone))?;
            }
            let is_enough = self.outcome.errors.len() >= MOST_ERRORS;
            if is_enough && self.on_error == OnError::Abort {
                return Err(Stopped::Problem(ImportProblem::new(
                    "rows-refused",
                    format!(
                        "the first {MOST_ERRORS} mistakes are in `errors`, and the rest of the file was not looked at; nothing was loaded"
                    ),
                )));
            }
            return Ok(());
        }
        if self.outcome.progress.rows_failed > 0 && self.on_error == OnError::Abort {
            // The rest is only looked at.
            encoder.out.clear();
        } else if encoder.out.len() >= CHUNK {
            self.send(encoder)?;
        }
        Ok(())
    }

    fn send(&mut self, encoder: &mut Encoder<'_>) -> Result<(), Stopped> {
        let bytes = std::mem::replace(&mut encoder.out, Vec::with_capacity(CHUNK + (CHUNK >> 2)));
        let chunk = Message::Chunk {
            bytes: bytes.into(),
            progress: self.outcome.progress,
        };
        self.to.blocking_send(chunk).or(Err(Stopped::Gone))
    }
}

/// The beginning of a value. PostgreSQL keeps no U+0000, so another sign stands for it.
pub fn shown(value: &str) -> String {
    let shown = value.chars().take(SHOWN);
    shown
        .map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .collect()
}

/// A record that is kept until the columns are known, with what the sections said above it.
struct Sampled {
    row: u64,
    record: Record,
    sections: Vec<Option<String>>,
}

struct Encoder<'a> {
    columns: &'a Columns,
    checks: Checks,
    /// Whether each row says where it stood.
    tells_rows: bool,
    numbers: Numbers,
    out: Vec<u8>,
}

impl Encoder<'_> {
    /// Writes the row, or says what is wrong with each of its values and writes nothing.
    fn record(
        &mut self,
        layout: &Layout,
        number: u64,
        record: &Record,
        error: &mut impl FnMut(Option<&str>, &str, Option<&str>),
    ) {
        use crate::datasets::column::ColumnType::Text;
        let begin = self.out.len();
        let others = if self.tells_rows { 4 } else { 2 };
        let fields = i16::try_from(self.columns.0.len() + others).unwrap_or(i16::MAX);
        self.out.extend_from_slice(&fields.to_be_bytes());
        encode_bigint(self.numbers.first_rid, &mut self.out);
        encode_bigint(self.numbers.change, &mut self.out);
        let values = self.out.len();
        let mut is_good = true;
        for (at, column) in self.columns.0.iter().enumerate() {
            let text = layout.value(at, record);
            // Programs that quote everything write no number as an empty text.
            let text = text.filter(|text| column.kind == Text || !trimmed(text).is_empty());
            let written = match &text {
                _ if layout.is_error(at, record) => Err("error-cell"),
                Some(text) => encode(column.kind, text, &mut self.out),
                None if column.nullable => {
                    encode_null(&mut self.out);
                    Ok(())
                }
                None => Err("missing"),
            };
            if let Err(code) = written {
                error(Some(&column.name), code, text.as_deref());
                is_good = false;
                // So that those after it are found.
                encode_null(&mut self.out);
            }
        }
        if !self.checks.is_empty() {
            let row = self.out.get(values..).unwrap_or_default();
            self.checks.row(row, |place, broken| {
                let name = self.columns.0.get(place).map(|column| column.name.as_str());
                error(name, broken.code(), layout.value(place, record).as_deref());
                is_good = false;
            });
        }
        if self.tells_rows {
            for number in [number, record.line] {
                encode_bigint(i64::try_from(number).unwrap_or(i64::MAX), &mut self.out);
            }
        }
        match is_good {
            true => self.numbers.first_rid += 1,
            false => self.out.truncate(begin),
        }
    }
}
