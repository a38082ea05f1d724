//! Imports that are killed at any byte: there are all of their rows or none, nothing is left over,
//! and a repetition with the same key loads once.

use std::time::Duration;

use bytes::Bytes;
use chartroom::datasets::sweep::sweep;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{SOON, Scene, is_long};
use crate::support::app::TestApp;
use crate::support::client::{Client, HttpRequest, get, post};
use crate::support::process::{Process, TempDir, tree};
use crate::support::service::{PATIENCE, Ports, Service};
use crate::support::wait::until;

/// What is ended while the file arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kill {
    Service,
    /// The session that rows are copied by, which is what a server that dies means to us.
    Session,
    Client,
    /// The control: nobody dies.
    Nobody,
}

const PARQUET: &str = "application/vnd.apache.parquet";
const SESSIONS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE application_name = 'chartroom/load' AND datname = current_database()";
/// What is there beside one table for each generation that a version needs.
const LEFT: &str = "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'dataset_rows') \
    + (SELECT count(*) FROM dataset_generations) \
    + (SELECT count(*) FROM dataset_imports WHERE ended_at IS NULL) \
    + (SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
        WHERE relnamespace = 'dataset_rows'::regnamespace AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) \
    - 2 * (SELECT count(DISTINCT generation) FROM dataset_versions)";
const LOADING: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE application_name = 'chartroom/load' AND datname = current_database()";

struct Home {
    app: TestApp,
    dir: TempDir,
    ports: Ports,
    session: tokio_postgres::Client,
}

impl Home {
    fn start(&self) -> Service {
        let url = self.app.database.url();
        let variables = [
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_REGISTRATION", "open"),
            ("CHARTROOM_LOG", "error"),
        ];
        Service::start(&self.dir.0, &self.ports, &variables)
    }

    async fn number(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    /// PostgreSQL still looks at a new table for a moment.
    async fn nothing_is_left(&self) {
        self.sweep().await;
        let none = until("nothing that is left over", SOON, async || {
            (self.number(LEFT).await == 0).then_some(())
        });
        none.await.unwrap();
    }

    /// What the jobs of the next minutes would do.
    async fn sweep(&self) {
        let later = "UPDATE dataset_imports SET seen_at = seen_at - interval '5 minutes' WHERE ended_at IS NULL";
        self.session.batch_execute(later).await.unwrap();
        sweep(&self.app.app.db).await.unwrap();
    }
}

fn file(rows: usize) -> String {
    use std::fmt::Write as _;
    let mut file = String::from("n,text,amount,day\n");
    for n in 0..rows {
        let day = n % 28 + 1;
        writeln!(file, "{n},\"row {n}, of many\",{n}.25,2026-01-{day:02}").unwrap();
    }
    file
}

/// Somebody's dataset, and the file that is sent again and again.
struct Sender {
    scene: Scene,
    client: Client,
    dataset: String,
    file: Bytes,
}

impl Sender {
    fn signed(&self, mut request: HttpRequest) -> HttpRequest {
        let value = self.scene.authorization.parse().unwrap();
        request.headers_mut().insert("authorization", value);
        request
    }

    /// How many records there are, and in which version.
    async fn now(&self) -> (i64, i64) {
        let answer = self.client.send(self.signed(get(&self.dataset))).await;
        let body = answer.unwrap().json();
        (
            body["rows"].as_i64().unwrap(),
            body["version"].as_i64().unwrap(),
        )
    }

    fn target(&self, mode: &str) -> String {
        format!("{}/imports?mode={mode}", self.dataset)
    }

    /// Sends the file up to a byte.
    async fn begin(&self, service: &Service, mode: &str, key: &str, to: usize) -> TcpStream {
        let mut stream = TcpStream::connect(service.public).await.unwrap();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-type: text/csv\r\n\
             idempotency-key: \"{key}\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.target(mode),
            self.scene.authorization,
            self.file.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if let Err(error) = stream.write_all(&self.file[..to]).await {
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer).await;
            panic!("{error}: {answer}");
        }
        stream
    }

    /// Sends the whole file until it is told what became of it.
    async fn insist(&self, mode: &str, key: &str) {
        self.until_loaded(self.import(mode, key, "text/csv", &self.file))
            .await;
    }

    fn import(&self, mode: &str, key: &str, kind: &str, file: &Bytes) -> HttpRequest {
        let mut request = self.signed(post(&self.target(mode), file.clone()));
        let headers = request.headers_mut();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("idempotency-key", format!("\"{key}\"").parse().unwrap());
        request
    }

    async fn until_loaded(&self, request: HttpRequest) {
        let answered = until("an answer", SOON * 10, async || {
            let answer = self.client.send(request.clone()).await.ok()?;
            match answer.status.as_u16() {
                201 => Some(()),
                // It goes on without us.
                202 | 409 | 503 => None,
                status => panic!("{status}: {}", answer.text()),
            }
        });
        answered.await.unwrap();
    }
}

impl Home {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let session = app.database.session().await;
        Self {
            app,
            dir: TempDir::new("imports").unwrap(),
            ports: Ports::reserve(),
            session,
        }
    }
}

impl Sender {
    /// With a new dataset.
    async fn new(service: &Service, rows: usize) -> Self {
        let client = Client::fresh(service.public);
        let mut sender = Self {
            scene: Scene::new(&client).await,
            client,
            dataset: String::new(),
            file: file(rows).into(),
        };
        sender.dataset = sender.dataset_called("it").await;
        sender
    }

    async fn dataset_called(&self, name: &str) -> String {
        let columns = [
            ("n", "int"),
            ("text", "text"),
            ("amount", "decimal"),
            ("day", "date"),
        ];
        let columns = columns.map(|(name, kind)| json!({ "name": name, "type": kind }));
        let body = json!({ "project_id": self.scene.project, "name": name, "columns": columns });
        let made = self.signed(post("/api/v1/datasets", body.to_string()));
        let made = self.client.send(made).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.text());
        made.headers["location"].to_str().unwrap().to_owned()
    }
}

/// A child that was killed says nothing of its file, so the import fails, and is begun anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_reader_is_killed_is_there_whole_or_not_at_all() {
    let home = Home::new().await;
    let service = home.start();
    service.wait_ready(PATIENCE).await;
    let rows = 300_000;
    let mut sender = Sender::new(&service, rows).await;
    sender.insist("append", "first").await;
    let target = format!("{}/records?format=parquet", sender.dataset);
    let parquet = sender.client.send(sender.signed(get(&target))).await;
    let parquet = parquet.unwrap().body;
    sender.dataset = sender.dataset_called("other").await;
    let rows = i64::try_from(rows).unwrap();
    for round in 0..if is_long() { 20 } else { 2 } {
        let key = format!("round-{round}");
        let request = sender.import("replace", &key, PARQUET, &parquet);
        let before = sender.now().await;
        let kill = async {
            let child = until("the child that reads", SOON, async || {
                let mut all = tree(service.pid()).into_iter().skip(1);
                all.find(|process| command(process).contains("tabular"))
            });
            let child = child.await.unwrap();
            tokio::time::sleep(Duration::from_millis(50 * (round % 4))).await;
            child.signal("KILL").unwrap();
        };
        let (answer, ()) = tokio::join!(sender.client.send(request.clone()), kill);
        let answer = answer.unwrap();
        assert_eq!(answer.status, 503, "{}", answer.text());
        home.nothing_is_left().await;
        assert_eq!(sender.now().await, before, "{}", answer.text());
        sender.until_loaded(request).await;
        assert_eq!(sender.now().await, (rows, before.1 + 1));
        home.nothing_is_left().await;
    }
}

fn command(process: &Process) -> String {
    let line = std::fs::read(format!("/proc/{}/cmdline", process.pid));
    String::from_utf8_lossy(&line.unwrap_or_default()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_at_any_byte_is_there_whole_or_not_at_all() {
    let home = Home::new().await;
    let mut service = home.start();
    service.wait_ready(PATIENCE).await;
    // About 4 MB, and 200 MB in the long form.
    let rows = if is_long() { 4_500_000 } else { 100_000 };
    let sender = Sender::new(&service, rows).await;

    let rows = i64::try_from(rows).unwrap();
    let kinds = [Kill::Service, Kill::Session, Kill::Client];
    let kills = if is_long() { 20 } else { 3 };
    let kills = kinds.into_iter().cycle().take(kills).chain([Kill::Nobody]);
    let (mut random, mut lost) = (0x9E37_79B9_7F4A_7C15_u64, 0);
    for (round, kill) in kills.enumerate() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let length = u64::try_from(sender.file.len()).unwrap();
        let at = usize::try_from(random % length).unwrap();
        let mode = if round % 2 == 0 { "append" } else { "replace" };
        let key = format!("round-{round}");
        let (before, version) = sender.now().await;
        let whole = if mode == "append" {
            before + rows
        } else {
            rows
        };

        let mut stream = sender.begin(&service, mode, &key, at).await;
        match kill {
            Kill::Service => {
                service.signal("KILL");
                service.exit(PATIENCE).await;
                service = home.start();
                service.wait_ready(PATIENCE).await;
            }
            Kill::Session => {
                let ended = until("a session that copies", SOON, async || {
                    (home.number(SESSIONS).await > 0).then_some(())
                });
                ended.await.unwrap();
                // Whether it is read to its end or not: what matters is what is there afterwards.
                let _ = stream.write_all(&sender.file[at..]).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            Kill::Client => drop(stream),
            Kill::Nobody => {
                stream.write_all(&sender.file[at..]).await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
            }
        }
        let over = until("the end of the session", SOON, async || {
            (home.number(LOADING).await == 0).then_some(())
        });
        over.await.unwrap();
        home.nothing_is_left().await;
        let (now, after) = sender.now().await;
        let is_there = after > version;
        assert_eq!(
            now,
            if is_there { whole } else { before },
            "{kill:?} at {at}"
        );
        assert!(is_there || kill != Kill::Nobody);
        lost += usize::from(!is_there);

        sender.insist(mode, &key).await;
        assert_eq!(sender.now().await, (whole, version + 1), "{kill:?} at {at}");
        home.nothing_is_left().await;
    }
    assert!(lost > 1, "the kills came too late: {lost}");
}
