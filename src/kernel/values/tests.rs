#![expect(unreachable_pub, reason = "the macros make types that others use")]

use serde_json::json;
use utoipa::PartialSchema as _;

use super::*;

text! {
    /// A test's line
    Line: 1..=5, no_control, not_blank;
    /// A test's name
    Trimmed: 1..=5, no_control, trimmed;
    /// A test's text
    Long: 0..=10_000;
}

number! {
    /// A test's number
    Size(u8): 2..=9;
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

#[test]
fn a_text_keeps_its_rule_or_says_what_it_is() {
    let expected =
        "expected 1 to 5 characters, not all of them spaces and none of them a control character";
    for (text, is_good) in [
        ("a", true),
        (" a", true),
        ("ääääö", true),
        ("", false),
        (" \u{3000}", false),
        ("aaaaaa", false),
        ("a\tb", false),
        ("a\u{85}", false),
    ] {
        let found = read::<Line>(&json!(text)).map(String::from);
        let wanted = if is_good { Ok(text) } else { Err(expected) };
        assert_eq!(found.as_deref().map_err(String::as_str), wanted, "{text:?}");
    }
    assert_eq!((Line::MIN, Line::MAX), (1, 5));
    assert_eq!(
        read::<Long>(&json!("x".repeat(10_001))).unwrap_err(),
        "expected at most 10,000 characters"
    );
    read::<Long>(&json!("")).unwrap();
    read::<Long>(&json!("\u{1F642}".repeat(10_000))).unwrap();
    read::<Long>(&json!(1)).unwrap_err();
}

#[test]
fn what_is_around_a_trimmed_text_counts_and_is_not_kept() {
    let kept = |text: &str| read::<Trimmed>(&json!(text)).map(String::from);
    assert_eq!(kept(" ab\n").as_deref(), Ok("ab"));
    assert_eq!(kept("abcde").as_deref(), Ok("abcde"));
    let expected = "expected 1 to 5 characters, none of them a control character";
    for bad in ["", "  ", "abcde ", "a\nb"] {
        assert_eq!(kept(bad).unwrap_err(), expected, "{bad:?}");
    }
}

#[test]
fn a_number_is_between_its_bounds() {
    for good in [2, 9] {
        assert_eq!(read::<Size>(&json!(good)).unwrap().get(), good);
    }
    for bad in [1, 10] {
        let refused = read::<Size>(&json!(bad)).unwrap_err();
        assert_eq!(refused, "expected a whole number from 2 to 9");
    }
    read::<Size>(&json!(-1)).unwrap_err();
    let described = serde_json::to_value(Size::described().build()).unwrap();
    let expected = json!({ "type": "integer", "minimum": 2, "maximum": 9 });
    assert_eq!(described, expected);
}

#[test]
fn the_document_says_what_the_line_says() {
    let described = |schema: ObjectBuilder| serde_json::to_value(schema.build()).unwrap();
    assert_eq!(
        described(Line::described()),
        json!({
            "type": "string", "description": "A test's line", "minLength": 1, "maxLength": 5,
            "pattern": r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        })
    );
    assert_eq!(
        described(Long::described()),
        json!({ "type": "string", "description": "A test's text", "maxLength": 10_000 })
    );
    // What is cut off a trimmed text may be a control character.
    assert_eq!(described(Trimmed::described()).get("pattern"), None);
}

#[test]
fn a_schema_leads_to_the_rule_of_its_type() {
    let RefOr::T(Schema::Object(schema)) = Line::schema() else {
        panic!("a text is not described as an object of its own");
    };
    judge(&schema, &json!("abc")).unwrap();
    // Of another type, which the schema tells by itself.
    judge(&schema, &json!(7)).unwrap();
    let wrong = judge(&schema, &json!("abcdef")).unwrap_err();
    assert_eq!(wrong.code, "invalid-value");
    assert!(wrong.detail.starts_with("expected 1 to 5"), "{wrong}");
    let plain = Line::described().build();
    judge(&plain, &json!("abcdef")).unwrap();
}

#[test]
fn times_have_years_and_an_end_is_to_come() {
    let year = |year: i32| json!(format!("{year:04}-01-01T00:00:00Z"));
    read::<UsualTime>(&year(1)).unwrap();
    read::<UsualTime>(&year(9999)).unwrap();
    for bad in [json!("+10000-01-01T00:00:00Z"), year(0)] {
        let refused = read::<UsualTime>(&bad).unwrap_err();
        assert_eq!(refused, "expected a year from 1 to 9999");
    }
    read::<FutureTime>(&year(9999)).unwrap();
    for bad in [
        year(2000),
        json!(Utc::now()),
        json!("+10000-01-01T00:00:00Z"),
    ] {
        read::<FutureTime>(&bad).unwrap_err();
    }
}
