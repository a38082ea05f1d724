//! Row A6 on two servers, of which one follows the other: the first becomes a standby too, and then
//! the primary again.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chartroom::app::embedded;
use chartroom::db::migrate::{self, MIGRATIONS};
use chartroom_embedded::{Embedded, Options, Stop};
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{BROKEN, SOON, Scene, account};
use crate::support::client::{Answer, Client, HttpRequest, get};
use crate::support::database::{SERVER, connect, url};
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service};
use crate::support::wait::until;

const PGDATA: &str = "data/pgdata";

/// A server with the data in a directory, if there are any.
async fn start(dir: &TempDir) -> Embedded {
    let bin_dir = tokio::task::spawn_blocking(|| SERVER.bin_dir.clone());
    let options = Options {
        bin_dir: Some(bin_dir.await.unwrap()),
        durable: false,
        ..Options::new(dir.0.join("data"))
    };
    Embedded::start(options).await.unwrap()
}

/// Makes the next server there one that only follows.
fn demote(dir: &Path) {
    File::create(dir.join(PGDATA).join("standby.signal")).unwrap();
}

/// The status, and whether the answer says that it may be behind.
fn seen(answer: &Answer) -> (u16, bool) {
    let source = answer.headers.get("x-data-source");
    (
        answer.status.as_u16(),
        source.is_some_and(|source| source == "replica"),
    )
}

fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 503, "{}", answer.text());
    answer.json()["code"].as_str().unwrap().to_owned()
}

/// A service whose reads go to a server that follows the one it writes to.
struct Pair {
    service: Service,
    client: Client,
    server: Embedded,
    follower: Embedded,
    first: TempDir,
    /// Removed when all has stopped.
    _rest: [TempDir; 2],
}

impl Pair {
    async fn new() -> Self {
        let [first, second, dir] =
            ["first", "second", "service"].map(|name| TempDir::new(name).unwrap());
        let server = start(&first).await;
        let endpoint = embedded::endpoint(&server);
        migrate::up(&endpoint, || MIGRATIONS, PATIENCE)
            .await
            .unwrap();
        server.stop(Stop::Fast).await;
        let copied = Command::new("cp")
            .arg("-a")
            .arg(first.0.join("data"))
            .arg(&second.0)
            .status();
        assert!(copied.unwrap().success());
        let server = start(&first).await;
        let address = server.address().clone();
        let follows = format!(
            "primary_conninfo = 'host={} port={} user={} password={}'\n",
            address.socket_dir.display(),
            address.port,
            address.user,
            address.password.expose_secret()
        );
        let settings = second.0.join(PGDATA).join("postgresql.auto.conf");
        std::fs::write(settings, follows).unwrap();
        demote(&second.0);
        let follower = start(&second).await;

        let (write, read) = (
            url(&address, address.dbname),
            url(follower.address(), address.dbname),
        );
        let ports = Ports::reserve();
        let variables = [
            ("CHARTROOM_DATABASE_URL", write.as_str()),
            ("CHARTROOM_DATABASE_READ_URL", &read),
            ("CHARTROOM_REGISTRATION", "open"),
            ("CHARTROOM_POSTS_ANONYMOUS_READ", "true"),
            ("CHARTROOM_LOG", "warn"),
        ];
        let service = Service::start(&dir.0, &ports, &variables);
        service.wait_ready(PATIENCE).await;
        let client = Client::fresh(service.public);
        Self {
            service,
            client,
            server,
            follower,
            first,
            _rest: [second, dir],
        }
    }

    /// Asks until the follower has it.
    async fn until_followed(&self, request: impl Fn() -> HttpRequest) {
        until("the standby has it", SOON, async || {
            let answer = self.client.send(request()).await.unwrap();
            (seen(&answer) == (200, true)).then_some(())
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_standbys_alone_reads_go_on_and_writes_wait_for_a_primary() {
    let pair = Pair::new().await;
    let (client, address) = (&pair.client, pair.server.address().clone());
    let scene = Scene::new(client).await;
    let create = async |title: &str| {
        let body = json!({ "title": title, "content": "c" });
        let request = scene.request(Method::POST, "/api/v1/posts", Some(body), None);
        client.send(request).await.unwrap()
    };
    let made = async |title: &str| {
        let answer = create(title).await;
        let location = answer.headers.get("location")?.to_str().unwrap();
        (answer.status == 201).then(|| location.to_owned())
    };
    let before = made("Before").await.unwrap();
    pair.until_followed(|| get(&before)).await;

    // Nobody writes: first there is one server, then two, and neither is a primary.
    pair.server.stop(Stop::Fast).await;
    assert!(BROKEN.contains(&refusal(&create("Nowhere").await).as_str()));
    demote(&pair.first.0);
    let server = start(&pair.first).await;
    assert_eq!(server.address().socket_dir, address.socket_dir);
    until("a server that only reads", SOON, async || {
        let code = refusal(&create("Nowhere").await);
        assert!(BROKEN.contains(&code.as_str()), "{code}");
        (code == "read-only").then_some(())
    })
    .await
    .unwrap();
    for _ in 0..5 {
        for target in [before.as_str(), "/api/v1/posts"] {
            assert_eq!(seen(&client.get(target).await.unwrap()), (200, true));
        }
        assert_eq!(refusal(&create("Nowhere").await), "read-only");
    }

    let session = connect(&address.config()).await;
    session.batch_execute("SELECT pg_promote()").await.unwrap();
    let after = until("a post", SOON, async || made("After").await)
        .await
        .unwrap();
    pair.until_followed(|| get(&after)).await;
    let titles = "SELECT string_agg(title, ', ' ORDER BY id) FROM posts WHERE project_id IS NULL";
    let row = session.query_one(titles, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "Before, After");
    drop(session);
    drop(pair.service);
    pair.follower.stop(Stop::Fast).await;
    server.stop(Stop::Fast).await;
}

/// Promised within this, by E14 and M6: of the five seconds some are for what is on its way.
const REMOVED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m6_who_was_removed_reads_nothing_from_a_standby_that_is_behind() {
    let pair = Pair::new().await;
    let client = &pair.client;
    let scene = Scene::new(client).await;
    let bob = Scene {
        authorization: account(client, "bob@example.com").await,
        ..scene.clone()
    };
    let me = bob.request(Method::GET, "/api/v1/me", None, None);
    let me = client.send(me).await.unwrap().json();
    let project = format!("/api/v1/projects/{}", scene.project);
    let member = format!("{project}/members/{}", me["id"].as_str().unwrap());
    let owner = Some(json!({ "role": "owner" }));
    let made = scene.request(Method::PUT, &member, owner, None);
    assert_eq!(client.send(made).await.unwrap().status, 201);
    let targets = [
        project.clone(),
        format!("{project}/members"),
        format!("{project}/audit"),
        format!("/api/v1/posts/{}", scene.post),
    ];
    let read = |target: &str| bob.request(Method::GET, target, None, None);
    for target in &targets {
        pair.until_followed(|| read(target)).await;
    }

    let standby = connect(&pair.follower.address().config()).await;
    let say = async |statement: &str| {
        let row = standby.query_one(statement, &[]).await.unwrap();
        row.get::<_, String>(0)
    };
    standby
        .batch_execute("SELECT pg_wal_replay_pause()")
        .await
        .unwrap();
    until("replay is paused", SOON, async || {
        (say("SELECT pg_get_wal_replay_pause_state()").await == "paused").then_some(())
    })
    .await
    .unwrap();
    let removed = scene.request(Method::DELETE, &member, None, None);
    assert_eq!(client.send(removed).await.unwrap().status, 204);
    let removed = Instant::now();
    tokio::time::sleep_until((removed + REMOVED).into()).await;
    // The standby would still show everything.
    assert_eq!(say("SELECT count(*)::text FROM project_members").await, "2");
    while removed.elapsed() < 2 * REMOVED {
        for target in &targets {
            let answer = client.send(read(target)).await.unwrap();
            assert_eq!(seen(&answer), (404, false), "{target}");
        }
    }

    // Without a primary there is nobody to ask: what is known to be behind does not answer in its
    // place, until it has caught up.
    pair.server.stop(Stop::Fast).await;
    for target in &targets {
        refusal(&client.send(read(target)).await.unwrap());
        refusal(&client.get("/api/v1/posts").await.unwrap());
    }
    standby
        .batch_execute("SELECT pg_wal_replay_resume()")
        .await
        .unwrap();
    pair.until_followed(|| get("/api/v1/posts")).await;
    for target in &targets {
        let answer = client.send(read(target)).await.unwrap();
        assert!([404, 503].contains(&answer.status.as_u16()), "{target}");
    }
    drop(standby);
    drop(pair.service);
    pair.follower.stop(Stop::Fast).await;
}
