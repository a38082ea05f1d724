//! Row B3: more of the largest bodies at once than there is room for. The process stays within its
//! memory and says no to the rest.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{SOON, Scene};
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service};
use crate::support::wait::until;

const LARGEST: usize = 1 << 20;
const SENDERS: usize = 128;
/// One caller alone may hold a quarter.
const CALLERS: usize = 5;
/// A pod has 256 MiB.
const MOST_MEMORY_KIB: usize = 230 * 1024;

async fn held(service: &Service) -> f64 {
    let metrics = service.ops("/metrics").await.unwrap().text();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("http_server_body_bytes "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_bodies_all_at_once_fit_or_are_refused() {
    let (dir, ports) = (TempDir::new("uploads").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let service = Service::start(
        &dir.0,
        &ports,
        &[
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_REGISTRATION", "open"),
            ("CHARTROOM_REQUEST_DEADLINE", "1m"),
            ("CHARTROOM_LOG", "warn"),
        ],
    );
    service.wait_ready(PATIENCE).await;
    let client = Client::keep_alive(service.public);
    let mut scenes = Vec::new();
    for number in 0..CALLERS {
        scenes.push(Scene::of(&client, &format!("ann-{number}@example.com")).await);
    }
    let quiet = service.peak();
    // A post, and as much room around it as is allowed.
    let post = r#"{"title": "large", "content": "c"}"#;
    let body = format!("{post}{}", " ".repeat(LARGEST - post.len()));
    let head = |scene: &Scene| {
        format!(
            "POST /api/v1/posts HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: {LARGEST}\r\nconnection: close\r\n\r\n",
            scene.authorization
        )
    };
    let mut sending = tokio::task::JoinSet::new();
    let (go, _) = tokio::sync::watch::channel(false);
    for number in 0..SENDERS {
        let head = head(&scenes[number % CALLERS]);
        let (body, mut told) = (body.clone(), go.subscribe());
        let address = service.public;
        sending.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let (most, last) = body.as_bytes().split_at(LARGEST - 1);
            let sent = async {
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(most).await?;
                told.wait_for(|go| *go).await.unwrap();
                stream.write_all(last).await
            };
            // Who is refused may find the connection closed before all is sent.
            let _ = sent.await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            answer.split(' ').nth(1).unwrap_or_default().to_owned()
        });
    }
    // The control: they are all held at once, up to the budget of 56 MiB for those who are signed
    // in.
    let full = async || {
        let held = held(&service).await;
        (held > 52.0 * 1024.0 * 1024.0).then_some(held)
    };
    let most = until("52 MiB of bodies", SOON, full).await.unwrap();
    go.send(true).unwrap();
    let statuses = sending.join_all().await;
    let count = |wanted: &str| statuses.iter().filter(|status| *status == wanted).count();
    let (made, refused) = (count("201"), count("503"));
    let lost = count("");
    println!(
        "{made} made, {refused} refused, {lost} cut off, {most} bytes held, {} KiB at most",
        service.peak()
    );
    assert_eq!(made + refused + lost, SENDERS, "{statuses:?}");
    assert!(made >= 8 && refused + lost >= 32, "{statuses:?}");
    assert!(service.peak() > quiet + 52 * 1024, "nothing was held");
    assert!(service.peak() < MOST_MEMORY_KIB, "{} KiB", service.peak());
    let none = async || (held(&service).await == 0.0).then_some(());
    until("all is given back", SOON, none).await.unwrap();
    assert_eq!(client.send(scenes[0].read(0)).await.unwrap().status, 200);
}
