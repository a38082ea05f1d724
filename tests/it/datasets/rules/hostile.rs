//! Rules that cannot be rules, and those that would cost too much.

use http::Method;
use serde_json::{Value, json};

use super::super::Place;
use super::ruled;
use crate::support::app::outcome;

#[tokio::test]
async fn a_wrong_rule_is_refused_with_what_would_be_right() {
    let place = Place::new().await;
    let many: Vec<i64> = (0..100_000).collect();
    let texts: Vec<String> = (0..1_000).map(|n| format!("{n:0>200}")).collect();
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("text", json!({ "min": "a" }), "min", "has only min_length"),
        ("json", json!({ "unique": true }), "unique", "has no rules"),
        ("json", json!({ "one_of": [1] }), "one_of", "has no rules"),
        (
            "bool",
            json!({ "max": true }),
            "max",
            "has only one_of, unique",
        ),
        (
            "int",
            json!({ "pattern": "1" }),
            "pattern",
            "has only min, max",
        ),
        (
            "int",
            json!({ "min_length": 1 }),
            "min_length",
            "has only min, max",
        ),
        ("int", json!({ "min": "0" }), "min", "a whole number"),
        ("int", json!({ "max": 1.5 }), "max", "a whole number"),
        (
            "int",
            json!({ "min": 2, "max": 1 }),
            "max",
            "at least min, which is 2",
        ),
        (
            "decimal",
            json!({ "min": "NaN" }),
            "min",
            "a decimal number",
        ),
        (
            "decimal",
            json!({ "min": "2.0", "max": "1.99" }),
            "max",
            "at least min",
        ),
        ("float64", json!({ "min": "NaN" }), "min", "a number"),
        ("float64", json!({ "max": "Infinity" }), "max", "a number"),
        ("date", json!({ "min": "01/02/2024" }), "min", "a date"),
        (
            "date",
            json!({ "min": "2024-01-02", "max": "2024-01-01" }),
            "max",
            "at least min",
        ),
        ("timestamp", json!({ "max": "2024-01-02" }), "max", "a time"),
        (
            "text",
            json!({ "min_length": 3, "max_length": 2 }),
            "max_length",
            "at least min_length",
        ),
        ("text", json!({ "min_length": -1 }), "min_length", "0 to"),
        (
            "text",
            json!({ "pattern": "(" }),
            "pattern",
            "a regular expression",
        ),
        (
            "text",
            json!({ "pattern": "(a{1000}){1000}" }),
            "pattern",
            "a regular expression",
        ),
        (
            "text",
            json!({ "pattern": "(\\w{500}){500}" }),
            "pattern",
            "a regular expression",
        ),
        (
            "text",
            json!({ "pattern": "(?=a)" }),
            "pattern",
            "a regular expression",
        ),
        (
            "text",
            json!({ "pattern": "a".repeat(1_001) }),
            "pattern",
            "at most 1000",
        ),
        ("text", json!({ "one_of": [] }), "one_of", "at least one"),
        ("text", json!({ "one_of": ["a", 1] }), "one_of/1", "a text"),
        ("text", json!({ "one_of": [null] }), "one_of/0", "a"),
        ("int", json!({ "one_of": many }), "one_of", "at most 1000"),
        (
            "int_range",
            json!({ "one_of": ["many"] }),
            "one_of/0",
            "a range",
        ),
        ("int", json!({ "least": 1 }), "least", "no such member"),
        ("int", json!({ "unique": "yes" }), "unique", "true or false"),
    ];
    let plain = ruled(&place, &[("v", "int", json!({}))], json!({})).await;
    for (kind, rules, member, expected) in cases {
        let said = rules.to_string().chars().take(100).collect::<String>();
        let columns = json!([{ "name": "v", "type": kind, "rules": rules }]);
        let body = json!({ "project_id": place.project, "name": "wrong", "columns": columns });
        let answer = place
            .send(Method::POST, "/api/v1/datasets", Some(body))
            .await;
        assert_eq!(
            outcome(&answer),
            (422, "validation-failed".to_owned()),
            "{said}: {}",
            answer.text()
        );
        let error = &answer.json()["errors"][0];
        assert_eq!(
            error["pointer"],
            format!("/columns/0/rules/{member}"),
            "{said}"
        );
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{said}: {detail}");
        if kind == "int" {
            let body = json!({ "columns": { "v": { "rules": rules } } });
            let answer = place.send(Method::PATCH, &plain, Some(body)).await;
            let pointer = answer.json()["errors"][0]["pointer"].clone();
            assert_eq!(pointer, format!("/columns/v/rules/{member}"), "{said}");
        }
    }
    let heavy =
        json!({ "columns": [{ "name": "v", "type": "text", "rules": { "one_of": texts } }] });
    let mut heavy = heavy;
    heavy["project_id"] = place.project.clone().into();
    heavy["name"] = "heavy".into();
    let answer = place
        .send(Method::POST, "/api/v1/datasets", Some(heavy))
        .await;
    assert!(answer.text().contains("128 KiB"), "{}", answer.text());
}

#[tokio::test]
async fn a_rule_of_what_is_not_there_is_refused() {
    let place = Place::new().await;
    let dataset = ruled(&place, &[("v", "int", json!({ "min": 1 }))], json!({})).await;
    for (body, pointer) in [
        (
            json!({ "columns": { "gone": { "rules": { "min": 1 } } } }),
            "/columns/gone",
        ),
        (
            json!({ "columns": { "a/b": { "rules": null } } }),
            "/columns/a~1b",
        ),
        (
            json!({ "columns": { "v": { "type": "text" } } }),
            "/columns/v/type",
        ),
        (json!({ "columns": [] }), "/columns"),
        (json!({ "columns": null }), "/columns"),
        (
            json!({ "rules": { "null_share_max": { "gone": 0.5 } } }),
            "/rules/null_share_max/gone",
        ),
        (
            json!({ "rules": { "null_share_max": { "v": 1.5 } } }),
            "/rules/null_share_max/v",
        ),
        (
            json!({ "rules": { "null_share_max": { "v": -0.1 } } }),
            "/rules/null_share_max/v",
        ),
        (
            json!({ "rules": { "null_share_max": 0.5 } }),
            "/rules/null_share_max",
        ),
        (
            json!({ "rules": { "rows_min": 5, "rows_max": 4 } }),
            "/rules/rows_max",
        ),
        (json!({ "rules": { "rows_min": -1 } }), "/rules/rows_min"),
        (json!({ "rules": { "rows": 1 } }), "/rules/rows"),
    ] {
        let answer = place
            .send(Method::PATCH, &dataset, Some(body.clone()))
            .await;
        assert_eq!(
            outcome(&answer),
            (422, "validation-failed".to_owned()),
            "{body}: {}",
            answer.text()
        );
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    // A dataset that has no columns yet has no rules of any.
    let empty = place
        .dataset(&[], json!({ "rules": { "rows_min": 2 } }))
        .await;
    let body = json!({ "columns": { "v": { "rules": { "min": 1 } } } });
    let answer = place.send(Method::PATCH, &empty, Some(body)).await;
    assert_eq!(outcome(&answer), (422, "validation-failed".to_owned()));
    let few = place.import(&empty, "", &[], "v\n1\n").await;
    assert!(few.text().contains("too-few-rows"), "{}", few.text());
    place.load(&empty, "", "v\n1\n2\n").await;
}

/// A value is judged in a time that grows with it, whatever the pattern.
#[tokio::test]
async fn a_pattern_that_backtracks_elsewhere_takes_no_time() {
    let place = Place::new().await;
    let rules = json!({ "pattern": "(a+)+b", "unique": true });
    let dataset = ruled(&place, &[("v", "text", rules)], json!({})).await;
    let begun = std::time::Instant::now();
    let file = format!("v\n{}\n", "a".repeat(100_000));
    let answer = place.import(&dataset, "", &[], file).await;
    assert!(answer.text().contains("no-match"), "{}", answer.text());
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    // What no index takes is a mistake of its row, and not of the service.
    let file = format!("v\n{}b\n", "a".repeat(3_000));
    let answer = place.import(&dataset, "", &[], file.clone()).await;
    assert!(answer.text().contains("too-long"), "{}", answer.text());
    let records = format!("{dataset}/records");
    let long = json!({ "v": format!("{}b", "a".repeat(3_000)) });
    let answer = place.send(Method::POST, &records, Some(long)).await;
    assert_eq!(
        answer.json()["errors"][0]["code"],
        "too-long",
        "{}",
        answer.text()
    );
}
