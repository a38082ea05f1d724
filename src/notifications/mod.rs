//! Notifications: what a person is told, and by which way they want to be told. They are made of
//! events, in the transaction that numbers those: each event once for each person.

pub mod handlers;
pub mod mail;
pub mod model;
pub mod sink;
pub mod unsubscribe;
mod words;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::Feature;

pub fn feature() -> Feature {
    Feature {
        routes: OpenApiRouter::new()
            .routes(routes!(handlers::list_notifications))
            .routes(routes!(handlers::update_notification))
            .routes(routes!(handlers::list_preferences))
            .routes(routes!(handlers::put_preference))
            .routes(routes!(unsubscribe::stop_mails)),
        tags: &[(
            "notifications",
            "What you are told, and what you want to be told.",
        )],
        ending: None,
    }
}
