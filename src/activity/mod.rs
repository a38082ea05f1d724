//! A person's own trail: what their account did, from where, with which request. It is how somebody
//! notices that another uses their account.

pub mod handlers;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::Feature;

pub fn feature() -> Feature {
    Feature {
        routes: OpenApiRouter::new().routes(routes!(handlers::list_activity)),
        tags: &[],
        ending: None,
    }
}
