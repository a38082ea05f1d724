//! What is counted of imports and exports.

use axum::body::Body;
use http::Request;
use serde_json::json;

use super::Place;

/// Ended imports by format and state, and records by outcome.
fn imports(place: &Place, format: &str, state: &str) -> u64 {
    let metrics = &place.app.app.metrics;
    let imports = &metrics.dataset_imports_total;
    imports.with_label_values(&[format, state]).get()
}

fn rows(place: &Place, outcome: &str) -> u64 {
    let rows = &place.app.app.metrics.dataset_import_rows_total;
    rows.with_label_values(&[outcome]).get()
}

#[tokio::test]
async fn imports_are_counted_by_what_became_of_them() {
    let place = Place::with_files().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&dataset, "", "n\n1\n2\n").await;
    place.load(&dataset, "?dry_run=true", "n\n1\n").await;
    place.load(&dataset, "?on_error=skip", "n\n1\nx\n").await;
    place.import(&dataset, "", &[], "n\nx\n3\n").await;
    let kind = [("content-type", "application/vnd.apache.parquet")];
    let authorization = ("authorization", place.authorization.as_str());
    let target = format!("{dataset}/imports");
    let app = &place.app;
    app.send(
        http::Method::POST,
        &target,
        &[authorization, kind[0]],
        "no".into(),
    )
    .await;
    let csv = ["ready", "checked", "refused", "failed", "cancelled"]
        .map(|state| imports(&place, "csv", state));
    assert_eq!(csv, [2, 1, 1, 0, 0]);
    assert_eq!(imports(&place, "parquet", "refused"), 1);
    // What was only looked at is not loaded.
    assert_eq!((rows(&place, "loaded"), rows(&place, "rejected")), (3, 2));
    let metrics = &app.app.metrics;
    let bytes = &metrics.dataset_import_bytes_total;
    let bytes = |format| bytes.with_label_values(&[format]).get();
    assert_eq!((bytes("csv"), bytes("arrow")), (6 + 4 + 6 + 6, 0));
    assert_eq!(metrics.dataset_imports_in_flight.get(), 0);
    assert_eq!(metrics.file_spool_bytes.get(), 0);
}

#[tokio::test]
async fn exports_are_complete_or_dropped() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    let exports = |outcome: &str| {
        let exports = &place.app.app.metrics.dataset_exports_total;
        exports.with_label_values(&["csv", outcome]).get()
    };
    let file = format!("n\n{}", "123456789\n".repeat(200_000));
    place.load(&dataset, "", &file).await;
    let target = format!("{dataset}/records?format=csv");
    assert_eq!(place.get(&target).await.status, 200);
    assert_eq!((exports("complete"), exports("dropped")), (1, 0));
    let request = Request::get(&target)
        .extension(chartroom::server::Peer(([127, 0, 0, 1], 40_000).into()))
        .header("host", "localhost")
        .header("authorization", &place.authorization)
        .body(Body::empty())
        .unwrap();
    let answer = place.app.shell.clone().handle(request).await;
    assert_eq!(answer.status(), 200);
    drop(answer);
    let dropped = async || (exports("dropped") == 1).then_some(());
    let patience = std::time::Duration::from_secs(60);
    crate::support::wait::until("the end", patience, dropped)
        .await
        .unwrap();
    assert_eq!((exports("complete"), exports("failed")), (1, 0));
}
