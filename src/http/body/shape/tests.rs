//! A table of bodies against schemas as derived types have them, and noise that must find an end.

#![expect(dead_code, reason = "the types are only described")]

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::http::body::extract;
use crate::http::body::patch::{Change, Patch};
use crate::kernel::values::text;

text! {
    /// What something is called
    Called: 1..=3;
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Valued {
    called: Called,
    maybe: Option<Called>,
    list: Option<Vec<Called>>,
    #[serde(default)]
    #[schema(value_type = Called, required = false)]
    change: Change<Called>,
    #[serde(default)]
    #[schema(value_type = Option<Called>)]
    patch: Patch<Called>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Outer {
    name: String,
    count: u32,
    ratio: Option<f64>,
    kind: Option<Kind>,
    inner: Option<Inner>,
    list: Option<Vec<Inner>>,
    id: Option<uuid::Uuid>,
    at: Option<chrono::DateTime<chrono::Utc>>,
    day: Option<chrono::NaiveDate>,
    #[schema(value_type = Option<Value>)]
    anything: Option<Value>,
    tagged: Option<Tagged>,
    map: Option<std::collections::BTreeMap<String, i64>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Small,
    Large,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Inner {
    flag: bool,
    text: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Tagged {
    Point { x: i32, y: i32 },
    Circle { radius: u8 },
}

#[derive(Deserialize, ToSchema)]
struct Flattened {
    own: i32,
    #[serde(flatten)]
    inner: Open,
}

#[derive(Deserialize, ToSchema)]
struct Open {
    flag: bool,
}

fn found<T: ToSchema>(value: &Value) -> Vec<(String, String, String)> {
    let mut found: Vec<_> = super::Shape::of::<T>()
        .mistakes(value)
        .into_iter()
        .map(|it| (it.pointer, it.code.into_owned(), it.detail))
        .collect();
    found.sort();
    found
}

fn short<T: ToSchema>(value: &Value) -> String {
    found::<T>(value)
        .into_iter()
        .map(|(pointer, code, _)| format!("{pointer} {code}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn every_mistake_is_listed_with_its_pointer() {
    let with = |name: &str, value: Value| {
        let mut body = json!({"name": "n", "count": 1});
        body[name] = value;
        body
    };
    let table = [
        (json!({"name": "n", "count": 1}), ""),
        (json!([]), " wrong-type"),
        (json!(null), " wrong-type"),
        (json!({}), "/count missing, /name missing"),
        (
            json!({"nam": 1}),
            "/count missing, /nam unknown-field, /name missing",
        ),
        (
            json!({"name": 1, "count": "1"}),
            "/count wrong-type, /name wrong-type",
        ),
        (with("count", json!(-1)), "/count invalid-value"),
        (with("count", json!(4_294_967_295_u64)), ""),
        (
            with("count", json!(4_294_967_296_u64)),
            "/count invalid-value",
        ),
        (with("count", json!(1.0)), "/count wrong-type"),
        (with("ratio", json!(1)), ""),
        (with("ratio", json!(null)), ""),
        (with("ratio", json!("1")), "/ratio wrong-type"),
        (with("kind", json!("small")), ""),
        (with("kind", json!("Small")), "/kind unknown-value"),
        (with("kind", json!(7)), "/kind wrong-type"),
        (with("inner", json!({"flag": true})), ""),
        (
            with("inner", json!({"flag": 1, "text": 2, "more": 3})),
            "/inner/flag wrong-type, /inner/more unknown-field, /inner/text wrong-type",
        ),
        (with("inner", json!(7)), "/inner wrong-type"),
        (
            with("list", json!([{"flag": true}, {}, 1, {"flag": "x"}])),
            "/list/1/flag missing, /list/2 wrong-type, /list/3/flag wrong-type",
        ),
        (with("list", json!({})), "/list wrong-type"),
        (with("id", json!("x")), "/id invalid-value"),
        (with("at", json!("yesterday")), "/at invalid-value"),
        (with("at", json!("2026-01-31T12:00:00Z")), ""),
        (with("day", json!("2026-02-30")), "/day invalid-value"),
        (with("anything", json!({"a": [1, {"b": null}]})), ""),
        (with("tagged", json!({"type": "point", "x": 1, "y": 2})), ""),
        (
            with("tagged", json!({"type": "circle", "x": 1, "y": 2})),
            "/tagged/radius missing, /tagged/x unknown-field, /tagged/y unknown-field",
        ),
        (
            with("map", json!({"a/b": 1, "c~d": "x"})),
            "/map/c~0d wrong-type",
        ),
        (with("map", json!({"e/f": "x"})), "/map/e~1f wrong-type"),
    ];
    for (body, expected) in table {
        assert_eq!(short::<Outer>(&body), expected, "{body}");
    }
}

/// Serde ends at the first of them, and no schema says what they are: each rule does.
#[test]
fn values_that_break_their_rule_are_all_listed_in_its_words() {
    let body = json!({
        "called": "", "maybe": "long", "list": ["a", "", "long"], "change": "long", "patch": "",
    });
    let errors = extract::parse::<Valued>(body.to_string().as_bytes())
        .unwrap_err()
        .errors;
    let pointers: Vec<_> = errors.iter().map(|it| it.pointer.as_str()).collect();
    let expected = [
        "/called", "/change", "/list/1", "/list/2", "/maybe", "/patch",
    ];
    assert_eq!(pointers, expected);
    for error in errors {
        assert_eq!(error.code, "invalid-value");
        assert_eq!(error.detail, "expected 1 to 3 characters");
    }
    let fits = r#"{"called": "a", "maybe": null, "list": ["abc"], "patch": null}"#;
    extract::parse::<Valued>(fits.as_bytes()).unwrap();
    let found = found::<Valued>(&json!({ "called": 1, "maybe": 1 }));
    let details: Vec<_> = found.iter().map(|(.., detail)| detail.as_str()).collect();
    assert_eq!(details, ["expected a text", "expected a text or null"]);
}

#[test]
fn a_mistake_says_what_would_be_right() {
    let body = json!({"name": "n", "count": -1, "inner": 7, "kind": "huge"});
    let details: Vec<_> = found::<Outer>(&body)
        .into_iter()
        .map(|(.., it)| it)
        .collect();
    assert_eq!(
        details,
        [
            "expected a number from 0 to 4294967295",
            "expected an object or null",
            "expected one of \"small\", \"large\""
        ]
    );
}

#[test]
fn a_bound_need_not_be_whole() {
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "its schema alone is looked at")]
    struct Part {
        #[schema(minimum = 0.25, maximum = 1.0)]
        share: f64,
    }
    for (share, expected) in [
        (json!(1), ""),
        (json!(0.25), ""),
        (json!(0), "expected a number from 0.25 to 1"),
        (json!(1.5), "expected a number from 0.25 to 1"),
        (json!(2), "expected a number from 0.25 to 1"),
    ] {
        let found = found::<Part>(&json!({ "share": share }));
        let details: Vec<_> = found.into_iter().map(|(.., it)| it).collect();
        assert_eq!(details.join(", "), expected, "{share}");
    }
}

#[test]
fn flattened_parts_do_not_refuse_each_other() {
    assert_eq!(short::<Flattened>(&json!({"own": 1, "flag": true})), "");
    assert_eq!(
        short::<Flattened>(&json!({"own": "x", "flag": 1})),
        "/flag wrong-type, /own wrong-type"
    );
}

#[test]
fn whatever_serde_takes_the_schema_takes() {
    // A small generator of its own: the same bodies each run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    };
    let leaves = [
        json!(null),
        json!(true),
        json!(0),
        json!(-5),
        json!(300),
        json!(1.5),
        json!("small"),
        json!("x"),
        json!("2026-01-31"),
        json!("2026-01-31T12:00:00Z"),
        json!([]),
        json!({}),
        json!({"flag": false}),
        json!([{"flag": true, "text": null}]),
        json!({"type": "circle", "radius": 3}),
        json!(u64::MAX),
    ];
    let names = [
        "name", "count", "ratio", "kind", "inner", "list", "id", "at", "day", "anything", "tagged",
        "map", "odd",
    ];
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut body = json!({"name": "n", "count": 1});
        for _ in 0..next(4) {
            let name = names[usize::try_from(next(13)).unwrap()];
            body[name] = leaves[usize::try_from(next(16)).unwrap()].clone();
        }
        let found = short::<Outer>(&body);
        match serde_json::from_value::<Outer>(body.clone()) {
            Ok(_) => {
                taken += 1;
                assert_eq!(found, "", "{body}");
            }
            // Eight bits are not in the document; the position tells then.
            Err(error) => {
                refused += 1;
                assert!(
                    !found.is_empty() || error.to_string().contains("u8"),
                    "{body}: {error}"
                );
            }
        }
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} and {refused}");
}

#[test]
fn a_flood_of_mistakes_is_cut() {
    let body = Value::Object((0..100_000).map(|n| (format!("k{n}"), json!(n))).collect());
    assert!(found::<Outer>(&body).len() <= crate::kernel::error::MOST_FIELD_ERRORS + 3);
}
