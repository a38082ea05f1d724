//! Aliases: where they lead, what they keep from being deleted, and their history.

use http::Method;
use serde_json::{Value, json};

use super::{Place, values};
use crate::support::app::outcome;

/// A model with three versions, by whose answers they are told apart.
async fn three(place: &Place, name: &str) -> String {
    let model = place.model(name).await;
    for factor in [1.0, 2.0, 3.0] {
        place.ready(&model, json!({ "factor": factor })).await;
    }
    model
}

#[tokio::test]
async fn every_move_is_kept_with_who_when_and_why_and_one_call_goes_back() {
    let place = Place::new().await;
    let model = three(&place, "moved").await;
    let first = place
        .lead(
            &model,
            "production",
            json!({ "version": 1, "reason": "the first" }),
        )
        .await;
    assert_eq!(first["weights"], json!({ "1": 1 }));
    let moved = place
        .lead(
            &model,
            "production",
            json!({ "version": 2, "reason": "better" }),
        )
        .await;
    assert!(
        moved["request_id"].is_string() && moved["moved_by"].is_string(),
        "{moved}"
    );
    let back = format!("{model}/aliases/production/back");
    let body = Some(json!({ "reason": "worse after all" }));
    let answer = place.send(Method::POST, &back, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["weights"], json!({ "1": 1 }));
    let removed = place
        .send(Method::DELETE, &format!("{model}/aliases/production"), None)
        .await;
    assert_eq!(removed.status, 204);
    assert_eq!(
        place
            .get(&format!("{model}/aliases/production"))
            .await
            .status,
        404
    );

    let moves = place
        .get(&format!("{model}/aliases/production/moves"))
        .await
        .json();
    let moves: Vec<(Value, Value)> = moves["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["weights"].clone(), it["reason"].clone()))
        .collect();
    let expected = [
        (json!({}), json!(null)),
        (json!({ "1": 1 }), json!("worse after all")),
        (json!({ "2": 1 }), json!("better")),
        (json!({ "1": 1 }), json!("the first")),
    ];
    assert_eq!(moves, expected);
    let nowhere = place.send(Method::POST, &back, Some(json!({}))).await;
    assert_eq!(outcome(&nowhere), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn an_alias_keeps_its_version_its_model_and_its_project() {
    let place = Place::new().await;
    let model = three(&place, "used").await;
    place
        .lead(
            &model,
            "production",
            json!({ "weights": { "1": 9, "2": 1 }, "shadow": 3 }),
        )
        .await;
    let project = format!("/api/v1/projects/{}", place.project);
    for target in [
        format!("{model}/versions/1"),
        format!("{model}/versions/2"),
        format!("{model}/versions/3"),
        model.clone(),
        project.clone(),
    ] {
        let refused = place.send(Method::DELETE, &target, None).await;
        assert_eq!(
            outcome(&refused),
            (409, "alias-in-use".to_owned()),
            "{target}"
        );
    }
    assert_eq!(place.number("SELECT count(*) FROM model_versions").await, 3);
    place
        .send(Method::DELETE, &format!("{model}/aliases/production"), None)
        .await;
    let deleted = place
        .send(Method::DELETE, &format!("{model}/versions/1"), None)
        .await;
    assert_eq!(deleted.status, 204);
    let deleted = place.send(Method::DELETE, &project, None).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    assert_eq!(place.number("SELECT count(*) FROM models").await, 0);
    let released = "SELECT count(*) FROM blobs WHERE released_at IS NOT NULL";
    assert_eq!(place.number(released).await, 3);
}

#[tokio::test]
async fn an_alias_leads_only_where_somebody_answers() {
    let place = Place::new().await;
    let model = three(&place, "careful").await;
    place.upload(&model, &[], b"no model").await;
    let target = format!("{model}/aliases/production");
    for (body, expected) in [
        (json!({ "version": 4 }), (409, "version-not-ready")),
        (json!({ "version": 9 }), (422, "validation-failed")),
        (json!({}), (422, "validation-failed")),
        (
            json!({ "version": 1, "weights": { "1": 1 } }),
            (422, "validation-failed"),
        ),
        (json!({ "weights": {} }), (422, "validation-failed")),
        (
            json!({ "weights": { "one": 1 } }),
            (422, "validation-failed"),
        ),
        (
            json!({ "weights": { "01": 1 } }),
            (422, "validation-failed"),
        ),
        (json!({ "weights": { "1": 0 } }), (422, "validation-failed")),
        (
            json!({ "weights": { "1": 1 }, "shadow": 1 }),
            (422, "validation-failed"),
        ),
        (
            json!({ "weights": { "1": 1 }, "shadow": 4 }),
            (409, "version-not-ready"),
        ),
    ] {
        let answer = place.send(Method::PUT, &target, Some(body.clone())).await;
        let expected = (expected.0, expected.1.to_owned());
        assert_eq!(outcome(&answer), expected, "{body}: {}", answer.text());
    }
    for alias in ["1", "-a", "a%20b", &"a".repeat(101)] {
        let target = format!("{model}/aliases/{alias}");
        let answer = place
            .send(Method::PUT, &target, Some(json!({ "version": 1 })))
            .await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-parameter".to_owned()),
            "{alias}"
        );
    }
    assert_eq!(
        place.number("SELECT count(*) FROM model_alias_moves").await,
        0
    );
}

#[tokio::test]
async fn weights_hold_and_stick() {
    const QUESTIONS: usize = 10_000;
    let place = Place::new().await;
    let model = three(&place, "split").await;
    place
        .lead(
            &model,
            "production",
            json!({ "weights": { "1": 90, "2": 10 } }),
        )
        .await;
    let ask = "/v2/models/split/infer";
    let mut second = 0;
    for at in 0..QUESTIONS {
        let body = json!({
            "id": at.to_string(),
            "inputs": [{ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 1] }],
        });
        let answer = place.send(Method::POST, ask, Some(body)).await;
        let number = values(&answer)[0];
        let version = answer.json()["model_version"].clone();
        assert_eq!(version, if number < 1.5 { "1" } else { "2" });
        second += usize::from(number > 1.5);
    }
    assert!((800..1_200).contains(&second), "{second} of {QUESTIONS}");
    for key in ["a", "b", "c"] {
        let headers = [("x-chartroom-sticky", key)];
        let body = json!({
            "inputs": [{ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 1] }],
        });
        let mut seen = Vec::new();
        for _ in 0..20 {
            let app = &place.app;
            let sent = app.send_as(
                &place.authorization,
                Method::POST,
                ask,
                &headers,
                Some(body.clone()),
            );
            seen.push(sent.await.json()["model_version"].clone());
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{key}");
    }
}
