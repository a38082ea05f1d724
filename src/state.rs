//! What handlers share, and the only place that wires the components together.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::State;

use crate::audit::trail::Trail;
use crate::auth::identity::Identity;
use crate::config::Config;
use crate::db::Db;
use crate::db::monitor::DatabaseHealth;
use crate::metrics::Metrics;
use crate::server::Counters;
use crate::shutdown::Shutdown;

pub struct App {
    pub config: Config,
    pub public_url: String,
    pub identity: Identity,
    pub db: Arc<Db>,
    pub trail: Arc<Trail>,
    pub health: Arc<DatabaseHealth>,
    pub metrics: Arc<Metrics>,
    pub shutdown: Shutdown,
    pub public_connections: Arc<Counters>,
    pub ops_connections: Arc<Counters>,
}

/// Cheap to clone; handlers take it as a parameter.
#[derive(Clone, FromRequestParts)]
#[from_request(via(State))]
pub struct AppState(pub Arc<App>);

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl App {
    /// Whether load balancers should send requests here; `Err` says why not.
    pub fn readiness(&self) -> Result<(), String> {
        self.may_serve()?;
        self.health.check()
    }

    /// The same for a balancer that should go on sending while the database is away: callers get a clean 503 from here instead
    /// of a refused connection.
    pub fn start_readiness(&self) -> Result<(), String> {
        self.may_serve()?;
        self.health.check_begun()
    }

    /// What no database mends.
    fn may_serve(&self) -> Result<(), String> {
        if self.shutdown.draining() {
            return Err("the process is stopping".to_owned());
        }
        let workloads = self.identity.workloads.as_ref();
        workloads.map_or(Ok(()), |workloads| workloads.readiness())
    }
}
