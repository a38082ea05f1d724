//! `chartroom sample` against a real service.

use std::process::Output;

use super::*;
use crate::support::service::{run, text};

#[tokio::test]
async fn the_sample_is_made_once_and_is_there_to_be_compared() {
    let place = Place::new().await;
    let token = place.token().await;
    let sample = async |arguments: &[&str]| {
        let mut command = chartroom(&place.dir.0);
        command
            .args([&["sample"], arguments].concat())
            .env("CHARTROOM_URL", format!("http://{}", place.ports.public))
            .env("CHARTROOM_TOKEN", &token);
        let Output {
            status,
            stdout,
            stderr,
        } = run(command, PATIENCE).await;
        assert_eq!(status.code(), Some(0), "{}", text(&stderr));
        text(&stdout)
    };
    let said = sample(&["-o", "text"]).await;
    assert!(
        said.starts_with("made the dataset income in the project Sample: 280 records\n"),
        "{said}"
    );
    let result: Value = serde_json::from_str(&sample(&[]).await).unwrap();
    assert_eq!(
        (&result["made"], &result["rows"]),
        (&json!(false), &json!(280))
    );
    let (dataset, compare) = (
        result["dataset_id"].as_str().unwrap(),
        result["compare"].as_str().unwrap(),
    );
    assert!(said.contains(dataset) && said.contains(compare), "{said}");
    let again = sample(&["-o", "text"]).await;
    assert!(
        again.starts_with("there already: the dataset income"),
        "{again}"
    );

    let target = compare
        .split_once(&place.ports.public.to_string())
        .unwrap()
        .1;
    let body = place
        .send(&token, Method::GET, target, Value::Null)
        .await
        .json();
    let values = &body["measures"][0]["values"];
    assert_eq!(
        (&values[0]["value"], &values[1]["value"]),
        (&json!(45_361.0), &json!(52_128.0))
    );

    // One that was interrupted after the first file is completed.
    let other = place.project(&token, "other").await;
    let made = sample(&["--project", &other]).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let dataset = made["dataset_id"].as_str().unwrap();
    let session = place.database.session().await;
    let undo = format!(
        "UPDATE datasets SET version = 1 WHERE id = '{dataset}'; \
         DELETE FROM dataset_versions WHERE dataset_id = '{dataset}' AND version = 2; \
         DELETE FROM dataset_imports WHERE dataset_id = '{dataset}' AND message = 'p08a.xlsx'"
    );
    session.batch_execute(&undo).await.unwrap();
    let completed: Value = serde_json::from_str(&sample(&["--project", &other]).await).unwrap();
    assert_eq!(
        (&completed["made"], &completed["dataset_id"]),
        (&json!(true), &made["dataset_id"])
    );
    let versions = format!("/api/v1/datasets/{dataset}/versions");
    let versions = place
        .send(&token, Method::GET, &versions, Value::Null)
        .await
        .json();
    let messages: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["message"])
        .collect();
    assert_eq!(messages, ["p08a.xlsx", "p08w.xlsx"]);
}
