//! What is asked about posts and votes, a file for each matter; here is what they share.

pub mod create;
pub mod list;
pub mod one;
pub mod votes;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::http::caller::Caller;
use crate::http::openapi::access::Access;
use crate::identity::api::AppState;
use crate::identity::authenticate;
use crate::kernel::error::ApiError;
use crate::kernel::principal::Principal;
use crate::kernel::types::PrincipalId;

/// Who reads, where the configuration may let anybody: `None` is anybody.
pub struct Reader(Option<PrincipalId>);

impl Caller for Reader {
    const ACCESS: Access = Access::Optional;
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        match parts.extensions.get::<Principal>() {
            Some(who) => Ok(Self(Some(who.id))),
            None if app.config.posts.posts_anonymous_read => Ok(Self(None)),
            None => Err(authenticate::nobody(&parts.headers)),
        }
    }
}
