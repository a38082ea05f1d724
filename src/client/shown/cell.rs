//! A value as the text of a cell.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Without the digits of microseconds that nobody reads.
    Short,
    AsSent,
}

pub(super) fn cell(value: &Value, times: Times) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if times == Times::Short => short(text),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(is_plain) => {
            let items: Vec<_> = items.iter().map(|item| cell(item, times)).collect();
            items.join(",")
        }
        other => other.to_string(),
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// `2026-01-02T03:04:05.000000Z` without its fraction.
fn short(text: &str) -> String {
    let time = text.split_once('.').filter(|(whole, fraction)| {
        let is_time = chrono::NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M:%S").is_ok();
        is_time && fraction.len() == 7 && fraction.ends_with('Z')
    });
    match time {
        Some((whole, _)) => format!("{whole}Z"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_what_people_read() {
        for (value, expected) in [
            (json!(null), ""),
            (json!(true), "true"),
            (json!(1.5), "1.5"),
            (json!(["P30D", "P7D"]), "P30D,P7D"),
            (json!([{ "a": 1 }]), r#"[{"a":1}]"#),
            (json!({ "3": 90 }), r#"{"3":90}"#),
            (json!("2026-01-02T03:04:05.000000Z"), "2026-01-02T03:04:05Z"),
            (json!("a.b"), "a.b"),
        ] {
            assert_eq!(cell(&value, Times::Short), expected);
        }
        let time = "2026-01-02T03:04:05.000000Z";
        assert_eq!(cell(&json!(time), Times::AsSent), time);
    }
}
