//! Who may call a route is said by the type that its handler takes first and by the word in its
//! `security(..)`. Where the two differ, or one is missing, the service does not start.

use chartroom::app::features;
use chartroom::http::caller::{Administrator, Anyone, Person, Signed, routes};
use chartroom::identity::api::AppState;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use crate::support::app::TestApp;

#[utoipa::path(get, path = "/test/right", security(("caller" = [])), responses((status = OK)))]
async fn right(_: Signed) {}

#[utoipa::path(post, path = "/test/right", security(()), responses((status = OK)))]
async fn right_too(_: Anyone, _app: AppState) -> StatusCode {
    StatusCode::OK
}

#[utoipa::path(get, path = "/test/wide", security(("caller" = [])), responses((status = OK)))]
async fn wide(_: Administrator) {}

#[utoipa::path(put, path = "/test/open", security(()), responses((status = OK)))]
async fn open(_: Person, _app: AppState) {}

#[utoipa::path(get, path = "/test/misspelt", security(("amdin" = [])), responses((status = OK)))]
async fn misspelt(_: Administrator) {}

#[utoipa::path(get, path = "/test/silent", responses((status = OK)))]
async fn silent(_: Signed) {}

#[tokio::test]
async fn a_route_whose_word_is_not_that_of_its_type_refuses_to_start() {
    let app = TestApp::new().await;
    let start =
        |routes: OpenApiRouter<AppState>| match features::public_with(app.app.clone(), routes) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        };
    let all = OpenApiRouter::new;
    // The control: with the words of their types they start, as all routes of the service have.
    assert_eq!(start(all().routes(routes!(right, right_too))), "");
    for (routes, expected) in [
        (
            routes!(wide),
            "GET /test/wide: `security(..)` says \"caller\", and the first parameter of its handler says \"admin\"",
        ),
        (
            routes!(open),
            "PUT /test/open: `security(..)` says \"()\", and the first parameter of its handler says \"user\"",
        ),
        (
            routes!(misspelt),
            "GET /test/misspelt: `security(..)` has \"amdin\", which means nothing here",
        ),
        (
            routes!(silent),
            "GET /test/silent: it does not say who may call it: `security(..)` is missing",
        ),
        (
            utoipa_axum::routes!(right),
            "GET /test/right: nobody looked at who its handler takes: use `routes!` of `http::caller`",
        ),
    ] {
        assert_eq!(start(all().routes(routes)), expected);
    }
}
