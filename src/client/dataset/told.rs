//! What became of an import, for people.

use std::fmt::Write as _;

use http::StatusCode;
use serde_json::Value;

use super::super::error::ClientError;
use super::super::output::plain;
use super::upload::{CANCELLED, has_ended, state};

/// So much of a value is shown.
const SHOWN: usize = 40;

/// What became of it, the columns that were made of the file, and the mistakes.
pub(super) fn told(import: &Value, most: usize) -> String {
    let number = |name: &str| import.get(name).and_then(Value::as_i64).unwrap_or_default();
    let (written, failed) = (number("rows_written"), number("rows_failed"));
    let mut text = match state(import) {
        "ready" => format!(
            "loaded {} as version {}",
            records(written),
            number("version")
        ),
        "checked" => format!("checked: {} would be loaded", records(written)),
        "refused" => "nothing was loaded".to_owned(),
        _ if has_ended(import) => "nothing was loaded".to_owned(),
        state => format!(
            "{state}: it goes on as import {}; --follow waits for its end",
            import.get("id").and_then(Value::as_str).unwrap_or_default()
        ),
    };
    if failed > 0 {
        let _ = write!(text, "; {} cannot be taken", records(failed));
    }
    text.push('\n');
    text.push_str(&columns(import));
    text.push_str(&mistakes(import, failed, most));
    text
}

fn records(count: i64) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}

fn columns(import: &Value) -> String {
    let inferred = import.get("inferred").and_then(Value::as_array);
    let rows = inferred.into_iter().flatten().map(|column| {
        let cell = |name: &str| {
            let text = column.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        [cell("name"), cell("field"), cell("type")]
    });
    table(["column", "field", "type"], rows.collect())
}

fn mistakes(import: &Value, failed: i64, most: usize) -> String {
    let errors = import.get("errors").and_then(Value::as_array);
    let errors = errors.map(Vec::as_slice).unwrap_or_default();
    let rows = errors.iter().take(most).map(|error| {
        let cell = |name: &str| match error.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let value = cell("value");
        let is_cut = value.chars().nth(SHOWN).is_some();
        let shown: String = value.chars().take(SHOWN).collect();
        let shown = if is_cut { format!("{shown}…") } else { shown };
        [
            cell("row"),
            cell("line"),
            cell("column"),
            cell("code"),
            shown,
        ]
    });
    let mut text = table(["row", "line", "column", "code", "value"], rows.collect());
    let more = errors.len().saturating_sub(most);
    let are_all = i64::try_from(errors.len()).unwrap_or(i64::MAX) >= failed;
    if more > 0 {
        let _ = writeln!(
            text,
            "and {more} more mistakes, which --mistakes {} shows",
            errors.len()
        );
    } else if !are_all {
        text.push_str("and more: an import lists the first 1000 mistakes\n");
    }
    text
}

/// Nothing where there is no row.
fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned))
        .chain(rows.into_iter().map(|row| row.map(|cell| plain(&cell))))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::from("\n");
    for row in &rows {
        let cells = row.iter().zip(widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// How the command ends.
pub(in super::super) fn ended(import: &Value) -> Result<(), ClientError> {
    let problem = |name: &str| {
        let text = import.get("problem").and_then(|problem| problem.get(name));
        plain(text.and_then(Value::as_str).unwrap_or_default())
    };
    let answered = |status, text: String| {
        Err(ClientError::Answered {
            status,
            text,
            retry_after: None,
        })
    };
    match state(import) {
        "refused" => Err(ClientError::Failed(format!(
            "refused: {}",
            problem("detail")
        ))),
        "cancelled" => Err(ClientError::Failed(CANCELLED.to_owned())),
        "failed" => {
            let status = match problem("code").as_str() {
                "conflict" => StatusCode::CONFLICT,
                "project-expired" | "forbidden" => StatusCode::FORBIDDEN,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            answered(status, format!("failed: {}", problem("detail")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_are_a_table_on_lines_of_their_own() {
        let import = json!({
            "state": "refused", "ended_at": "2026-01-01", "rows_failed": 3, "problem": { "detail": "no" },
            "errors": [
                { "row": 3, "line": 4, "column": "día", "code": "not-a-date", "value": "01/02/2026" },
                { "row": 12, "code": "wrong-number-of-fields", "value": "a\nb" },
                { "row": 13, "code": "x", "value": "y".repeat(50) },
            ],
        });
        let text = told(&import, 2);
        let expected = "nothing was loaded; 3 records cannot be taken\n\
            \n\
            row  line  column  code                    value\n\
            3    4     día     not-a-date              01/02/2026\n\
            12                 wrong-number-of-fields  a\\nb\n\
            and 1 more mistakes, which --mistakes 3 shows\n";
        assert_eq!(text, expected);
        assert!(told(&import, 9).ends_with("yyy…\n"));
        assert_eq!(ended(&import).unwrap_err().exit_code(), 1);
    }

    #[test]
    fn the_state_says_how_it_ends() {
        for (state, code, exit) in [
            ("ready", "", 0),
            ("checked", "", 0),
            ("loading", "", 0),
            ("refused", "rows-refused", 1),
            ("cancelled", "", 1),
            ("failed", "conflict", 5),
            ("failed", "overloaded", 6),
            ("failed", "interrupted", 6),
        ] {
            let import = json!({ "state": state, "problem": { "code": code, "detail": "d" } });
            let found = ended(&import).map_or_else(|error| error.exit_code(), |()| 0);
            assert_eq!(found, exit, "{state} {code}");
        }
        let ready = json!({ "state": "ready", "ended_at": "x", "rows_written": 1, "version": 4,
            "inferred": [{ "name": "A b", "field": "a_b", "type": "int" }] });
        let expected = "loaded 1 record as version 4\n\ncolumn  field  type\nA b     a_b    int\n";
        assert_eq!(told(&ready, 9), expected);
    }
}
