//! What holds for every route: problem documents, headers, limits.

use http::StatusCode;

use crate::support::app::TestApp;

#[tokio::test]
async fn the_version_is_public() {
    let app = TestApp::new().await;
    let answer = app.get("/api/v1/version").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["name"], "chartroom");
}
