//! How what the service sent is written: as it came, or as a table for people.

mod cell;
mod table;
mod yaml;

use std::io::{self, IsTerminal as _};

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::error::ClientError;
use super::output::write;
use cell::{Times, cell};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Table,
    /// With more columns
    Wide,
    /// As the service sent it
    Json,
    /// The same as YAML
    Yaml,
    /// One JSON document a line
    Jsonl,
    /// With the columns of wide
    Csv,
    /// What other commands take: the id, or the name where that is enough
    Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Table,
    Wide,
    /// Only where one thing is shown.
    One,
}

/// A column of a table: its heading, and the member that is in it, with dots between levels.
#[derive(Debug)]
pub(super) struct Column {
    head: &'static str,
    member: &'static str,
    level: Level,
}

impl Column {
    pub(super) const fn table(head: &'static str, member: &'static str) -> Self {
        Self::at(head, member, Level::Table)
    }

    pub(super) const fn wide(head: &'static str, member: &'static str) -> Self {
        Self::at(head, member, Level::Wide)
    }

    pub(super) const fn one(head: &'static str, member: &'static str) -> Self {
        Self::at(head, member, Level::One)
    }

    const fn at(head: &'static str, member: &'static str, level: Level) -> Self {
        Self {
            head,
            member,
            level,
        }
    }
}

/// Headings, and the members below them.
pub(super) type Columns = Vec<(String, String)>;

/// A member at a path with dots. Of alternatives with a bar between them, the first that is there.
pub(super) fn member<'a>(item: &'a Value, path: &str) -> &'a Value {
    // The field of a record, which may have dots in it.
    if let Some(value) = item.get(path) {
        return value;
    }
    let found = path.split('|').find_map(|path| {
        let found = path.split('.').try_fold(item, |at, name| at.get(name));
        found.filter(|value| !value.is_null())
    });
    found.unwrap_or(&Value::Null)
}

/// The headings and members of a level; without columns, those that the items have.
fn columns_of(columns: &[Column], items: &[Value], level: Level) -> Columns {
    if columns.is_empty() {
        let mut names: Vec<String> = Vec::new();
        for item in items.iter().filter_map(Value::as_object) {
            for name in item.keys() {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        return names.into_iter().map(|name| (name.clone(), name)).collect();
    }
    let shown = columns.iter().filter(|column| column.level <= level);
    shown
        .map(|column| (column.head.to_owned(), column.member.to_owned()))
        .collect()
}

pub(super) fn show_list(
    items: &[Value],
    columns: &[Column],
    name: &str,
    output: Output,
) -> Result<(), ClientError> {
    let level = match output {
        Output::Table => Level::Table,
        _ => Level::Wide,
    };
    show_columns(items, &columns_of(columns, items, level), name, output)
}

/// The same for columns that are known only then.
pub(super) fn show_columns(
    items: &[Value],
    columns: &[(String, String)],
    name: &str,
    output: Output,
) -> Result<(), ClientError> {
    let text = match output {
        Output::Table | Output::Wide => {
            let head = columns.iter().map(|(head, _)| head.clone()).collect();
            let rows = items.iter().map(|item| {
                let cells = columns.iter();
                cells
                    .map(|(_, path)| cell(member(item, path), Times::Short))
                    .collect()
            });
            table::table(head, rows.collect(), width())
        }
        Output::Json => json(&Value::Array(items.to_vec())),
        Output::Yaml => yaml::yaml(&Value::Array(items.to_vec())),
        Output::Jsonl => items.iter().map(json_line).collect(),
        Output::Csv => {
            let head = csv_line(columns.iter().map(|(_, path)| path.clone()));
            let rows = items.iter().map(|item| {
                let cells = columns.iter();
                csv_line(cells.map(|(_, path)| cell(member(item, path), Times::AsSent)))
            });
            printable(&std::iter::once(head).chain(rows).collect::<String>())
        }
        Output::Name => items.iter().map(|item| name_line(item, name)).collect(),
    };
    write(&text)
}

pub(super) fn show_one(
    item: &Value,
    columns: &[Column],
    name: &str,
    output: Output,
) -> Result<(), ClientError> {
    let items = std::slice::from_ref(item);
    let text = match output {
        Output::Table | Output::Wide => {
            let rows = columns_of(columns, items, Level::One);
            let rows = rows
                .into_iter()
                .map(|(head, path)| (head, cell(member(item, &path), Times::Short)));
            table::details(rows.filter(|(head, _)| !head.is_empty()).collect())
        }
        Output::Json => json(item),
        Output::Yaml => yaml::yaml(item),
        Output::Jsonl => json_line(item),
        Output::Csv => return show_list(items, columns, name, output),
        Output::Name => name_line(item, name),
    };
    write(&text)
}

/// The rows in an answer that has them somewhere inside: each list on the path is walked, and what
/// stands beside it goes along with its rows.
pub(super) fn rows_of(answer: &Value, path: &[&str]) -> Vec<Value> {
    let Some((first, rest)) = path.split_first() else {
        return vec![answer.clone()];
    };
    let beside = answer.as_object().into_iter().flatten();
    let beside: Map<String, Value> = beside
        .filter(|(_, value)| !value.is_array() && !value.is_object())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let items = answer.get(first).and_then(Value::as_array);
    let rows = items
        .into_iter()
        .flatten()
        .flat_map(|item| rows_of(item, rest));
    rows.map(|row| match row {
        Value::Object(members) => {
            let mut all = beside.clone();
            all.extend(members);
            Value::Object(all)
        }
        other => other,
    })
    .collect()
}

pub(super) fn json(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("{}\n", quiet(&text))
}

fn json_line(value: &Value) -> String {
    format!("{}\n", quiet(&value.to_string()))
}

/// JSON has no control characters but those above ASCII, which some terminals obey as well; they
/// can be nowhere but in a text.
pub(super) fn quiet(json: &str) -> String {
    json.chars().fold(String::new(), |mut quiet, c| {
        match c {
            '\u{7f}'..='\u{9f}' => quiet.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quiet.push(c),
        }
        quiet
    })
}

fn name_line(item: &Value, name: &str) -> String {
    format!(
        "{}\n",
        super::output::plain(&cell(member(item, name), Times::AsSent))
    )
}

/// As RFC 4180 has it, but for line ends, which are those of everything here.
fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let cells = cells.map(|cell| {
        let is_plain = !cell.contains(['"', ',', '\n', '\r']);
        match is_plain {
            true => cell,
            false => format!("\"{}\"", cell.replace('"', "\"\"")),
        }
    });
    let cells: Vec<_> = cells.collect();
    format!("{}\n", cells.join(","))
}

/// On a terminal, without what could control it; a file has all as it is.
pub(super) fn printable(text: &str) -> String {
    match io::stdout().is_terminal() {
        true => text.split_inclusive('\n').fold(String::new(), |all, line| {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            all + &super::output::plain(line) + end
        }),
        false => text.to_owned(),
    }
}

/// Of the terminal; what goes elsewhere is as wide as it is.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_inside_an_answer_have_what_stands_beside_them() {
        let answer = json!({ "version": 2, "measures": [
            { "field": "income", "values": [{ "group": "a", "value": 1 }, { "group": "b", "value": 2 }] },
        ] });
        let rows = rows_of(&answer, &["measures", "values"]);
        let expected = json!([
            { "version": 2, "field": "income", "group": "a", "value": 1 },
            { "version": 2, "field": "income", "group": "b", "value": 2 },
        ]);
        assert_eq!(Value::Array(rows), expected);
    }

    #[test]
    fn no_format_writes_a_control_character_of_others() {
        let hostile = json!({ "a": "\u{1b}[31m\u{9b}2J\u{7f}" });
        assert_eq!(
            json_line(&hostile),
            "{\"a\":\"\\u001b[31m\\u009b2J\\u007f\"}\n"
        );
        assert_eq!(name_line(&hostile, "a"), "\\u{1b}[31m\\u{9b}2J\\u{7f}\n");
        let read: Value = serde_json::from_str(&json(&hostile)).unwrap();
        assert_eq!(read, hostile);
        for text in [json(&hostile), yaml::yaml(&hostile)] {
            assert!(
                !text.contains(|c: char| c.is_control() && c != '\n'),
                "{text:?}"
            );
        }
    }

    #[test]
    fn csv_is_quoted_where_it_has_to_be() {
        let cells = ["a", "b,c", "d\"e", "f\ng", ""].map(str::to_owned);
        assert_eq!(
            csv_line(cells.into_iter()),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\",\n"
        );
    }
}
