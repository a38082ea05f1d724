//! The log of predictions: what of a model's answers becomes records of a dataset.

use std::sync::Arc;

use chartroom::models::log::load::load;
use chartroom::models::serving::Serving;
use http::Method;
use serde_json::{Value, json};

use super::Place;
use crate::support::app::{Answer, outcome};
use crate::support::wait::until;

const LOG: &str = "/api/v1/models/m/log";
const ASK: &str = "/v2/models/m/infer";

impl Place {
    async fn set_log(&self, dataset: &str, share: f64) -> Answer {
        let body = json!({ "dataset": dataset, "share": share });
        self.send(Method::PUT, LOG, Some(body)).await
    }

    fn serving(&self) -> Arc<Serving> {
        let shared = &self.app.app.shared;
        shared.get::<Arc<Serving>>().unwrap().clone()
    }

    /// Writes down what was noted, as a process does every second.
    async fn note(&self) {
        self.serving().notes.write_now(&self.app.app.db).await;
    }

    async fn load(&self) {
        self.note().await;
        load(&self.app.app.db).await.unwrap();
    }

    async fn log(&self) -> Value {
        let answer = self.get(LOG).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn records(&self, dataset: &str) -> Vec<Value> {
        let target = format!("/api/v1/datasets/{dataset}/records?limit=200");
        let page = self.get(&target).await.json();
        page["items"].as_array().unwrap().clone()
    }

    /// What a process knows of where a word leads holds for a second.
    async fn until_known(&self, is_logged: bool) {
        let routes = async || {
            let known = self.ask(ASK, &[[0.0, 0.0]]).await;
            assert_eq!(known.status, 200);
            self.note().await;
            let query = "SELECT count(*) FROM predictions";
            ((self.number(query).await > 0) == is_logged).then_some(())
        };
        until("the route of a caller", super::scoring::SOON, routes)
            .await
            .unwrap();
    }
}

/// The status and the code of a refusal.
fn said(answer: &Answer) -> String {
    let (status, code) = outcome(answer);
    format!("{status} {code}")
}

#[tokio::test]
async fn answers_become_records_of_a_dataset() {
    let place = Place::new().await;
    place.production(json!({ "factor": 2.0 })).await;
    let dataset = place.dataset(&[]).await;
    assert_eq!(said(&place.get(LOG).await), "404 not-found");
    let set = place.set_log(&dataset, 1.0).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let set = set.json();
    assert_eq!(
        (&set["dataset"], &set["share"], &set["loaded"]),
        (&json!(dataset), &json!(1.0), &json!(0))
    );
    let body = json!({
        "id": "seven",
        "inputs": [{ "name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 0.1] }],
    });
    let answer = place.send(Method::POST, ASK, Some(body)).await;
    assert_eq!(super::values(&answer), [2.0, 4.0, 6.0, 0.2]);
    // A question that is refused is none.
    let refused = place.ask(ASK, &[[888.0, 0.0]]).await;
    assert_ne!(refused.status, 200);
    place.load().await;
    let records = place.records(&dataset).await;
    let told: Vec<Value> = records
        .iter()
        .map(|it| {
            assert!(it["predicted_at"].is_string(), "{it}");
            assert!(it["latency_ms"].as_f64().unwrap() > 0.0, "{it}");
            json!([
                it["model_version"],
                it["request_id"],
                it["x_0"],
                it["x_1"],
                it["y_0"],
                it["y_1"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["1", "seven", 1, 2, 2, 4]),
            json!(["1", "seven", 3, 0.1, 6, 0.2])
        ]
    );
    let log = place.log().await;
    assert_eq!(
        (&log["loaded"], &log["left_out"], &log["problem"]),
        (&json!(2), &json!(0), &Value::Null)
    );
    assert!(log["loaded_at"].is_string());
    let groups = "group_by=model_version&measures=count,avg:y_0,median:latency_ms\
        &predicted_at__gte=2020-01-01T00:00:00Z";
    let target = format!("/api/v1/datasets/{dataset}/aggregate?{groups}");
    let groups = place.get(&target).await;
    assert_eq!(groups.status, 200, "{}", groups.text());
    assert!(groups.text().contains("\"count\":2"), "{}", groups.text());
    // The records are what the model is asked by: replaying them gives the same answers.
    let again = place.dataset(&[]).await;
    let body = json!({
        "dataset": dataset, "into": again, "columns": ["request_id"], "inputs": ["x_0", "x_1"],
    });
    let worker = place.worker(std::time::Duration::from_secs(30));
    let import = place.begin("/api/v1/models/m", body).await;
    assert_eq!(place.ended(&import).await["state"], "ready");
    drop(worker);
    let replayed = place.records(&again).await;
    let outputs = |records: &[Value]| -> Vec<Value> {
        let each = records.iter().map(|it| json!([it["y_0"], it["y_1"]]));
        each.collect()
    };
    assert_eq!(outputs(&replayed), outputs(&records));
    // What is loaded stays when the log is taken away, and nothing more is kept.
    let gone = place.send(Method::DELETE, LOG, None).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    place.until_known(false).await;
    place.load().await;
    assert_eq!(place.records(&dataset).await.len(), 2);
    assert_eq!(
        said(&place.send(Method::DELETE, LOG, None).await),
        "404 not-found"
    );
}

#[tokio::test]
async fn a_share_of_the_questions_is_kept() {
    let place = Place::new().await;
    place.production(json!({ "factor": 2.0 })).await;
    let dataset = place.dataset(&[]).await;
    assert_eq!(place.set_log(&dataset, 0.5).await.status, 200);
    for _ in 0..200 {
        assert_eq!(place.ask(ASK, &[[1.0, 2.0]]).await.status, 200);
    }
    place.load().await;
    let kept = place.log().await["loaded"].as_i64().unwrap();
    // One in some thousand millions would be outside.
    assert!((55..=145).contains(&kept), "{kept}");
    let counter = &place.app.app.metrics.model_log_questions_total;
    let kept_there = counter.with_label_values(&["kept"]).get();
    assert_eq!(i64::try_from(kept_there).unwrap(), kept);
    assert_eq!(counter.with_label_values(&["dropped"]).get(), 0);
}

#[tokio::test]
async fn what_there_is_no_room_for_is_left_out_and_counted() {
    let place = Place::new().await;
    place.production(json!({ "factor": 2.0 })).await;
    let dataset = place.dataset(&[]).await;
    assert_eq!(place.set_log(&dataset, 1.0).await.status, 200);
    let large = vec![[1.0, 2.0]; 50_001];
    assert_eq!(place.ask(ASK, &large).await.status, 200, "it is answered");
    assert_eq!(place.ask(ASK, &[[1.0, 2.0]]).await.status, 200);
    place.load().await;
    assert_eq!(place.log().await["loaded"], 1);
    let counter = &place.app.app.metrics.model_log_questions_total;
    let dropped = counter.with_label_values(&["dropped"]).get();
    assert_eq!(dropped, 1);
}

#[tokio::test]
async fn a_dataset_that_does_not_fit_is_refused() {
    let place = Place::new().await;
    let model = place.model("m").await;
    let dataset = place.dataset(&[]).await;
    let early = place.set_log(&dataset, 1.0).await;
    assert_eq!(said(&early), "409 conflict", "there is no version yet");
    place.ready(&model, json!({ "factor": 2.0 })).await;
    for share in [0.0, -1.0, 1.5] {
        let refused = place.set_log(&dataset, share).await;
        assert_eq!(said(&refused), "422 validation-failed", "{share}");
    }
    let other = place.dataset(&[("x_0", "float64"), ("note", "text")]).await;
    let refused = place.set_log(&other, 1.0).await;
    assert_eq!(said(&refused), "422 validation-failed");
    let error = &refused.json()["errors"][0];
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&json!("/dataset"), &json!("unknown-column"))
    );
    // Without an alias, the newest version says which columns there are.
    assert_eq!(place.set_log(&dataset, 1.0).await.status, 200);
    // Its columns are of the log now, so that it can be set again.
    let etag = place.get(LOG).await;
    let etag = etag.header("etag").to_owned();
    let again = place.set_log(&dataset, 0.1).await;
    assert_eq!(again.json()["share"], 0.1);
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("if-match", etag.as_str()),
    ];
    let stale = place
        .app
        .send(Method::DELETE, LOG, &headers, axum::body::Body::empty());
    assert_eq!(said(&stale.await), "412 precondition-failed");
}

#[tokio::test]
async fn records_that_a_dataset_does_not_take_are_left_out_or_wait() {
    let place = Place::new().await;
    place.production(json!({ "factor": 2.0 })).await;
    let columns: Vec<Value> = [
        ("predicted_at", "timestamp"),
        ("model_version", "bigint"),
        ("request_id", "text"),
        ("latency_ms", "float64"),
        ("x_0", "float64"),
        ("x_1", "float64"),
        ("y_0", "float64"),
        ("y_1", "float64"),
    ]
    .map(|(name, kind)| match name {
        "x_0" => json!({ "name": name, "type": kind, "rules": { "max": 10 } }),
        _ => json!({ "name": name, "type": kind }),
    })
    .to_vec();
    let body = json!({
        "project_id": place.project, "name": "strict", "columns": columns, "key": ["x_1"],
    });
    let made = place
        .send(Method::POST, "/api/v1/datasets", Some(body))
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let dataset = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(place.set_log(&dataset, 1.0).await.status, 200);
    let rows = [[1.0, 1.0], [11.0, 2.0], [3.0, 3.0]];
    assert_eq!(place.ask(ASK, &rows).await.status, 200);
    place.load().await;
    let log = place.log().await;
    assert_eq!((&log["loaded"], &log["left_out"]), (&json!(2), &json!(1)));
    let problem = log["problem"].as_str().unwrap();
    assert!(problem.starts_with("x_0: expected"), "{problem}");
    // A key that is there already: all that come together wait, until that is gone.
    assert_eq!(place.ask(ASK, &[[1.0, 1.0], [4.0, 4.0]]).await.status, 200);
    place.load().await;
    let log = place.log().await;
    assert_eq!(log["loaded"], 2);
    assert!(
        log["problem"].as_str().unwrap().contains("the same key"),
        "{log}"
    );
    assert_eq!(place.number("SELECT count(*) FROM predictions").await, 2);
    let first = place.records(&dataset).await[0]["rid"].clone();
    let target = format!("/api/v1/datasets/{dataset}/records/{first}");
    assert_eq!(place.send(Method::DELETE, &target, None).await.status, 204);
    place.load().await;
    let log = place.log().await;
    assert_eq!((&log["loaded"], &log["problem"]), (&json!(4), &Value::Null));
    assert_eq!(place.number("SELECT count(*) FROM predictions").await, 0);
}

#[tokio::test]
async fn records_are_loaded_as_who_has_set_the_log_may() {
    let mut place = Place::new().await;
    place.production(json!({ "factor": 2.0 })).await;
    let dataset = place.dataset(&[]).await;
    let owner = place.authorization.clone();
    place.authorization = place.member("editor").await;
    assert_eq!(said(&place.set_log(&dataset, 1.0).await), "403 forbidden");
    place.authorization = place.member("").await;
    let project = json!({ "name": "q" });
    let project = place.send(Method::POST, "/api/v1/projects", Some(project));
    let project = project.await.json()["id"].as_str().unwrap().to_owned();
    let foreign = place.dataset_in(&project, &[]).await;
    place.authorization = owner;
    assert_eq!(said(&place.set_log(&foreign, 1.0).await), "404 not-found");
    assert_eq!(place.set_log(&dataset, 1.0).await.status, 200);
    assert_eq!(place.ask(ASK, &[[1.0, 2.0]]).await.status, 200);
    place.note().await;
    // A project keeps an owner.
    place.member("owner").await;
    place
        .session
        .batch_execute(
            "UPDATE project_members SET role = 'viewer' WHERE role = 'owner' \
             AND principal_id = (SELECT set_by FROM model_logs)",
        )
        .await
        .unwrap();
    load(&place.app.app.db).await.unwrap();
    let log = place.log().await;
    assert_eq!(log["loaded"], 0);
    assert!(log["problem"].is_string(), "{log}");
    place
        .session
        .batch_execute("UPDATE project_members SET role = 'owner' WHERE role = 'viewer'")
        .await
        .unwrap();
    load(&place.app.app.db).await.unwrap();
    let log = place.log().await;
    assert_eq!((&log["loaded"], &log["problem"]), (&json!(1), &Value::Null));
    // The dataset takes the log with it, and the model goes on answering.
    assert_eq!(
        place
            .send(Method::DELETE, &format!("/api/v1/datasets/{dataset}"), None)
            .await
            .status,
        204
    );
    assert_eq!(said(&place.get(LOG).await), "404 not-found");
    assert_eq!(place.ask(ASK, &[[1.0, 2.0]]).await.status, 200);
    place.load().await;
}
