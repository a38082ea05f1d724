//! What is different in a version from another.

use http::Method;
use serde_json::{Value, json};

use super::{COLUMNS, Place};

async fn get(place: &Place, target: &str) -> Value {
    let answer = place.get(target).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What became of which records, by a field.
fn shown(page: &Value, field: &str) -> Vec<(String, Value, Value)> {
    let items = page["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items
        .map(|it| {
            (
                text(&it["change"]),
                it["before"][field].clone(),
                it["after"][field].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn records_are_told_apart_by_their_ids_until_all_are_replaced() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    place
        .load(&dataset, "", "n,t,day\n1,a,2024-01-01\n2,b,\n3,c,\n")
        .await;
    let one = format!("{dataset}/records/1");
    place
        .send(
            Method::PATCH,
            &one,
            Some(json!({ "t": "z", "ages": "75+" })),
        )
        .await;
    place
        .send(Method::DELETE, &format!("{dataset}/records/2"), None)
        .await;
    place.load(&dataset, "", "n,t\n4,\"d, e\"\n").await;
    let diff = get(&place, &format!("{dataset}/diff?from=1&to=4")).await;
    assert_eq!(
        shown(&diff, "t"),
        [
            ("added".to_owned(), json!(null), json!("d, e")),
            ("removed".to_owned(), json!("b"), json!(null)),
            ("changed".to_owned(), json!("a"), json!("z")),
        ]
    );
    assert_eq!(diff["items"][2]["fields"], json!(["t", "ages"]));
    assert_eq!(diff["items"][2]["rid"], 1);
    let summary = get(&place, &format!("{dataset}/diff/summary?from=1&to=4")).await;
    assert_eq!(
        summary,
        json!({
            "from": 1, "to": 4, "added": 1, "removed": 1, "changed": 1,
            "fields": [{ "field": "t", "changed": 1 }, { "field": "ages", "changed": 1 }],
        })
    );
    // The other way round, and from before the first.
    let back = get(&place, &format!("{dataset}/diff?from=4&to=1")).await;
    assert_eq!(
        shown(&back, "t")[0],
        ("added".to_owned(), json!(null), json!("b"))
    );
    let first = get(&place, &format!("{dataset}/diff?from=0&to=1&count=true")).await;
    assert_eq!(first["count"], 3);
    let last = get(&place, &format!("{dataset}/diff")).await;
    assert_eq!(
        shown(&last, "n"),
        [("added".to_owned(), json!(null), json!(4))]
    );
    let same = get(&place, &format!("{dataset}/diff/summary?from=2&to=2")).await;
    assert_eq!((&same["added"], &same["changed"]), (&json!(0), &json!(0)));
    let file = place
        .get(&format!("{dataset}/diff?from=1&to=4&format=csv"))
        .await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        file.text(),
        "change,rid,n,t,f,d,day,moment,ok,ages\r\n\
         added,4,4,\"d, e\",,,,,,\r\n\
         removed,2,2,b,,,,,,\r\n\
         before,1,1,a,,,2024-01-01,,,\r\n\
         after,1,1,z,,,2024-01-01,,,75+\r\n"
    );
    // All are replaced: what has the same values is the same, as often as it is there.
    place
        .load(&dataset, "?mode=replace", "n,t\n3,c\n3,c\n9,x\n")
        .await;
    let replaced = get(&place, &format!("{dataset}/diff")).await;
    let expected = [
        ("added", json!(null), json!(3)),
        ("added", json!(null), json!(9)),
        ("removed", json!(1), json!(null)),
        ("removed", json!(4), json!(null)),
    ];
    assert_eq!(
        shown(&replaced, "n"),
        expected.map(|(change, before, after)| (change.to_owned(), before, after))
    );
}

#[tokio::test]
async fn records_with_a_key_are_the_same_by_it_whatever_replaced_them() {
    let place = Place::new().await;
    let key = json!({ "key": ["t", "n"] });
    let columns = [("n", "int"), ("t", "text"), ("d", "decimal")];
    let dataset = place.dataset(&columns, key).await;
    let file = |range: std::ops::Range<i64>, value: &str| {
        let rows = range.map(|n| format!("{n},,{value}\n"));
        format!("n,t,d\n{}", rows.collect::<String>())
    };
    place.load(&dataset, "", &file(0..300, "1.50")).await;
    place
        .load(&dataset, "?mode=replace", &file(100..350, "2"))
        .await;
    let summary = get(&place, &format!("{dataset}/diff/summary")).await;
    assert_eq!(
        (&summary["added"], &summary["removed"], &summary["changed"]),
        (&json!(50), &json!(100), &json!(200))
    );
    assert_eq!(summary["fields"], json!([{ "field": "d", "changed": 200 }]));
    // Every page once, in order.
    let (mut seen, mut target) = (Vec::new(), format!("{dataset}/diff?to=2&limit=90"));
    loop {
        let page = get(&place, &target).await;
        seen.extend(shown(&page, "n"));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        target = format!("{dataset}/diff?to=2&limit=90&cursor={next}");
    }
    let of = |change: &str| seen.iter().filter(|it| it.0 == change).count();
    assert_eq!((of("added"), of("removed"), of("changed")), (50, 100, 200));
    assert_eq!(seen[0], ("added".to_owned(), json!(null), json!(300)));
    assert_eq!(seen[150], ("changed".to_owned(), json!(100), json!(100)));
    // A number that is written in another way is the same number.
    place
        .load(&dataset, "?mode=replace", &file(100..350, "2.0"))
        .await;
    let summary = get(&place, &format!("{dataset}/diff/summary")).await;
    assert_eq!(
        (&summary["added"], &summary["changed"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn a_dataset_without_versions_has_no_difference() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    for target in ["diff", "diff/summary"] {
        assert_eq!(place.get(&format!("{dataset}/{target}")).await.status, 404);
    }
    place.load(&dataset, "", "n\n1\n").await;
    for bad in ["from=-1", "to=0", "format=xml", "from=x"] {
        let answer = place.get(&format!("{dataset}/diff?{bad}")).await;
        assert_eq!(answer.problem(), "invalid-parameter", "{bad}");
    }
    assert_eq!(
        place.get(&format!("{dataset}/diff?from=2")).await.status,
        404
    );
}
