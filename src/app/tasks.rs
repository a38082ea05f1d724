//! Everything that a process does beside its requests, in one table: nothing is spawned anywhere
//! else. Each task is one that the process cannot do without: it stops with an error if one ends
//! early.

use std::sync::Arc;
use std::time::Duration;

use crate::app::features;
use crate::config::certificate::validity;
use crate::config::endpoint::Endpoint;
use crate::config::models::ModelsRunner;
use crate::db::listen::{self, Follower};
use crate::db::monitor;
use crate::events::sequencer;
use crate::identity::api::AppState;
use crate::jobs::runner::{Runner, Timing};
use crate::jobs::wake::{self, Woken};
use crate::kernel::shutdown::{Phase, Shutdown};
use crate::models::serving::Serving;
use crate::state::Core;

/// Goes on until the process closes, and is dropped there: what outlives `Closing` holds every stop
/// up until its deadline.
fn until_closing<T>(
    shutdown: &Shutdown,
    name: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) {
    let closing = shutdown.wait_for(Phase::Closing);
    shutdown.spawn(name, async move {
        tokio::select! {
            _ = task => {}
            () = closing => {}
        }
        Ok(())
    });
}

/// What the handlers of the API rely on.
pub(super) fn support(app: &AppState, primary: Endpoint) {
    let shutdown = &app.shutdown;
    let keys = app.identity.keys.clone();
    until_closing(shutdown, "signing keys", async move { keys.watch().await });
    let followers: Vec<Arc<dyn Follower>> = vec![app.identity.feed.clone(), app.ring.clone()];
    until_closing(shutdown, "listening", listen::follow(primary, followers));
    if let Some(workloads) = app.identity.workloads.clone() {
        let watch = async move { workloads.watch().await };
        until_closing(shutdown, "service accounts", watch);
    }
    // It hears of `Closing` itself: what it has been told by then is written.
    let (trail, db) = (app.trail.clone(), app.db.clone());
    let closing = shutdown.wait_for(Phase::Closing);
    shutdown.spawn("audit trail", async move {
        trail.write(&db, closing).await;
        Ok(())
    });
    if let Some(serving) = app.shared.get::<Arc<Serving>>().cloned() {
        let db = app.db.clone();
        let closing = shutdown.wait_for(Phase::Closing);
        shutdown.spawn("log of predictions", async move {
            serving.notes.write(&db, closing).await;
            Ok(())
        });
    }
}

/// Looks at the certificate by which runners of models know this process, for whoever has to renew
/// it.
pub(super) fn watch_certificate(core: &Core) {
    if !matches!(core.config.models.models_runner, ModelsRunner::Network(_)) {
        return;
    }
    let (models, metrics) = (core.models.clone(), core.metrics.clone());
    until_closing(&core.shutdown, "certificate", async move {
        loop {
            let known = models.certificate();
            let end = known
                .as_deref()
                .and_then(validity)
                .map_or(0, |(_, end)| end);
            let end = i64::try_from(end).unwrap_or(i64::MAX);
            metrics.models_certificate_expiry_timestamp_seconds.set(end);
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
}

/// Looks at the database, for the probes.
pub(super) fn watch_database(core: &Core, primary: Endpoint) {
    let language = core.config.posts.search_language.clone();
    let watched = monitor::watch(primary, language, core.db.mark(), core.health.clone());
    until_closing(&core.shutdown, "database watch", watched);
}

/// Numbers events, in every process: who has an event to tell is the first to know.
pub fn sequence_events(core: &Core) {
    let (db, wake) = (core.db.clone(), core.outbox_wake.clone());
    let sequencer = sequencer::run(
        db,
        features::sinks(&core.config),
        wake,
        core.metrics.clone(),
    );
    until_closing(&core.shutdown, "event sequencer", sequencer);
}

/// For a process that leaves jobs to others.
pub(super) fn announce_jobs(core: &Core) {
    let announced = wake::announce(core.db.clone(), core.job_wake.clone());
    until_closing(&core.shutdown, "job announcements", announced);
}

/// For a process that does what others enqueue.
pub(super) fn hear_of_jobs(core: &Core, primary: Endpoint) {
    let woken: Vec<Arc<dyn Follower>> = vec![Arc::new(Woken(core.job_wake.clone()))];
    until_closing(&core.shutdown, "listening", listen::follow(primary, woken));
}

/// How often a process that would do jobs asks whether it can.
const WAIT_FOR_SCHEMA: Duration = Duration::from_millis(200);

/// Does jobs, from when the schema is one that this build knows: another process may still be
/// migrating. What has not ended by `Closing` is given back.
pub(super) fn do_jobs(core: &Core) {
    let runner = Runner::new(
        core.db.clone(),
        Arc::new(features::kinds(&core.config, &core.metrics)),
        core.metrics.clone(),
        core.job_wake.clone(),
        Timing::new(core.config.jobs.job_lease.0, core.config.jobs.jobs_at_once),
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
