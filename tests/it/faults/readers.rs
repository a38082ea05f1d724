//! Row B2: lists of large posts, asked for by clients that hardly read them. The process stays
//! within its memory and ends them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{SOON, Scene};
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service};
use crate::support::wait::until;

const READERS: usize = 40;
const POSTS: usize = 200;
const LARGE: usize = 100_000;
/// What all of them together may cost.
const MOST_MEMORY_KIB: usize = 64 * 1024;
const MIB: f64 = 1024.0 * 1024.0;

struct Stage {
    service: Service,
    scene: Scene,
    client: Client,
    _database: TestDatabase,
    _dir: TempDir,
}

impl Stage {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let (dir, ports) = (TempDir::new("readers").unwrap(), Ports::reserve());
        let database = TestDatabase::migrated().await;
        let url = database.url();
        let fixed = [
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_REGISTRATION", "open"),
            ("CHARTROOM_REQUEST_DEADLINE", "1m"),
            ("CHARTROOM_DATABASE_WAIT", "30s"),
            ("CHARTROOM_DATABASE_DEADLINE", "30s"),
            ("CHARTROOM_LOG", "warn"),
        ];
        let service = Service::start(&dir.0, &ports, &[&fixed, settings].concat());
        service.wait_ready(PATIENCE).await;
        let client = Client::keep_alive(service.public);
        let scene = Scene::new(&client).await;
        let insert = format!(
            "INSERT INTO posts (id, author_id, project_id, title, content, published, language, created_at) \
             SELECT gen_random_uuid(), author_id, project_id, title, repeat('0123456789', {LARGE} / 10), published, language, now() \
             FROM posts, generate_series(1, {POSTS})"
        );
        let session = database.session().await;
        session.batch_execute(&insert).await.unwrap();
        Self {
            service,
            scene,
            client,
            _database: database,
            _dir: dir,
        }
    }

    /// Bytes of answers that the service says it holds.
    async fn held(&self) -> f64 {
        let metrics = self.service.ops("/metrics").await.unwrap().text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("http_server_answer_bytes "));
        line.unwrap().parse().unwrap()
    }

    /// As many as there are, each until it is cut off or told to stop; how often each was refused
    /// before it had an answer.
    fn read(&self) -> JoinSet<usize> {
        let head = format!(
            "GET /api/v1/posts?limit=200 HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n",
            self.scene.authorization
        );
        let (address, mut readers) = (self.service.public, JoinSet::new());
        for number in 0..READERS {
            let head = head.clone();
            readers.spawn(async move { hardly_read(address, &head, number).await });
        }
        readers
    }
}

/// Takes 2 KiB each 4 to 12 seconds, as the others do at other times.
async fn hardly_read(address: SocketAddr, head: &str, number: usize) -> usize {
    let mut refused = 0;
    let mut stream = loop {
        let mut stream = ask(address, head).await;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        match &status {
            b"HTTP/1.1 200" => break stream,
            b"HTTP/1.1 503" => refused += 1,
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
        sleep(Duration::from_millis(500)).await;
    };
    let mut buffer = [0; 2048];
    let pause = Duration::from_millis(4_000 + u64::try_from(number).unwrap() % 9 * 1_000);
    loop {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            // The reset arrives although nobody reads.
            if stream.take_error().unwrap().is_some() {
                return refused;
            }
            sleep(Duration::from_millis(50)).await;
        }
        match stream.read(&mut buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return refused,
        }
    }
}

async fn ask(address: SocketAddr, head: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // The kernel would take much for it.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m2_slow_readers_of_large_lists_cost_little_and_are_cut_off() {
    let stage = Stage::with(&[("CHARTROOM_WRITE_STALL_TIMEOUT", "6s")]).await;
    let quiet = stage.service.rss();
    let mut readers = stage.read();
    // The control: what they do not read is held.
    let many = async || (stage.held().await > 16.0 * MIB).then_some(());
    until("16 MiB of answers", SOON, many).await.unwrap();
    let (mut refused, mut ended) = (0, 0);
    while let Some(reader) = readers.join_next().await {
        refused += reader.unwrap();
        ended += 1;
        assert!(stage.held().await < 33.0 * MIB);
    }
    let cost = stage.service.peak() - quiet;
    println!("{ended} cut off, {refused} times refused, {cost} KiB more than {quiet}");
    assert_eq!(ended, READERS);
    assert!(cost < MOST_MEMORY_KIB, "{cost} KiB");
    let none = async || (stage.held().await == 0.0).then_some(());
    until("all is given back", SOON, none).await.unwrap();
    assert_eq!(
        stage.client.send(stage.scene.read(0)).await.unwrap().status,
        200
    );
}

/// The control: with no rate to keep, the same clients stay and what they do not read is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_rate_they_stay() {
    let stage = Stage::with(&[
        ("CHARTROOM_WRITE_MIN_RATE", "0"),
        ("CHARTROOM_WRITE_STALL_TIMEOUT", "1m"),
    ])
    .await;
    let mut readers = stage.read();
    let many = async || (stage.held().await > 28.0 * MIB).then_some(());
    until("28 MiB of answers", SOON, many).await.unwrap();
    sleep(Duration::from_secs(8)).await;
    assert!(readers.try_join_next().is_none());
    assert!(stage.held().await > 28.0 * MIB);
}
