//! The records that an import could not take, as a file to be repaired and sent again.

use http::Method;
use serde_json::json;

use super::Place;
use crate::support::app::{Answer, outcome};

/// The file of the newest import.
async fn rejected(place: &Place, dataset: &str) -> Answer {
    let imports = place
        .get(&format!("{dataset}/imports?limit=1"))
        .await
        .json();
    let import = imports["items"][0]["id"].as_str().unwrap();
    place
        .get(&format!("{dataset}/imports/{import}/rejected"))
        .await
}

#[tokio::test]
async fn rejected_records_are_repaired_and_sent_again() {
    let place = Place::new().await;
    let columns = [
        ("age", "text"),
        ("n", "int"),
        ("d", "date"),
        ("t", "text"),
        ("sex", "text"),
    ];
    let dataset = place.dataset(&columns, json!({})).await;
    let file = "title\nages 15 to 24\n1;2024-01-01;a;-\nx;01/02/2024;\"b \"\"c\"\"\";-\nages 25 to 34\n3;2024-01-03\n4;;\"\";-\n5y;;;-\n";
    let query =
        "?delimiter=;&skip_rows=1&columns=n,d,t,-&section_column=age:^ages%20(.*)&set=sex:all";
    // Refused or not, it is the same file.
    let expected = "_rejected_row,_rejected_column,_rejected_code,n,d,t,age,sex\r\n\
                    4,n d,not-an-int not-a-date,x,01/02/2024,\"b \"\"c\"\"\",15 to 24,all\r\n\
                    6,,wrong-number-of-fields,3,2024-01-03\r\n\
                    8,n,not-an-int,5y,,,25 to 34,all\r\n";
    for more in ["", "&dry_run=true&on_error=skip", "&on_error=skip"] {
        place
            .import(&dataset, &format!("{query}{more}"), &[], file)
            .await;
        let answer = rejected(&place, &dataset).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (200, expected),
            "{more}"
        );
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    }
    let imports = place
        .get(&format!("{dataset}/imports?limit=1"))
        .await
        .json();
    let import = &imports["items"][0];
    assert_eq!(
        (&import["rows_failed"], &import["rejected_rows"]),
        (&json!(3), &json!(3))
    );

    let repaired = expected
        .replace("x,01/02/2024", "2,2024-01-02")
        .replace("3,2024-01-03", "3,2024-01-03,,25 to 34,all")
        .replace("5y", "5");
    let import = place.load(&dataset, "", &repaired).await;
    assert_eq!(import["rows_written"], 3);
    let none = rejected(&place, &dataset).await;
    assert_eq!(outcome(&none), (404, "not-found".to_owned()));
    let records = place.records(&format!("{dataset}/records?sort=n")).await;
    let told: Vec<_> = records
        .iter()
        .map(|it| (&it["n"], &it["age"], &it["t"]))
        .collect();
    let expected = [
        (json!(1), json!("15 to 24"), json!("a")),
        (json!(2), json!("15 to 24"), json!("b \"c\"")),
        (json!(3), json!("25 to 34"), json!(null)),
        (json!(4), json!("25 to 34"), json!("")),
        (json!(5), json!("25 to 34"), json!(null)),
    ];
    let expected: Vec<_> = expected.iter().map(|(n, age, t)| (n, age, t)).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn lines_of_ndjson_stand_there_as_they_are() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("t", "text")], json!({}))
        .await;
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("content-type", "application/x-ndjson"),
    ];
    let target = format!("{dataset}/imports");
    let file = "{\"n\": \"x\", \"t\": \"\"}\n{\"m\": 1}\n";
    place
        .app
        .send(Method::POST, &target, &headers, file.into())
        .await;
    let expected = "_rejected_row,_rejected_column,_rejected_code,n,t\r\n\
                    1,n,not-an-int,x,\"\"\r\n\
                    2,m,unknown-column,\"{\"\"m\"\": 1}\"\r\n";
    assert_eq!(rejected(&place, &dataset).await.text(), expected);
}

#[tokio::test]
async fn the_file_is_bounded_and_goes_after_a_while() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("t", "text")], json!({}))
        .await;
    let text = "z".repeat(100_000);
    let file = format!("n,t\n{}1,good\n", format!("x,{text}\n").repeat(200));
    let import = place.load(&dataset, "?on_error=skip", &file).await;
    assert_eq!(import["rows_failed"], 200);
    let kept = import["rejected_rows"].as_i64().unwrap();
    // As many as fit into 16 MiB.
    assert_eq!(kept, 167, "{kept}");
    let answer = rejected(&place, &dataset).await;
    assert!(answer.body.len() <= 16 << 20);
    assert_eq!(answer.text().lines().count(), 168);
    let chunks = "SELECT count(*) FROM dataset_rejects";
    assert!(place.number(chunks).await > 50);

    let sweep = async || {
        let swept = chartroom::datasets::sweep::sweep(&place.app.app.db).await;
        swept.unwrap();
    };
    sweep().await;
    assert_eq!(rejected(&place, &dataset).await.status, 200);
    let age = "UPDATE dataset_imports SET ended_at = now() - interval '31 days'";
    place.session.batch_execute(age).await.unwrap();
    sweep().await;
    assert_eq!(place.number(chunks).await, 0);
    assert_eq!(rejected(&place, &dataset).await.status, 404);
    assert_eq!(place.get(&dataset).await.json()["rows"], 1);
}
