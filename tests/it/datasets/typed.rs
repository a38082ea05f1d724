//! Parquet and Arrow out: what they hold is what was sent, types included.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::Place;
use crate::support::wait::until;

const ALL: [(&str, &str); 10] = [
    ("n", "int"),
    ("b", "bigint"),
    ("f", "float64"),
    ("d", "decimal"),
    ("t", "text"),
    ("ok", "bool"),
    ("day", "date"),
    ("moment", "timestamp"),
    ("ages", "int_range"),
    ("j", "json"),
];

/// The ends of each type, decimals of 38 digits, nulls and texts that are empty. All decimals of a
/// column have as many places in these files.
const FILE: &str = "n,b,f,d,t,ok,day,moment,ages,j
9007199254740991,9223372036854775807,1.7976931348623157e308,99999999999999999999999999999999.123456,\"a, \"\"b\"\"\",true,2024-02-29,2026-11-30T21:00:00.123456Z,25-34,\"{\"\"a\"\": [1]}\"
-9007199254740991,-9223372036854775808,-5e-324,-0.000001,\"\",false,0001-01-01,0001-01-01T00:00:00Z,75+,[]
,,,,,,,,,
0,0,-0,10000.000000,\u{fc}\u{1f600},true,9999-12-31,9999-12-31T23:59:59.999999Z,up to 14,\"\"\"x\"\"\"
1,1,0.1,1.500000,null,true,1970-01-01,1970-01-01T00:00:00Z,1-1,null
";

const FORMATS: [(&str, &str); 3] = [
    ("parquet", "application/vnd.apache.parquet"),
    ("arrow", "application/vnd.apache.arrow.file"),
    ("arrow-stream", "application/vnd.apache.arrow.stream"),
];

async fn file(place: &Place, target: &str, kind: &str) -> Vec<u8> {
    let answer = place.get(target).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), kind);
    answer.body
}

async fn csv(place: &Place, dataset: &str) -> String {
    let answer = place.get(&format!("{dataset}/records?format=csv")).await;
    answer.text()
}

async fn loaded(place: &Place, dataset: &str, kind: &str, file: Vec<u8>) -> Value {
    let headers = [("content-type", kind)];
    let answer = place.import(dataset, "", &headers, file).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// What the columns of a dataset are, which has taken them from a file.
async fn kinds(place: &Place, dataset: &str) -> Vec<String> {
    let columns = place.get(dataset).await.json()["columns"].clone();
    let columns = columns.as_array().unwrap().iter();
    columns
        .map(|column| column["type"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_written_is_read_as_it_was() {
    let place = Place::with_files().await;
    let from = place.dataset(&ALL, json!({})).await;
    place.load(&from, "", FILE).await;
    let expected = csv(&place, &from).await;
    assert_eq!(expected.lines().count(), 6, "{expected}");
    for (format, kind) in FORMATS {
        let target = format!("{from}/records?format={format}");
        let made = file(&place, &target, kind).await;
        let into = place.dataset(&ALL, json!({})).await;
        loaded(&place, &into, kind, made.clone()).await;
        assert_eq!(csv(&place, &into).await, expected, "{format}");
        // A dataset without columns takes those of the file, with the types that it says.
        let bare = place.dataset(&[], json!({})).await;
        loaded(&place, &bare, kind, made).await;
        let expected = [
            "bigint",
            "bigint",
            "float64",
            "decimal",
            "text",
            "bool",
            "date",
            "timestamp",
            "text",
            "text",
        ];
        assert_eq!(kinds(&place, &bare).await, expected, "{format}");
    }
}

#[tokio::test]
async fn decimals_have_as_many_digits_as_they_need() {
    let place = Place::with_files().await;
    let long = "0.123456789012345678901234567890123456";
    for (values, kind) in [
        (&["1", "-20"][..], "decimal"),
        (&["0.001", "-99.9"], "decimal"),
        // 76 digits, which take 32 bytes.
        (
            &["1234567890123456789012345678901234567890", long],
            "decimal",
        ),
        // One more is kept as a text.
        (&["12345678901234567890123456789012345678901", long], "text"),
        (&[], "decimal"),
    ] {
        let from = place.dataset(&[("d", "decimal")], json!({})).await;
        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        place.load(&from, "", &format!("d\n{lines}")).await;
        let target = format!("{from}/records?format=parquet");
        let made = file(&place, &target, FORMATS[0].1).await;
        let into = place.dataset(&[], json!({})).await;
        loaded(&place, &into, FORMATS[0].1, made).await;
        assert_eq!(kinds(&place, &into).await, [kind], "{values:?}");
        // All numbers of a column have as many places in the file.
        let numbers = |text: &str| -> Vec<String> {
            let lines = text.lines().skip(1);
            lines
                .map(|line| match line.contains('.') {
                    true => line.trim_end_matches('0').trim_end_matches('.').to_owned(),
                    false => line.to_owned(),
                })
                .collect()
        };
        let (before, after) = (csv(&place, &from).await, csv(&place, &into).await);
        assert_eq!(numbers(&before), numbers(&after));
    }
}

#[tokio::test]
async fn filters_fields_and_versions_are_those_of_other_files() {
    let place = Place::with_files().await;
    let from = place
        .dataset(&[("n", "int"), ("t", "text")], json!({}))
        .await;
    let rows: String = (0..20_000).map(|n| format!("{n},t{}\n", n % 7)).collect();
    place.load(&from, "", &format!("n,t\n{rows}")).await;
    place.load(&from, "?mode=replace", "n,t\n1,a\n").await;
    for (query, expected) in [
        ("version=1&n__gte=10000&select=t", 10_000),
        ("version=1&t=t3", 2_857),
        ("version=1", 20_000),
        ("n=1", 1),
        ("n=2", 0),
    ] {
        for (format, kind) in FORMATS {
            let target = format!("{from}/records?format={format}&{query}");
            let made = file(&place, &target, kind).await;
            let into = place.dataset(&[], json!({})).await;
            let import = loaded(&place, &into, kind, made).await;
            assert_eq!(import["rows_read"], expected, "{query} {format}");
        }
    }
    let refused = place
        .get(&format!("{from}/records?format=parquet&limit=5"))
        .await;
    assert_eq!(refused.status, 400);
}

/// Files that nobody takes hold the children that make them; who comes next is told to come again.
#[tokio::test]
async fn as_many_files_as_allowed_are_made_at_once() {
    let place = Place::with_files().await;
    let dataset = place.dataset(&[("t", "text")], json!({})).await;
    // More than what stands between the child and the one who reads.
    let rows: String = (0..60_000).map(|n| format!("{n:040}\n")).collect();
    place
        .load(&dataset, "", &format!("t\n{}", rows.repeat(4)))
        .await;
    let target = format!("{dataset}/records?format=arrow-stream");
    let ask = async || {
        let request = Request::get(&target)
            .extension(chartroom::server::Peer(([127, 0, 0, 1], 40_000).into()))
            .header("host", "localhost")
            .header("authorization", &place.authorization)
            .body(Body::empty())
            .unwrap();
        place.app.shell.clone().handle(request).await
    };
    let (one, other) = (ask().await, ask().await);
    assert_eq!((one.status().as_u16(), other.status().as_u16()), (200, 200));
    let refused = place.get(&target).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    drop(one);
    let made = until("room", Duration::from_secs(60), async || {
        let answer = place.get(&target).await;
        (answer.status == 200).then_some(answer)
    });
    assert!(made.await.unwrap().body.len() > 9_000_000);
    drop(other);
    let exports = |outcome: &str| {
        let exports = &place.app.app.metrics.dataset_exports_total;
        exports.with_label_values(&["arrow-stream", outcome]).get()
    };
    assert_eq!((exports("complete"), exports("failed")), (1, 0));
}
