//! Controls that need a PostgreSQL: the freezer, and the proxy's eye for cancel requests.

use super::{SILENCE, SOON};
use crate::support::{
    chaos_proxy::{ChaosProxy, Target},
    freeze::Frozen,
    process::{TempDir, installed, or_skip, tree, wait_for_end},
    wait::until,
};
use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    sync::atomic::Ordering::SeqCst,
};
use tokio::{
    net::UnixStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_postgres::{Config, NoTls};
use tokio_util::task::AbortOnDropHandle;

/// Only what the freezer needs; the product's own embedded server has the real one.
struct Postgres {
    child: Child,
    dir: TempDir,
}

impl Postgres {
    async fn start() -> Option<Self> {
        let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .map(|v| v.unwrap().path().join("bin"))
            .collect();
        versions.sort();
        let places: Vec<&Path> = versions.iter().rev().map(PathBuf::as_path).collect();
        let bin = or_skip("postgres", installed("postgres", &places))?
            .parent()?
            .to_owned();
        let dir = TempDir::new("postgres").unwrap();
        let user = postgres_user();
        if let Some((uid, gid)) = user {
            chown(&dir.0, Some(uid), Some(gid)).unwrap();
        }
        let run = |program: &str| {
            let mut command = Command::new(bin.join(program));
            command
                .arg("-D")
                .arg(dir.0.join("data"))
                .current_dir(&dir.0)
                .kill_on_drop(true);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let made = run("initdb")
            .args(["-A", "trust", "-U", "postgres", "--no-sync"])
            .output()
            .await
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let log = fs::File::create(dir.0.join("log")).unwrap();
        let child = run("postgres")
            .args(["-F", "-c", "listen_addresses=", "-k"])
            .arg(&dir.0)
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { child, dir };
        until("PostgreSQL accepts", SOON, async || {
            let stream = UnixStream::connect(server.socket()).await.ok()?;
            let connected = Config::new()
                .user("postgres")
                .connect_raw(stream, NoTls)
                .await;
            connected.is_ok().then_some(())
        })
        .await
        .unwrap();
        Some(server)
    }

    fn socket(&self) -> PathBuf {
        self.dir.0.join(".s.PGSQL.5432")
    }

    fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT to the postmaster is the immediate shutdown: it takes its children along.
        let family = tree(self.pid());
        family[0].signal("QUIT").ok();
        wait_for_end(&family);
    }
}

/// PostgreSQL does not run as root; the user that its package made does it then.
fn postgres_user() -> Option<(u32, u32)> {
    let root = fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .any(|line| line.starts_with("Uid:\t0\t"));
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let fields: Vec<&str> = users
        .lines()
        .find(|user| user.starts_with("postgres:"))?
        .split(':')
        .collect();
    root.then_some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

async fn connect(proxy: &ChaosProxy) -> (tokio_postgres::Client, AbortOnDropHandle<()>) {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(proxy.addr.port())
        .user("postgres");
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
    let Some(server) = Postgres::start().await else {
        return;
    };
    let proxy = ChaosProxy::start(Target::Unix(server.socket())).await;
    let (client, _task) = connect(&proxy).await;
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
    let mut newcomer = tokio::spawn(async move { drop(connect(&proxy).await) });
    assert!(timeout(SILENCE, &mut newcomer).await.is_err());
    drop(frozen);
    timeout(SOON, asked).await.unwrap().unwrap().unwrap();
    timeout(SOON, newcomer).await.unwrap().unwrap();
}

#[tokio::test]
async fn proxy_notices_a_cancel_request() {
    let Some(server) = Postgres::start().await else {
        return;
    };
    let proxy = ChaosProxy::start(Target::Unix(server.socket())).await;
    let (client, _task) = connect(&proxy).await;
    let (observer, _task) = connect(&proxy).await;
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
}
