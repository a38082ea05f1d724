//! Controls that need a PostgreSQL: the freezer, and the proxy's eye for cancel requests.

use super::{SILENCE, SOON};
use crate::support::{
    chaos_proxy::{ChaosProxy, Target},
    database::SERVER,
    freeze::Frozen,
    process::TempDir,
    wait::until,
};
use chartroom_embedded::{Embedded, Options, Stop};
use secrecy::ExposeSecret as _;
use std::{fs, sync::atomic::Ordering::SeqCst};
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_util::task::AbortOnDropHandle;

/// A server of the test's own: the shared one must not be frozen.
struct Postgres {
    server: Embedded,
    dir: TempDir,
}

impl Postgres {
    async fn start() -> Self {
        let bin_dir = tokio::task::spawn_blocking(|| SERVER.bin_dir.clone())
            .await
            .unwrap();
        let dir = TempDir::new("postgres").unwrap();
        let options = Options {
            bin_dir: Some(bin_dir),
            durable: false,
            ..Options::new(dir.0.join("data"))
        };
        let server = Embedded::start(options).await.unwrap();
        Self { server, dir }
    }

    async fn proxy(&self) -> ChaosProxy {
        let address = self.server.address();
        let socket = format!(".s.PGSQL.{}", address.port);
        ChaosProxy::start(Target::Unix(address.socket_dir.join(socket))).await
    }

    async fn connect(&self, proxy: &ChaosProxy) -> (tokio_postgres::Client, AbortOnDropHandle<()>) {
        connect(&self.config(proxy)).await
    }

    fn config(&self, proxy: &ChaosProxy) -> tokio_postgres::Config {
        let address = self.server.address();
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(proxy.addr.port())
            .user(address.user)
            .dbname(address.dbname)
            .password(address.password.expose_secret());
        config
    }

    fn pid(&self) -> u32 {
        let file = fs::read_to_string(self.dir.0.join("data/pgdata/postmaster.pid")).unwrap();
        file.lines().next().unwrap().trim().parse().unwrap()
    }
}

async fn connect(
    config: &tokio_postgres::Config,
) -> (tokio_postgres::Client, AbortOnDropHandle<()>) {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    (
        client,
        AbortOnDropHandle::new(tokio::spawn(async move { drop(connection.await) })),
    )
}

async fn backend_pid(client: &tokio_postgres::Client) -> u32 {
    let row = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap();
    row.get::<_, i32>(0).try_into().unwrap()
}

#[tokio::test]
async fn a_frozen_postgres_says_nothing_until_it_thaws() {
    let server = Postgres::start().await;
    let proxy = server.proxy().await;
    let (client, _task) = server.connect(&proxy).await;
    let backend = backend_pid(&client).await;

    let frozen = Frozen::new(server.pid()).unwrap();
    assert!(
        [server.pid(), backend]
            .iter()
            .all(|pid| frozen.pids().contains(pid)),
        "{frozen:?}"
    );
    let mut asked = tokio::spawn(async move { client.simple_query("SELECT 1").await });
    assert!(timeout(SILENCE, &mut asked).await.is_err());
    // The kernel still accepts for it: only a deadline of the caller's own ends this.
    let mut newcomer = tokio::spawn({
        let config = server.config(&proxy);
        async move { drop(connect(&config).await) }
    });
    assert!(timeout(SILENCE, &mut newcomer).await.is_err());
    drop(frozen);
    timeout(SOON, asked).await.unwrap().unwrap().unwrap();
    timeout(SOON, newcomer).await.unwrap().unwrap();
    server.server.stop(Stop::Fast).await;
}

#[tokio::test]
async fn proxy_notices_a_cancel_request() {
    let server = Postgres::start().await;
    let proxy = server.proxy().await;
    let (client, _task) = server.connect(&proxy).await;
    let (observer, _task) = server.connect(&proxy).await;
    let backend = backend_pid(&client).await;
    let sleeping =
        format!("SELECT FROM pg_stat_activity WHERE pid = {backend} AND wait_event = 'PgSleep'");
    proxy.assert_no_cancel_request();

    let cancel = client.cancel_token();
    let (slept, ()) = tokio::join!(client.simple_query("SELECT pg_sleep(60)"), async {
        // A cancel request that comes before the query has nothing to cancel.
        until("the query runs", SOON, async || {
            observer.query_opt(&sleeping, &[]).await.unwrap()
        })
        .await
        .unwrap();
        cancel.cancel_query(NoTls).await.unwrap();
    });
    assert_eq!(slept.unwrap_err().code().unwrap().code(), "57014");
    assert_eq!(proxy.counts.cancel_requests.load(SeqCst), 1);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        proxy.assert_no_cancel_request()
    }));
    assert!(caught.is_err());
    server.server.stop(Stop::Fast).await;
}
