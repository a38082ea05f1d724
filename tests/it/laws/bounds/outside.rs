//! Values just outside of what a schema says.

use serde_json::{Value, json};

use super::walk::{Bound, Place};

#[derive(Debug, PartialEq)]
pub(super) enum Outside {
    Value(Value),
    /// No value is.
    Nothing,
}

/// A value outside of one word of a schema. The others hold where that can be: a text that is too
/// long has no other mistake.
pub(super) fn outside(bound: &Bound<'_>) -> Outside {
    let Bound {
        word, says, schema, ..
    } = bound;
    let number = || says.as_i64().unwrap();
    let size = || usize::try_from(number()).unwrap();
    let beside = |by: i32| match says.as_i64() {
        Some(whole) => json!(whole + i64::from(by)),
        None => json!(says.as_f64().unwrap() + f64::from(by)),
    };
    let has_sign = schema["pattern"]
        .as_str()
        .is_some_and(|it| it.contains('@'));
    Outside::Value(match *word {
        "minimum" => beside(-1),
        "maximum" => beside(1),
        "exclusiveMinimum" | "exclusiveMaximum" => (*says).clone(),
        "minLength" | "minItems" if size() == 0 => return Outside::Nothing,
        "minLength" => json!("x".repeat(size() - 1)),
        "maxLength" if has_sign => {
            let end = "@example.org";
            json!(format!("{}{end}", "x".repeat(size() + 1 - end.len())))
        }
        "maxLength" => json!("x".repeat(size() + 1)),
        "minItems" => json!(vec!["x"; size() - 1]),
        "maxItems" => json!(vec!["x"; size() + 1]),
        "enum" => json!("no-such-word"),
        // Each is outside of every pattern that the document has in such places.
        "pattern" => json!(match bound.place {
            Place::Query(_) | Place::Body(_) => "\u{1}unfit",
            // A control character does not come as far as to a pattern.
            Place::Path(_) => "un:fit",
            Place::Header(_) => "\"",
        }),
        "format" => match says.as_str().unwrap() {
            "uuid" => json!("0190163d-8694-739b-aea5"),
            "date-time" => json!("2026-02-30T00:00:00Z"),
            "date" => json!("2026-02-30"),
            "int32" => json!(i64::from(u32::MAX) + 1),
            "int64" => json!(i64::MAX.unsigned_abs() + 1),
            _ => return Outside::Nothing,
        },
        other => panic!("what is outside of {other}? Say so in tests/it/laws/bounds"),
    })
}

/// Control: each word has a value that it excludes.
#[test]
fn a_value_outside_of_each_word_is_made() {
    let of = |word, says: Value, schema: Value| {
        let (says, schema, place, steps) = (&says, &schema, Place::Body(""), Vec::new());
        outside(&Bound {
            place,
            steps,
            word,
            says,
            schema,
        })
    };
    let plain = |word, says| of(word, says, json!({}));
    for (word, says, expected) in [
        ("minimum", json!(1), json!(0)),
        ("maximum", json!(9), json!(10)),
        ("exclusiveMinimum", json!(1), json!(1)),
        ("exclusiveMaximum", json!(9), json!(9)),
        ("minLength", json!(1), json!("")),
        ("maxLength", json!(3), json!("xxxx")),
        ("minItems", json!(1), json!([])),
        ("maxItems", json!(2), json!(["x", "x", "x"])),
        ("pattern", json!("^a$"), json!("\u{1}unfit")),
        ("enum", json!(["a"]), json!("no-such-word")),
        ("format", json!("int32"), json!(4_294_967_296_u64)),
    ] {
        assert_eq!(plain(word, says), Outside::Value(expected), "{word}");
    }
    let email = of("maxLength", json!(20), json!({ "pattern": "^.+@.+$" }));
    assert_eq!(email, Outside::Value(json!("xxxxxxxxx@example.org")));
    assert_eq!(plain("minLength", json!(0)), Outside::Nothing);
    assert_eq!(plain("format", json!("password")), Outside::Nothing);
}
