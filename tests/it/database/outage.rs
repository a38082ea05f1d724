//! A server of its own that freezes, stops and comes back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chartroom::app::embedded;
use chartroom::db::migrate::{self, MIGRATIONS};
use chartroom::db::monitor::{self, DatabaseHealth};
use chartroom::db::{Db, DbError};
use chartroom::telemetry::metrics::Metrics;
use chartroom_embedded::{Embedded, Options, Stop};
use diesel_async::SimpleAsyncConnection as _;
use tokio_util::task::AbortOnDropHandle;

use super::{DEADLINE, SLACK, pid, settings, through, write};
use crate::support::chaos_proxy::{ChaosProxy, Target};
use crate::support::database::SERVER;
use crate::support::freeze::Frozen;
use crate::support::process::TempDir;
use crate::support::wait::until;

struct Outage {
    db: Db,
    health: Arc<DatabaseHealth>,
    proxy: ChaosProxy,
    server: Embedded,
    folder: TempDir,
    _watch: AbortOnDropHandle<()>,
}

fn options(folder: &TempDir, bin_dir: PathBuf) -> Options {
    Options {
        durable: false,
        bin_dir: Some(bin_dir),
        ..Options::new(folder.0.join("data"))
    }
}

fn socket_of(server: &Embedded) -> Target {
    let address = server.address();
    Target::Unix(
        address
            .socket_dir
            .join(format!(".s.PGSQL.{}", address.port)),
    )
}

impl Outage {
    async fn new() -> Self {
        let bin_dir = tokio::task::spawn_blocking(|| SERVER.bin_dir.clone())
            .await
            .unwrap();
        let folder = TempDir::new("outage").unwrap();
        let server = Embedded::start(options(&folder, bin_dir)).await.unwrap();
        let endpoint = embedded::endpoint(&server);
        migrate::up(&endpoint, || MIGRATIONS, DEADLINE * 10)
            .await
            .unwrap();
        let proxy = ChaosProxy::start(socket_of(&server)).await;
        let endpoint = through(&proxy, &endpoint);
        let health = Arc::<DatabaseHealth>::default();
        let watch = tokio::spawn(monitor::watch(
            endpoint.clone(),
            "english".to_owned(),
            None,
            health.clone(),
        ));
        let metrics = Arc::new(Metrics::new().unwrap());
        let db = Db::new(endpoint, None, settings(), DEADLINE, metrics).unwrap();
        let ledger = "CREATE TABLE ledger (entry text NOT NULL)";
        db.write(async |conn| conn.batch_execute(ledger).await)
            .await
            .unwrap();
        Self {
            db,
            health,
            proxy,
            server,
            folder,
            _watch: AbortOnDropHandle::new(watch),
        }
    }

    async fn ready(&self, wanted: bool, within: u64) {
        until("readiness", Duration::from_secs(within), async || {
            (self.health.check().is_ok() == wanted).then_some(())
        })
        .await
        .unwrap();
    }

    async fn restart(&mut self, how: Stop) {
        let bin_dir = self.server.bin_dir().to_owned();
        self.server.stop(how).await;
        let answer = write(&self.db, "stopped").await;
        assert!(
            matches!(answer, Err(DbError::NoConnection(_) | DbError::Interrupted)),
            "{answer:?}"
        );
        self.server = Embedded::start(options(&self.folder, bin_dir))
            .await
            .unwrap();
        self.proxy.retarget(socket_of(&self.server));
    }
}

#[tokio::test]
async fn a_frozen_server_hangs_nobody_and_is_used_again_when_it_thaws() {
    let outage = Outage::new().await;
    outage.ready(true, 5).await;
    let pid_file = outage.folder.0.join("data/pgdata/postmaster.pid");
    let text = std::fs::read_to_string(pid_file).unwrap();
    let postmaster: u32 = text.lines().next().unwrap().parse().unwrap();
    let frozen = Frozen::new(postmaster).unwrap();
    let begun = Instant::now();
    let mut answers = 0;
    while outage.health.check().is_ok() {
        let asked = Instant::now();
        let answer = write(&outage.db, "frozen").await;
        assert!(
            matches!(answer, Err(DbError::NoConnection(_) | DbError::Interrupted)),
            "{answer:?}"
        );
        assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
        answers += 1;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(6) + DEADLINE,
        "{:?}",
        begun.elapsed()
    );
    assert!(answers >= 2, "{answers}");
    drop(frozen);
    let thawed = Instant::now();
    until("a write", Duration::from_secs(5), async || {
        write(&outage.db, "thawed").await.ok()
    })
    .await
    .unwrap();
    outage.ready(true, 5).await;
    println!("all well {:?} after the thaw", thawed.elapsed());
    outage.server.stop(Stop::Immediate).await;
}

#[tokio::test]
async fn after_a_restart_the_first_read_succeeds() {
    let mut outage = Outage::new().await;
    for how in [Stop::Fast, Stop::Immediate] {
        outage.db.read(pid).await.unwrap();
        outage.restart(how).await;
        outage.db.read(pid).await.unwrap();
        write(&outage.db, "restarted").await.unwrap();
        outage.ready(true, 8).await;
    }
    outage.server.stop(Stop::Immediate).await;
}
