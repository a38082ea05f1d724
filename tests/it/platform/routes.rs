//! Routes that only these tests have, one for each thing that a handler can do or suffer.

use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use chartroom::http::body::extract::{ValidJson, ValidPath, ValidQuery};
use chartroom::identity::api::AppState;
use chartroom::kernel::error::{ApiError, ApiResult};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_echo))
        .routes(routes!(get_thing, delete_thing))
        .routes(routes!(list_things))
        .routes(routes!(get_big))
        .routes(routes!(get_sleep))
        .routes(routes!(get_panic))
        .routes(routes!(get_blocking_panic))
        .routes(routes!(get_poisoned))
        .routes(routes!(get_failure))
        .routes(routes!(get_row))
        .routes(routes!(get_bare))
}

/// A body with one of everything
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Echo {
    name: String,
    kind: Kind,
    count: Option<u32>,
    small: Option<u8>,
    part: Option<Part>,
    #[serde(default)]
    #[schema(required = false)]
    parts: Vec<Part>,
    #[schema(value_type = Option<Object>)]
    free: Option<Value>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Small,
    Large,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    id: uuid::Uuid,
    tags: Option<Vec<String>>,
}

/// Answers with what it got
#[utoipa::path(
    post,
    path = "/test/echo",
    tag = "test",
    extensions(("x-policy" = json!("large"))),
    request_body = Echo,
    responses((status = OK, body = Echo), ApiError),
)]
async fn post_echo(ValidJson(echo): ValidJson<Echo>) -> Json<Echo> {
    Json(echo)
}

/// Answers with its path
#[utoipa::path(
    get,
    path = "/test/things/{number}",
    tag = "test",
    params(("number" = u32, Path, description = "Which")),
    responses((status = OK, body = u32), ApiError),
)]
async fn get_thing(ValidPath(number): ValidPath<u32>) -> Json<u32> {
    Json(number)
}

/// Does nothing
#[utoipa::path(
    delete,
    path = "/test/things/{number}",
    tag = "test",
    params(("number" = u32, Path, description = "Which")),
    responses((status = NO_CONTENT), ApiError),
)]
async fn delete_thing(ValidPath(_number): ValidPath<u32>) -> StatusCode {
    StatusCode::NO_CONTENT
}

#[derive(Deserialize, Serialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// How many
    limit: Option<u8>,
    /// What to look for
    q: Option<String>,
}

/// Answers with its query
#[utoipa::path(
    get,
    path = "/test/things",
    tag = "test",
    params(Filter),
    responses((status = OK, body = Filter), ApiError),
)]
async fn list_things(ValidQuery(filter): ValidQuery<Filter>) -> Json<Filter> {
    Json(filter)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Size {
    /// Bytes of text
    size: usize,
}

/// Answers with much
#[utoipa::path(
    get,
    path = "/test/big",
    tag = "test",
    params(Size),
    responses((status = OK, body = String), ApiError),
)]
async fn get_big(ValidQuery(Size { size }): ValidQuery<Size>) -> String {
    "0123456789abcdef".repeat(size / 16)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Time {
    /// Milliseconds
    ms: u64,
}

/// Takes its time
#[utoipa::path(
    get,
    path = "/test/sleep",
    tag = "test",
    params(Time),
    responses((status = OK, body = String), ApiError),
)]
async fn get_sleep(ValidQuery(Time { ms }): ValidQuery<Time>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "slept"
}

/// Panics
#[utoipa::path(
    get,
    path = "/test/panic",
    tag = "test",
    responses((status = OK, body = String), ApiError),
)]
async fn get_panic() -> &'static str {
    panic!("a secret at /srv/secret.rs:7")
}

/// Panics in another thread
#[utoipa::path(
    get,
    path = "/test/blocking-panic",
    tag = "test",
    responses((status = OK, body = String), ApiError),
)]
async fn get_blocking_panic() -> ApiResult<&'static str> {
    let text = tokio::task::spawn_blocking(|| -> &'static str { panic!("a secret too") });
    Ok(text.await?)
}

static LOCK: LazyLock<Mutex<u32>> = LazyLock::new(Mutex::default);

/// Panics with a lock in its hands, so that every later call finds it poisoned
#[utoipa::path(
    get,
    path = "/test/poisoned",
    tag = "test",
    responses((status = OK, body = u32), ApiError),
)]
async fn get_poisoned() -> Json<u32> {
    let mut count = LOCK.lock().unwrap();
    *count += 1;
    panic!("a secret in a lock, {count}")
}

/// Fails inside
#[utoipa::path(
    get,
    path = "/test/failure",
    tag = "test",
    responses((status = OK, body = String), ApiError),
)]
async fn get_failure(app: AppState) -> ApiResult<&'static str> {
    use diesel_async::RunQueryDsl as _;
    app.db
        .read(async |connection| {
            diesel::sql_query("SELECT secret FROM no_such_table")
                .execute(connection)
                .await
        })
        .await?;
    Ok("never")
}

/// Asks the database
#[utoipa::path(
    get,
    path = "/test/row",
    tag = "test",
    responses((status = OK, body = String), ApiError),
)]
async fn get_row(app: AppState) -> ApiResult<&'static str> {
    use diesel_async::RunQueryDsl as _;
    app.db
        .read(async |connection| diesel::sql_query("SELECT 1").execute(connection).await)
        .await?;
    Ok("a row")
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Status {
    /// Of the answer
    status: u16,
}

/// Answers with a bare status and text, as libraries do
#[utoipa::path(
    get,
    path = "/test/bare",
    tag = "test",
    params(Status),
    responses((status = OK, body = String), ApiError),
)]
async fn get_bare(ValidQuery(Status { status }): ValidQuery<Status>) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        "plain text from src/library.rs",
    )
        .into_response()
}

/// One of everything, valid.
pub(crate) fn valid() -> Value {
    json!({"name": "n", "kind": "small", "count": 1, "parts": [{"id": "018f0000-0000-7000-8000-000000000000"}]})
}
