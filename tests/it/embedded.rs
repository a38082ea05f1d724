//! The private PostgreSQL: first use, reuse, refusals, and every kind of sudden death.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "that is how a test fails"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chartroom::db::embedded::{Address, Embedded, EmbeddedError, Options, Stop};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// Generous, because a loaded machine is slow; every wait ends as soon as its condition holds.
const PATIENCE: Duration = Duration::from_secs(45);

const OWNER_DIR: &str = "CHARTROOM_TEST_OWNER_DIR";

struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("chartroom-it-{}", uuid::Uuid::new_v4().simple()));
        fs::DirBuilder::new().mode(0o711).create(&path).unwrap();
        Self(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn pid_file(&self) -> PathBuf {
        self.data().join("pgdata/postmaster.pid")
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// With `CHARTROOM_EMBEDDED_BIN_DIR` as `serve` would, so that one command tests another major version.
fn options(dir: &TempDir) -> Options {
    let mut options = Options::new(dir.data());
    options.bin_dir = std::env::var_os("CHARTROOM_EMBEDDED_BIN_DIR").map(PathBuf::from);
    options.cache_dir = dir.0.join("cache");
    options.download = false;
    options.durable = false;
    options
}

async fn start(dir: &TempDir) -> Embedded {
    Embedded::start(options(dir))
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn try_connect(address: &Address) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = address.config().connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn connect(address: &Address) -> Client {
    eventually("a connection", async || try_connect(address).await.ok()).await
}

async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn write_row(address: &Address) {
    connect(address)
        .await
        .batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)")
        .await
        .unwrap();
}

async fn read_row(address: &Address) -> i32 {
    connect(address)
        .await
        .query_one("SELECT id FROM kept", &[])
        .await
        .unwrap()
        .get(0)
}

fn postmaster(dir: &TempDir) -> Option<u32> {
    fs::read_to_string(dir.pid_file())
        .ok()?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()
}

fn kill(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    assert!(
        Command::new("kill")
            .arg("-s")
            .arg(signal)
            .args(pids)
            .status()
            .unwrap()
            .success()
    );
}

/// A zombie counts as gone: only its parent, or whoever runs as process 1, can remove it.
fn is_running(pid: u32) -> bool {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&output.stdout);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

fn children_of(parent: u32) -> Vec<u32> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid="])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| {
            let mut numbers = line
                .split_whitespace()
                .map(|number| number.parse::<u32>().unwrap());
            let pid = numbers.next()?;
            (numbers.next()? == parent).then_some(pid)
        })
        .collect()
}

/// This test binary again, as a process that owns an embedded server and does nothing else.
struct Owner(Child);

impl Owner {
    fn spawn(dir: &TempDir) -> Self {
        let mut owner = Self::launch(dir);
        let lines = BufReader::new(owner.0.stdout.take().unwrap()).lines();
        assert!(
            lines
                .map_while(Result::ok)
                .any(|line| line.contains("owner is ready")),
            "the owner process did not start"
        );
        owner
    }

    /// Without waiting for the server.
    fn launch(dir: &TempDir) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["embedded::owner_process", "--exact", "--nocapture"])
            .env(OWNER_DIR, &dir.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn owner_process() {
    let Some(dir) = std::env::var_os(OWNER_DIR) else {
        return;
    };
    let dir = std::mem::ManuallyDrop::new(TempDir(dir.into()));
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    println!("\nowner is ready");
    tokio::time::sleep(PATIENCE * 2).await;
}

#[tokio::test]
async fn first_start_makes_a_database_that_only_the_password_opens_and_the_second_finds_it() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    let client = connect(embedded.address()).await;
    for (setting, expected) in [
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("password_encryption", "scram-sha-256"),
    ] {
        let value: String = client
            .query_one("SELECT current_setting($1)", &[&setting])
            .await
            .unwrap()
            .get(0);
        assert_eq!(value, expected, "{setting}");
    }

    let mut wrong = embedded.address().clone();
    wrong.password = "wrong".into();
    let refused = try_connect(&wrong).await.err().unwrap();
    assert_eq!(refused.code(), Some(&SqlState::INVALID_PASSWORD));
    assert_eq!(
        fs::metadata(dir.data().join("password")).unwrap().mode() & 0o777,
        0o600
    );

    let pid = postmaster(&dir).unwrap();
    embedded.stop(Stop::Fast).await;
    assert!(!is_running(pid));
    assert!(!dir.pid_file().exists(), "a clean stop leaves no pid file");

    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_lost_password_is_replaced() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    embedded.stop(Stop::Fast).await;
    fs::remove_file(dir.data().join("password")).unwrap();

    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn two_on_one_data_directory_refuse_and_say_who_has_it() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    let refused = Embedded::start(options(&dir)).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::AlreadyRunning { pid: Some(pid), .. } if pid == std::process::id()),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("CHARTROOM_DATA_DIR"),
        "{refused}"
    );
    connect(embedded.address())
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();

    // Dropped instead of stopped: the server ends in the background and the directory becomes free.
    drop(embedded);
    let embedded = eventually("free data directory", async || {
        Embedded::start(options(&dir)).await.ok()
    })
    .await;
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_killed_postmaster_is_started_again_with_its_data() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    // A backend too busy to notice that its postmaster is gone; it would keep the next one out.
    let busy = connect(embedded.address()).await;
    let busy = tokio::spawn(async move {
        busy.batch_execute("DO $$ BEGIN LOOP NULL; END LOOP; END $$")
            .await
    });
    let client = connect(embedded.address()).await;
    eventually("busy backend", async || {
        let active =
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()";
        client.query_opt(active, &[]).await.unwrap()
    })
    .await;
    for _ in 0..2 {
        let pid = eventually("postmaster", async || postmaster(&dir)).await;
        kill("KILL", &[pid]);
        eventually("new postmaster", async || {
            postmaster(&dir).filter(|new| *new != pid)
        })
        .await;
        assert_eq!(read_row(embedded.address()).await, 42);
    }
    assert!(busy.await.unwrap().is_err(), "it was cut off");
    embedded.stop(Stop::Fast).await;
    assert!(!dir.pid_file().exists());
}

#[tokio::test]
async fn an_immediate_stop_is_quick_even_during_a_fast_one_and_loses_nothing() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    let pid = postmaster(&dir).unwrap();
    // A frozen server cannot stop cleanly.
    kill("STOP", &[pid]);
    let began = Instant::now();
    tokio::join!(embedded.stop(Stop::Fast), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        embedded.stop(Stop::Immediate).await;
    });
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(!is_running(pid));

    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    let began = Instant::now();
    embedded.stop(Stop::Immediate).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_killed_owner_leaves_no_server_behind() {
    let dir = TempDir::new();
    let owner = Owner::spawn(&dir);
    let pid = postmaster(&dir).unwrap();
    kill("KILL", &[owner.pid()]);
    eventually("end of the server", async || {
        (!is_running(pid)).then_some(())
    })
    .await;
    assert!(!dir.pid_file().exists(), "the watchdog stops it cleanly");
    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_start_right_after_the_owner_was_killed_takes_over() {
    let dir = TempDir::new();
    let owner = Owner::spawn(&dir);
    // Without the watchdog the old server is certainly still there.
    let server = postmaster(&dir).unwrap();
    let mut victims: Vec<u32> = children_of(owner.pid())
        .into_iter()
        .filter(|pid| *pid != server)
        .collect();
    assert!(!victims.is_empty(), "there is a watchdog");
    victims.push(owner.pid());
    kill("KILL", &victims);
    let embedded = start(&dir).await;
    assert_ne!(postmaster(&dir), Some(server));
    assert!(!is_running(server));
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn everything_killed_at_once_recovers() {
    let dir = TempDir::new();
    let owner = Owner::spawn(&dir);
    let mut victims = children_of(owner.pid());
    victims.push(owner.pid());
    assert!(
        victims.len() >= 3,
        "owner, server and watchdog: {victims:?}"
    );
    kill("KILL", &victims);
    drop(owner);
    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn an_interrupted_first_use_is_done_again() {
    let dir = TempDir::new();
    fs::create_dir_all(dir.data().join("pgdata.new-1/base/1")).unwrap();
    fs::write(dir.data().join("pgdata.new-1/PG_VERSION"), "15\n").unwrap();
    fs::write(dir.data().join("pgdata.new-1.pw"), "cut sho").unwrap();
    fs::write(dir.data().join("password"), "").unwrap();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    embedded.stop(Stop::Fast).await;
    let names = fs::read_dir(dir.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with("pgdata.new"))
        .collect();
    assert!(
        left.is_empty(),
        "neither files nor passwords are left lying about: {left:?}"
    );
}

#[tokio::test]
async fn a_kill_in_the_middle_of_initdb_is_no_obstacle_to_a_start_at_once() {
    let dir = TempDir::new();
    let owner = Owner::launch(&dir);
    eventually("half-made database", async || {
        let mut entries = fs::read_dir(dir.data()).ok()?.map_while(Result::ok);
        entries.find(|entry| entry.path().join("base/1").exists())
    })
    .await;
    kill("KILL", &[owner.pid()]);
    drop(owner);
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start_nor_the_stranger() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    embedded.stop(Stop::Fast).await;
    let owner = fs::metadata(dir.data().join("pgdata")).unwrap();
    let mut stranger = Command::new("sleep")
        .arg("120")
        .uid(owner.uid())
        .gid(owner.gid())
        .spawn()
        .unwrap();
    let stale = format!(
        "{}\n{}\n1\n5432\n/nowhere\n\n 5432001 999999\nready   \n",
        stranger.id(),
        dir.data().display()
    );
    fs::write(dir.pid_file(), stale).unwrap();

    let embedded = start(&dir).await;
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger lives");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_and_full_of_odd_characters_works() {
    let dir = TempDir::new();
    let deep = dir
        .0
        .join("a \"quoted\", 100% 'odd' näme")
        .join("x".repeat(120));
    let mut options = options(&dir);
    options.data_dir = deep.join("data");
    let embedded = Embedded::start(options.clone())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    write_row(embedded.address()).await;
    let socket_dir = embedded.address().socket_dir.clone();
    assert!(!socket_dir.starts_with(&deep));
    assert_eq!(fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    embedded.stop(Stop::Fast).await;
    assert!(!socket_dir.exists());

    options.data_dir = dir.0.join("a,b \"c\"");
    let embedded = Embedded::start(options.clone())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(embedded.address().socket_dir.starts_with(&options.data_dir));
    connect(embedded.address()).await;
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn files_of_another_major_version_are_refused() {
    let dir = TempDir::new();
    fs::create_dir_all(dir.data().join("pgdata")).unwrap();
    fs::write(dir.data().join("pgdata/PG_VERSION"), "13\n").unwrap();
    let mut options = options(&dir);
    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(&refused, EmbeddedError::OtherMajor { has, .. } if has == "13"),
        "{refused}"
    );
    let text = refused.to_string();
    for part in [
        "PostgreSQL 13",
        "CHARTROOM_EMBEDDED_BIN_DIR",
        "found: PostgreSQL",
    ] {
        assert!(text.contains(part), "{text}");
    }

    // Neither is a download of a version that does not fit begun.
    options.bin_dir = None;
    options.hide_installed = true;
    options.download = true;
    let refused = Embedded::start(options).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::OtherMajor { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn without_postgresql_and_download_the_message_says_what_to_do() {
    let dir = TempDir::new();
    let mut options = options(&dir);
    options.hide_installed = true;
    options.bin_dir = None;
    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::NotInstalled { .. }),
        "{refused}"
    );
    let text = refused.to_string();
    for part in [
        "apt-get install postgresql",
        "dnf install postgresql-server",
        "brew install postgresql@",
        "CHARTROOM_DATABASE_URL",
        "CHARTROOM_EMBEDDED_BIN_DIR",
        "CHARTROOM_EMBEDDED_DOWNLOAD",
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }

    options.bin_dir = Some(dir.0.clone());
    let refused = Embedded::start(options).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::BinDir { .. }), "{refused}");
}

#[cfg(feature = "fetch-postgres")]
#[tokio::test]
async fn a_download_that_fails_or_is_not_the_pinned_build_is_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mirror = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        for answer in [
            "200 OK\r\ncontent-length: 7\r\n\r\ngarbage",
            "404 Not Found\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(read > 0 && request.starts_with(b"GET /io/zonky/"));
            stream
                .write_all(format!("HTTP/1.1 {answer}").as_bytes())
                .await
                .unwrap();
        }
    });
    let dir = TempDir::new();
    let mut options = options(&dir);
    options.hide_installed = true;
    options.bin_dir = None;
    options.download = true;
    options.mirror = Some(mirror);

    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::Checksum { .. }),
        "{refused}"
    );
    let kept: Vec<_> = fs::read_dir(&options.cache_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(kept, ["lock"], "nothing of it is kept");

    let refused = Embedded::start(options.clone()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::NotInstalled { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("404"), "{refused}");
    assert!(refused.to_string().contains("apt-get"), "{refused}");
    server.await.unwrap();
}

/// Needs the network once; afterwards the build is kept in the target directory.
#[cfg(feature = "fetch-postgres")]
#[tokio::test]
async fn with_none_installed_the_pinned_one_is_fetched_once_and_runs() {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("postgresql");
    let (first, second) = (TempDir::new(), TempDir::new());
    let start = async |dir: &TempDir| {
        let mut options = options(dir);
        options.hide_installed = true;
        options.bin_dir = None;
        options.download = true;
        options.cache_dir = cache.clone();
        Embedded::start(options)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    };
    // Both at once: one fetches, the other waits for it.
    let both = tokio::join!(start(&first), start(&second));
    for embedded in [both.0, both.1] {
        let version: String = connect(embedded.address())
            .await
            .query_one("SHOW server_version", &[])
            .await
            .unwrap()
            .get(0);
        assert!(version.starts_with("18."), "{version}");
        embedded.stop(Stop::Fast).await;
    }

    // Its files need that version, whatever is installed; and what is there is no download.
    let mut options = options(&first);
    options.bin_dir = None;
    options.cache_dir = cache;
    let embedded = Embedded::start(options.clone())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let bin_dir = embedded.bin_dir().to_owned();
    embedded.stop(Stop::Fast).await;

    fs::write(first.data().join("pgdata/PG_VERSION"), "17\n").unwrap();
    options.bin_dir = Some(bin_dir);
    let refused = Embedded::start(options).await.unwrap_err();
    assert!(
        matches!(&refused, EmbeddedError::OtherMajor { has, .. } if has == "17"),
        "{refused}"
    );
}
