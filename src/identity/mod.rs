//! Who is asking: passwords, sessions, tokens, and how each is taken back.
//!
//! `authenticate` turns what a request presents (`credential`) into a `principal`, for every kind
//! in one place, before the handler runs; what a route asks for (`access`) is read from its
//! documentation. `sign_in` checks passwords behind `limiter` and the gate of `password`; `session`
//! holds one row per sign-in and `end` takes it away; `token` makes and checks what carries it;
//! `api_token` is what programs sign in with, and `secret` what it is told by; `revocation` tells
//! every replica what has ended; `workload` judges the tokens of the cluster's service accounts,
//! and `oidc` what providers of single sign-on say, both by `jwks`.

pub mod account;
pub mod api;
pub mod api_token;
pub mod authenticate;
pub mod cache;
pub mod credential;
pub mod end;
pub mod handlers;
mod hash;
pub mod jwks;
pub mod keys;
pub mod limiter;
pub mod oidc;
pub mod parts;
pub mod password;
pub mod provider;
pub mod revocation;
pub mod seal;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod token;
pub mod workload;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[(
            "sign-in",
            "Signing in and out, tokens, and what other services need to check them.",
        )],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::token::create_token))
        .routes(routes!(handlers::holder::revoke_token))
        .routes(routes!(handlers::holder::introspect_token))
        .routes(routes!(handlers::cookie::create_cookie))
        .routes(routes!(handlers::cookie::end_session))
        .routes(routes!(handlers::oidc::list_providers))
        .routes(routes!(handlers::documents::get_metadata))
        .routes(routes!(handlers::documents::get_keys))
}
