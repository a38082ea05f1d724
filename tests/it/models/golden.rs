//! Golden tests: what they say of a version, and what they keep from happening.

use http::Method;
use serde_json::{Value, json};

use super::Place;
use crate::support::app::outcome;

/// That twice of a row is what a model with that factor answers.
fn doubled(expected: [f64; 2]) -> Value {
    json!({
        "inputs": [{ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, -2.0] }],
        "outputs": [{ "name": "y", "shape": [1, 2], "datatype": "FP32", "data": expected }],
        "tolerance": 0.001,
    })
}

#[tokio::test]
async fn a_version_that_passes_goes_into_production_and_one_that_fails_does_not() {
    let place = Place::new().await;
    let model = place.model("tested").await;
    for factor in [2.0, 2.5] {
        place.ready(&model, json!({ "factor": factor })).await;
    }
    let golden = |version: i64| format!("{model}/versions/{version}/golden");
    let good = doubled([3.0, -4.001]);
    for (version, state, problem) in [
        (1, "passed", None),
        (
            2,
            "failed",
            Some("y: value 0 is 3.75, and 3.0 was expected"),
        ),
    ] {
        let answer = place
            .send(Method::PUT, &golden(version), Some(good.clone()))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["state"], "ready");
        assert_eq!(answer["golden_state"], state);
        assert_eq!(answer["golden_problem"], json!(problem));
    }
    assert_eq!(place.get(&golden(1)).await.json(), good);
    // Lists within lists, as questions and numpy's `tolist()` have them.
    let mut nested = good;
    nested["inputs"][0]["data"] = json!([[1.5, -2.0]]);
    nested["outputs"][0]["data"] = json!([[3.0, -4.001]]);
    let answer = place
        .send(Method::PUT, &golden(1), Some(nested.clone()))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["golden_state"], "passed");
    assert_eq!(place.get(&golden(1)).await.json(), nested);

    let production = format!("{model}/aliases/production");
    let to = |version: i64| Some(json!({ "version": version }));
    let refused = place.send(Method::PUT, &production, to(2)).await;
    assert_eq!(outcome(&refused), (409, "golden-failed".to_owned()));
    assert!(
        refused.text().contains("value 0 is 3.75"),
        "{}",
        refused.text()
    );
    place
        .lead(&model, "production", json!({ "version": 1 }))
        .await;
    // Neither by a share, nor as a shadow.
    for to in [
        json!({ "weights": { "1": 9, "2": 1 } }),
        json!({ "version": 1, "shadow": 2 }),
    ] {
        let refused = place.send(Method::PUT, &production, Some(to)).await;
        assert_eq!(outcome(&refused), (409, "golden-failed".to_owned()));
    }

    let removed = place.send(Method::DELETE, &golden(2), None).await;
    assert_eq!(removed.status, 204);
    assert_eq!(place.get(&golden(2)).await.status, 404);
    let again = place.send(Method::DELETE, &golden(2), None).await;
    assert_eq!(outcome(&again), (404, "not-found".to_owned()));
    place
        .lead(&model, "production", json!({ "version": 2 }))
        .await;
}

/// As where a new runtime answers otherwise.
#[tokio::test]
async fn a_test_is_tried_again_by_verify_and_before_an_alias_moves() {
    let place = Place::new().await;
    let model = place.model("verified").await;
    place.ready(&model, json!({ "factor": 2.0 })).await;
    let golden = format!("{model}/versions/1/golden");
    let set = place
        .send(Method::PUT, &golden, Some(doubled([3.0, -4.0])))
        .await;
    assert_eq!(set.json()["golden_state"], "passed");
    // The version did not change, so what answers has to.
    let expects_otherwise = "UPDATE model_versions SET golden = \
        jsonb_set(golden, '{outputs,0,data}', '[3.0, -5.0]')";
    place
        .session
        .batch_execute(expects_otherwise)
        .await
        .unwrap();

    let production = format!("{model}/aliases/production");
    let to = Some(json!({ "version": 1 }));
    let refused = place.send(Method::PUT, &production, to.clone()).await;
    assert_eq!(outcome(&refused), (409, "golden-failed".to_owned()));
    let version = place.get(&format!("{model}/versions/1")).await.json();
    assert_eq!(version["golden_state"], "failed");

    let verify = format!("{model}/versions/1/verify");
    let mended = expects_otherwise.replace("-5.0", "-4.0");
    for (change, state) in [(mended.as_str(), "passed"), (expects_otherwise, "failed")] {
        place.session.batch_execute(change).await.unwrap();
        let answer = place.send(Method::POST, &verify, None).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        place.check().await;
        let version = place.get(&format!("{model}/versions/1")).await.json();
        assert_eq!(version["state"], "ready");
        assert_eq!(version["golden_state"], state, "{version}");
    }
    // What was found wrong before is no reason where it is right now.
    place.session.batch_execute(&mended).await.unwrap();
    let moved = place.send(Method::PUT, &production, to).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    let version = place.get(&format!("{model}/versions/1")).await.json();
    assert_eq!(version["golden_state"], "passed");
    assert_eq!(version["golden_problem"], json!(null));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_and_nothing_is_kept() {
    let place = Place::new().await;
    let model = place.model("asked").await;
    place.ready(&model, json!({ "factor": 2.0 })).await;
    let golden = format!("{model}/versions/1/golden");
    let but = |pointer: &str, value: Value| {
        let mut golden = doubled([3.0, -4.0]);
        *golden.pointer_mut(pointer).unwrap() = value;
        golden
    };
    for (body, expected, says) in [
        (
            but("/inputs/0/name", json!("z")),
            "invalid-input",
            "the model takes x",
        ),
        (
            but("/inputs/0/shape", json!([2, 2])),
            "invalid-input",
            "2 values",
        ),
        (
            but("/outputs/0/name", json!("z")),
            "invalid-input",
            "the model gives no z",
        ),
        (
            but("/outputs/0/shape", json!([1, 3])),
            "invalid-input",
            "outputs: y has 2 values",
        ),
        (
            but("/outputs/0/datatype", json!("FP99")),
            "invalid-input",
            "outputs: unknown variant",
        ),
        (
            but("/tolerance", json!(1.5)),
            "validation-failed",
            "from 0 to 1",
        ),
        (
            but("/outputs", json!([])),
            "validation-failed",
            "at least one",
        ),
    ] {
        let refused = place.send(Method::PUT, &golden, Some(body)).await;
        let (status, code) = outcome(&refused);
        assert_eq!(code, expected, "{}", refused.text());
        assert!(status == 400 || status == 422);
        assert!(refused.text().contains(says), "{says}: {}", refused.text());
    }
    // The model refuses the question itself.
    let refused = place
        .send(
            Method::PUT,
            &golden,
            Some(but("/inputs/0/data", json!([888.0, 0.0]))),
        )
        .await;
    assert_eq!(outcome(&refused), (400, "invalid-input".to_owned()));
    assert_eq!(place.get(&golden).await.status, 404);

    let stale = [("if-match", "\"0\"")];
    let body = Some(doubled([3.0, -4.0]));
    let refused = place
        .app
        .send_as(
            &place.authorization,
            Method::PUT,
            &golden,
            &stale,
            body.clone(),
        )
        .await;
    assert_eq!(outcome(&refused), (412, "precondition-failed".to_owned()));
    let set = place.send(Method::PUT, &golden, body).await;
    assert_eq!(set.status, 200, "{}", set.text());

    let failed = Box::pin(place.upload(&model, &[], br#"{"problem": "no"}"#)).await;
    assert_eq!(failed.json()["state"], "failed");
    let refused = place
        .send(
            Method::PUT,
            &format!("{model}/versions/2/golden"),
            Some(doubled([3.0, -4.0])),
        )
        .await;
    assert_eq!(outcome(&refused), (409, "version-not-ready".to_owned()));
}
