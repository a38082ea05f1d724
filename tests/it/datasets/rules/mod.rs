//! Rules of columns and of datasets: what breaks one is refused, whichever way it comes.

mod agree;
mod apart;
mod change;
mod hostile;
mod together;

use http::Method;
use serde_json::{Value, json};

use super::{Place, mistakes};
use crate::support::app::{Answer, outcome};

const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

/// A dataset with these columns, each a name, a type and its rules.
async fn ruled(place: &Place, columns: &[(&str, &str, Value)], more: Value) -> String {
    let columns: Vec<Value> = columns
        .iter()
        .map(|(name, kind, rules)| json!({ "name": name, "type": kind, "rules": rules }))
        .collect();
    let mut more = more;
    more["columns"] = columns.into();
    place.dataset(&[], more).await
}

/// The import that an answer is about.
async fn import_of(place: &Place, answer: &Answer) -> Value {
    place.get(answer.header("location")).await.json()
}

/// A rule that is broken: the type and the rules of the column, a value that keeps them and one
/// that does not, as records have them, and what that is called.
fn broken() -> Vec<(&'static str, Value, Value, Value, &'static str)> {
    vec![
        ("int", json!({ "min": 0 }), json!(0), json!(-1), "too-small"),
        (
            "int",
            json!({ "max": 120 }),
            json!(120),
            json!(121),
            "too-large",
        ),
        (
            "bigint",
            json!({ "max": "9223372036854775806" }),
            json!("9223372036854775806"),
            json!("9223372036854775807"),
            "too-large",
        ),
        (
            "float64",
            json!({ "min": -0.5, "max": 1e300 }),
            json!(-0.5),
            json!(-0.500_001),
            "too-small",
        ),
        (
            "decimal",
            json!({ "max": "10.50" }),
            json!("10.5"),
            json!("10.500000000000000000001"),
            "too-large",
        ),
        (
            "date",
            json!({ "min": "2020-01-01" }),
            json!("2020-01-01"),
            json!("2019-12-31"),
            "too-small",
        ),
        (
            "timestamp",
            json!({ "max": "2026-01-01T00:00:00Z" }),
            json!("2026-01-01T01:00:00+01:00"),
            json!("2026-01-01T00:00:00.000001Z"),
            "too-large",
        ),
        (
            "text",
            json!({ "min_length": 2 }),
            json!("äö"),
            json!("ä"),
            "too-short",
        ),
        (
            "text",
            json!({ "max_length": 2 }),
            json!("äö"),
            json!("abc"),
            "too-long",
        ),
        (
            "text",
            json!({ "pattern": "[A-Z]{2}" }),
            json!("DE"),
            json!("DEU"),
            "no-match",
        ),
        (
            "text",
            json!({ "one_of": ["yes", "it's \\ ok"] }),
            json!("it's \\ ok"),
            json!("Yes"),
            "not-one-of",
        ),
        (
            "decimal",
            json!({ "one_of": ["1.50", "2"] }),
            json!("1.5"),
            json!("1.51"),
            "not-one-of",
        ),
        (
            "bool",
            json!({ "one_of": [true] }),
            json!(true),
            json!(false),
            "not-one-of",
        ),
        (
            "int_range",
            json!({ "one_of": ["15 to 24", "75+"] }),
            json!("15-24"),
            json!("15-25"),
            "not-one-of",
        ),
    ]
}

/// A value as CSV has it.
fn in_csv(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        value => value.to_string(),
    }
}

#[tokio::test]
async fn each_rule_is_broken_by_files_and_by_records() {
    let place = Place::new().await;
    for (kind, rules, good, bad, code) in broken() {
        let said = format!("{kind} {rules} {bad}");
        let columns = [("n", "int", json!({})), ("The value", kind, rules.clone())];
        let dataset = ruled(&place, &columns, json!({})).await;
        let shown = place.get(&dataset).await.json();
        assert_eq!(shown["columns"][1]["rules"], rules, "{said}");
        assert_eq!(shown["columns"][0].get("rules"), None);
        place
            .load(
                &dataset,
                "",
                &format!("n,The value\n1,{}\n2,\n", in_csv(&good)),
            )
            .await;
        let before = place.records(&format!("{dataset}/records")).await;

        let csv = format!("n,The value\n3,{}\n4,{}\n", in_csv(&good), in_csv(&bad));
        let lines = format!("{}\n", json!({ "n": 4, "the_value": bad }));
        for mode in ["append", "replace", "append&dry_run=true"] {
            let query = format!("?mode={mode}");
            let answer = place.import(&dataset, &query, &[], csv.clone()).await;
            assert_eq!(
                outcome(&answer),
                (422, "import-refused".to_owned()),
                "{said}"
            );
            let expected = [("/rows/3/The value".to_owned(), code.to_owned())];
            assert_eq!(mistakes(&answer), expected, "{said} {mode}");
            let error = &import_of(&place, &answer).await["errors"][0];
            let text = bad.as_str().map_or(bad.to_string(), str::to_owned);
            let expected =
                json!({ "row": 3, "line": 3, "column": "The value", "code": code, "value": text });
            assert_eq!(*error, expected, "{said}");
            let answer = place.import(&dataset, &query, &NDJSON, lines.clone()).await;
            let expected = [("/rows/1/The value".to_owned(), code.to_owned())];
            assert_eq!(mistakes(&answer), expected, "{said} {mode}");
        }
        // The last good version is served.
        assert_eq!(place.get(&dataset).await.json()["version"], 1, "{said}");
        let records = format!("{dataset}/records");
        assert_eq!(place.records(&records).await, before, "{said}");

        let both = json!([{ "the_value": good }, { "the_value": bad }]);
        let answer = place.send(Method::POST, &records, Some(both)).await;
        assert_eq!(outcome(&answer), (422, "validation-failed".to_owned()));
        let expected = [("/1/the_value".to_owned(), code.to_owned())];
        assert_eq!(mistakes(&answer), expected, "{said}: {}", answer.text());
        let patch = json!({ "the_value": bad });
        let one = format!("{records}/2");
        let answer = place.send(Method::PATCH, &one, Some(patch)).await;
        let expected = [("/the_value".to_owned(), code.to_owned())];
        assert_eq!(mistakes(&answer), expected, "{said}: {}", answer.text());
        assert_eq!(place.get(&dataset).await.json()["version"], 1, "{said}");

        let skipped = place.load(&dataset, "?on_error=skip", &csv).await;
        assert_eq!(
            (&skipped["rows_written"], &skipped["rows_failed"]),
            (&json!(1), &json!(1)),
            "{said}"
        );
        let id = skipped["id"].as_str().unwrap();
        let rejected = place
            .get(&format!("{dataset}/imports/{id}/rejected"))
            .await
            .text();
        let expected = format!("3,The value,{code},4,");
        assert!(rejected.contains(&expected), "{said}: {rejected}");
    }
}

#[tokio::test]
async fn all_mistakes_of_a_record_are_told_and_no_value_breaks_no_rule() {
    let place = Place::new().await;
    let columns = [
        ("a", "int", json!({ "min": 1, "one_of": [1, 2, 3] })),
        ("b", "date", json!({})),
        ("c", "text", json!({ "max_length": 1, "pattern": "[a-z]" })),
    ];
    let dataset = ruled(&place, &columns, json!({})).await;
    let file = "a,b,c\n,,\n0,x,ab\n4,2026-01-01,A\n2,2026-01-01,z\n";
    let answer = place.import(&dataset, "?dry_run=true", &[], file).await;
    let mut told = mistakes(&answer);
    told.sort();
    let expected = [
        ("/rows/3/a", "too-small"),
        ("/rows/3/b", "not-a-date"),
        ("/rows/3/c", "too-long"),
        ("/rows/4/a", "not-one-of"),
        ("/rows/4/c", "no-match"),
    ];
    let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned()));
    assert_eq!(told, expected, "{}", answer.text());
    let import = place.load(&dataset, "?on_error=skip", file).await;
    assert_eq!(import["rows_written"], 2);
    let empty = json!({ "a": null, "c": null });
    let records = format!("{dataset}/records");
    let answer = place.send(Method::POST, &records, Some(empty)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let wrong = json!({ "a": 7, "c": "ab" });
    let answer = place.send(Method::POST, &records, Some(wrong)).await;
    let body = answer.json();
    let details: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["detail"].as_str().unwrap())
        .collect();
    assert_eq!(
        details,
        ["expected one of 1, 2, 3", "expected at most 1 characters"]
    );
}

/// A file that waits: with a key, and with values that are unique, the rules are the same.
#[tokio::test]
async fn rules_hold_where_records_meet_by_their_key() {
    let place = Place::new().await;
    let columns = [
        ("k", "int", json!({})),
        ("v", "int", json!({ "min": 0 })),
        ("u", "text", json!({ "unique": true, "max_length": 3 })),
    ];
    let dataset = ruled(&place, &columns, json!({ "key": ["k"] })).await;
    place
        .load(&dataset, "?mode=upsert", "k,v,u\n1,1,a\n2,2,b\n")
        .await;
    for mode in ["append", "upsert", "replace"] {
        let query = format!("?mode={mode}");
        let file = "k,v,u\n3,-1,c\n4,1,long\n";
        let answer = place.import(&dataset, &query, &[], file).await;
        let expected = [("/rows/2/v", "too-small"), ("/rows/3/u", "too-long")];
        let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned()));
        assert_eq!(mistakes(&answer), expected, "{mode}");
    }
    assert_eq!(place.get(&dataset).await.json()["version"], 1);
}
