//! `chartroom worker`: does jobs and serves nothing but its probes and metrics.

use std::sync::Arc;

use crate::app::ops::{Listeners, router};
use crate::app::serve::{Ops, bind};
use crate::app::{core, tasks};
use crate::config::endpoint::Endpoint;
use crate::config::{Broken, Config};
use crate::telemetry;

/// Works until a signal ends it.
pub(super) async fn worker(config: Config) -> anyhow::Result<()> {
    let settings = config.database.endpoint();
    let Some(primary) = Endpoint::from_settings(&settings) else {
        return Err(Broken::new(
            "CHARTROOM_DATABASE_URL",
            "a worker needs a configured database, the one that `chartroom serve` has",
        )
        .into());
    };
    let telemetry = telemetry::install(&config.telemetry)?;
    let outcome = Box::pin(work(config, primary)).await;
    telemetry.finish();
    outcome
}

async fn work(config: Config, primary: Endpoint) -> anyhow::Result<()> {
    let shutdown = core::shutdown(&config)?;
    let ops = bind("CHARTROOM_OPS_LISTEN", config.ops.ops_listen)?;
    let ops = Ops::serve(ops, &config, &shutdown);
    // What a job reads has to be true: no read-only endpoint.
    let core = Arc::new(core::core(config, primary.clone(), None, shutdown.clone())?);
    tasks::watch_database(&core, primary.clone());
    tasks::watch_certificate(&core);
    tasks::hear_of_jobs(&core, primary);
    tasks::sequence_events(&core);
    tasks::do_jobs(&core);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        "doing jobs, ops on http://{}",
        ops.address
    );
    let listeners = Listeners {
        ops: ops.counters.clone(),
        ..Listeners::default()
    };
    let _ = ops.router.set(router(core.clone(), listeners));
    let _ = ops.task.await;
    core.db.close();
    Ok(shutdown.outcome()?)
}
