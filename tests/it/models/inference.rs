//! Asking models: who may, what waits, what is joined, and what a process that ends costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Place, values};
use crate::support::app::outcome;
use crate::support::wait::until;

const ASK: &str = "/v2/models/m/infer";
const SOON: Duration = Duration::from_secs(5);

/// A model called `m` whose one version is in production.
async fn served(place: &Place, file: serde_json::Value) -> String {
    served_as(place, "m", file).await
}

async fn served_as(place: &Place, name: &str, file: serde_json::Value) -> String {
    let model = place.model(name).await;
    let version = place.ready(&model, file).await;
    place
        .lead(&model, "production", json!({ "version": version }))
        .await;
    model
}

#[tokio::test]
async fn viewers_ask_and_others_find_nothing() {
    let mut place = Place::new().await;
    served(&place, json!({ "factor": 2.0 })).await;
    assert_eq!(
        values(&place.ask(ASK, &[[1.0, 2.0], [3.0, 4.5]]).await),
        [2.0, 4.0, 6.0, 9.0]
    );
    let viewer = place.member("viewer").await;
    let owner = std::mem::replace(&mut place.authorization, viewer);
    assert_eq!(values(&place.ask(ASK, &[[1.0, 2.0]]).await), [2.0, 4.0]);
    place.authorization = place.member("").await;
    for target in [ASK, "/v2/models/m", "/v2/models/m/ready", "/v2/models/none"] {
        let answer = match target {
            ASK => place.ask(target, &[[1.0, 2.0]]).await,
            _ => place.get(target).await,
        };
        assert_eq!(outcome(&answer), (404, "not-found".to_owned()), "{target}");
    }
    let anonymous = place.app.get("/v2/models/m").await;
    assert_eq!(anonymous.status, 401);

    // A member who is removed is heard of within about a second.
    let viewer = place.member("viewer").await;
    place.authorization = viewer;
    assert_eq!(place.ask(ASK, &[[1.0, 2.0]]).await.status, 200);
    let removed = "DELETE FROM project_members WHERE role = 'viewer'";
    place.session.batch_execute(removed).await.unwrap();
    until("the end of a membership", SOON, async || {
        (place.ask(ASK, &[[1.0, 2.0]]).await.status == 404).then_some(())
    })
    .await
    .unwrap();
    place.authorization = owner;
    assert_eq!(place.ask(ASK, &[[1.0, 2.0]]).await.status, 200);
}

/// Two hundred questions a second, whatever becomes of the ones before.
#[tokio::test]
async fn an_alias_that_moves_takes_its_callers_along_and_none_fails() {
    let place = Place::new().await;
    let model = served(&place, json!({ "factor": 1.0 })).await;
    let next = place.ready(&model, json!({ "factor": 2.0 })).await;
    let ask = async |nth: u64| {
        tokio::time::sleep(Duration::from_millis(5 * nth)).await;
        let answer = place.ask(ASK, &[[1.0, 1.0]]).await;
        let version = answer.json()["model_version"].clone();
        let factor = values(&answer)[0];
        // It says which version has answered.
        assert_eq!(version, format!("{factor}"));
        factor
    };
    let asking = join_all((0..600).map(ask));
    let moving = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        place
            .lead(&model, "production", json!({ "version": next }))
            .await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let back = format!("{model}/aliases/production/back");
        let back = place.send(Method::POST, &back, Some(json!({}))).await;
        assert_eq!(back.status, StatusCode::CREATED, "{}", back.text());
    };
    let (mut seen, ()) = tokio::join!(asking, moving);
    seen.dedup();
    assert_eq!(seen, [1.0, 2.0, 1.0]);
}

#[tokio::test]
async fn questions_that_wait_are_asked_together_and_each_gets_its_own_answer() {
    let place = Place::new().await;
    served(
        &place,
        json!({ "factor": 2.0, "batchable": true, "takes_ms": 30 }),
    )
    .await;
    place.ask(ASK, &[[0.0, 0.0]]).await;
    let before = place.runner.counts.questions.load(Ordering::SeqCst);
    let all = (0..40).map(|at| {
        let place = &place;
        async move {
            let row = [f64::from(at), f64::from(at) + 0.5];
            let answer = place.ask(ASK, &[row]).await;
            assert_eq!(values(&answer), [2.0 * row[0], 2.0 * row[1]]);
        }
    });
    join_all(all).await;
    let asked = place.runner.counts.questions.load(Ordering::SeqCst) - before;
    assert!(asked < 20, "{asked} questions were asked for 40");

    // One that the model refuses costs the others nothing.
    let some = [[1.0, 1.0], [888.0, 1.0], [2.0, 1.0]];
    let answers = join_all(
        some.iter()
            .map(|row| place.ask(ASK, std::slice::from_ref(row))),
    )
    .await;
    let statuses: Vec<u16> = answers.iter().map(|it| it.status.as_u16()).collect();
    assert_eq!(statuses, [200, 400, 200]);
    assert!(
        answers[1].text().contains("888 is too much"),
        "{}",
        answers[1].text()
    );
}

#[tokio::test]
async fn what_must_not_be_joined_is_not() {
    let place = Place::new().await;
    served(
        &place,
        json!({ "factor": 2.0, "batchable": false, "takes_ms": 5 }),
    )
    .await;
    place.ask(ASK, &[[0.0, 0.0]]).await;
    let before = place.runner.counts.questions.load(Ordering::SeqCst);
    join_all((0..10).map(|_| place.ask(ASK, &[[1.0, 1.0]]))).await;
    let asked = place.runner.counts.questions.load(Ordering::SeqCst) - before;
    assert_eq!(asked, 10);
}

#[tokio::test]
async fn a_version_is_loaded_before_an_alias_leads_to_it() {
    let place = Place::new().await;
    let model = served(&place, json!({ "factor": 2.0 })).await;
    let loads = || place.runner.counts.loads.load(Ordering::SeqCst);
    assert_eq!(loads(), 1);
    assert_eq!(values(&place.ask(ASK, &[[1.0, 1.0]]).await), [2.0, 2.0]);
    assert_eq!(loads(), 1);
    // One that no alias leads to is loaded when it is asked.
    let other = place.ready(&model, json!({ "factor": 3.0 })).await;
    assert_eq!(loads(), 1);
    let by_number = format!("/v2/models/m/versions/{other}/infer");
    assert_eq!(
        values(&place.ask(&by_number, &[[1.0, 1.0]]).await),
        [3.0, 3.0]
    );
    assert_eq!(loads(), 2);
    // What cannot be loaded now may be led to, and is asked for as before.
    let gone = place.ready(&model, json!({ "factor": 4.0 })).await;
    let path = place.runner.path.clone();
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    place
        .lead(&model, "production", json!({ "version": gone }))
        .await;
    until("the alias as it is", SOON, async || {
        (place.ask(ASK, &[[1.0, 1.0]]).await.status == 503).then_some(())
    })
    .await
    .unwrap();
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(values(&place.ask(ASK, &[[1.0, 1.0]]).await), [4.0, 4.0]);
}

#[tokio::test]
async fn a_version_is_loaded_before_an_alias_goes_back_to_it() {
    let mut place = Place::with(&["--models-memory=100MiB"]).await;
    let large = |factor: f64| json!({ "factor": factor, "memory": 40 << 20 });
    let model = served(&place, large(2.0)).await;
    let next = place.ready(&model, large(3.0)).await;
    place
        .lead(&model, "production", json!({ "version": next }))
        .await;
    // Another model takes the room of the version before.
    served_as(&place, "other", large(1.0)).await;
    let open = &place.runner.counts.open;
    until("the end of one", SOON, async || {
        (open.load(Ordering::SeqCst) == 2).then_some(())
    })
    .await
    .unwrap();
    let counts = place.runner.counts.clone();
    let loads = || counts.loads.load(Ordering::SeqCst);
    assert_eq!(loads(), 3);
    let back = format!("{model}/aliases/production/back");
    let editor = place.member("editor").await;
    let owner = std::mem::replace(&mut place.authorization, editor);
    let refused = place.send(Method::POST, &back, Some(json!({}))).await;
    assert_eq!((refused.status, loads()), (StatusCode::FORBIDDEN, 3));
    place.authorization = owner;
    let moved = place.send(Method::POST, &back, Some(json!({}))).await;
    assert_eq!((moved.status, loads()), (StatusCode::CREATED, 4));
    assert_eq!(values(&place.ask(ASK, &[[1.0, 1.0]]).await), [2.0, 2.0]);
    assert_eq!(loads(), 4);
}

#[tokio::test]
async fn a_process_that_ends_fails_only_what_it_held() {
    let place = Place::new().await;
    served(&place, json!({ "factor": 2.0 })).await;
    assert_eq!(place.ask(ASK, &[[1.0, 1.0]]).await.status, 200);
    let ended = place.ask(ASK, &[[666.0, 1.0]]).await;
    assert_eq!(outcome(&ended), (503, "model-failed".to_owned()));
    assert!(!ended.header("retry-after").is_empty());
    assert_eq!(values(&place.ask(ASK, &[[1.0, 1.0]]).await), [2.0, 2.0]);
    assert_eq!(place.runner.counts.loads.load(Ordering::SeqCst), 2);
    assert_eq!(place.app.app.metrics.model_ends_total.get(), 1);

    // One that ends over and over rests, and says so at once.
    for _ in 0..3 {
        place.ask(ASK, &[[666.0, 1.0]]).await;
    }
    let loads = place.runner.counts.loads.load(Ordering::SeqCst);
    assert_eq!(
        outcome(&place.ask(ASK, &[[1.0, 1.0]]).await),
        (503, "model-failed".to_owned())
    );
    assert_eq!(place.runner.counts.loads.load(Ordering::SeqCst), loads);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up_and_its_process_ended() {
    let place = Place::with(&["--model-deadline=300ms"]).await;
    served(&place, json!({ "factor": 2.0 })).await;
    assert_eq!(place.ask(ASK, &[[1.0, 1.0]]).await.status, 200);
    let late = place.ask(ASK, &[[777.0, 1.0]]).await;
    assert_eq!(outcome(&late), (503, "deadline-exceeded".to_owned()));
    until("the next process", SOON, async || {
        (place.ask(ASK, &[[1.0, 1.0]]).await.status == 200).then_some(())
    })
    .await
    .unwrap();
    let open = &place.runner.counts.open;
    until("the end of the one that hung", SOON, async || {
        (open.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_queue_is_bounded() {
    let place = Place::with(&["--model-deadline=10s"]).await;
    served(&place, json!({ "factor": 2.0, "takes_ms": 2 })).await;
    place.ask(ASK, &[[1.0, 1.0]]).await;
    let answers = join_all((0..300).map(|_| place.ask(ASK, &[[1.0, 1.0]]))).await;
    let busy = answers
        .iter()
        .filter(|it| it.status == 503)
        .collect::<Vec<_>>();
    assert!((20..120).contains(&busy.len()), "{}", busy.len());
    assert!(busy.iter().all(|it| it.problem() == "overloaded"));
    assert!(answers.iter().filter(|it| it.status == 200).count() > 150);
}

#[tokio::test]
async fn models_that_are_asked_least_recently_make_room() {
    let place = Place::with(&["--models-memory=100MiB"]).await;
    for name in ["a", "b", "c"] {
        let model = place.model(name).await;
        let version = place
            .ready(&model, json!({ "factor": 1.0, "memory": 40 << 20 }))
            .await;
        place
            .lead(&model, "production", json!({ "version": version }))
            .await;
    }
    let ask = async |name: &str| {
        let target = format!("/v2/models/{name}/infer");
        assert_eq!(place.ask(&target, &[[1.0, 1.0]]).await.status, 200);
    };
    ask("a").await;
    ask("b").await;
    ask("a").await;
    ask("c").await;
    let open = &place.runner.counts.open;
    until("the end of one", SOON, async || {
        (open.load(Ordering::SeqCst) == 2).then_some(())
    })
    .await
    .unwrap();
    let loads = place.runner.counts.loads.load(Ordering::SeqCst);
    ask("a").await;
    assert_eq!(place.runner.counts.loads.load(Ordering::SeqCst), loads);
    ask("b").await;
    assert_eq!(place.runner.counts.loads.load(Ordering::SeqCst), loads + 1);
}

#[tokio::test]
async fn a_shadow_is_compared_and_never_seen() {
    let place = Place::new().await;
    let model = served(&place, json!({ "factor": 2.0 })).await;
    let other = place.ready(&model, json!({ "factor": 3.0 })).await;
    let same = place.ready(&model, json!({ "factor": 2.0 })).await;
    let counted = |outcome: &str| {
        let counter = &place.app.app.metrics.model_shadows_total;
        counter.with_label_values(&["m", outcome]).get()
    };
    for (shadow, outcome) in [(other, "different"), (same, "same")] {
        let alias = format!("shadow-{outcome}");
        place
            .lead(&model, &alias, json!({ "version": 1, "shadow": shadow }))
            .await;
        let target = format!("/v2/models/m/versions/{alias}/infer");
        let answer = place.ask(&target, &[[1.0, 1.0]]).await;
        assert_eq!(values(&answer), [2.0, 2.0]);
        assert_eq!(answer.json()["model_version"], "1");
        until("the comparison", SOON, async || {
            (counted(outcome) == 1).then_some(())
        })
        .await
        .unwrap();
    }
    // One that ends harms nobody.
    let answer = place
        .ask("/v2/models/m/versions/shadow-same/infer", &[[888.0, 1.0]])
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn without_a_runner_everything_else_works() {
    let place = Place::new().await;
    let model = place.model("m").await;
    let version = place.ready(&model, json!({ "factor": 2.0 })).await;
    std::fs::remove_file(&place.runner.path).unwrap();
    let version = json!({ "version": version });
    place.lead(&model, "production", version).await;
    let answer = place.ask(ASK, &[[1.0, 1.0]]).await;
    assert_eq!(outcome(&answer), (503, "models-unavailable".to_owned()));
    assert_eq!(place.get(&model).await.status, 200);
    assert_eq!(place.get("/v2/models/m").await.status, 200);
    let off =
        crate::support::app::TestApp::with(&["--models-runner=off"], Default::default()).await;
    assert_eq!(off.get("/v2/health/live").await.status, 200);
    let answer = off
        .send(Method::GET, "/v2", &[], axum::body::Body::empty())
        .await;
    assert_eq!(answer.json()["extensions"], json!(["binary_tensor_data"]));
}

#[tokio::test]
async fn where_models_run_nowhere_none_is_taken() {
    let mut place = Place::new().await;
    let model = place.model("m").await;
    place.app = place.app.beside(&["--models-runner=off"]);
    let refused = place.upload(&model, &[], br#"{"factor": 1.0}"#).await;
    assert_eq!(outcome(&refused), (503, "models-unavailable".to_owned()));
    assert_eq!(place.number("SELECT count(*) FROM model_versions").await, 0);
}

#[tokio::test]
async fn a_viewer_sees_how_a_model_does() {
    let mut place = Place::new().await;
    let model = served(&place, json!({ "factor": 2.0 })).await;
    let stats = format!("{model}/stats");
    let before = place.get(&stats).await.json();
    assert_eq!(before["requests"]["answered"], 0);
    assert_eq!(
        before["inference_seconds"],
        json!({ "count": 0, "p50": null, "p99": null })
    );
    assert_eq!(before["batch_size"], json!(null));
    for first in [1.0, 2.0, 888.0] {
        place.ask(ASK, &[[first, 2.0]]).await;
    }
    place.authorization = place.member("viewer").await;
    let after = place.get(&stats).await.json();
    assert_eq!(after["requests"]["answered"], 2);
    assert_eq!(after["requests"]["invalid"], 1);
    let times = &after["inference_seconds"];
    assert!(times["count"].as_i64() >= Some(2), "{after}");
    assert!(
        times["p50"].as_f64() <= times["p99"].as_f64() && times["p50"].is_f64(),
        "{after}"
    );
    assert_eq!(after["batch_size"], 1.0);
    place.authorization = place.member("").await;
    assert_eq!(place.get(&stats).await.status, 404);
}
