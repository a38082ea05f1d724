//! Users: people with an email and a password. Anybody signed in sees their public fields; the rest
//! is theirs.

pub mod former;
pub mod handlers;
pub mod letters;
pub mod profile;
pub mod registration;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[
            (
                "me",
                "Your own account, with its password, sessions and API tokens.",
            ),
            (
                "users",
                "The accounts of others. Administrators see more of them and can change them.",
            ),
        ],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            handlers::register::create_user,
            handlers::people::list_users
        ))
        .routes(routes!(handlers::register::confirm_registration))
        .routes(routes!(
            handlers::people::get_user,
            handlers::admin::update_user,
            handlers::admin::delete_user
        ))
        .routes(routes!(handlers::admin::delete_user_sessions))
        .routes(routes!(handlers::identities::list_user_identities))
        .routes(routes!(handlers::identities::delete_user_identity))
        .routes(routes!(handlers::identities::list_identities))
        .routes(routes!(handlers::identities::delete_identity))
        .routes(routes!(
            handlers::me::get_me,
            handlers::me::update_me,
            handlers::me::delete_me
        ))
        .routes(routes!(handlers::password::change_password))
        .routes(routes!(handlers::links::request_password_reset))
        .routes(routes!(handlers::links::reset_password))
        .routes(routes!(handlers::links::confirm_email))
        .routes(routes!(handlers::links::request_email_confirmation))
        .routes(routes!(
            handlers::sessions::list_sessions,
            handlers::sessions::delete_sessions
        ))
        .routes(routes!(handlers::sessions::delete_session))
        .routes(routes!(
            handlers::tokens::list_api_tokens,
            handlers::tokens::create_api_token
        ))
        .routes(routes!(
            handlers::tokens::get_api_token,
            handlers::tokens::delete_api_token
        ))
}
