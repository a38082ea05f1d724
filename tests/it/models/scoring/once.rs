//! All rows or none, and once: whatever ends in the middle, and whoever goes on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chartroom::datasets::sweep::sweep;
use chartroom::jobs::claim::Claimed;
use chartroom::jobs::context::Context;
use chartroom::jobs::kind::{Job as _, JobError};
use chartroom::models::scoring::job::ScoreDataset;
use http::Method;
use serde_json::json;

use super::{JOBS, LEASE, Place, SOON};
use crate::support::wait::until;

const VERSIONS: &str =
    "SELECT count(*) FROM dataset_versions WHERE kind = 'append' AND added = 3000";

#[tokio::test]
async fn a_process_of_the_model_that_ends_costs_a_try_and_no_rows() {
    let place = Place::new().await;
    let model = place
        // The first one is that of the alias.
        .production(json!({ "factor": 2.0, "batchable": true, "dies": 2 }))
        .await;
    let (from, into) = place.datasets(3_000).await;
    let import = place
        .begin(&model, json!({ "dataset": from, "into": into }))
        .await;
    let _worker = place.worker(LEASE);
    place
        .until("SELECT count(*) FROM jobs WHERE failures = 1", 1)
        .await;
    assert_eq!(place.rows_of(&into).await, 0);
    assert_eq!(place.get(&import).await.json()["state"], "receiving");
    let due = "UPDATE jobs SET due_at = now()";
    place.session.batch_execute(due).await.unwrap();
    assert_eq!(place.ended(&import).await["state"], "ready");
    assert_eq!(place.rows_of(&into).await, 3_000);
    assert_eq!(place.number(VERSIONS).await, 2);

    // One that ends every time is given up, and the import says why.
    let dies = json!({ "factor": 2.0, "batchable": true, "dies": 100 });
    let version = place.ready(&model, dies).await;
    let body = json!({ "dataset": from, "into": into, "version": version });
    let import = place.begin(&model, body).await;
    let last = "UPDATE jobs SET due_at = now(), failures = 5";
    place.session.batch_execute(last).await.unwrap();
    let import = place.ended(&import).await;
    assert_eq!(
        (&import["state"], &import["problem"]["code"]),
        (&json!("failed"), &json!("model-failed"))
    );
    assert_eq!(place.rows_of(&into).await, 3_000);
    place.until(JOBS, 0).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_leaves_nothing_and_the_next_one_all_rows_once() {
    let place = Place::new().await;
    let model = place
        .production(json!({ "factor": 2.0, "batchable": true, "takes_ms": 400 }))
        .await;
    let (from, into) = place.datasets(3_000).await;
    let import = place
        .begin(&model, json!({ "dataset": from, "into": into }))
        .await;
    let killed = place.worker(Duration::from_millis(600));
    place.asked(2).await;
    drop(killed);
    place
        .until("SELECT count(*) FROM jobs WHERE lease_until < now()", 1)
        .await;
    assert_eq!(place.rows_of(&into).await, 0);
    let _next = place.worker(LEASE);
    let ended = place.ended(&import).await;
    assert_eq!(
        (&ended["state"], &ended["rows_written"]),
        (&json!("ready"), &json!(3_000))
    );
    assert_eq!(place.rows_of(&into).await, 3_000);
    assert_eq!(place.number(VERSIONS).await, 2);
}

/// A worker that was frozen past its lease goes on and comes to its end, while another one has the
/// job, or has done it.
#[tokio::test]
async fn a_worker_whose_lease_is_lost_brings_nothing() {
    for is_late in [false, true] {
        let place = Place::new().await;
        let model = place
            .production(json!({ "factor": 2.0, "batchable": true }))
            .await;
        let (from, into) = place.datasets(3_000).await;
        let import = place
            .begin(&model, json!({ "dataset": from, "into": into }))
            .await;
        let zombie = place.claimed().await;
        let expire = "UPDATE jobs SET lease_until = now() - interval '1 second'";
        place.session.batch_execute(expire).await.unwrap();
        let holder = place.claimed().await;
        assert_eq!((zombie.id, zombie.claims + 1), (holder.id, holder.claims));
        let job: ScoreDataset = serde_json::from_value(zombie.args.clone()).unwrap();
        let (tools, db) = (place.tools(), &place.app.app.db);
        let run =
            async |claimed: &Claimed| job.run(&Context::new(db.clone(), claimed), &tools).await;
        if is_late {
            run(&holder).await.unwrap();
            assert_eq!(place.rows_of(&into).await, 3_000);
            // It sees that there is nothing left to do.
            run(&zombie).await.unwrap();
        } else {
            let lost = run(&zombie).await;
            assert!(matches!(lost, Err(JobError::Lost)), "{lost:?}");
            assert_eq!(place.rows_of(&into).await, 0);
            assert!(place.get(&import).await.json()["ended_at"].is_null());
            run(&holder).await.unwrap();
        }
        assert_eq!(place.rows_of(&into).await, 3_000);
        assert_eq!(place.number(VERSIONS).await, 2);
        assert_eq!(place.number(JOBS).await, 0);
        assert_eq!(place.get(&import).await.json()["state"], "ready");
    }
}

#[tokio::test]
async fn scoring_is_stopped_by_its_import_and_by_its_job() {
    let place = Place::new().await;
    let model = place
        .production(json!({ "factor": 2.0, "batchable": true, "takes_ms": 1_500 }))
        .await;
    let (from, into) = place.datasets(3_000).await;
    let _worker = place.worker(Duration::from_millis(900));
    for by_job in [false, true] {
        let import = place
            .begin(&model, json!({ "dataset": from, "into": into }))
            .await;
        let asked = place.runner.counts.questions.load(Ordering::SeqCst);
        place.asked(asked + 1).await;
        let target = match by_job {
            true => format!("/api/v1/jobs/{}", place.get(&import).await.json()["job"]),
            false => import.clone(),
        };
        let stopped = place.send(Method::DELETE, &target, None).await;
        assert_eq!(stopped.status, 204, "{}", stopped.text());
        assert_eq!(place.ended(&import).await["state"], "cancelled");
        place.until(JOBS, 0).await;
        assert_eq!(place.rows_of(&into).await, 0);
    }
    let open = &place.runner.counts.open;
    // That of the alias stays.
    let is_so = async || (open.load(Ordering::SeqCst) == 1).then_some(());
    until("the end of the job's process", SOON, is_so)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_import_that_waits_for_its_job_is_not_swept_up_until_that_is_gone() {
    let place = Place::new().await;
    let model = place.production(json!({ "factor": 2.0 })).await;
    let (from, into) = place.datasets(2).await;
    let import = place
        .begin(&model, json!({ "dataset": from, "into": into }))
        .await;
    let later =
        "UPDATE dataset_imports SET seen_at = now() - interval '1 hour' WHERE ended_at IS NULL";
    place.session.batch_execute(later).await.unwrap();
    sweep(&place.app.app.db).await.unwrap();
    assert_eq!(place.get(&import).await.json()["state"], "receiving");
    place
        .session
        .batch_execute("DELETE FROM jobs")
        .await
        .unwrap();
    sweep(&place.app.app.db).await.unwrap();
    let swept = place.get(&import).await.json();
    assert_eq!(
        (&swept["state"], &swept["problem"]["code"]),
        (&json!("failed"), &json!("interrupted"))
    );
}
