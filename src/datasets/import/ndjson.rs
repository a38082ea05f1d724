//! NDJSON as it arrives: an object a line, whose keys are columns. Numbers keep the digits that
//! stand in the file.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tokio::sync::mpsc::Receiver;

use super::infer::Guess;
use super::model::ImportProblem;
use super::read::SAMPLE;
use super::rows::{FileError, Known, Part, Rows};
use crate::datasets::column::{Column, ColumnName, ColumnType, MOST_COLUMNS};
use crate::datasets::csv::{CsvError, LONGEST_RECORD, Record, Wrong};
use crate::datasets::value::mistake;

/// The id of a record, which our own files have: it gets a new one.
const RID: &str = "rid";

pub struct Ndjson {
    lines: Lines,
    /// Lines that were looked at before the columns were known.
    ahead: VecDeque<(u64, String)>,
    /// Where a record has the value of a key.
    places: HashMap<String, usize>,
    kinds: Vec<ColumnType>,
    has_records: bool,
}

impl Ndjson {
    pub fn new(parts: Receiver<Part>) -> Self {
        Self {
            lines: Lines {
                parts,
                buffer: Vec::new(),
                at: 0,
                searched: 0,
                number: 0,
                is_over: false,
                bytes: 0,
            },
            ahead: VecDeque::new(),
            places: HashMap::new(),
            kinds: Vec::new(),
            has_records: false,
        }
    }

    /// The keys of the first lines, in the order in which they appear, and what their values are.
    fn infer(&mut self) -> Result<Vec<(String, ColumnType)>, FileError> {
        let mut found: Vec<(String, Seen)> = Vec::new();
        let mut places = HashMap::new();
        let (mut size, mut spare) = (0, Vec::new());
        while size < SAMPLE {
            let Some((number, text)) = self.lines.next()? else {
                break;
            };
            // What is no object is a mistake of its line, later.
            let object: Object<'_> = serde_json::from_str(text).unwrap_or_default();
            for (key, value) in object.0 {
                let place = match places.get(key.as_ref()) {
                    Some(place) => *place,
                    None => {
                        check(&key, number, found.len())?;
                        places.insert(key.clone().into_owned(), found.len());
                        found.push((key.into_owned(), Seen::default()));
                        found.len() - 1
                    }
                };
                if let Some((_, seen)) = found.get_mut(place) {
                    seen.see(value.get(), &mut spare);
                }
            }
            size += text.len();
            self.ahead.push_back((number, text.to_owned()));
        }
        let columns = found.into_iter().map(|(name, seen)| (name, seen.kind()));
        Ok(columns.collect())
    }
}

impl Rows for Ndjson {
    fn begin(&mut self, declared: Option<&[Column]>) -> Result<Option<Known>, FileError> {
        let known: Known = match declared {
            Some(columns) => {
                for (place, column) in columns.iter().enumerate() {
                    self.places.insert(column.name.clone(), place);
                }
                // A name that is another column's field means the column of this name.
                for (place, column) in columns.iter().enumerate() {
                    self.places.entry(column.field.clone()).or_insert(place);
                }
                let columns = columns.iter();
                columns
                    .map(|column| (column.name.clone(), column.kind))
                    .collect()
            }
            None => {
                let known = self.infer()?;
                let names = known.iter().enumerate();
                self.places = names
                    .map(|(place, (name, _))| (name.clone(), place))
                    .collect();
                known
            }
        };
        self.kinds = known.iter().map(|(_, kind)| *kind).collect();
        Ok(Some(known))
    }

    fn next(&mut self, record: &mut Record) -> Result<bool, FileError> {
        let ahead = self.ahead.pop_front();
        let line = match &ahead {
            Some((number, text)) => Some((*number, text.as_str())),
            None => self.lines.next()?,
        };
        let Some((number, text)) = line else {
            return match self.has_records {
                true => Ok(false),
                false => Err(FileError::Refused(ImportProblem::new(
                    "empty-file",
                    "the file has no record; nothing was loaded",
                ))),
            };
        };
        self.has_records = true;
        *record = Record::numbered(number);
        record.line = number;
        match values(text, &self.places, &self.kinds) {
            Ok(values) => {
                for value in values {
                    record.push(value.as_deref(), false);
                }
            }
            Err(wrong) => record.wrong = Some(Box::new(wrong)),
        }
        Ok(true)
    }

    fn bytes(&self) -> i64 {
        self.lines.bytes
    }
}

/// What can be the name of a column.
fn check(key: &str, line: u64, others: usize) -> Result<(), FileError> {
    let refused = |code: &str, what: String| {
        Err(FileError::Refused(ImportProblem::new(
            code,
            format!("line {line}: {what}; nothing was loaded"),
        )))
    };
    let is_long = key.chars().count() > ColumnName::MAX;
    if key.trim().is_empty() || is_long || key.chars().any(char::is_control) {
        let what = "a key is blank, longer than 200 characters or has control characters";
        return refused("bad-header", what.to_owned());
    }
    if others >= MOST_COLUMNS {
        let what =
            format!("there are more than {MOST_COLUMNS} keys, the most columns of a dataset");
        return refused("too-many-columns", what);
    }
    Ok(())
}

/// The text of each column; `None` is no value.
fn values<'a>(
    text: &'a str,
    places: &HashMap<String, usize>,
    kinds: &[ColumnType],
) -> Result<Vec<Option<Cow<'a, str>>>, Wrong> {
    let wrong = |column: Option<&str>, code, value: &str| Wrong {
        column: column.map(str::to_owned),
        code,
        value: Some(value.to_owned()),
        line: text.to_owned(),
    };
    let object = serde_json::from_str::<Object<'_>>(text);
    let object = object.or(Err(wrong(None, "not-an-object", text)))?;
    let mut values: Vec<Option<Cow<'a, str>>> = vec![None; kinds.len()];
    let mut is_given = vec![false; kinds.len()];
    for (key, value) in object.0 {
        let place = places.get(key.as_ref()).copied();
        let slot = place.and_then(|at| {
            let slot = (values.get_mut(at)?, is_given.get_mut(at)?);
            Some((slot, *kinds.get(at)?))
        });
        let Some(((slot, is_given), kind)) = slot else {
            if key == RID {
                continue;
            }
            return Err(wrong(Some(&key), "unknown-column", value.get()));
        };
        if std::mem::replace(is_given, true) {
            return Err(wrong(Some(&key), "doubled-key", value.get()));
        }
        *slot = read(kind, value.get()).map_err(|code| wrong(Some(&key), code, value.get()))?;
    }
    Ok(values)
}

/// A value as the text that CSV would have for it.
fn read(kind: ColumnType, raw: &str) -> Result<Option<Cow<'_, str>>, &'static str> {
    Ok(match raw.as_bytes().first() {
        _ if raw == "null" => None,
        Some(_) if kind == ColumnType::Json => Some(Cow::Borrowed(raw)),
        Some(b'"') => {
            let text: Text<'_> = serde_json::from_str(raw).map_err(|_escape| mistake(kind))?;
            Some(text.0)
        }
        Some(b'{' | b'[') => return Err(mistake(kind)),
        _ => Some(Cow::Borrowed(raw)),
    })
}

/// What the values of a key have in common.
#[derive(Default)]
struct Seen {
    numbers: Option<Guess>,
    texts: Option<Guess>,
    has_truths: bool,
    has_nested: bool,
}

impl Seen {
    fn see(&mut self, raw: &str, spare: &mut Vec<u8>) {
        match raw.as_bytes().first() {
            Some(b'n') | None => {}
            Some(b't' | b'f') => self.has_truths = true,
            Some(b'{' | b'[') => self.has_nested = true,
            Some(b'"') => {
                let guess = self.texts.get_or_insert_default();
                match serde_json::from_str::<Text<'_>>(raw) {
                    Ok(text) => guess.see(&text.0, spare),
                    Err(_escape) => guess.see(raw, spare),
                }
            }
            Some(_) => self.numbers.get_or_insert_default().see(raw, spare),
        }
    }

    /// A text stays one, however much it looks like a number.
    fn kind(&self) -> ColumnType {
        match (self.has_nested, self.has_truths, &self.numbers, &self.texts) {
            (true, ..) => ColumnType::Json,
            (_, true, None, None) => ColumnType::Bool,
            (_, false, Some(numbers), None) => numbers.kind(),
            (_, false, None, Some(texts)) => match texts.kind() {
                kind @ (ColumnType::Date | ColumnType::Timestamp) => kind,
                _ => ColumnType::Text,
            },
            _ => ColumnType::Text,
        }
    }
}

/// The members of an object, in their order.
#[derive(Default)]
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Splits what arrives into lines, and leaves blank ones out.
struct Lines {
    parts: Receiver<Part>,
    buffer: Vec<u8>,
    at: usize,
    /// From `at` on there is no line end in so many bytes.
    searched: usize,
    number: u64,
    is_over: bool,
    bytes: i64,
}

impl Lines {
    /// The next line and its number, counted from 1.
    fn next(&mut self) -> Result<Option<(u64, &str)>, FileError> {
        let (begin, end) = loop {
            let rest = self.buffer.get(self.at + self.searched..);
            let rest = rest.unwrap_or_default();
            let found = rest.iter().position(|byte| *byte == b'\n');
            let length = self.searched + found.unwrap_or(rest.len());
            if length > LONGEST_RECORD {
                return Err(FileError::Refused(ImportProblem::new(
                    "unreadable-file",
                    format!(
                        "line {} is longer than 1 MiB; nothing was loaded",
                        self.number + 1
                    ),
                )));
            }
            if found.is_none() && !self.is_over {
                self.searched = length;
                self.arrive()?;
                continue;
            }
            if found.is_none() && length == 0 {
                return Ok(None);
            }
            let begin = self.at;
            self.number += 1;
            self.at = begin + length + usize::from(found.is_some());
            self.searched = 0;
            let line = self.buffer.get(begin..begin + length).unwrap_or_default();
            if !line.trim_ascii().is_empty() {
                break (begin, begin + length);
            }
        };
        let line = self.buffer.get(begin..end).unwrap_or_default();
        let text = str::from_utf8(line).or(Err(CsvError::NotUtf8))?;
        let text = match self.number {
            1 => text.trim_start_matches('\u{feff}'),
            _ => text,
        };
        Ok(Some((self.number, text.trim())))
    }

    fn arrive(&mut self) -> Result<(), FileError> {
        match self.parts.blocking_recv() {
            Some(Part::Data(bytes)) => {
                self.bytes += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                self.buffer.drain(..self.at);
                self.at = 0;
                self.buffer.extend_from_slice(&bytes);
            }
            Some(Part::End) => self.is_over = true,
            None => return Err(FileError::Broken),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(file: &[u8], size: usize) -> Result<Vec<(u64, String)>, FileError> {
        let (to, parts) = tokio::sync::mpsc::channel(file.len() + 2);
        for part in file.chunks(size) {
            let part = Part::Data(bytes::Bytes::copy_from_slice(part));
            to.blocking_send(part).unwrap();
        }
        to.blocking_send(Part::End).unwrap();
        let mut lines = Ndjson::new(parts).lines;
        let mut all = Vec::new();
        while let Some((number, text)) = lines.next()? {
            all.push((number, text.to_owned()));
        }
        Ok(all)
    }

    #[test]
    fn lines_are_the_same_however_the_file_is_cut() {
        let file = "\u{feff}{\"a\":\"é\"}\r\n\n  \n{\"b\":2}\n{}".as_bytes();
        let expected = [(1, "{\"a\":\"é\"}"), (4, "{\"b\":2}"), (5, "{}")];
        let expected = expected.map(|(number, text)| (number, text.to_owned()));
        for size in 1..=file.len() {
            assert_eq!(lines(file, size).unwrap(), expected, "in parts of {size}");
        }
        assert!(lines(b"\n\n", 1).unwrap().is_empty());
        assert!(matches!(
            lines(b"{}\n\xff", 1),
            Err(FileError::Csv(CsvError::NotUtf8))
        ));
        let long = vec![b' '; LONGEST_RECORD + 1];
        assert!(matches!(lines(&long, 1 << 16), Err(FileError::Refused(_))));
    }

    #[test]
    fn the_kind_of_a_key_is_that_of_its_values() {
        for (values, expected) in [
            (&["1", "null", "-2"][..], ColumnType::Int),
            (&["1", "9007199254740993"], ColumnType::Bigint),
            (&["1.50"], ColumnType::Decimal),
            (&["1e5", "1"], ColumnType::Float64),
            (&["\"1\"", "\"2\""], ColumnType::Text),
            (&["\"2026-11-30\""], ColumnType::Date),
            (&["\"2026-11-30T01:00:00Z\""], ColumnType::Timestamp),
            (&["true", "false"], ColumnType::Bool),
            (&["true", "1"], ColumnType::Text),
            (&["1", "\"a\""], ColumnType::Text),
            (&["1", "[2]"], ColumnType::Json),
            (&["null"], ColumnType::Text),
        ] {
            let (mut seen, mut spare) = (Seen::default(), Vec::new());
            values.iter().for_each(|raw| seen.see(raw, &mut spare));
            assert_eq!(seen.kind(), expected, "{values:?}");
        }
    }
}
