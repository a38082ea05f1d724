//! NDJSON in: an object a line.

use std::io::Write as _;

use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{COLUMNS, Place, mistakes};
use crate::support::app::{Answer, outcome};

async fn send(place: &Place, dataset: &str, query: &str, file: impl Into<Body>) -> Answer {
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("content-type", "application/x-ndjson"),
    ];
    let target = format!("{dataset}/imports{query}");
    place
        .app
        .send(http::Method::POST, &target, &headers, file.into())
        .await
}

#[tokio::test]
async fn keys_are_columns_and_numbers_keep_their_digits() {
    let place = Place::new().await;
    let columns = [
        ("Big One", "bigint"),
        ("d", "decimal"),
        ("t", "text"),
        ("j", "json"),
        ("ok", "bool"),
    ];
    let dataset = place.dataset(&columns, json!({})).await;
    let file = r#"{"big_one": 9223372036854775807, "d": 0.100000000000000000000000001, "t": "", "j": {"b":1,"a":[1.10]}, "ok": true}

{"Big One": "12", "t": "ä\n\"", "j": null, "d": null}
{"t": 1.50, "j": "text"}"#;
    let answer = send(&place, &dataset, "", file).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["rows_written"], 3);
    let records = place.records(&format!("{dataset}/records")).await;
    let expected = [
        json!({ "big_one": "9223372036854775807", "d": "0.100000000000000000000000001", "t": "",
            "j": {"b": 1, "a": [1.10]}, "ok": true }),
        json!({ "big_one": "12", "d": null, "t": "ä\n\"", "j": null, "ok": null }),
        json!({ "big_one": null, "d": null, "t": "1.50", "j": "text", "ok": null }),
    ];
    assert_eq!(records, expected);
}

#[tokio::test]
async fn mistakes_are_told_by_line_and_key() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("t", "text")], json!({}))
        .await;
    let file = "{\"n\": 1}\n\n{\"n\": \"x\", \"t\": \"a\"}\n{\"m\": 1}\n[1]\n{\"n\": 1, \"n\": 2}\n{\"t\": [1]}\n{\"n\": 1\n";
    let refused = send(&place, &dataset, "", file).await;
    assert_eq!(outcome(&refused), (422, "import-refused".to_owned()));
    let expected = [
        ("/rows/3/n", "not-an-int"),
        ("/rows/4/m", "unknown-column"),
        ("/rows/5", "not-an-object"),
        ("/rows/6/n", "doubled-key"),
        ("/rows/7/t", "not-a-text"),
        ("/rows/8", "not-an-object"),
    ];
    let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned()));
    assert_eq!(mistakes(&refused), expected);
    let skipped = send(
        &place,
        &dataset,
        "?on_error=skip&set=t:all",
        "{\"n\": 1}\n{\"t\": 1}\n{\"n\": 2}\n",
    )
    .await;
    assert_eq!(skipped.json()["rows_written"], 2, "{}", skipped.text());
    let records = place.records(&format!("{dataset}/records")).await;
    assert_eq!(
        records,
        [json!({ "n": 1, "t": "all" }), json!({ "n": 2, "t": "all" })]
    );
    // The file as a whole.
    for (query, file, expected) in [
        ("", "\n\n".to_owned(), (422, "import-refused")),
        (
            "",
            format!("{{\"t\": \"{}\"}}\n", "x".repeat(1 << 20)),
            (422, "import-refused"),
        ),
        (
            "?columns=n,t",
            "{\"n\": 1}\n".to_owned(),
            (400, "invalid-parameter"),
        ),
    ] {
        let refused = send(&place, &dataset, query, file).await;
        assert_eq!(outcome(&refused), (expected.0, expected.1.to_owned()));
    }
}

#[tokio::test]
async fn columns_are_made_of_the_keys_of_the_first_lines() {
    let place = Place::new().await;
    let dataset = place.dataset(&[], json!({})).await;
    let file = "{\"id\": 1, \"zip\": \"01234\"}\n{\"id\": 2, \"price\": 1.50, \"Born on\": \"1990-01-02\"}\n{\"more\": [1]}\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(file.as_bytes()).unwrap();
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("content-type", "application/x-ndjson"),
        ("content-encoding", "gzip"),
    ];
    let target = format!("{dataset}/imports");
    let body = Body::from(packed.finish().unwrap());
    let answer = place
        .app
        .send(http::Method::POST, &target, &headers, body)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let import = answer.json();
    let columns = import["inferred"].as_array().unwrap().iter();
    let columns: Vec<_> = columns
        .map(|column| {
            (
                column["field"].as_str().unwrap(),
                column["type"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("id", "int"),
        ("zip", "text"),
        ("price", "decimal"),
        ("born_on", "date"),
        ("more", "json"),
    ];
    assert_eq!(columns, expected);
    let records = place
        .records(&format!("{dataset}/records?select=id,price,born_on"))
        .await;
    assert_eq!(
        records[1],
        json!({ "id": 2, "price": "1.50", "born_on": "1990-01-02" })
    );
    assert_eq!(
        records[2],
        json!({ "id": null, "price": null, "born_on": null })
    );
    // A key that comes later is a mistake, not a column.
    let later = send(&place, &dataset, "", "{\"id\": 3, \"new\": 1}\n").await;
    assert_eq!(
        mistakes(&later),
        [("/rows/1/new".to_owned(), "unknown-column".to_owned())]
    );
}

#[tokio::test]
async fn what_an_export_writes_is_loaded_as_it_was() {
    let place = Place::new().await;
    let from = place.dataset(&COLUMNS, json!({})).await;
    let file = "n,t,f,d,day,moment,ok,ages\n1,\"a, \"\"b\"\"\",1.5,1.50,2026-11-30,2026-11-30T01:02:03.5Z,true,25-34\n,\"\",,,,,,75+\n";
    place.load(&from, "", file).await;
    let export = place
        .get(&format!("{from}/records?format=ndjson"))
        .await
        .text();
    let into = place.dataset(&COLUMNS, json!({})).await;
    assert!(export.starts_with("{\"rid\":"), "{export}");
    let answer = send(&place, &into, "", export).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let [before, after] = [&from, &into].map(|it| format!("{it}/records"));
    assert_eq!(place.records(&before).await, place.records(&after).await);
}
