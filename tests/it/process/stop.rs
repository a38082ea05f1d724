//! How one process stops: unready at once, still accepting, in time whatever is stalled, at once
//! when told twice.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    time::Instant,
};
use tokio_util::task::AbortOnDropHandle;

use super::ROUTE;
use crate::support::{
    client::Client,
    database::TestDatabase,
    process::TempDir,
    service::{PATIENCE, Ports, Service},
    wait::until,
};

/// Three connections that will never finish what they began.
pub(super) struct Stalled {
    _streams: Vec<AbortOnDropHandle<()>>,
}

impl Stalled {
    /// Returns when the service has all of them.
    pub(super) async fn on(service: &Service) -> Self {
        let before = accepted_connections(service).await;
        let host = service.public;
        let body = format!(
            "POST {ROUTE} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
        );
        // More than the kernel holds for a client that does not read.
        let unread = format!("GET /openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(2000);
        let mut streams = Vec::new();
        for bytes in [format!("GET {ROUTE} HTTP/1.1\r\nHo"), body, unread] {
            let mut stream = small_window(host).await;
            streams.push(AbortOnDropHandle::new(tokio::spawn(async move {
                // The last one never gets rid of it all: nobody takes its requests while it takes
                // no answers.
                let _ = stream.write_all(bytes.as_bytes()).await;
                std::future::pending::<()>().await;
                drop(stream);
            })));
        }
        let all = until("the stalled connections", PATIENCE, async || {
            (accepted_connections(service).await >= before + 3.0).then_some(())
        });
        all.await.unwrap();
        Self { _streams: streams }
    }
}

async fn small_window(addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(addr).await.unwrap()
}

/// In all, because under load the number of open ones falls as others leave.
async fn accepted_connections(service: &Service) -> f64 {
    let metrics = service.ops("/metrics").await.unwrap().text();
    let line = metrics
        .lines()
        .find(|line| {
            line.starts_with("http_server_connections_total{") && line.contains("\"public\"")
        })
        .unwrap_or_else(|| panic!("no count of connections in {metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn stops_in_phases_and_in_time_with_stalled_connections() {
    const DEADLINE: Duration = Duration::from_secs(4);
    let (dir, ports) = (TempDir::new("stop").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let settings = [
        ("CHARTROOM_DATABASE_URL", url.as_str()),
        ("CHARTROOM_DRAIN_DELAY", "2s"),
        ("CHARTROOM_STOP_DEADLINE", "4s"),
    ];
    let mut service = Service::start(&dir.0, &ports, &settings);
    service.wait_ready(PATIENCE).await;
    let kept = Client::keep_alive(service.public);
    let answer = kept.get(ROUTE).await.unwrap();
    assert!(!answer.headers.contains_key("connection"));
    let _stalled = Stalled::on(&service).await;

    let began = Instant::now();
    service.signal("TERM");
    let reason = service.wait_unready("", Duration::from_secs(1)).await;
    assert!(reason.contains("stopping"), "{reason}");
    // Unready, and yet: whoever still comes, on an old connection or a new one, is served and told
    // to go.
    for client in [&kept, &Client::fresh(service.public)] {
        let answer = client.get(ROUTE).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["connection"]),
            (200, &"close".parse().unwrap())
        );
    }
    assert_eq!(service.ops("/livez").await.unwrap().status, 200);
    let closed = until("the listener's end", PATIENCE, async || {
        TcpStream::connect(service.public)
            .await
            .is_err()
            .then_some(())
    });
    closed.await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "closed before the drain delay"
    );
    let status = service.exit(PATIENCE).await;
    let took = began.elapsed();
    assert_eq!(status.code(), Some(0), "{took:?}: {:#?}", service.lines());
    assert!(
        took >= DEADLINE - Duration::from_millis(100),
        "{took:?}: nothing was stalled"
    );
    assert!(took < DEADLINE + Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn without_anything_in_flight_it_waits_for_the_drain_delay_alone() {
    let (dir, ports) = (TempDir::new("stop").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let settings = [
        ("CHARTROOM_DATABASE_URL", url.as_str()),
        ("CHARTROOM_DRAIN_DELAY", "0ms"),
    ];
    for signal in ["TERM", "INT"] {
        let mut service = Service::start(&dir.0, &ports, &settings);
        service.wait_ready(PATIENCE).await;
        service.signal(signal);
        let status = service.exit(Duration::from_secs(10)).await;
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_second_signal_waits_for_nothing() {
    let (dir, ports) = (TempDir::new("stop").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let mut service = Service::start(
        &dir.0,
        &ports,
        &[("CHARTROOM_DATABASE_URL", database.url())],
    );
    service.wait_ready(PATIENCE).await;
    let _stalled = Stalled::on(&service).await;
    service.signal("TERM");
    service.wait_unready("stopping", PATIENCE).await;
    let began = Instant::now();
    service.signal("TERM");
    let status = service.exit(PATIENCE).await;
    let took = began.elapsed();
    assert!(status.code().is_some(), "{status}");
    // One second is promised, one more is for a loaded machine; by itself it would take the
    // deadline's 25.
    assert!(took < Duration::from_secs(2), "{took:?}");
}
