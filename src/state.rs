//! What all parts of the process share, whether it serves requests or only works.

use std::sync::Arc;

use crate::config::Config;
use crate::db::Db;
use crate::db::monitor::DatabaseHealth;
use crate::kernel::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

pub struct Core {
    pub config: Config,
    /// The origin under which clients reach the API.
    pub public_url: String,
    pub db: Arc<Db>,
    pub health: Arc<DatabaseHealth>,
    pub metrics: Arc<Metrics>,
    pub shutdown: Shutdown,
}
