//! A value of a record in a table: exact, and its kind to be seen.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::console::words::Lang;
use crate::datasets::column::{Column, ColumnType};

/// Longer texts are opened by who wants to read them.
const SHORT: usize = 120;

/// A value as it stands in the record, without marks around texts.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn cell(lang: Lang, column: &Column, value: Option<&Value>) -> Markup {
    let value = value.unwrap_or(&Value::Null);
    let shown = text(value);
    match (value, column.kind) {
        (Value::Null, _) => html! { td.null { (lang.no_value()) } },
        (Value::Bool(yes), _) => html! { td { @if *yes { (lang.yes()) } @else { (lang.no()) } } },
        (_, kind) if kind.is_number() => html! { td.number { (shown) } },
        (_, ColumnType::IntRange | ColumnType::Date | ColumnType::Timestamp) => {
            html! { td.number { (shown) } }
        }
        _ if shown.chars().count() > SHORT => {
            let begin: String = shown.chars().take(SHORT).collect();
            html! { td.text { details { summary { (begin) "…" } (shown) } } }
        }
        _ => html! { td.text { (shown) } },
    }
}

/// The cells of a record, which is JSON.
pub fn cells(lang: Lang, columns: &[&Column], record: &str) -> Markup {
    let record: Map<String, Value> = serde_json::from_str(record).unwrap_or_default();
    html! { @for column in columns { (cell(lang, column, record.get(&column.field))) } }
}

/// Whether a column stands to the right, as its numbers do.
pub fn is_right(column: &Column) -> bool {
    let kind = column.kind;
    kind.is_number()
        || matches!(
            kind,
            ColumnType::IntRange | ColumnType::Date | ColumnType::Timestamp
        )
}
