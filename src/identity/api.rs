//! What the handlers of the API share: the core, who is asking, and the trail of what was refused.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, State};
use http::Extensions;
use utoipa_axum::router::OpenApiRouter;

use super::account::deletion::EndOfAccount;
use super::parts::Identity;
use crate::events::ring::Ring;
use crate::events::trail::Trail;
use crate::http::answer::idempotency::MayRead;
use crate::http::answer::page::Cursors;
use crate::state::Core;

/// What a feature hands in, once, in `app/features.rs`.
pub struct Feature {
    pub routes: OpenApiRouter<AppState>,
    /// The groups of operations that it adds to the API's document, with what each is.
    pub tags: &'static [(&'static str, &'static str)],
    /// What it does when an account ends.
    pub ending: Option<EndOfAccount>,
}

pub struct Api {
    pub core: Arc<Core>,
    pub identity: Identity,
    pub trail: Arc<Trail>,
    /// The events that have just happened.
    pub ring: Arc<Ring>,
    /// What features do when an account ends.
    pub endings: Vec<EndOfAccount>,
    pub may_read: MayRead,
    /// What the handlers of a feature share, by its type.
    pub shared: Extensions,
}

/// Cheap to clone; handlers take it as a parameter.
#[derive(Clone, FromRequestParts)]
#[from_request(via(State))]
pub struct AppState(pub Arc<Api>);

impl Deref for AppState {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0
    }
}

impl Deref for Api {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl FromRef<AppState> for MayRead {
    fn from_ref(app: &AppState) -> Self {
        app.may_read
    }
}

impl FromRef<AppState> for Cursors {
    fn from_ref(app: &AppState) -> Self {
        Self {
            core: app.core.clone(),
            keys: app.identity.keys.clone(),
        }
    }
}

impl Api {
    /// Whether load balancers should send requests here; `Err` says why not.
    pub fn readiness(&self) -> Result<(), String> {
        self.may_serve()?;
        self.health.check()
    }

    /// The same for a balancer that should go on sending while the database is away: callers get a
    /// clean 503 from here instead of a refused connection.
    pub fn start_readiness(&self) -> Result<(), String> {
        self.may_serve()?;
        self.health.check_begun()
    }

    /// What no database mends.
    fn may_serve(&self) -> Result<(), String> {
        self.may_work()?;
        let workloads = self.identity.workloads.as_ref();
        workloads.map_or(Ok(()), |workloads| workloads.readiness())
    }
}
