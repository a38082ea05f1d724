//! The feed: what has happened in the projects that the caller may read, in pages, or followed live
//! as a stream of Server-Sent Events.
//!
//! Every event has a number, its `sequence`, without gaps. Whoever has read up to a number and goes
//! on from there misses nothing and reads nothing twice, over pages, streams and their ends alike.

pub mod handlers;
pub mod model;
pub mod stream;
pub mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::Feature;

pub fn feature() -> Feature {
    Feature {
        routes: OpenApiRouter::new().routes(routes!(handlers::list_events)),
        tags: &[(
            "events",
            "What happens in the projects that you can read, in pages or as it happens.",
        )],
        ending: None,
    }
}
