//! What every process has that works on the database, whether it serves or only does jobs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::app::features;
use crate::config::Config;
use crate::config::endpoint::Endpoint;
use crate::db::pool::PoolSettings;
use crate::db::{Db, monitor};
use crate::jobs::enqueue::Enqueued;
use crate::jobs::report;
use crate::jobs::runner::{Runner, Timing};
use crate::kernel::shutdown::{Phase, Shutdown, Timings};
use crate::state::Core;
use crate::telemetry::metrics::Metrics;

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
    report::announce(&metrics, &features::kinds());
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
    Ok(Core {
        public_url: config.public_url(),
        db: Arc::new(db),
        health: Arc::default(),
        metrics,
        job_wake,
        shutdown,
        config,
    })
}

/// Looks at the database in the background, for the probes.
pub(super) fn watch_database(core: &Core, primary: Endpoint) {
    let language = core.config.posts.search_language.clone();
    let watched = monitor::watch(primary, language, core.db.mark(), core.health.clone());
    let closing = core.shutdown.wait_for(Phase::Closing);
    core.shutdown.spawn("database watch", async move {
        // What outlives `Closing` holds every stop up until its deadline.
        tokio::select! {
            () = watched => {}
            () = closing => {}
        }
        Ok(())
    });
}

/// How often a process that would do jobs asks whether it can.
const WAIT_FOR_SCHEMA: Duration = Duration::from_millis(200);

/// Does jobs in the background, from when the schema is one that this build knows: another process
/// may still be migrating.
pub(super) fn do_jobs(core: &Core) {
    let runner = Runner::new(
        core.db.clone(),
        Arc::new(features::kinds()),
        core.metrics.clone(),
        core.job_wake.clone(),
        Timing::with_lease(core.config.jobs.job_lease.0),
    );
    let (stopping, health) = (core.shutdown.clone(), core.health.clone());
    core.shutdown.spawn("jobs", async move {
        let fits = async {
            while health.check_begun().is_err() {
                tokio::time::sleep(WAIT_FOR_SCHEMA).await;
            }
        };
        tokio::select! {
            () = fits => runner.run(&stopping).await,
            () = stopping.wait_for(Phase::Draining) => {}
        }
        Ok(())
    });
}
