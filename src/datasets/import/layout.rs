//! Where in the rows of a file the values of records stand: which rows are records, and which
//! column of the file, or what else, is which column of the dataset.

use std::borrow::Cow;

use regex::Regex;

use super::options::ImportOptions;
use super::rejects::ADDED;
use crate::datasets::column::{Column, ColumnType, Columns};
use crate::datasets::csv::Record;

/// What a row is.
#[derive(Debug, PartialEq, Eq)]
pub enum Row {
    Record,
    /// It names the columns.
    Header,
    /// It says nothing that is loaded.
    Skipped,
}

/// Why the columns of a file and of a dataset do not go together.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub code: &'static str,
    pub detail: String,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
enum Source {
    Cell(usize),
    Section(usize),
    Fixed(usize),
    /// The file does not have the column.
    Nothing,
}

/// Reads the rows one after another and knows what was said above.
pub struct Layout {
    options: ImportOptions,
    rows: u64,
    /// The names of the columns of the file; `None` is left out.
    names: Option<Vec<Option<String>>>,
    /// The value of each section, as the last of its rows said it.
    sections: Vec<Option<String>>,
    sources: Vec<(Source, Option<Regex>)>,
}

impl Layout {
    pub fn new(options: ImportOptions) -> Self {
        Self {
            rows: 0,
            names: options.columns.clone(),
            sections: vec![None; options.sections.len()],
            sources: Vec::new(),
            options,
        }
    }

    /// The file says itself what its columns are, so that none of its rows does.
    pub fn name(&mut self, known: &[(String, ColumnType)]) {
        self.options.header_row = 0;
        let names = known.iter().map(|(name, _)| Some(name.clone()));
        let names = self.options.columns.take().unwrap_or(names.collect());
        self.options.columns = Some(names.clone());
        self.names = Some(names);
    }

    /// The texts of what [`Layout::given`] names, as they stand in the file.
    pub fn raw<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = Option<&'a str>> {
        let names = self.names.iter().flatten().enumerate();
        let cells = names.filter_map(|(at, name)| name.as_ref().map(|_| at));
        let cells = cells.map(|at| {
            let (text, is_quoted) = record.field(at)?;
            (is_quoted || !text.is_empty()).then_some(text)
        });
        let sections = self.sections.iter().map(Option::as_deref);
        let fixed = self
            .options
            .set
            .iter()
            .map(|(_, value)| Some(value.as_str()));
        cells.chain(sections).chain(fixed)
    }

    /// Whether an option says what the column has.
    pub fn adds(&self, column: &Column) -> bool {
        let sections = self.options.sections.iter().map(|pattern| &pattern.column);
        let mut added = sections.chain(self.options.set.iter().map(|(column, _)| column));
        added.any(|name| *name == column.name || *name == column.field)
    }

    /// The number of the row that was looked at last, counted from 1.
    pub fn row(&self) -> u64 {
        self.rows
    }

    /// Whether it is known what the columns of the file are called.
    pub fn is_named(&self) -> bool {
        self.names.is_some()
    }

    /// What the next row is.
    pub fn look(&mut self, record: &Record) -> Result<Row, Mismatch> {
        self.rows = match record.number {
            0 => self.rows + 1,
            number => number,
        };
        let options = &self.options;
        let Some(row) = self
            .rows
            .checked_sub(options.skip_rows)
            .filter(|row| *row > 0)
        else {
            return Ok(Row::Skipped);
        };
        if row == options.header_row {
            if options.columns.is_none() {
                self.names = Some(names(record)?);
            }
            return Ok(Row::Header);
        }
        if row < options.header_row || (record.is_blank() && self.width() > 1) {
            return Ok(Row::Skipped);
        }
        if !options.sections.is_empty()
            && let Some(only) = only(record)
        {
            for (pattern, value) in options.sections.iter().zip(&mut self.sections) {
                if let Some(found) = pattern.regex.captures(only) {
                    let text = found.get(1).or(found.get(0));
                    *value = text.map(|text| text.as_str().trim().to_owned());
                    return Ok(Row::Skipped);
                }
            }
        }
        if let Some(skip) = &options.skip_if {
            let mut texts = record.iter().map(|(text, _)| text.trim());
            let first = texts.find(|text| !text.is_empty()).unwrap_or_default();
            if skip.is_match(first) {
                return Ok(Row::Skipped);
            }
        }
        if self.names.is_none() {
            // No row and no option says how they are called.
            let names = (1..=record.len()).map(|number| Some(format!("column_{number}")));
            self.names = Some(names.collect());
        }
        Ok(Row::Record)
    }

    /// What the sections say now, for a row that is read later.
    pub fn sections(&self) -> Vec<Option<String>> {
        self.sections.clone()
    }

    /// Says again what the sections said.
    pub fn restore(&mut self, sections: Vec<Option<String>>) {
        self.sections = sections;
    }

    fn width(&self) -> usize {
        self.names.as_ref().map_or(0, Vec::len)
    }

    /// The names of the columns that the file gives, with those of the options.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        let named = self.names.iter().flatten().flatten().map(String::as_str);
        let sections = self.options.sections.iter();
        let sections = sections.map(|pattern| pattern.column.as_str());
        let fixed = self.options.set.iter().map(|(column, _)| column.as_str());
        named.chain(sections).chain(fixed)
    }

    /// Finds the columns of the dataset in the file, by their names or by their fields.
    pub fn settle(&mut self, columns: &Columns) -> Result<(), Mismatch> {
        let given: Vec<&str> = self.given().collect();
        let place = |name: &str| columns.called(name);
        for name in &given {
            if place(name).is_none() {
                let known: Vec<_> = columns
                    .0
                    .iter()
                    .map(|it| it.name.as_str())
                    .take(20)
                    .collect();
                return Err(Mismatch {
                    code: "unknown-column",
                    detail: format!(
                        "the dataset has no column {name:?}; it has {}. Leave the column out by `-` in `columns`, or name it there",
                        known.join(", ")
                    ),
                });
            }
        }
        let cells = self.names.iter().flatten().enumerate();
        let cells = cells.filter_map(|(at, name)| Some((name.as_deref()?, Source::Cell(at))));
        let sections = self.options.sections.iter().enumerate();
        let sections = sections.map(|(at, it)| (it.column.as_str(), Source::Section(at)));
        let fixed = self.options.set.iter().enumerate();
        let fixed = fixed.map(|(at, (column, _))| (column.as_str(), Source::Fixed(at)));
        let mut sources = vec![(Source::Nothing, None); columns.0.len()];
        for (name, source) in cells.chain(sections).chain(fixed) {
            let Some(slot) = place(name).and_then(|at| sources.get_mut(at)) else {
                continue;
            };
            if !matches!(slot.0, Source::Nothing) {
                return Err(Mismatch {
                    code: "duplicate-column",
                    detail: format!("more than one column of the file is {name:?}"),
                });
            }
            slot.0 = source;
        }
        for pattern in &self.options.strip {
            let Some(slot) = place(&pattern.column).and_then(|at| sources.get_mut(at)) else {
                return Err(Mismatch {
                    code: "unknown-column",
                    detail: format!("strip: the dataset has no column {:?}", pattern.column),
                });
            };
            slot.1 = Some(pattern.regex.clone());
        }
        for (column, (source, _)) in columns.0.iter().zip(&sources) {
            if matches!(source, Source::Nothing) && !column.nullable {
                return Err(Mismatch {
                    code: "missing-column",
                    detail: format!(
                        "the file has no column {:?}, which must have a value in every record",
                        column.name
                    ),
                });
            }
        }
        self.sources = sources;
        Ok(())
    }

    /// Gives columns that were guessed the types that were asked for.
    pub fn give_types(&self, columns: &mut Columns) -> Result<(), Mismatch> {
        for (name, kind) in &self.options.types {
            let at = columns.called(name);
            let column = at.and_then(|at| columns.0.get_mut(at));
            let column = column.ok_or_else(|| Mismatch {
                code: "unknown-column",
                detail: format!("type: the file has no column {name:?}"),
            })?;
            column.kind = *kind;
        }
        Ok(())
    }

    /// What [`Layout::given`] names, each with the place of the column of the dataset that it is.
    pub fn places(&self, columns: &Columns) -> Vec<(String, usize)> {
        let given = self.given();
        let placed = given.filter_map(|name| Some((name.to_owned(), columns.called(name)?)));
        placed.collect()
    }

    /// Whether the row has as many fields as the file has columns.
    pub fn fits(&self, record: &Record) -> bool {
        // A sheet has no cells where nothing stands at the end of a row.
        let is_sheet = record.number > 0 && record.len() < self.width();
        is_sheet
            || record.len() == self.width()
            || (self.options.columns.is_some() && record.len() > self.width())
    }

    /// Whether the column of the dataset stands where the file has an error.
    pub fn is_error(&self, column: usize, record: &Record) -> bool {
        match self.sources.get(column) {
            Some((Source::Cell(at), _)) => record.is_error(*at),
            _ => false,
        }
    }

    /// The text of a column of the dataset in this row; `None` is no value.
    pub fn value<'a>(&'a self, column: usize, record: &'a Record) -> Option<Cow<'a, str>> {
        let (source, strip) = self.sources.get(column)?;
        let (text, is_quoted) = match source {
            Source::Cell(at) => record.field(*at)?,
            Source::Section(at) => (self.sections.get(*at)?.as_deref()?, true),
            Source::Fixed(at) => (self.options.set.get(*at)?.1.as_str(), true),
            Source::Nothing => return None,
        };
        let is_null = !is_quoted
            && (text.is_empty() || self.options.null_words.iter().any(|word| word == text));
        if is_null {
            return None;
        }
        Some(match strip {
            Some(regex) => regex.replace_all(text, ""),
            None => Cow::Borrowed(text),
        })
    }
}

/// The one text of a row that has no other.
fn only(record: &Record) -> Option<&str> {
    let mut texts = record
        .iter()
        .map(|(text, _)| text.trim())
        .filter(|text| !text.is_empty());
    let first = texts.next()?;
    texts.next().is_none().then_some(first)
}

fn names(record: &Record) -> Result<Vec<Option<String>>, Mismatch> {
    let mut names: Vec<Option<String>> = Vec::with_capacity(record.len());
    for (at, (text, _)) in record.iter().enumerate() {
        let name = text.trim();
        let wrong = |code, what: &str| Mismatch {
            code,
            detail: format!(
                "column {} of the header {what}; name the columns by `columns`",
                at + 1
            ),
        };
        if ADDED.contains(&name) {
            names.push(None);
            continue;
        }
        if name.is_empty() {
            return Err(wrong("blank-header", "has no name"));
        }
        if name.chars().count() > 200 || name.chars().any(char::is_control) {
            return Err(wrong(
                "bad-header",
                "has a name that is longer than 200 characters or has control characters",
            ));
        }
        if names.iter().flatten().any(|other| other == name) {
            return Err(wrong("doubled-header", "has the name of another"));
        }
        names.push(Some(name.to_owned()));
    }
    Ok(names)
}
