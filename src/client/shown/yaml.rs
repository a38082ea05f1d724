//! JSON as YAML 1.2, in blocks: texts are quoted as in JSON, which YAML takes.

use serde_json::Value;

use super::quiet;

pub(super) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => block(value, 0, &mut text),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut text),
        scalar => text.push_str(&format!("{}\n", inline(scalar))),
    }
    text
}

/// The lines of a list or an object that is not empty; the first is not indented, because a dash
/// may stand before it.
fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let mut is_first = true;
    let mut begin = |text: &mut String| {
        if !is_first {
            text.push_str(&indent);
        }
        is_first = false;
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                begin(text);
                text.push_str(&key(name));
                text.push(':');
                if is_block(value) {
                    text.push('\n');
                    text.push_str(&"  ".repeat(depth + 1));
                    block(value, depth + 1, text);
                } else {
                    text.push_str(&format!(" {}\n", inline(value)));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                begin(text);
                text.push_str("- ");
                if is_block(item) {
                    block(item, depth + 1, text);
                } else {
                    text.push_str(&format!("{}\n", inline(item)));
                }
            }
        }
        scalar => text.push_str(&format!("{}\n", inline(scalar))),
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn inline(value: &Value) -> String {
    quiet(&value.to_string())
}

/// Bare where it can be nothing but a text: `no`, `on` and the like were booleans once.
fn key(name: &str) -> String {
    let is_bare = name.len() > 3
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !["null", "true", "false"].contains(&name.to_ascii_lowercase().as_str());
    match is_bare || name == "id" {
        true => name.to_owned(),
        false => inline(&Value::from(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_another_reader_makes_of_it_is_what_it_was() {
        let value = json!({
            "name": "a: b # c\n\u{9b}", "no": false, "null": null, "3": 1.5, "empty": [], "none": {},
            "list": [1, "two", [3, [4]], { "role": "owner", "deep": { "list": [{ "x": 1, "y": 2 }] } }],
        });
        let text = yaml(&value);
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, value, "{text}");
        let list = json!([{ "name": "a", "id": 1 }, { "name": "b", "id": 2 }]);
        assert_eq!(
            yaml(&list),
            "- id: 1\n  name: \"a\"\n- id: 2\n  name: \"b\"\n"
        );
        for scalar in [json!(null), json!([]), json!("x"), json!(7)] {
            let read: Value = serde_saphyr::from_str(&yaml(&scalar)).unwrap();
            assert_eq!(read, scalar);
        }
    }
}
