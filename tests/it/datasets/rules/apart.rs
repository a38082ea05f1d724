//! Values that no two records have: found by statements about all records of a file.

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::super::{Place, mistakes};
use super::{NDJSON, import_of, ruled};
use crate::support::app::outcome;

async fn dataset(place: &Place, more: Value) -> String {
    let columns = [
        ("k", "int", json!({})),
        ("Mail", "text", json!({ "unique": true })),
        ("d", "decimal", json!({ "unique": true })),
    ];
    ruled(place, &columns, more).await
}

/// The texts of all records, sorted.
async fn mails(place: &Place, dataset: &str) -> Vec<String> {
    let records = place
        .records(&format!("{dataset}/records?sort=mail&limit=200"))
        .await;
    let mails = records.iter().map(|it| it["mail"].as_str().unwrap_or("-"));
    mails.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_there_twice_is_told_by_row_and_column() {
    let place = Place::new().await;
    let dataset = dataset(&place, json!({})).await;
    let file = "k,Mail,d\n1,a,1.5\n2,b,2\n3,a,\n4,,\n5,,1.50\n6,b,2.0\n";
    let expected = [
        ("/rows/4/Mail", "not-unique"),
        ("/rows/6/d", "not-unique"),
        ("/rows/7/Mail", "not-unique"),
        ("/rows/7/d", "not-unique"),
    ];
    let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned()));
    for query in ["", "?dry_run=true", "?mode=replace"] {
        let answer = place.import(&dataset, query, &[], file).await;
        assert_eq!(mistakes(&answer), expected, "{query}: {}", answer.text());
        let import = import_of(&place, &answer).await;
        assert_eq!(
            (&import["state"], &import["rows_failed"]),
            (&json!("refused"), &json!(3)),
            "{query}"
        );
        let error =
            json!({ "row": 4, "line": 4, "column": "Mail", "code": "not-unique", "value": "a" });
        assert_eq!(import["errors"][0], error, "{query}");
    }
    assert_eq!(place.get(&dataset).await.json()["version"], 0);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dataset_rows'";
    assert_eq!(place.number(tables).await, 0);

    // The first of them is taken, and the file of the others says what they were.
    let query = "?on_error=skip&columns=k,Mail,-,d";
    let file = "1,a,x,1.5\n2,b,x,2\n3,a,x,\n4,,x,\n5,,x,1.50\n6,b,x,2.0\nx,\"c, d\",x,\n";
    let import = place.load(&dataset, query, file).await;
    assert_eq!(
        (
            &import["rows_written"],
            &import["rows_failed"],
            &import["rejected_rows"]
        ),
        (&json!(3), &json!(4), &json!(4))
    );
    assert_eq!(mails(&place, &dataset).await, ["a", "b", "-"]);
    let id = import["id"].as_str().unwrap();
    let rejected = place
        .get(&format!("{dataset}/imports/{id}/rejected"))
        .await
        .text();
    let expected = "_rejected_row,_rejected_column,_rejected_code,k,Mail,d\r\n\
                    7,k,not-an-int,x,\"c, d\",\r\n\
                    3,Mail,not-unique,3,a,\r\n\
                    5,d,not-unique,5,,1.50\r\n\
                    6,Mail d,not-unique not-unique,6,b,2.0\r\n";
    assert_eq!(rejected, expected);
    let rows: Vec<_> = import["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["row"].as_i64().unwrap())
        .collect();
    assert_eq!(rows, [3, 5, 6, 6, 7]);
    // It is sent again once it is repaired.
    let repaired = rejected
        .replace(",x,\"c, d\",", ",7,\"c, d\",")
        .replace(",a,", ",e,")
        .replace("1.50", "3")
        .replace(",b,2.0", ",f,4");
    assert_eq!(place.load(&dataset, "", &repaired).await["rows_written"], 4);
}

#[tokio::test]
async fn what_is_there_is_no_other_records_by_a_file_or_by_an_edit() {
    let place = Place::new().await;
    let dataset = dataset(&place, json!({})).await;
    place.load(&dataset, "", "k,Mail,d\n1,a,1\n2,b,2\n").await;
    let file = "{\"k\": 3, \"mail\": \"c\"}\n{\"k\": 4, \"mail\": \"a\"}\n";
    for query in ["", "?dry_run=true"] {
        let answer = place.import(&dataset, query, &NDJSON, file).await;
        let expected = [("/rows/2/Mail".to_owned(), "not-unique".to_owned())];
        assert_eq!(mistakes(&answer), expected, "{query}");
    }
    // Those that go are not in the way.
    let replaced = place.import(&dataset, "?mode=replace", &NDJSON, file).await;
    assert_eq!(replaced.status, 201, "{}", replaced.text());
    assert_eq!(mails(&place, &dataset).await, ["a", "c"]);

    let records = format!("{dataset}/records");
    let many = json!([{ "mail": "x" }, { "mail": "x", "d": "5" }, { "mail": "c" }, { "d": "5.0" }]);
    let answer = place.send(Method::POST, &records, Some(many)).await;
    assert_eq!(outcome(&answer), (422, "validation-failed".to_owned()));
    let expected = ["/1/mail", "/2/mail", "/3/d"];
    let expected = expected.map(|at| (at.to_owned(), "not-unique".to_owned()));
    assert_eq!(mistakes(&answer), expected);
    let found = place.get(&format!("{records}?mail=c")).await.json();
    let rid = &found["items"][0]["rid"];
    let one = format!("{records}/{rid}");
    for (patch, status) in [
        (json!({ "mail": "a" }), 422),
        (json!({ "mail": "c", "k": 9 }), 200),
        (json!({ "mail": null }), 200),
    ] {
        let answer = place.send(Method::PATCH, &one, Some(patch)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let free = json!([{ "mail": "c" }, { "mail": null }, {}]);
    let answer = place.send(Method::POST, &records, Some(free)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Records that have each other's values after a file are as they should be, and one that is left
/// out stays as it was.
#[tokio::test]
async fn an_upsert_is_judged_by_what_there_is_afterwards() {
    let place = Place::new().await;
    let dataset = dataset(&place, json!({ "key": ["k"] })).await;
    place
        .load(&dataset, "", "k,Mail,d\n1,a,\n2,b,\n3,c,\n")
        .await;
    place
        .load(&dataset, "?mode=upsert", "k,Mail,d\n1,b,\n2,a,\n")
        .await;
    let now = place.records(&format!("{dataset}/records?sort=k")).await;
    let mails_now: Vec<_> = now.iter().map(|it| it["mail"].as_str().unwrap()).collect();
    assert_eq!(mails_now, ["b", "a", "c"]);
    for query in ["?mode=upsert", "?mode=upsert&dry_run=true"] {
        let answer = place
            .import(&dataset, query, &[], "k,Mail,d\n1,c,\n4,b,\n")
            .await;
        let told = mistakes(&answer);
        let first = ("/rows/2/Mail".to_owned(), "not-unique".to_owned());
        assert_eq!(told.first(), Some(&first), "{query}: {}", answer.text());
    }
    // The first cannot have c, so that it keeps b, which the second cannot have then, nor the third
    // what that keeps.
    let file = "k,Mail,d\n1,c,\n2,b,\n4,a,\n5,e,\n";
    let import = place
        .load(&dataset, "?mode=upsert&on_error=skip", file)
        .await;
    assert_eq!(
        (&import["rows_written"], &import["rows_failed"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(mails(&place, &dataset).await, ["a", "b", "c", "e"]);
    // Its table keeps the rule by itself.
    let table = place.number("SELECT generation FROM datasets").await;
    let twice = format!("INSERT INTO dataset_rows.g{table} (rid, came, c2) VALUES (99, 0, 'e')");
    let refused = place.session.batch_execute(&twice).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "23505");
}

#[tokio::test]
async fn of_two_files_at_the_same_time_one_has_the_value() {
    let place = Place::new().await;
    let dataset = dataset(&place, json!({})).await;
    place.load(&dataset, "", "k,Mail,d\n0,first,\n").await;
    // One still arrives while another ends.
    let (go, wait) = oneshot::channel::<()>();
    let parts = stream::unfold((Some(wait), 0), |(wait, at)| async move {
        match at {
            0 => {
                let part = Bytes::from("k,Mail,d\n1,a,\n");
                Some((Ok::<_, std::io::Error>(part), (wait, 1)))
            }
            1 => {
                wait?.await.ok()?;
                Some((Ok(Bytes::from("2,b,\n")), (None, 2)))
            }
            _ => None,
        }
    });
    let slow = place.import(&dataset, "", &[], Body::from_stream(parts));
    let meanwhile = async {
        place.loads().await;
        place.load(&dataset, "", "k,Mail,d\n3,b,\n").await;
        go.send(()).unwrap();
    };
    let (slow, ()) = tokio::join!(slow, meanwhile);
    let expected = [("/rows/3/Mail".to_owned(), "not-unique".to_owned())];
    assert_eq!(mistakes(&slow), expected, "{}", slow.text());

    let files = (0..4).map(|n| format!("k,Mail,d\n{n},same,\n{n},own {n},\n"));
    let sent = files.map(|file| async {
        let query = "?on_error=skip";
        place.import(&dataset, query, &[], file).await
    });
    let answers = join_all(sent).await;
    let written: i64 = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["rows_written"].as_i64().unwrap()
        })
        .sum();
    assert_eq!(written, 5);
    let mails = mails(&place, &dataset).await;
    let same = mails.iter().filter(|mail| *mail == "same");
    assert_eq!((same.count(), mails.len()), (1, 7));
    // Nothing of the tables that records waited in.
    let waiting = "SELECT count(*) FROM pg_class WHERE relnamespace = 'dataset_rows'::regnamespace AND relpersistence = 'u'";
    assert_eq!(place.number(waiting).await, 0);
}
