//! Whether the service may ask what it has to, and that it is not ready where it may not.

use super::cluster::Mood;
use super::*;

/// Why it is not ready because of workloads; the database is not watched in these tests.
fn complaint(place: &Place) -> Option<String> {
    let workloads = place.app.app.identity.workloads.as_ref().unwrap();
    workloads.readiness().err()
}

#[tokio::test]
async fn without_the_right_to_review_the_service_is_not_ready() {
    let cluster = Cluster::start().await;
    cluster.state().has_right = false;
    let place = Place::on(cluster, &[]).await;
    let is_said = async || complaint(&place).filter(|text| text.contains("tokenreviews"));
    let said = until("the complaint", PATIENCE, is_said).await.unwrap();
    assert!(said.contains("CHARTROOM_SERVICE_ACCOUNTS_MODE"), "{said}");
    // The right comes without a restart.
    place.cluster.state().has_right = true;
    let is_ready = async || complaint(&place).is_none().then_some(());
    until("readiness", PATIENCE, is_ready).await.unwrap();
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_keeps_nobody_from_being_ready() {
    let cluster = Cluster::start().await;
    cluster.state().rights = Mood::Gone;
    let place = Place::on(cluster, &[]).await;
    let is_ready = async || complaint(&place).is_none().then_some(());
    until("readiness", PATIENCE, is_ready).await.unwrap();
}

#[tokio::test]
async fn readiness_says_it_on_the_ops_listener() {
    use tower::ServiceExt as _;
    let cluster = Cluster::start().await;
    cluster.state().has_right = false;
    let place = Place::on(cluster, &[]).await;
    let app = place.app.app.clone();
    let endpoint = place.app.database.runtime();
    let language = app.config.posts.search_language.clone();
    let watch = chartroom::db::monitor::watch(endpoint, language, None, app.health.clone());
    let _watch = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(watch));
    let ops = chartroom::app::ops::router(app, Default::default());
    let ready = async || {
        let request = http::Request::get("/readyz").body(Body::empty()).unwrap();
        let answer = ops.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
    };
    let is_said = async || Some(ready().await).filter(|(_, said)| said.contains("tokenreviews"));
    assert_eq!(
        until("the complaint", PATIENCE, is_said).await.unwrap().0,
        503
    );
    place.cluster.state().has_right = true;
    let is_ready = async || (ready().await.0 == 200).then_some(());
    until("readiness", PATIENCE, is_ready).await.unwrap();
}
