//! What becomes of a file that is sent: all of it is loaded, or nothing, and what was wrong is
//! said.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::json;

use super::{Place, mistakes};
use crate::support::app::outcome;
use crate::support::service::PATIENCE;
use crate::support::wait::until;

#[tokio::test]
async fn columns_are_made_of_the_first_file_and_nothing_is_lost_by_it() {
    let place = Place::new().await;
    let dataset = place.dataset(&[], json!({})).await;
    let file = "\u{feff}id,zip,Grösse (cm),born,note,big,yes\n1,01234,1.50,1990-01-02,\"\",9007199254740993,true\n\
                2,99999,2,,\"a \"\"b\"\"\nc\",1,false\n";
    let import = place.load(&dataset, "", file).await;
    assert_eq!(
        (&import["state"], &import["rows_written"]),
        (&json!("ready"), &json!(2))
    );
    let types: Vec<_> = import["inferred"]
        .as_array()
        .unwrap()
        .iter()
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
        ("grosse_cm", "decimal"),
        ("born", "date"),
        ("note", "text"),
        ("big", "bigint"),
        ("yes", "bool"),
    ];
    assert_eq!(types, expected);
    let records = place.records(&format!("{dataset}/records")).await;
    let first = json!({
        "id": 1, "zip": "01234", "grosse_cm": "1.50", "born": "1990-01-02", "note": "",
        "big": "9007199254740993", "yes": true,
    });
    assert_eq!(records[0], first);
    assert_eq!(records[1]["note"], "a \"b\"\nc");
    assert_eq!(records[1]["born"], json!(null));
    // A file that does not fit what the first one made is refused.
    let refused = place.import(&dataset, "", &[], "id,zip\nx,1\n3,4\n").await;
    assert_eq!(outcome(&refused), (422, "import-refused".to_owned()));
    assert_eq!(
        mistakes(&refused),
        [("/rows/2/id".to_owned(), "not-an-int".to_owned())]
    );
    let import = place.get(refused.header("location")).await.json();
    assert_eq!(
        (&import["state"], &import["rows_read"]),
        (&json!("refused"), &json!(2))
    );
    assert_eq!(import["errors"][0]["line"], 2);
    assert_eq!(place.get(&dataset).await.json()["rows"], 2);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_loads_nothing() {
    let place = Place::new().await;
    let dataset = place.dataset(&[], json!({})).await;
    let import = place.load(&dataset, "?dry_run=true", "a,b\n1,x\n").await;
    assert_eq!(
        (&import["state"], &import["version"]),
        (&json!("checked"), &json!(null))
    );
    assert_eq!(import["inferred"][0]["type"], "int");
    let body = place.get(&dataset).await.json();
    assert_eq!(
        (&body["version"], &body["columns"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(
        place
            .number("SELECT count(*) FROM dataset_generations")
            .await,
        0
    );
}

#[tokio::test]
async fn a_type_that_is_asked_for_is_not_guessed() {
    let place = Place::new().await;
    let types = "?type=id:text&type=price:decimal";
    let lines = "{\"id\": \"1\", \"price\": 2, \"n\": 1}\n{\"id\": \"2\", \"price\": 3}\n";
    for (kind, file) in [
        ("text/csv", "id,price,n\n1,2,1\n2,3,\n"),
        ("application/x-ndjson", lines),
    ] {
        let dataset = place.dataset(&[], json!({})).await;
        let headers = [("content-type", kind)];
        let answer = place.import(&dataset, types, &headers, file).await;
        assert_eq!(answer.status, 201, "{kind}: {}", answer.text());
        let records = place.records(&format!("{dataset}/records")).await;
        assert_eq!(records[0], json!({ "id": "1", "price": "2", "n": 1 }));
        // The same is refused where there are columns, and by a column that the file does not have.
        let again = place.import(&dataset, types, &headers, file).await;
        assert_eq!(outcome(&again), (400, "invalid-parameter".to_owned()));
        let other = place.dataset(&[], json!({})).await;
        let refused = place.import(&other, "?type=x:text", &headers, file).await;
        assert_eq!(refused.status, 422, "{kind}");
        assert!(
            refused.text().contains("the file has no column"),
            "{}",
            refused.text()
        );
    }
    // What a guess from the beginning of a file would take, it does not take.
    let dataset = place.dataset(&[], json!({})).await;
    let file = "id,price\n1,2\nx,3\n";
    let refused = place.import(&dataset, "?type=id:int", &[], file).await;
    let mistake = ("/rows/3/id".to_owned(), "not-an-int".to_owned());
    assert_eq!(mistakes(&refused), [mistake]);
}

#[tokio::test]
async fn mistakes_are_told_by_row_and_column_and_may_be_skipped() {
    let place = Place::new().await;
    let columns = [("n", "int"), ("d", "date"), ("t", "text")];
    let dataset = place.dataset(&columns, json!({})).await;
    let file = "n,d,t\n1,2024-01-01,a\nx,01/02/2024,b\n3,2024-01-03\n4,2024-01-04,\"q\"r\n5,,e\n";
    let refused = place.import(&dataset, "", &[], file).await;
    let expected = [
        ("/rows/3/d", "not-a-date"),
        ("/rows/3/n", "not-an-int"),
        ("/rows/4", "wrong-number-of-fields"),
        ("/rows/5", "stray-quote"),
    ];
    let mut found = mistakes(&refused);
    found.sort();
    assert_eq!(
        found,
        expected.map(|(at, code)| (at.to_owned(), code.to_owned()))
    );
    assert_eq!(place.get(&dataset).await.json()["version"], 0);
    let import = place.load(&dataset, "?on_error=skip", file).await;
    assert_eq!(
        (&import["rows_read"], &import["rows_failed"]),
        (&json!(5), &json!(3))
    );
    let records = place
        .records(&format!("{dataset}/records?select=n,t"))
        .await;
    assert_eq!(
        records,
        [json!({"n": 1, "t": "a"}), json!({"n": 5, "t": "e"})]
    );
}

#[tokio::test]
async fn a_file_that_does_not_go_with_the_dataset_is_refused_as_a_whole() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("a", "int"), ("b", "int")], json!({}))
        .await;
    for (query, file, code) in [
        ("", "a,c\n1,2\n", "unknown-column"),
        ("", "a,a\n1,2\n", "doubled-header"),
        ("", "a,\n1,2\n", "blank-header"),
        ("", "", "empty-file"),
        ("", "a\n\"1", "unreadable-file"),
        ("?columns=a,a", "1,2\n", "duplicate-column"),
        ("?strip=c:x", "a\n1\n", "unknown-column"),
    ] {
        let refused = place.import(&dataset, query, &[], file).await;
        assert_eq!(
            outcome(&refused),
            (422, "import-refused".to_owned()),
            "{file:?}"
        );
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(code), "{file:?}: {detail}");
    }
    let bytes = b"a\n\xff\n".to_vec();
    let refused = place.import(&dataset, "", &[], bytes).await;
    assert!(refused.text().contains("not UTF-8"));
    let kind = [("content-type", "text/plain")];
    let app = &place.app;
    let target = format!("{dataset}/imports");
    let authorization = ("authorization", place.authorization.as_str());
    let refused = app
        .send(
            Method::POST,
            &target,
            &[authorization, kind[0]],
            "a\n1\n".into(),
        )
        .await;
    assert_eq!(
        outcome(&refused),
        (415, "unsupported-media-type".to_owned())
    );
    assert_eq!(place.number("SELECT version FROM datasets").await, 0);
}

#[tokio::test]
async fn a_messy_file_is_read_by_options() {
    let place = Place::new().await;
    let dataset = place.dataset(&[], json!({})).await;
    let file = "Table P-8\n\nages 15 to 24\nyear;count\n2019 (40);1,5\n2018;x\nages 25 to 34\nyear;count\n2019;7\nSource: census\n";
    let query = "?delimiter=;&skip_rows=2&columns=year,people&section_column=ages:^ages%20(.*)&strip=year:%5Cs*%5C(%5Cd%2B%5C)$\
                 &skip_if=^(year|Source)&set=sex:male&null_words=x";
    let import = place.load(&dataset, query, file).await;
    assert_eq!(import["rows_written"], 3, "{import}");
    let records = place.records(&format!("{dataset}/records")).await;
    let record = |year: i64, count: Option<&str>, ages: &str| json!({ "year": year, "people": count, "ages": ages, "sex": "male" });
    assert_eq!(
        records,
        [
            record(2019, Some("1,5"), "15 to 24"),
            record(2018, None, "15 to 24"),
            record(2019, Some("7"), "25 to 34")
        ]
    );
}

#[tokio::test]
async fn a_repetition_loads_nothing_twice() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    let key = [("idempotency-key", "\"load-1\"")];
    let first = place.import(&dataset, "", &key, "n\n1\n").await;
    let again = place.import(&dataset, "", &key, "n\n1\n").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.text(), first.text());
    let body = place.get(&dataset).await.json();
    assert_eq!((&body["rows"], &body["version"]), (&json!(1), &json!(1)));
    // Who did not hear the answer finds the import by its key.
    let found = async |key: &str| {
        let list = format!("{dataset}/imports?idempotency_key={key}");
        let items = place.get(&list).await.json()["items"].clone();
        items.as_array().unwrap().clone()
    };
    assert_eq!(found("load-1").await, [first.json()]);
    assert!(found("load-2").await.is_empty());
    // The control: without a key it is another.
    place.load(&dataset, "", "n\n1\n").await;
    assert_eq!(place.get(&dataset).await.json()["rows"], 2);
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&dataset, "", "n\n1\n").await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dataset_rows'";
    let before = place.number(tables).await;
    for mode in ["append", "replace"] {
        let parts = stream::iter([
            Ok::<_, std::io::Error>(Bytes::from(format!("n\n{}", "2\n".repeat(50_000)))),
            Err(std::io::Error::other("gone")),
        ]);
        let query = format!("?mode={mode}");
        let answer = place
            .import(&dataset, &query, &[], Body::from_stream(parts))
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    let imports = place
        .get(&format!("{dataset}/imports?limit=2"))
        .await
        .json();
    for import in imports["items"].as_array().unwrap() {
        assert_eq!(import["state"], "cancelled", "{import}");
    }
    let body = place.get(&dataset).await.json();
    assert_eq!((&body["rows"], &body["version"]), (&json!(1), &json!(1)));
    assert_eq!(place.number(tables).await, before);
    // The ids that were set aside are given back.
    place.load(&dataset, "", "n\n3\n").await;
    let records = place.get(&format!("{dataset}/records")).await.json();
    assert_eq!(records["items"][1]["rid"], 2);
}

#[tokio::test]
async fn an_import_under_way_is_listed_and_can_be_stopped() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = stream::unfold(receiver, |mut receiver| async {
        Some((receiver.recv().await?, receiver))
    });
    let sending = async {
        for _ in 0..400 {
            let part = Bytes::from("1\n".repeat(1_000));
            if sender.send(Ok(part)).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(sender);
    };
    let stopping = async {
        let list = format!("{dataset}/imports");
        let import = until("rows that were read", PATIENCE, async || {
            let imports = place.get(&list).await.json();
            let import = imports["items"][0].clone();
            (import["rows_read"].as_i64() > Some(0)).then_some(import)
        });
        let import = import.await.unwrap();
        assert_eq!(import["state"], "receiving");
        let one = format!("{list}/{}", import["id"].as_str().unwrap());
        let stopped = place.send(Method::DELETE, &one, None).await;
        assert_eq!(stopped.status, 204, "{}", stopped.text());
        let again = place.send(Method::DELETE, &one, None).await;
        assert_eq!(outcome(&again), (409, "conflict".to_owned()));
        assert_eq!(place.get(&one).await.json()["state"], "cancelled");
    };
    let file = Body::from_stream(body);
    let import = place.import(&dataset, "?columns=n", &[], file);
    let (answer, (), ()) = tokio::join!(import, sending, stopping);
    assert_eq!(outcome(&answer), (409, "conflict".to_owned()));
    assert_eq!(place.get(&dataset).await.json()["version"], 0);
}

#[tokio::test]
async fn what_a_process_left_behind_is_ended_and_its_tables_go() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&dataset, "", "n\n1\n").await;
    let id = dataset.rsplit('/').next().unwrap();
    let leave = format!(
        "INSERT INTO dataset_imports (id, dataset_id, state, mode, is_dry_run, skips_errors, options, started_at, seen_at) \
         VALUES (gen_random_uuid(), '{id}', 'receiving', 'append', false, false, '[]', now(), now() - interval '2 minutes')"
    );
    place.session.batch_execute(&leave).await.unwrap();
    let deleted = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&deleted, "", "n\n1\n").await;
    assert_eq!(place.send(Method::DELETE, &deleted, None).await.status, 204);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dataset_rows'";
    assert_eq!(place.number(tables).await, 2);
    place.settled().await;
    chartroom::datasets::sweep::sweep(&place.app.app.db)
        .await
        .unwrap();
    assert_eq!(place.number(tables).await, 1);
    let imports = place.get(&format!("{dataset}/imports")).await.json();
    let states: Vec<_> = imports["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert!(states.contains(&&json!("failed")), "{imports}");
    assert_eq!(place.records(&format!("{dataset}/records")).await.len(), 1);
}

#[tokio::test]
async fn a_key_is_another_records_in_no_version() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("t", "text")], json!({ "key": ["n"] }))
        .await;
    place.load(&dataset, "", "n,t\n1,a\n2,b\n").await;
    for (mode, file) in [("append", "n,t\n2,c\n"), ("replace", "n,t\n7,a\n7,b\n")] {
        let refused = place
            .import(&dataset, &format!("?mode={mode}"), &[], file)
            .await;
        assert_eq!(outcome(&refused), (422, "import-refused".to_owned()));
        assert!(
            refused.text().contains("duplicate-key"),
            "{}",
            refused.text()
        );
    }
    assert_eq!(place.get(&dataset).await.json()["rows"], 2);
    place.load(&dataset, "?mode=replace", "n,t\n7,a\n").await;
    assert_eq!(place.get(&dataset).await.json()["rows"], 1);
}

#[tokio::test]
async fn a_record_that_is_too_wide_is_named() {
    let place = Place::new().await;
    let names: Vec<String> = (0..500).map(|at| format!("c{at}")).collect();
    let columns: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), "decimal"))
        .collect();
    let dataset = place.dataset(&columns, json!({})).await;
    let wide = vec!["1234567890.1234567890123456789"; 500].join(",");
    let file = format!(
        "{}\n{}\n{wide}\n",
        names.join(","),
        vec!["1"; 500].join(",")
    );
    let refused = place.import(&dataset, "", &[], file).await;
    assert_eq!(outcome(&refused), (422, "import-refused".to_owned()));
    assert!(
        refused.text().contains("row-too-wide"),
        "{}",
        refused.text()
    );
}
