//! Posts and the votes for them.
//!
//! A post stands in a project or by itself. By itself it is its author's: published, everybody
//! signed in reads it (and anybody, where the configuration says so). In a project its readers are
//! the project's; editors write there, whoever the author is. A draft is seen by its author and, in
//! a project, by the editors. Who can read a post may vote for it once.

pub mod changes;
pub mod handlers;
pub mod list;
pub mod model;
mod search;
mod sql;
pub mod votes;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[(
            "posts",
            "Posts, in a project or by themselves, and the votes for them.",
        )],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            handlers::list::list_posts,
            handlers::create::create_post
        ))
        .routes(routes!(
            handlers::one::get_post,
            handlers::one::update_post,
            handlers::one::delete_post
        ))
        .routes(routes!(
            handlers::votes::put_vote,
            handlers::votes::delete_vote
        ))
        .routes(routes!(handlers::votes::list_votes))
}
