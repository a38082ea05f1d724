//! `Db` in real handlers: closures that borrow, transactions, and each failure as the client sees
//! it.

use axum::Json;
use axum::extract::Path;
use chartroom::db::DbError;
use chartroom::identity::api::AppState;
use chartroom::kernel::error::ApiResult;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::support::app::TestApp;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Borrows what the handler extracted.
#[utoipa::path(
    get,
    path = "/notes/{body}",
    params(("body" = String, Path)),
    responses((status = OK)),
)]
async fn count(app: AppState, Path(body): Path<String>) -> ApiResult<Json<i64>> {
    let found = app
        .db
        .read(async |conn| {
            let query = sql_query("SELECT count(*) AS n FROM notes WHERE body = $1");
            query.bind::<Text, _>(&body).get_result::<Count>(conn).await
        })
        .await?;
    Ok(Json(found.n))
}

/// A transaction with a savepoint in it, which moves one value in and borrows another.
#[utoipa::path(
    post,
    path = "/notes/{body}",
    params(("body" = String, Path)),
    responses((status = OK)),
)]
async fn add(app: AppState, Path(body): Path<String>) -> ApiResult<Json<i64>> {
    let again = format!("{body} again");
    let body = &body;
    let found = app
        .db
        .write(async move |conn| {
            conn.transaction(async |conn| {
                insert(conn, body).await?;
                let undone: Result<(), DieselError> = conn
                    .transaction(async |conn| {
                        insert(conn, &again).await?;
                        Err(DieselError::RollbackTransaction)
                    })
                    .await;
                assert_eq!(undone, Err(DieselError::RollbackTransaction));
                let query = sql_query("SELECT count(*) AS n FROM notes WHERE body = $1");
                query.bind::<Text, _>(body).get_result::<Count>(conn).await
            })
            .await
        })
        .await?;
    Ok(Json(found.n))
}

async fn insert(conn: &mut diesel_async::AsyncPgConnection, body: &str) -> Result<(), DieselError> {
    let query = sql_query("INSERT INTO notes VALUES ($1)").bind::<Text, _>(body);
    query.execute(conn).await.map(drop)
}

#[utoipa::path(get, path = "/fails/{how}", params(("how" = String, Path)), responses((status = OK)))]
async fn fails(Path(how): Path<String>) -> ApiResult<()> {
    Err(match how.as_str() {
        "no-connection" => DbError::NoConnection("CAUSE of 10.1.2.3".to_owned()),
        "busy" => DbError::Busy,
        "interrupted" => DbError::Interrupted,
        "read-only" => DbError::ReadOnly,
        _ => DbError::Query(DieselError::QueryBuilderError("CAUSE in posts".into())),
    })?
}

async fn app() -> TestApp {
    let routes = OpenApiRouter::new()
        .routes(routes!(count, add))
        .routes(routes!(fails));
    let app = TestApp::with(&[], routes).await;
    let session = app.database.session().await;
    session
        .batch_execute("CREATE TABLE notes (body text PRIMARY KEY)")
        .await
        .unwrap();
    app
}

#[tokio::test]
async fn handlers_read_and_write_with_what_they_extracted() {
    let app = app().await;
    assert_eq!(app.get("/notes/a").await.json(), 0);
    assert_eq!(app.post_json("/notes/a", "").await.json(), 1);
    assert_eq!(app.get("/notes/a").await.json(), 1);
    // The same row again: no caller said what a conflict means here, so it is a defect, and the
    // connection lives on.
    let answer = app.post_json("/notes/a", "").await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal")
    );
    assert!(!answer.text().contains("notes"), "{}", answer.text());
    assert_eq!(app.get("/notes/a").await.json(), 1);
}

#[tokio::test]
async fn each_failure_has_its_document_and_tells_nothing_of_its_cause() {
    let app = app().await;
    for (how, code) in [
        ("no-connection", "database-unavailable"),
        ("busy", "overloaded"),
        ("interrupted", "outcome-unknown"),
        ("read-only", "read-only"),
    ] {
        let mut waits = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let answer = app.get(&format!("/fails/{how}")).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.problem(), code);
            assert!(!answer.text().contains("CAUSE"), "{}", answer.text());
            waits.insert(answer.header("retry-after").parse::<u64>().unwrap());
        }
        assert!(
            waits.iter().all(|wait| (1..=5).contains(wait)) && waits.len() > 1,
            "{waits:?}"
        );
    }
    let answer = app.get("/fails/query").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.problem(), "internal");
    assert_eq!(answer.header("retry-after"), "");
    assert!(!answer.text().contains("CAUSE"), "{}", answer.text());
}
