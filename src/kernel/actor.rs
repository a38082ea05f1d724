//! Who does something, and from where: what every event says.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::kernel::origin::Origin;
use crate::kernel::principal::Principal;
use crate::kernel::types::PrincipalId;

/// Who acts. Nobody signed in has no id, and neither has the command line.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    pub id: Option<PrincipalId>,
    pub origin: Origin,
}

impl Actor {
    /// The same request, acting for an account that it has just proven or made.
    #[must_use]
    pub fn acting_as(mut self, id: PrincipalId) -> Self {
        self.id = Some(id);
        self
    }
}

/// The middleware has found both before the handler runs.
impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            id: parts.extensions.get().map(|who: &Principal| who.id),
            origin: parts.extensions.get().cloned().unwrap_or_default(),
        })
    }
}
