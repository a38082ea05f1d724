//! Users: people with an email and a password. Anybody signed in sees their public fields; the rest is theirs.

pub mod handlers;
pub mod model;
pub mod names;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::create_user))
        .routes(routes!(handlers::get_user))
        .routes(routes!(handlers::get_me, handlers::update_me))
        .routes(routes!(handlers::change_password))
        .routes(routes!(handlers::list_sessions, handlers::delete_sessions))
        .routes(routes!(handlers::delete_session))
}
