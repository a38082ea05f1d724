//! What all parts of the process share, whether it serves requests or only works.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::config::Config;
use crate::db::Db;
use crate::db::monitor::DatabaseHealth;
use crate::kernel::shutdown::Shutdown;
use crate::process::Runner;
use crate::process::models::ModelRunner;
use crate::process::spool::Spool;
use crate::telemetry::metrics::Metrics;

pub struct Core {
    pub config: Config,
    /// The origin under which clients reach the API.
    pub public_url: String,
    pub db: Arc<Db>,
    pub health: Arc<DatabaseHealth>,
    pub metrics: Arc<Metrics>,
    /// Told after a commit that leaves a job to be done.
    pub job_wake: Arc<Notify>,
    /// Told after a commit that leaves an event for the feed.
    pub outbox_wake: Arc<Notify>,
    /// Reads the files that strangers send.
    pub runner: Runner,
    /// Starts the processes of models.
    pub models: Arc<ModelRunner>,
    /// Keeps such files until they have been read.
    pub spool: Spool,
    pub shutdown: Shutdown,
}

impl Core {
    /// `Err` where the process is stopping, which no database mends.
    pub fn may_work(&self) -> Result<(), String> {
        if self.shutdown.draining() {
            return Err("the process is stopping".to_owned());
        }
        Ok(())
    }
}
