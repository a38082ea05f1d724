//! What a request says of the file that it brings: how it is to be read, and what becomes of it.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use regex::Regex;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::datasets::column::{ColumnName, ColumnType};
use crate::datasets::model::Message;
use crate::datasets::pattern::compile;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::words;
use crate::kernel::values::Checked as _;

/// How often an option that names a column may be given.
pub const MOST_TIMES: usize = 50;
const MOST_LINES: u64 = 100_000;

words! {
    /// What becomes of the records that are there: they stay, they go, or those with the same key
    /// go
    ImportMode {
        Append = "append",
        Replace = "replace",
        Upsert = "upsert",
    }
}

words! {
    /// What becomes of the import when a record cannot be taken: nothing is loaded, or all others
    /// are
    OnError {
        Abort = "abort",
        Skip = "skip",
    }
}

/// The parameters as the document has them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `ImportOptions` reads")]
pub struct ImportParams {
    /// `append` unless told. `upsert` replaces the records that have the same key, which the
    /// dataset has to have
    #[param(inline)]
    mode: Option<ImportMode>,
    /// Whether to check the file only: nothing is loaded
    dry_run: Option<bool>,
    /// `abort` unless told
    #[param(inline)]
    on_error: Option<OnError>,
    /// What stands between two fields of CSV: a single character, or `tab`. A comma unless told
    delimiter: Option<String>,
    /// Texts that mean that there is no value, with commas between them, such as `NA,null`
    null_words: Option<String>,
    /// How many rows at the beginning of the file to leave out
    #[param(maximum = 100_000)]
    skip_rows: Option<u64>,
    /// The row after those that names the columns, counted from 1; 0 where none does, which is
    /// usual with `columns`
    #[param(maximum = 100_000)]
    header_row: Option<u64>,
    /// The names of the columns of the file, in order, with commas between them; `-` leaves one out
    columns: Option<String>,
    /// `NAME:REGEX`. A row whose only text matches begins a section; its first group, or else the
    /// whole text, is the value of the column in the rows below. More than once for more columns
    section_column: Option<String>,
    /// A row whose first text matches this regular expression is left out
    skip_if: Option<String>,
    /// `COLUMN:REGEX`. What matches is removed from the texts of the column before they are read.
    /// More than once for more columns
    strip: Option<String>,
    /// `COLUMN:VALUE`, a column that has the same value in all records. More than once for more
    /// columns
    set: Option<String>,
    /// `COLUMN:TYPE`, where the dataset has no columns yet and the type would be guessed otherwise:
    /// `text`, `int`, `bigint`, `float64`, `decimal`, `bool`, `date`, `timestamp`, `int_range` or
    /// `json`. More than once for more columns
    r#type: Option<String>,
    /// The name of the sheet of a workbook. The first one unless told
    sheet: Option<String>,
    /// What the change is for, which the version shows
    message: Option<String>,
}

/// A column, and the pattern for it.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub column: String,
    pub regex: Regex,
}

#[derive(Clone, Debug)]
pub struct ImportOptions {
    pub mode: ImportMode,
    pub is_dry_run: bool,
    pub on_error: OnError,
    pub delimiter: u8,
    pub null_words: Vec<String>,
    pub skip_rows: u64,
    pub header_row: u64,
    /// `None` leaves a column out.
    pub columns: Option<Vec<Option<String>>>,
    pub sections: Vec<Pattern>,
    pub skip_if: Option<Regex>,
    pub strip: Vec<Pattern>,
    pub set: Vec<(String, String)>,
    /// Of columns that the file brings.
    pub types: Vec<(String, ColumnType)>,
    pub sheet: Option<String>,
    pub message: Option<String>,
    /// As they were said.
    pub said: Said,
}

/// The options as an import shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Said(pub Vec<(String, String)>);

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            mode: ImportMode::Append,
            is_dry_run: false,
            on_error: OnError::Abort,
            delimiter: b',',
            null_words: Vec::new(),
            skip_rows: 0,
            header_row: 1,
            columns: None,
            sections: Vec::new(),
            skip_if: None,
            strip: Vec::new(),
            set: Vec::new(),
            types: Vec::new(),
            sheet: None,
            message: None,
            said: Said::default(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ImportOptions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::new(Code::InvalidParameter, error.body_text()))?;
        Self::read(pairs)
    }
}

impl ImportOptions {
    pub fn read(pairs: Vec<(String, String)>) -> ApiResult<Self> {
        let mut options = Self::default();
        let mut header_row = None;
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &pairs {
            let repeats = matches!(name.as_str(), "section_column" | "strip" | "set" | "type");
            let times = seen.iter().filter(|one| *one == name).count();
            if (times > 0 && !repeats) || times >= MOST_TIMES {
                return Err(invalid(name, "given more often than it can be"));
            }
            seen.push(name);
            match name.as_str() {
                "mode" => options.mode = word(name, value, ImportMode::ALL, ImportMode::as_str)?,
                "on_error" => {
                    options.on_error = word(name, value, OnError::ALL, OnError::as_str)?;
                }
                "dry_run" => options.is_dry_run = truth(name, value)?,
                "delimiter" => options.delimiter = delimiter(name, value)?,
                "null_words" => {
                    options.null_words = value.split(',').map(str::to_owned).collect();
                }
                "skip_rows" => options.skip_rows = number(name, value)?,
                "header_row" => header_row = Some(number(name, value)?),
                "columns" => options.columns = Some(columns(name, value)?),
                "section_column" => options.sections.push(pattern(name, value)?),
                "skip_if" => options.skip_if = Some(regex(name, value)?),
                "strip" => options.strip.push(pattern(name, value)?),
                "set" => {
                    let (column, fixed) = pair(name, value)?;
                    options
                        .set
                        .push((column_name(name, column)?, fixed.to_owned()));
                }
                "type" => {
                    let (column, kind) = pair(name, value)?;
                    let kind = word(name, kind, ColumnType::ALL, ColumnType::as_str)?;
                    options.types.push((column_name(name, column)?, kind));
                }
                "sheet" => options.sheet = Some(value.clone()),
                "message" => {
                    let message = Message::checked(value.clone());
                    let message = message.map_err(|wrong| invalid(name, &wrong.detail))?;
                    options.message = Some(message.into());
                }
                // The middleware has refused what the document does not have.
                _ => {}
            }
        }
        let usual = u64::from(options.columns.is_none());
        options.header_row = header_row.unwrap_or(usual);
        options.said = Said(pairs);
        Ok(options)
    }

    /// Refuses what says where in a row the columns are, as NDJSON names them in each line.
    pub fn are_for_ndjson(&self) -> ApiResult<()> {
        let meaningless = ["columns", "header_row", "delimiter", "sheet"];
        let names = self.said.0.iter().map(|(name, _)| name.as_str());
        match names.into_iter().find(|name| meaningless.contains(name)) {
            Some(name) => Err(invalid(
                name,
                "NDJSON names the columns in each of its lines, so that this means nothing there",
            )),
            None => Ok(()),
        }
    }
}

fn invalid(name: &str, expected: &str) -> ApiError {
    ApiError::new(Code::InvalidParameter, format!("{name}: {expected}"))
}

fn word<T: Copy>(name: &str, value: &str, all: &[T], text: fn(T) -> &'static str) -> ApiResult<T> {
    let found = all.iter().find(|one| text(**one) == value);
    found.copied().ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|one| text(*one)).collect();
        invalid(name, &format!("expected one of {}", words.join(", ")))
    })
}

fn truth(name: &str, value: &str) -> ApiResult<bool> {
    value
        .parse()
        .or(Err(invalid(name, "expected true or false")))
}

fn number(name: &str, value: &str) -> ApiResult<u64> {
    let number = value.parse().ok().filter(|number| *number <= MOST_LINES);
    number.ok_or_else(|| invalid(name, "expected a number from 0 to 100000"))
}

fn delimiter(name: &str, value: &str) -> ApiResult<u8> {
    match value.as_bytes() {
        b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii_punctuation() && *byte != b'"' || value == "\t" || value == " " => {
            Ok(*byte)
        }
        _ => Err(invalid(
            name,
            "expected one character such as , ; | or the word tab",
        )),
    }
}

fn columns(name: &str, value: &str) -> ApiResult<Vec<Option<String>>> {
    let names = value.split(',').map(str::trim);
    let names = names.map(|column| match column {
        "-" => Ok(None),
        column => column_name(name, column).map(Some),
    });
    names.collect()
}

fn column_name(name: &str, column: &str) -> ApiResult<String> {
    ColumnName::checked(column.to_owned())
        .map(String::from)
        .map_err(|wrong| invalid(name, &format!("the column {column:?}: {wrong}")))
}

fn pair<'a>(name: &str, value: &'a str) -> ApiResult<(&'a str, &'a str)> {
    value.split_once(':').ok_or_else(|| {
        invalid(
            name,
            "expected the name of a column, a colon and what is for it",
        )
    })
}

fn pattern(name: &str, value: &str) -> ApiResult<Pattern> {
    let (column, text) = pair(name, value)?;
    Ok(Pattern {
        column: column_name(name, column)?,
        regex: regex(name, text)?,
    })
}

fn regex(name: &str, text: &str) -> ApiResult<Regex> {
    compile(text).map_err(|expected| invalid(name, &expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> ApiResult<ImportOptions> {
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        ImportOptions::read(pairs.collect())
    }

    #[test]
    fn options_are_read_and_some_of_them_more_than_once() {
        let options = read(&[
            ("mode", "replace"),
            ("dry_run", "true"),
            ("delimiter", "tab"),
            ("columns", "a, b,-,c"),
            ("section_column", "age:^(\\d+)"),
            ("section_column", "race:^[A-Z]"),
            ("set", "sex:male"),
            ("strip", "a: \\(\\d+\\)$"),
            ("type", "a:text"),
            ("type", "b:int_range"),
        ])
        .unwrap();
        assert_eq!(
            (options.mode, options.is_dry_run),
            (ImportMode::Replace, true)
        );
        assert_eq!((options.delimiter, options.header_row), (b'\t', 0));
        let names: Vec<_> = options.columns.unwrap();
        assert_eq!(names[2], None);
        assert_eq!(names[1].as_deref(), Some("b"));
        assert_eq!(options.sections[1].column, "race");
        assert_eq!(options.set, [("sex".to_owned(), "male".to_owned())]);
        let types: Vec<_> = options.types.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(types, [ColumnType::Text, ColumnType::IntRange]);
        assert_eq!(read(&[]).unwrap().header_row, 1);
    }

    #[test]
    fn what_cannot_be_used_names_the_parameter() {
        for (name, value) in [
            ("mode", "merge"),
            ("on_error", ""),
            ("dry_run", "yes"),
            ("delimiter", "ab"),
            ("delimiter", "\""),
            ("skip_rows", "-1"),
            ("header_row", "100001"),
            ("columns", "a,,b"),
            ("section_column", "age"),
            ("type", "a"),
            ("type", "a:number"),
            ("type", ":text"),
            ("skip_if", "("),
            ("skip_if", "(\\w{500}){500}"),
            ("strip", ":x"),
            ("set", "novalue"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert_eq!(error.code, Code::InvalidParameter);
            assert!(error.detail.starts_with(name), "{}", error.detail);
        }
        let twice = read(&[("mode", "append"), ("mode", "append")]).unwrap_err();
        assert!(twice.detail.contains("more often"));
        let often = vec![("set", "a:b"); MOST_TIMES + 1];
        assert!(read(&often).is_err());
    }
}
