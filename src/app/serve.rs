//! `chartroom serve`: what is started in which order, and stopped in the reverse.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use crate::app::embedded::Private;
use crate::app::ops::{Listeners, router, starting};
use crate::app::{core, features, tasks};
use crate::config::endpoint::Endpoint;
use crate::config::{Broken, Config, JobsMode};
use crate::db::migrate::{self, MIGRATIONS};
use crate::db::retention;
use crate::events::ring::Ring;
use crate::events::trail::Trail;
use crate::feed;
use crate::http::answer::idempotency::MayRead;
use crate::identity::api::{Api, AppState};
use crate::identity::keys;
use crate::identity::parts::Identity;
use crate::kernel::shutdown::{Phase, Shutdown};
use crate::server::{self, ConnectionLimits, Counters};
use crate::telemetry;

/// Another process on the same data directory cannot be migrating; this only covers a leftover
/// session of a killed one.
const OWN_MIGRATION_PATIENCE: Duration = Duration::from_secs(60);

/// The database endpoints, and the private server behind them where there is one.
pub struct Database {
    pub primary: Endpoint,
    pub replica: Option<Endpoint>,
    private: Option<Private>,
}

impl Database {
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = config.database.endpoint();
        if let Some(primary) = Endpoint::from_settings(&settings) {
            let replica = Endpoint::from_settings(&config.database_read.endpoint().or(&settings));
            return Ok(Self {
                primary,
                replica,
                private: None,
            });
        }
        let server = Private::start(config).await?;
        Ok(Self {
            primary: server.endpoint(),
            replica: None,
            private: Some(server),
        })
    }

    pub async fn close(self, at_once: bool) {
        if let Some(server) = self.private {
            server.stop(at_once).await;
        }
    }
}

/// Serves until a signal ends it.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = telemetry::install(&config.telemetry)?;
    let outcome = Box::pin(serve_inner(config)).await;
    if let Err(error) = &outcome {
        tracing::debug!(error = format!("{error:#}"), "the service ends");
    }
    telemetry.finish();
    outcome
}

async fn serve_inner(config: Config) -> anyhow::Result<()> {
    let shutdown = core::shutdown(&config)?;
    // Both before the database: an address that is taken is found out at once.
    let public = bind("CHARTROOM_LISTEN", config.http.listen)?;
    let ops = bind("CHARTROOM_OPS_LISTEN", config.ops.ops_listen)?;
    let ops = Ops::serve(ops, &config, &shutdown);
    if !config.is_embedded() {
        // Refused before anything is waited for.
        keys::directory(&config)?;
    }
    let database = tokio::select! {
        database = Database::open(&config) => database?,
        () = shutdown.wait_for(Phase::Draining) => return Ok(()),
    };
    let served = Box::pin(serve_on(config, &database, public, ops, &shutdown)).await;
    database.close(shutdown.phase() == Phase::Forced).await;
    served?;
    Ok(shutdown.outcome()?)
}

/// Nobody else does it for the private PostgreSQL.
async fn migrate_own(config: &Config, database: &Database) -> anyhow::Result<()> {
    let (primary, days) = (&database.primary, config.jobs.audit_keep_days);
    migrate::up(primary, || MIGRATIONS, OWN_MIGRATION_PATIENCE).await?;
    retention::keep_audit_events(primary, days, OWN_MIGRATION_PATIENCE).await?;
    Ok(())
}

async fn serve_on(
    config: Config,
    database: &Database,
    public: TcpListener,
    ops: Ops,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    if database.private.is_some() {
        tokio::select! {
            migrated = migrate_own(&config, database) => { migrated?; }
            () = shutdown.wait_for(Phase::Draining) => return Ok(()),
        }
    }
    let app = app(
        config,
        database.primary.clone(),
        database.replica.clone(),
        shutdown.clone(),
    )?;
    tasks::watch_database(&app.core, database.primary.clone());
    tasks::watch_certificate(&app.core);
    app.core.spool.check().await;
    tasks::sequence_events(&app.core);
    match app.config.jobs.jobs {
        JobsMode::Inside => tasks::do_jobs(&app.core),
        JobsMode::Off => tasks::announce_jobs(&app.core),
    }
    let shell = features::public(app.clone())?;
    let service = tower::service_fn(move |request| {
        let shell = shell.clone();
        // Boxed, so that an idle connection does not hold the room of a request.
        async move { Ok(Box::pin(shell.handle(request)).await) }
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        "serving http://{} (documentation at /docs), ops on http://{}",
        public.local_addr()?,
        ops.address
    );
    let connections = Arc::<Counters>::default();
    let listeners = Listeners {
        public: connections.clone(),
        ops: ops.counters.clone(),
    };
    let _ = ops.router.set(router(app.clone(), listeners));
    let public = server::serve(
        public,
        service,
        connection_limits(&app.config),
        shutdown.clone(),
        connections,
    );
    // Beside the listeners: a database that keeps silent must not keep the probes waiting.
    let warm = async {
        tokio::select! {
            () = app.db.warm() => {}
            () = shutdown.wait_for(Phase::Draining) => {}
        }
    };
    let (_, (), ()) = tokio::join!(ops.task, public, warm);
    app.db.close();
    Ok(())
}

/// Answers from the first moment on: making a first database, or fetching its programs, takes
/// longer than a probe waits.
pub(super) struct Ops {
    pub address: SocketAddr,
    /// Empty until there is an application to ask.
    pub router: Arc<OnceLock<Router>>,
    pub counters: Arc<Counters>,
    pub task: AbortOnDropHandle<()>,
}

impl Ops {
    pub(super) fn serve(listener: TcpListener, config: &Config, shutdown: &Shutdown) -> Self {
        let starting = starting(config);
        let address = listener.local_addr().unwrap_or(config.ops.ops_listen);
        let router = Arc::new(OnceLock::new());
        let current = router.clone();
        let service = tower::service_fn(move |request| {
            current.get().unwrap_or(&starting).clone().oneshot(request)
        });
        let limits = ConnectionLimits {
            closes_last: true,
            ..connection_limits(config)
        };
        let counters: Arc<Counters> = Arc::default();
        let served = server::serve(
            listener,
            service,
            limits,
            shutdown.clone(),
            counters.clone(),
        );
        Self {
            address,
            router,
            counters,
            task: AbortOnDropHandle::new(tokio::spawn(served)),
        }
    }
}

/// The application on given endpoints; also what tests build.
pub fn app(
    config: Config,
    primary: Endpoint,
    replica: Option<Endpoint>,
    shutdown: Shutdown,
) -> anyhow::Result<AppState> {
    let core = core::core(config, primary.clone(), replica, shutdown)?;
    let app = AppState(Arc::new(Api {
        identity: Identity::new(&core.config, &core.db, &core.metrics)?,
        trail: Arc::new(Trail::new(core.metrics.clone())),
        ring: Arc::new(Ring::new(feed::model::FOLLOWED, core.public_url.clone())),
        endings: features::endings(),
        may_read: MayRead(features::may_read),
        shared: features::shared(&core),
        core: Arc::new(core),
    }));
    tasks::support(&app, primary);
    Ok(app)
}

pub(super) fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    match server::listen(address, false) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => anyhow::bail!(
            "{key}: another process listens on {address}; stop it or choose another address"
        ),
        Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {
            Err(Broken::new(key, "expected an address of this machine").into())
        }
        Err(error) => Err(error).with_context(|| format!("{key}: cannot listen on {address}")),
    }
}

pub fn connection_limits(config: &Config) -> ConnectionLimits {
    let limits = &config.limits;
    ConnectionLimits {
        header_timeout: limits.header_timeout.0,
        keep_alive_timeout: limits.keep_alive_timeout.0,
        body_idle_timeout: limits.body_idle_timeout.0,
        body_min_bytes_per_second: u32::try_from(limits.body_min_rate.0).unwrap_or(u32::MAX),
        write_stall_timeout: limits.write_stall_timeout.0,
        write_min_bytes_per_second: u32::try_from(limits.write_min_rate.0).unwrap_or(u32::MAX),
        max_connections: limits.max_connections,
        http2: config.http.http2,
        ..ConnectionLimits::default()
    }
}
