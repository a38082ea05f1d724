//! Routes that stream, which only these tests have.

use std::time::Duration;

use axum::Json;
use bytes::Bytes;
use chartroom::http::answer::download::Download;
use chartroom::http::body::extract::ValidQuery;
use chartroom::http::body::upload::Upload;
use chartroom::identity::api::AppState;
use chartroom::kernel::error::{ApiError, ApiResult};
use futures_util::{StreamExt as _, stream};
use http::HeaderValue;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_count))
        .routes(routes!(post_stuck))
        .routes(routes!(get_rows))
        .routes(routes!(get_broken))
}

/// Counts the bytes that it is sent
#[utoipa::path(
    post,
    path = "/test/count",
    tag = "test",
    extensions(("x-policy" = json!("upload"))),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = OK, body = u64), ApiError),
)]
async fn post_count(mut upload: Upload) -> ApiResult<Json<usize>> {
    let mut count = 0;
    while let Some(part) = upload.next().await? {
        count += part.len();
    }
    Ok(Json(count))
}

/// Reads all that it is sent, and hangs
#[utoipa::path(
    post,
    path = "/test/stuck",
    tag = "test",
    extensions(("x-policy" = json!("upload"))),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = OK, body = u64), ApiError),
)]
async fn post_stuck(mut upload: Upload) -> ApiResult<Json<usize>> {
    while upload.next().await?.is_some() {}
    std::future::pending().await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Rows {
    /// How many rows of 1,024 bytes
    rows: u32,
}

/// Rows of the database, made while they are read
#[utoipa::path(
    get,
    path = "/test/rows",
    tag = "test",
    params(Rows),
    extensions(("x-policy" = json!("download"))),
    responses((status = OK, body = String, content_type = "text/plain"), ApiError),
)]
async fn get_rows(
    app: AppState,
    ValidQuery(Rows { rows }): ValidQuery<Rows>,
) -> ApiResult<Download> {
    let statement = format!(
        "COPY (SELECT lpad(n::text, 1023, '.') FROM generate_series(1, {rows}) AS n) TO STDOUT"
    );
    let rows = app.db.snapshot().await?.copy_out(&statement).await;
    let rows = rows.map_err(ApiError::internal)?;
    Ok(Download::new(HeaderValue::from_static("text/plain"), rows))
}

/// Breaks off in the middle
#[utoipa::path(
    get,
    path = "/test/broken",
    tag = "test",
    extensions(("x-policy" = json!("download"))),
    responses((status = OK, body = String, content_type = "text/plain"), ApiError),
)]
async fn get_broken() -> Download {
    let parts = stream::iter(0..4).then(async |number| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match number {
            3 => Err(std::io::Error::other("a secret at /srv/secret.rs:7")),
            _ => Ok(Bytes::from_static(b"half of an answer, ")),
        }
    });
    Download::new(HeaderValue::from_static("text/plain"), parts)
}
