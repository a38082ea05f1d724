//! Rules that change while records are there: each change is a version, and none breaks a record.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::super::{Place, mistakes};
use super::ruled;
use crate::support::app::{Answer, outcome};
use crate::support::service::PATIENCE;
use crate::support::wait::until;

async fn patch(place: &Place, dataset: &str, body: Value) -> Answer {
    place.send(Method::PATCH, dataset, Some(body)).await
}

fn errors(answer: &Answer) -> Vec<(String, String, String)> {
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|it| (text(&it["pointer"]), text(&it["code"]), text(&it["detail"])))
        .collect()
}

#[tokio::test]
async fn rules_are_added_changed_and_removed_member_by_member() {
    let place = Place::new().await;
    let columns = [
        ("n", "int", json!({ "min": 0, "max": 10 })),
        ("t", "text", json!({})),
    ];
    let more = json!({ "rules": { "rows_min": 1, "null_share_max": { "n": 0.5, "t": 1 } } });
    let dataset = ruled(&place, &columns, more).await;
    // Without a version there is none to follow.
    let early = json!({ "columns": { "t": { "rules": { "max_length": 5 } } } });
    let early = patch(&place, &dataset, early).await;
    assert_eq!(early.json()["version"], 0, "{}", early.text());
    place.load(&dataset, "", "n,t\n1,a\n5,b\n").await;
    let body = json!({
        "description": "ruled",
        "columns": { "n": { "rules": { "max": 5, "min": null, "unique": true } },
                     "t": { "rules": { "pattern": "[a-z]+", "one_of": ["a", "b", "c"] } } },
        "rules": { "rows_max": 3, "null_share_max": { "t": null } },
    });
    let changed = patch(&place, &dataset, body.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let now = changed.json();
    let rules = [
        &now["columns"][0]["rules"],
        &now["columns"][1]["rules"],
        &now["rules"],
    ];
    assert_eq!(
        rules,
        [
            &json!({ "max": 5, "unique": true }),
            &json!({ "max_length": 5, "pattern": "[a-z]+", "one_of": ["a", "b", "c"] }),
            &json!({ "rows_min": 1, "rows_max": 3, "null_share_max": { "n": 0.5 } }),
        ]
    );
    assert_eq!((&now["version"], &now["rows"]), (&json!(2), &json!(2)));
    let versions = place.get(&format!("{dataset}/versions")).await.json();
    let newest = &versions["items"][0];
    let told = ["kind", "added", "removed", "changed", "rows"].map(|name| &newest[name]);
    let expected = [json!("schema"), json!(0), json!(0), json!(0), json!(2)];
    assert_eq!(told, expected.each_ref());
    // The same again changes nothing.
    let same = patch(&place, &dataset, body).await;
    assert_eq!(same.json()["version"], 2);
    for (file, code) in [
        ("n,t\n6,a\n", "too-large"),
        ("n,t\n5,a\n", "not-unique"),
        ("n,t\n2,A\n", "no-match"),
        ("n,t\n2,d\n", "not-one-of"),
    ] {
        let answer = place.import(&dataset, "", &[], file).await;
        assert_eq!(mistakes(&answer)[0].1, code, "{}", answer.text());
    }
    // What was removed is not asked for any more.
    place.load(&dataset, "", "n,t\n-1,c\n").await;
    let none =
        json!({ "columns": { "n": { "rules": null }, "t": { "rules": null } }, "rules": null });
    let none = patch(&place, &dataset, none).await.json();
    assert_eq!((&none["rules"], &none["version"]), (&json!({}), &json!(4)));
    assert_eq!(none["columns"][0].get("rules"), None);
    place.load(&dataset, "", "n,t\n5,DDDDDDDD\n5,\n").await;
    let left = "SELECT (SELECT count(*) FROM pg_constraint WHERE connamespace = 'dataset_rows'::regnamespace AND contype = 'c') \
        + (SELECT count(*) FROM pg_indexes WHERE schemaname = 'dataset_rows' AND indexname LIKE '%unique')";
    assert_eq!(place.number(left).await, 0);
    // Old versions are what they were.
    for (version, rows) in [(1, 2), (2, 2), (3, 3), (4, 3), (5, 5)] {
        let target = format!("{dataset}/records?version={version}");
        assert_eq!(place.records(&target).await.len(), rows, "{version}");
    }
}

#[tokio::test]
async fn a_rule_that_records_break_is_refused_with_their_number() {
    let place = Place::new().await;
    let columns = [
        ("n", "int", json!({})),
        ("t", "text", json!({})),
        ("d", "date", json!({})),
    ];
    let dataset = ruled(&place, &columns, json!({})).await;
    let long = "x".repeat(2_601);
    let file = format!("n,t,d\n1,a,2024-01-01\n1,B,\n,a,2025-01-01\n7,{long},2026-01-01\n");
    place.load(&dataset, "", &file).await;
    // A record that is gone breaks no rule, whatever it was.
    place
        .load(&dataset, "", "n,t,d\n999,zzzzz,1900-01-01\n")
        .await;
    let records = format!("{dataset}/records");
    let gone = place
        .send(Method::DELETE, &format!("{records}/5"), None)
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    for (column, rules, expected) in [
        (
            "n",
            json!({ "min": 2 }),
            vec![("min", "too-small", "2 records break it")],
        ),
        (
            "n",
            json!({ "max": 6 }),
            vec![("max", "too-large", "1 record breaks it")],
        ),
        (
            "n",
            json!({ "one_of": [7] }),
            vec![("one_of", "not-one-of", "2 records break it")],
        ),
        (
            "n",
            json!({ "unique": true }),
            vec![("unique", "not-unique", "1 record breaks it")],
        ),
        (
            "t",
            json!({ "min_length": 2, "max_length": 2 }),
            vec![
                ("min_length", "too-short", "3 records break it"),
                ("max_length", "too-long", "1 record breaks it"),
            ],
        ),
        (
            "t",
            json!({ "pattern": "[a-z]+" }),
            vec![("pattern", "no-match", "1 record breaks it")],
        ),
        (
            "t",
            json!({ "unique": true }),
            vec![
                ("unique", "too-long", "1 record breaks it"),
                ("unique", "not-unique", "1 record breaks it"),
            ],
        ),
        (
            "d",
            json!({ "min": "2024-06-01", "max": "2025-06-01" }),
            vec![
                ("min", "too-small", "1 record breaks it"),
                ("max", "too-large", "1 record breaks it"),
            ],
        ),
    ] {
        let body = json!({ "name": "renamed", "columns": { column: { "rules": rules } } });
        let answer = patch(&place, &dataset, body).await;
        assert_eq!(
            outcome(&answer),
            (409, "rules-broken".to_owned()),
            "{rules}"
        );
        let kind = answer.json()["type"].as_str().unwrap().to_owned();
        assert!(kind.ends_with("/errors/rules-broken"), "{kind}");
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(member, code, detail)| {
                let pointer = format!("/columns/{column}/rules/{member}");
                (pointer, code.to_owned(), detail.to_owned())
            })
            .collect();
        assert_eq!(errors(&answer), expected, "{rules}");
    }
    for (rules, code) in [
        (json!({ "rows_min": 5 }), "too-few-rows"),
        (json!({ "rows_max": 3 }), "too-many-rows"),
        (json!({ "null_share_max": { "d": 0.2 } }), "too-many-nulls"),
    ] {
        let answer = patch(&place, &dataset, json!({ "rules": rules })).await;
        assert_eq!(
            outcome(&answer),
            (409, "rules-broken".to_owned()),
            "{rules}"
        );
        assert_eq!(errors(&answer)[0].1, code);
    }
    // Nothing of it was changed, and what no record breaks is set.
    let shown = place.get(&dataset).await.json();
    assert_ne!(shown["name"], "renamed");
    assert_eq!(shown["version"], 3);
    let good = json!({ "columns": { "n": { "rules": { "min": 1, "max": 7 } } } });
    let good = patch(&place, &dataset, good).await;
    assert_eq!(good.status, 200, "{}", good.text());
    // The version before still has what broke the rule.
    let was = place.records(&format!("{records}?version=2&n=999")).await;
    assert_eq!(was.len(), 1);
    let table = place.number("SELECT generation FROM datasets").await;
    let insert = format!("INSERT INTO dataset_rows.g{table} (rid, came, c1) VALUES (99, 0, 8)");
    let refused = place.session.batch_execute(&insert).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "23514");
}

#[tokio::test]
async fn a_file_that_arrives_while_rules_change_keeps_the_new_ones() {
    let place = Place::new().await;
    let columns = [("k", "int", json!({})), ("v", "int", json!({}))];
    for key in [json!([]), json!(["k"])] {
        let has_key = key != json!([]);
        let dataset = ruled(&place, &columns, json!({ "key": key })).await;
        place.load(&dataset, "", "k,v\n1,1\n").await;
        place.settled().await;
        let (go, wait) = oneshot::channel::<()>();
        let parts = stream::unfold((Some(wait), 0), |(wait, at)| async move {
            match at {
                0 => {
                    let part = Bytes::from("k,v\n2,2\n");
                    Some((Ok::<_, std::io::Error>(part), (wait, 1)))
                }
                1 => {
                    wait?.await.ok()?;
                    Some((Ok(Bytes::from("3,-3\n")), (None, 2)))
                }
                _ => None,
            }
        });
        let slow = place.import(&dataset, "", &[], Body::from_stream(parts));
        let rule = json!({ "columns": { "v": { "rules": { "min": 0 } } } });
        let meanwhile = async {
            place.loads().await;
            // The file is loaded into the table itself unless it waits for its key.
            let changed = async || patch(&place, &dataset, rule.clone()).await;
            let first = changed().await;
            if has_key {
                assert_eq!(first.status, 200, "{}", first.text());
            } else {
                assert_eq!(
                    outcome(&first),
                    (409, "conflict".to_owned()),
                    "{}",
                    first.text()
                );
                assert!(first.text().contains("loaded or read"), "{}", first.text());
            }
            go.send(()).unwrap();
        };
        let (slow, ()) = tokio::join!(slow, meanwhile);
        if has_key {
            assert_eq!(
                outcome(&slow),
                (409, "conflict".to_owned()),
                "{}",
                slow.text()
            );
            assert!(slow.text().contains("rules"), "{}", slow.text());
        } else {
            assert_eq!(slow.status, 201, "{}", slow.text());
            let late = patch(&place, &dataset, rule).await;
            assert_eq!(errors(&late)[0].2, "1 record breaks it");
        }
        let shown = place.get(&dataset).await.json();
        assert_eq!(shown["version"], 2, "{shown}");
    }
}

/// A workbook is read once all of it is here. By the rules of then, it would be good.
#[tokio::test]
async fn a_file_that_came_before_rules_changed_is_sent_again() {
    let place = Place::with_files().await;
    let workbook = std::fs::read("tests/data/kinds.xlsx").unwrap();
    // Some of the words that it has in its first column have more than four letters.
    for most in [100, 4] {
        let dataset = ruled(&place, &[("v", "text", json!({}))], json!({})).await;
        place.load(&dataset, "", "v\na\n").await;
        place.settled().await;
        let (go, wait) = oneshot::channel::<()>();
        let whole = Bytes::from(workbook.clone());
        let parts = stream::once(async move {
            wait.await.unwrap();
            Ok::<_, std::io::Error>(whole)
        });
        let query = "?header_row=0&columns=v,-,-,-,-,-,-";
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let kind = [("content-type", kind)];
        let slow = place.import(&dataset, query, &kind, Body::from_stream(parts));
        let meanwhile = async {
            let begun = until("an import", PATIENCE, async || {
                let open = "SELECT count(*) FROM dataset_imports WHERE ended_at IS NULL";
                (place.number(open).await > 0).then_some(())
            });
            begun.await.unwrap();
            let rule = json!({ "columns": { "v": { "rules": { "max_length": most } } } });
            let changed = patch(&place, &dataset, rule).await;
            assert_eq!(changed.status, 200, "{}", changed.text());
            go.send(()).unwrap();
        };
        let (slow, ()) = tokio::join!(slow, meanwhile);
        let said = format!("{most}: {}", slow.text());
        assert_eq!(outcome(&slow), (409, "conflict".to_owned()), "{said}");
        assert!(said.contains("other columns or rules"), "{said}");
        let now = place.get(&dataset).await.json();
        assert_eq!((&now["rows"], &now["version"]), (&json!(1), &json!(2)));
    }
}

#[tokio::test]
async fn catalogues_say_the_rules_of_the_versions_that_keep_them() {
    let place = Place::new().await;
    let columns = [
        ("n", "int", json!({ "min": 0, "unique": true })),
        ("b", "bigint", json!({ "max": "12" })),
        (
            "ages",
            "int_range",
            json!({ "one_of": ["15 to 24", "over 75"] }),
        ),
        ("t", "text", json!({ "pattern": "a|b", "min_length": 1 })),
        ("u", "text", json!({ "pattern": "(?i)a" })),
    ];
    let dataset = ruled(&place, &columns, json!({})).await;
    place
        .load(&dataset, "", "n,b,ages,t,u\n1,2,15-24,a,A\n")
        .await;
    let constraints = async |query: &str| {
        let target = format!("{dataset}/datapackage.json{query}");
        let package = place.get(&target).await.json();
        let fields = package["resources"][0]["schema"]["fields"].clone();
        let fields = fields.as_array().unwrap().clone();
        fields
            .iter()
            .map(|field| field["constraints"].clone())
            .collect::<Vec<_>>()
    };
    let expected = [
        json!({ "minimum": 0, "unique": true }),
        json!({ "maximum": 12 }),
        json!({ "enum": ["15-24", "75+"] }),
        json!({ "pattern": "(a|b)", "minLength": 1 }),
        Value::Null,
    ];
    assert_eq!(constraints("").await, expected);
    let wider = json!({ "columns": { "n": { "rules": { "min": 1 } } } });
    assert_eq!(patch(&place, &dataset, wider).await.json()["version"], 2);
    assert_eq!(
        constraints("").await[0],
        json!({ "minimum": 1, "unique": true })
    );
    assert_eq!(constraints("?version=1").await, vec![Value::Null; 5]);
}
