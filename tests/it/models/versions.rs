//! Versions: uploading, checking, describing and deleting them, and that their bytes stay.

use chartroom::kernel::types::ModelId;
use chartroom::models::check::CheckVersion;
use http::Method;
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::Place;
use crate::support::app::outcome;

#[tokio::test]
async fn a_version_is_checked_and_says_what_it_takes() {
    let place = Place::new().await;
    let model = place.model("double").await;
    let file = json!({ "factor": 2.0, "batchable": true }).to_string();
    let answer = place.upload(&model, &[], file.as_bytes()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("location"), format!("{model}/versions/1"));
    let version = answer.json();
    assert_eq!(version["state"], "ready");
    let signature = &version["signature"];
    let tensor = json!({ "name": "x", "datatype": "FP32", "shape": [-1, 2] });
    assert_eq!(signature["inputs"], json!([tensor]));
    assert_eq!(signature["batches"], true);
    let hash: String = digest(&SHA256, file.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(version["sha256"], hash);
    let bytes = place.get(&format!("{model}/versions/1/bytes")).await;
    assert_eq!(bytes.body, file.as_bytes());
    assert_eq!(place.get(&model).await.json()["last_version"], 1);
    let kinds = "SELECT count(*) FROM audit_events WHERE action IN \
        ('model.created', 'model_version.created', 'model_version.ready')";
    assert_eq!(place.number(kinds).await, 3);
}

#[tokio::test]
async fn a_file_that_is_no_model_is_kept_as_failed_with_the_reason() {
    let place = Place::new().await;
    let model = place.model("bad").await;
    for (file, problem) in [
        (b"no model".as_slice(), "the file is no model"),
        (
            br#"{"problem": "it has an operator of its own: my.Op"}"#,
            "it has an operator of its own: my.Op",
        ),
    ] {
        let answer = place.upload(&model, &[], file).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let version = answer.json();
        assert_eq!(
            (&version["state"], &version["problem"]),
            (&json!("failed"), &json!(problem))
        );
        assert_eq!(version["signature"], json!(null));
    }
    let target = format!("{model}/aliases/production");
    let moved = place
        .send(Method::PUT, &target, Some(json!({ "version": 1 })))
        .await;
    assert_eq!(outcome(&moved), (409, "version-not-ready".to_owned()));
    let asked = place
        .ask("/v2/models/bad/versions/1/infer", &[[1.0, 2.0]])
        .await;
    assert_eq!(outcome(&asked), (409, "version-not-ready".to_owned()));
    assert_eq!(asked.json()["error"], asked.json()["detail"]);
}

#[tokio::test]
async fn an_upload_is_whole_and_made_once() {
    let place = Place::with(&["--model-size=1KiB"]).await;
    let model = place.model("once").await;
    let file = br#"{"factor": 1.0}"#;
    let wrong = [(
        "content-digest",
        "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
    )];
    let damaged = place.upload(&model, &wrong, file).await;
    assert_eq!(outcome(&damaged), (400, "digest-mismatch".to_owned()));
    let empty = place.upload(&model, &[], b"").await;
    assert_eq!(outcome(&empty), (400, "bad-request".to_owned()));
    let large = place.upload(&model, &[], &[b' '; 1025]).await;
    assert_eq!(outcome(&large), (413, "payload-too-large".to_owned()));
    assert_eq!(place.number("SELECT count(*) FROM model_versions").await, 0);

    let key = [("idempotency-key", "\"one\"")];
    let first = place.upload(&model, &key, file).await;
    let again = place.upload(&model, &key, file).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.json()["version"], again.json()["version"]);
    let other = place.upload(&model, &[], file).await;
    assert_eq!(other.json()["version"], 2);
}

#[tokio::test]
async fn bytes_never_change_and_a_number_is_given_once() {
    let place = Place::new().await;
    let model = place.model("kept").await;
    let version = place.ready(&model, json!({ "factor": 2.0 })).await;
    let target = format!("{model}/versions/{version}");
    let described = json!({
        "description": "# It doubles", "licence": "MIT", "tags": ["b", "a", "b"],
        "metrics": { "accuracy": 0.5 },
    });
    let changed = place.send(Method::PATCH, &target, Some(described)).await;
    assert_eq!(
        changed.json()["tags"],
        json!(["a", "b"]),
        "{}",
        changed.text()
    );
    assert_eq!(changed.json()["metrics"]["accuracy"], 0.5);
    // Not even by who can write to the database as the service does.
    for change in [
        "UPDATE model_versions SET sha256 = '\\x00'",
        "UPDATE model_versions SET blob_id = gen_random_uuid()",
        "UPDATE model_versions SET size = 1",
    ] {
        let refused = place.session.batch_execute(change).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "23514", "{change}");
    }
    let gone = place.send(Method::DELETE, &target, None).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(place.get(&target).await.status, 404);
    let next = place.ready(&model, json!({ "factor": 3.0 })).await;
    assert_eq!(next, version + 1);
}

#[tokio::test]
async fn a_version_that_failed_can_be_checked_again() {
    let place = Place::new().await;
    let model = place.model("again").await;
    place.upload(&model, &[], b"no model").await;
    let target = format!("{model}/versions/1");
    let begun = place
        .send(Method::POST, &format!("{target}/verify"), None)
        .await;
    assert_eq!(
        (begun.status.as_u16(), &begun.json()["state"]),
        (202, &json!("checking"))
    );
    place.check().await;
    assert_eq!(place.get(&target).await.json()["state"], "failed");

    // One that serves is not taken away by a check.
    let good = place.ready(&model, json!({ "factor": 1.0 })).await;
    let target = format!("{model}/versions/{good}");
    let begun = place
        .send(Method::POST, &format!("{target}/verify"), None)
        .await;
    assert_eq!(begun.json()["state"], "ready");
    place.check().await;
    assert_eq!(place.get(&target).await.json()["state"], "ready");
}

#[tokio::test]
async fn a_check_that_cannot_be_made_says_so_and_is_repeated() {
    let place = Place::new().await;
    let model = place.model("later").await;
    let hidden = place.runner.path.with_extension("hidden");
    std::fs::rename(&place.runner.path, &hidden).unwrap();
    let target = format!("{model}/versions");
    let headers = [("authorization", place.authorization.as_str())];
    let file = br#"{"factor": 2.0}"#.to_vec();
    let answer = place
        .app
        .send(Method::POST, &target, &headers, file.into())
        .await;
    assert_eq!(answer.json()["state"], "checking", "{}", answer.text());
    let core = &place.app.app.core;
    let id = place.get(&model).await.json()["id"].clone();
    let check = CheckVersion {
        model: ModelId(serde_json::from_value(id).unwrap()),
        version: 1,
    };
    assert!(check.make(&core.db, &core.models).await.is_err());
    let version = place.get(&format!("{target}/1")).await.json();
    let problem = version["problem"].as_str().unwrap();
    assert!(problem.contains("the check is repeated"), "{problem}");
    std::fs::rename(&hidden, &place.runner.path).unwrap();
    check.make(&core.db, &core.models).await.unwrap();
    let version = place.get(&format!("{target}/1")).await.json();
    assert_eq!(
        (&version["state"], &version["problem"]),
        (&json!("ready"), &json!(null))
    );
}
