//! What is refused before it begins, and what the rows refuse.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{JOBS, LEASE, Place};
use crate::support::app::outcome;

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_names_on_both_sides() {
    let place = Place::new().await;
    let model = place.production(json!({ "factor": 2.0 })).await;
    place.ready(&model, json!({ "factor": 3.0 })).await;
    let bad = br#"{"problem": "it is no model"}"#;
    place.upload(&model, &[], bad).await;
    let split = json!({ "weights": { "1": 1, "2": 1 } });
    place.lead(&model, "split", split).await;
    let (from, into) = place.datasets(2).await;
    let empty = place.dataset(&[("x", "float64")]).await;
    let wide = place
        .dataset(&[("p", "int"), ("q", "int"), ("r", "int"), ("y_0", "int")])
        .await;
    place.fill(&wide, "p,q,r,y_0\n1,2,3,4\n").await;
    let narrow = place.dataset(&[("y_0", "float64")]).await;
    let missing = Uuid::now_v7().to_string();
    let cases = [
        (json!({ "dataset": wide }), "/inputs", "(p, q, r, y_0)"),
        (json!({ "inputs": ["a"] }), "/inputs", "x (2 columns)"),
        (
            json!({ "inputs": ["a", "id"] }),
            "/inputs",
            "\"id\" is of the type text",
        ),
        (json!({ "inputs": ["a", "c"] }), "/inputs/1", "id, a, b"),
        (json!({ "columns": ["b", "z"] }), "/columns/1", "id, a, b"),
        (
            json!({ "dataset": wide, "inputs": ["p", "q"] }),
            "/columns",
            "\"y_0\"",
        ),
        (
            json!({ "into": narrow }),
            "/into",
            "it has y_0, and the records that come out have id, a, b, y_0, y_1",
        ),
        (json!({ "dataset": empty }), "/dataset", "no version yet"),
        (json!({ "alias": "split" }), "/alias", "the versions 1, 2"),
        (
            json!({ "alias": "production", "version": 1 }),
            "/alias",
            "one of the two",
        ),
        (json!({ "mode": "upsert" }), "/mode", "by the key"),
    ];
    let with = |more: &Value| {
        let mut body = json!({ "dataset": from, "into": into });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    for (more, pointer, said) in cases {
        let answer = place.score(&model, with(&more)).await;
        assert_eq!(answer.status, 422, "{more}: {}", answer.text());
        let errors = answer.json()["errors"].clone();
        assert_eq!(errors[0]["pointer"], pointer, "{more}: {errors}");
        let detail = errors[0]["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{more}: {detail}");
    }
    for (more, expected) in [
        (json!({ "dataset": missing }), (404, "not-found")),
        (json!({ "into": missing }), (404, "not-found")),
        (json!({ "version": 9 }), (404, "not-found")),
        (json!({ "alias": "nothing" }), (404, "not-found")),
        (json!({ "dataset_version": 7 }), (404, "not-found")),
        (json!({ "version": 3 }), (409, "version-not-ready")),
    ] {
        let answer = place.score(&model, with(&more)).await;
        assert_eq!(
            outcome(&answer),
            (expected.0, expected.1.to_owned()),
            "{more}"
        );
    }
    assert_eq!(place.number(JOBS).await, 0);
    let off = place.app.beside(&["--models-runner=off"]);
    let target = format!("{model}/batch");
    let answer = off
        .send_as(
            &place.authorization,
            Method::POST,
            &target,
            &[],
            Some(with(&json!({}))),
        )
        .await;
    assert_eq!(outcome(&answer), (503, "models-unavailable".to_owned()));
    // The control: what all of them have changed is good.
    place.begin(&model, with(&json!({}))).await;
    assert_eq!(place.number(JOBS).await, 1);
}

#[tokio::test]
async fn it_takes_a_reader_of_both_and_an_editor_of_what_it_goes_into() {
    let mut place = Place::new().await;
    let model = place.production(json!({ "factor": 2.0 })).await;
    let (from, into) = place.datasets(2).await;
    let body = json!({ "dataset": from, "into": into });
    for (role, expected) in [("viewer", 403), ("", 404), ("editor", 202)] {
        place.authorization = place.member(role).await;
        let answer = place.score(&model, body.clone()).await;
        assert_eq!(answer.status, expected, "{role}: {}", answer.text());
    }
    // Who may not read the records any more when their turn comes gets none of them.
    let gone = "DELETE FROM project_members WHERE role = 'editor'";
    place.session.batch_execute(gone).await.unwrap();
    let _worker = place.worker(LEASE);
    place.until(JOBS, 0).await;
    place.authorization = place.member("owner").await;
    let imports = place
        .get(&format!("/api/v1/datasets/{into}/imports"))
        .await
        .json();
    assert_eq!(imports["items"][0]["state"], "refused", "{imports}");
    assert_eq!(imports["items"][0]["problem"]["code"], "not-found");
    assert_eq!(place.rows_of(&into).await, 0);
}

#[tokio::test]
async fn a_value_that_cannot_be_asked_refuses_all_and_is_named() {
    let place = Place::new().await;
    let model = place
        .production(json!({ "factor": 3e38, "batchable": true }))
        .await;
    let _worker = place.worker(LEASE);
    for (csv, code, said) in [
        (
            "1,1\n2,\n",
            "missing-value",
            "row 2: the column \"b\" has no value",
        ),
        (
            "1,1\n1e39,1\n",
            "unfit-value",
            "row 2: the column \"a\" has \"1e+39\", which FP32",
        ),
        (
            "1,1\n888,1\n",
            "model-refused",
            "rows 1 to 2: the model does not answer: 888 is too much",
        ),
        (
            "1,1\n1,10\n",
            "unfit-answer",
            "row 2: the model answers y_1 with",
        ),
    ] {
        let from = place.dataset(&[("a", "float64"), ("b", "float64")]).await;
        place.fill(&from, &format!("a,b\n{csv}")).await;
        let into = place.dataset(&[]).await;
        let body = json!({ "dataset": from, "into": into });
        let import = place.begin(&model, body).await;
        let import = place.ended(&import).await;
        assert_eq!(
            (&import["state"], &import["problem"]["code"]),
            (&json!("refused"), &json!(code))
        );
        let detail = import["problem"]["detail"].as_str().unwrap();
        assert!(detail.starts_with(said), "{detail}");
        assert_eq!(place.rows_of(&into).await, 0);
    }
    place.until(JOBS, 0).await;
}
