//! The HTTP surface: the public API behind one hand-written middleware, and the ops listener beside it.

pub mod answer;
pub mod body;
pub mod client;
pub mod conditional;
pub mod cors;
pub mod docs;
pub mod document;
pub mod encoding;
pub mod etag;
pub mod extract;
mod finish;
pub mod head;
mod held;
mod hosts;
pub mod idempotency;
pub mod json;
pub mod limits;
pub mod once;
pub mod ops;
pub mod page;
pub mod patch;
mod path;
mod refusal;
mod rendered;
pub mod request;
pub mod routes;
pub mod shape;
pub mod shell;
pub mod version;

use std::sync::Arc;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::audit;
use crate::auth;
use crate::posts;
use crate::projects;
use crate::state::AppState;
use crate::users;
use routes::Routes;
use shell::Shell;

/// The documented routes. Each feature adds one `.merge(feature::router())`.
fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::base())
        .merge(version::router())
        .merge(auth::router())
        .merge(users::router())
        .merge(audit::router())
        .merge(projects::router())
        .merge(posts::router())
}

/// The OpenAPI document, which needs nothing that runs.
pub fn openapi(public_url: &str) -> anyhow::Result<OpenApi> {
    document::finish(documented().into_openapi(), public_url)
}

/// The public service: every route behind the middleware.
pub fn public(app: AppState) -> anyhow::Result<Arc<Shell>> {
    public_with(app, OpenApiRouter::new())
}

/// The same with more routes, which is how tests reach what no feature route does yet.
pub fn public_with(app: AppState, more: OpenApiRouter<AppState>) -> anyhow::Result<Arc<Shell>> {
    let (router, document) = documented().merge(more).split_for_parts();
    // Before the document says what our names for access stand for.
    let routes = Routes::new(document.clone(), docs::UNDOCUMENTED)?;
    let document = document::finish(document, &app.public_url)?;
    let router: Router = router
        .merge(docs::router(&document)?)
        .with_state(app.clone());
    Ok(Arc::new(Shell::new(app, router, routes)?))
}
