//! What every process has that works on the database, whether it serves or only does jobs.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::app::embedded::library;
use crate::app::features;
use crate::config::Config;
use crate::config::endpoint::Endpoint;
use crate::db::Db;
use crate::db::pool::PoolSettings;
use crate::events::Outgoing;
use crate::jobs::enqueue::Enqueued;
use crate::jobs::report;
use crate::kernel::shutdown::{Shutdown, Timings};
use crate::process::Runner;
use crate::process::models::ModelRunner;
use crate::process::spool::Spool;
use crate::state::Core;
use crate::telemetry::metrics::Metrics;
use crate::{datasets, models};

/// How the process stops, from its first signal on.
pub(super) fn shutdown(config: &Config) -> std::io::Result<Shutdown> {
    let shutdown = Shutdown::new(Timings {
        drain_delay: config.lifecycle.drain_delay.0,
        hard_deadline: config.lifecycle.stop_deadline.0,
    });
    shutdown.install_signals()?;
    Ok(shutdown)
}

pub(super) fn core(
    config: Config,
    primary: Endpoint,
    replica: Option<Endpoint>,
    shutdown: Shutdown,
) -> anyhow::Result<Core> {
    let metrics = Arc::new(Metrics::new()?);
    let revision = option_env!("CHARTROOM_REVISION").unwrap_or("unknown");
    metrics
        .chartroom_build_info
        .with_label_values(&[env!("CARGO_PKG_VERSION"), revision])
        .set(1);
    report::announce(&metrics, &features::kinds(&config, &metrics));
    datasets::report::announce(&metrics);
    models::serving::report::announce(&metrics);
    let pool = &config.pool;
    let settings = PoolSettings {
        connections: pool.database_connections,
        queue: pool.database_queue,
        wait: pool.database_wait.0,
        connect_timeout: pool.database_connect_timeout.0,
        max_age: pool.database_max_age.0,
    };
    let deadline = pool.database_deadline.0;
    let db = Db::new(primary, replica, settings, deadline, metrics.clone())?;
    let job_wake = Arc::<Notify>::default();
    let wake = job_wake.clone();
    db.listeners().on_commit(move |Enqueued| wake.notify_one());
    let outbox_wake = Arc::<Notify>::default();
    let wake = outbox_wake.clone();
    db.listeners().on_commit(move |Outgoing| wake.notify_one());
    let memory = config.runner.runner_memory.map(|size| size.0);
    let runner = Runner::new(memory, metrics.clone());
    let directory = config.runner.spool_dir.clone();
    let most = u64::try_from(config.runner.spool_size.0).unwrap_or(u64::MAX);
    let spool = Spool::new(directory.unwrap_or_else(std::env::temp_dir), most, &metrics);
    Ok(Core {
        public_url: config.public_url(),
        db: Arc::new(db),
        health: Arc::default(),
        metrics,
        job_wake,
        outbox_wake,
        runner,
        models: ModelRunner::of(&config.models, library(&config)).into(),
        spool,
        shutdown,
        config,
    })
}
