//! The audit trail as administrators read it; `events` writes it.

pub mod handlers;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[(
            "audit",
            "What happened in the whole service, for administrators.",
        )],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(handlers::list_audit_events))
}
