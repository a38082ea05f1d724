//! Single records: each change is a version, and what was before is kept.

use http::Method;
use serde_json::{Value, json};

use super::{COLUMNS, Place};
use crate::support::app::outcome;

fn whole() -> Value {
    json!({
        "n": 1, "t": "a, \"b\"", "f": -0.5, "d": "1234567890123456789.10", "day": "2024-02-29",
        "moment": "2024-01-01T10:00:00+02:00", "ok": false, "ages": "under 15",
    })
}

#[tokio::test]
async fn records_are_added_changed_and_removed_and_each_version_keeps_what_was() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let records = format!("{dataset}/records");
    let added = place.send(Method::POST, &records, Some(whole())).await;
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.json(), json!({ "version": 1, "rids": [1] }));
    let one = added.header("location").to_owned();
    let expected = json!({
        "rid": 1, "n": 1, "t": "a, \"b\"", "f": -0.5, "d": "1234567890123456789.10", "day": "2024-02-29",
        "moment": "2024-01-01T08:00:00.000000Z", "ok": false, "ages": "up to 14",
    });
    let read = place.get(&one).await;
    assert_eq!(read.json(), expected);
    assert_eq!(read.header("etag"), added.header("etag"));
    let more = place
        .send(
            Method::POST,
            &records,
            Some(json!([{ "n": 2 }, {}, { "ages": "75+", "n": null }])),
        )
        .await;
    assert_eq!(more.json(), json!({ "version": 2, "rids": [2, 3, 4] }));
    let tag = read.header("etag").to_owned();
    let app = &place.app;
    let patch = json!({ "n": 7, "f": null, "ages": "20" });
    let changed = app
        .send_as(
            &place.authorization,
            Method::PATCH,
            &one,
            &[("if-match", &tag)],
            Some(patch.clone()),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let now = changed.json();
    assert_eq!(
        (&now["n"], &now["f"], &now["ages"], &now["t"]),
        (&json!(7), &json!(null), &json!("20-20"), &expected["t"])
    );
    let late = app
        .send_as(
            &place.authorization,
            Method::PATCH,
            &one,
            &[("if-match", &tag)],
            Some(patch),
        )
        .await;
    assert_eq!(outcome(&late), (412, "precondition-failed".to_owned()));
    assert_eq!(place.send(Method::DELETE, &one, None).await.status, 204);
    assert_eq!(
        outcome(&place.get(&one).await),
        (404, "not-found".to_owned())
    );
    assert_eq!(
        outcome(&place.send(Method::DELETE, &one, None).await),
        (404, "not-found".to_owned())
    );
    for (version, expected) in [
        (1, vec![Some(1)]),
        (2, vec![Some(1), Some(2), None, None]),
        (3, vec![Some(7), Some(2), None, None]),
        (4, vec![Some(2), None, None]),
    ] {
        let found = place
            .get(&format!("{records}?version={version}&sort=rid"))
            .await
            .json();
        let numbers: Vec<_> = found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["n"].as_i64())
            .collect();
        assert_eq!(numbers, expected, "{version}");
    }
    let was = place.get(&format!("{one}?version=2")).await.json();
    assert_eq!(was["n"], 1);
    assert_eq!(place.get(&dataset).await.json()["rows"], 3);
    // An import goes on where the edits were.
    place.load(&dataset, "", "n\n9\n").await;
    let last = place
        .get(&format!("{records}?sort=-rid&limit=1"))
        .await
        .json();
    assert_eq!(
        (&last["items"][0]["n"], &last["items"][0]["rid"]),
        (&json!(9), &json!(5))
    );
}

#[tokio::test]
async fn what_is_wrong_is_listed_by_record_and_field() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let records = format!("{dataset}/records");
    for (field, bad) in [
        ("n", json!("1")),
        ("n", json!(1.5)),
        ("n", json!(9_007_199_254_740_992_i64)),
        ("t", json!(1)),
        ("t", json!("a\u{0}")),
        ("f", json!("1")),
        ("d", json!(1.5)),
        ("d", json!("x")),
        ("day", json!("01/02/2024")),
        ("moment", json!(0)),
        ("ok", json!("true")),
        ("ages", json!(20)),
        ("ages", json!("many")),
    ] {
        let refused = place
            .send(Method::POST, &records, Some(json!([{}, { field: bad }])))
            .await;
        assert_eq!(
            outcome(&refused).0,
            422,
            "{field} {bad}: {}",
            refused.text()
        );
        assert_eq!(
            refused.json()["errors"][0]["pointer"],
            format!("/1/{field}"),
            "{bad}"
        );
    }
    let unknown = place
        .send(Method::POST, &records, Some(json!({ "c1": 1, "x/y": 2 })))
        .await;
    let pointers: Vec<_> = unknown.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/c1", "/x~1y"]);
    for (body, status) in [
        (json!([]), 422),
        (json!(vec![json!({}); 1_001]), 422),
        (json!("x"), 422),
        (json!([1]), 422),
    ] {
        assert_eq!(
            place.send(Method::POST, &records, Some(body)).await.status,
            status
        );
    }
    assert_eq!(place.number("SELECT version FROM datasets").await, 0);
    let empty = place.dataset(&[], json!({})).await;
    let early = place
        .send(
            Method::POST,
            &format!("{empty}/records"),
            Some(json!({ "n": 1 })),
        )
        .await;
    assert_eq!(outcome(&early), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn a_key_is_no_other_records_by_an_edit_either() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("t", "text")], json!({ "key": ["n"] }))
        .await;
    let records = format!("{dataset}/records");
    let both = json!([{ "n": 1 }, { "n": 2 }]);
    assert_eq!(
        place.send(Method::POST, &records, Some(both)).await.status,
        201
    );
    let taken = place
        .send(Method::POST, &records, Some(json!({ "n": 2 })))
        .await;
    assert_eq!(outcome(&taken), (409, "conflict".to_owned()));
    let one = format!("{records}/1");
    let taken = place
        .send(Method::PATCH, &one, Some(json!({ "n": 2 })))
        .await;
    assert_eq!(outcome(&taken), (409, "conflict".to_owned()));
    // Its own key is free for a record.
    let same = place
        .send(Method::PATCH, &one, Some(json!({ "n": 1, "t": "x" })))
        .await;
    assert_eq!(same.status, 200, "{}", same.text());
    assert_eq!(place.send(Method::DELETE, &one, None).await.status, 204);
    assert_eq!(
        place
            .send(Method::POST, &records, Some(json!({ "n": 1 })))
            .await
            .status,
        201
    );
}
