//! The private PostgreSQL: first use, reuse, and one owner at a time.

mod choice;
mod deaths;
mod library;
mod links;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use chartroom_embedded::{Address, Embedded, EmbeddedError, Options, Stop};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::support::database::SERVER;
use crate::support::process::{Process, tree};
use crate::support::wait::until;

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

/// With `CHARTROOM_EMBEDDED_BIN_DIR` as `serve` would, so that one command tests another major
/// version. Where none is installed, the shared server of the tests has fetched one by now: no
/// patience has to cover a download.
fn options(dir: &TempDir) -> Options {
    LazyLock::force(&SERVER);
    let mut options = Options::new(dir.data());
    options.bin_dir = std::env::var_os("CHARTROOM_EMBEDDED_BIN_DIR").map(PathBuf::from);
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

async fn eventually<T>(what: &str, attempt: impl AsyncFnMut() -> Option<T>) -> T {
    until(what, PATIENCE, attempt).await.unwrap()
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

/// All of them at once. The shell's own `kill`: slim images have no other.
fn kill(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    assert!(
        Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$@\"", signal])
            .args(pids)
            .status()
            .unwrap()
            .success()
    );
}

/// A zombie counts as gone: only its parent, or whoever runs as process 1, can remove it.
fn is_running(pid: u32) -> bool {
    Process::find(pid).is_some_and(|process| process.is_running())
}

fn children_of(parent: u32) -> Vec<u32> {
    let children = tree(parent).into_iter();
    children
        .filter(|process| process.parent == parent)
        .map(|process| process.pid)
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
