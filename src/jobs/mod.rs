//! Jobs: what is done outside of requests, once, whichever replica does it.
//!
//! A job is a row of `jobs`, made by [`enqueue`](enqueue::enqueue) in the transaction of what it
//! follows from. A [`Runner`](runner::Runner) in each process claims rows under a lease, and what
//! it says of them afterwards counts only while nobody has claimed them since. The kinds of jobs
//! are the features'; `app` hands their table in.

pub mod admin;
pub mod claim;
pub mod context;
pub mod enqueue;
pub mod handlers;
pub mod hold;
pub mod kind;
pub mod periods;
pub mod report;
mod run;
pub mod runner;
mod slots;
pub mod wake;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[(
            "jobs",
            "Work that is done outside of requests, for administrators and for who started it.",
        )],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list_jobs))
        .routes(routes!(handlers::get_job, handlers::cancel_job))
        .routes(routes!(handlers::retry_job))
}
