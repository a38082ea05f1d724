//! Every kept version is read again as it was, whatever came after it.

use serde_json::{Value, json};

use super::Place;
use crate::support::app::outcome;

#[tokio::test]
async fn each_version_is_as_it_was() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    let mut kept: Vec<Vec<i64>> = vec![Vec::new()];
    let mut chance = 11_u64;
    for step in 0..12_i64 {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let replaces = chance >> 60 < 4;
        let file = format!("n\n{step}\n{}\n", step + 100);
        let mode = if replaces { "replace" } else { "append" };
        let import = place
            .load(
                &dataset,
                &format!("?mode={mode}&message=step%20{step}"),
                &file,
            )
            .await;
        assert_eq!(import["version"], step + 1);
        let mut rows = if replaces {
            Vec::new()
        } else {
            kept.last().unwrap().clone()
        };
        rows.extend([step, step + 100]);
        kept.push(rows);
    }
    for (version, rows) in kept.iter().enumerate().skip(1) {
        let target = format!("{dataset}/records?version={version}&limit=200");
        let body = place.get(&target).await.json();
        assert_eq!(body["version"], version);
        let numbers: Vec<i64> = body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["n"].as_i64().unwrap())
            .collect();
        assert_eq!(&numbers, rows, "{version}");
        let groups = place
            .get(&format!(
                "{dataset}/aggregate?version={version}&measures=count,sum:n"
            ))
            .await
            .json();
        let sum: i64 = rows.iter().sum();
        assert_eq!(
            groups["groups"][0],
            json!({ "count": rows.len(), "sum_n": sum.to_string() })
        );
        let file = place
            .get(&format!("{dataset}/records?version={version}&format=csv"))
            .await
            .text();
        assert_eq!(file.lines().count(), rows.len() + 1);
    }
    let versions = place
        .get(&format!("{dataset}/versions?limit=5"))
        .await
        .json();
    let first = &versions["items"][0];
    assert_eq!(
        (&first["version"], &first["message"]),
        (&json!(12), &json!("step 11"))
    );
    assert_eq!(first["rows"], kept[12].len());
    let more = place
        .get(&format!(
            "{dataset}/versions?limit=5&cursor={}",
            versions["next"].as_str().unwrap()
        ))
        .await;
    assert_eq!(more.json()["items"][0]["version"], 7);
    let missing = place.get(&format!("{dataset}/records?version=13")).await;
    assert_eq!(outcome(&missing), (404, "not-found".to_owned()));
}

/// Imports that overlap are versions in the order in which they end, and no version shows rows that
/// another had not brought yet.
#[tokio::test]
async fn versions_of_imports_that_overlap_do_not_change_afterwards() {
    use axum::body::Body;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::sync::oneshot;

    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&dataset, "", "n\n0\n").await;
    let (go, wait) = oneshot::channel::<()>();
    let slow = stream::unfold((Some(wait), 0), |(wait, at)| async move {
        match at {
            0 => Some((Ok::<_, std::io::Error>(Bytes::from("n\n1\n")), (wait, 1))),
            1 => {
                wait?.await.ok()?;
                Some((Ok(Bytes::from("2\n")), (None, 2)))
            }
            _ => None,
        }
    });
    let first = place.import(&dataset, "", &[], Body::from_stream(slow));
    let second = async {
        // Until the first has its number.
        place.loads().await;
        place.load(&dataset, "", "n\n3\n").await;
        go.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(first, second);
    assert_eq!(answer.json()["version"], 3, "{}", answer.text());
    let numbers = async |version: i64| -> Vec<Value> {
        let records = place
            .records(&format!("{dataset}/records?version={version}&sort=n"))
            .await;
        records.iter().map(|it| it["n"].clone()).collect()
    };
    assert_eq!(numbers(1).await, [json!(0)]);
    assert_eq!(numbers(2).await, [json!(0), json!(3)]);
    assert_eq!(numbers(3).await, [json!(0), json!(1), json!(2), json!(3)]);
}
