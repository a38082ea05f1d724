//! A service with streaming routes on a real socket, and clients that write bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chartroom::app::features::PublicShell;
use chartroom::app::serve::connection_limits;
use chartroom::identity::api::AppState;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::server::{Counters, listen, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::routes::router;
use crate::support::app::{config, shell_with};
use crate::support::database::TestDatabase;
use crate::support::wait::until;

/// Longer than anything here should take, short enough to fail in.
pub(super) const SOON: Duration = Duration::from_secs(20);

pub(super) struct Stage {
    pub(super) app: AppState,
    pub(super) address: SocketAddr,
    pub(super) counters: Arc<Counters>,
    pub(super) shutdown: Shutdown,
    pub(super) served: JoinHandle<()>,
    _database: TestDatabase,
}

impl Stage {
    pub(super) async fn with(flags: &[&str]) -> Self {
        let database = TestDatabase::migrated().await;
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: Duration::from_secs(3),
        });
        let endpoint = database.runtime();
        let app = chartroom::app::serve::app(config(flags), endpoint, None, shutdown.clone());
        let app = app.unwrap();
        let shell = shell_with(&app, router());
        let (address, counters, served) = listening(&app, shell, &shutdown);
        Self {
            app,
            address,
            counters,
            shutdown,
            served,
            _database: database,
        }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends all of it and returns all of the answer.
    pub(super) async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // Who is refused may find the connection closed before all is sent.
        let _ = stream.write_all(request).await;
        answer(&mut stream).await
    }

    pub(super) fn streams(&self) -> i64 {
        self.app.metrics.http_server_streams_in_flight.get()
    }

    /// How many have ended so.
    pub(super) fn ended(&self, outcome: &str) -> u64 {
        let all = &self.app.metrics.http_server_streams_total;
        all.with_label_values(&[outcome]).get()
    }

    pub(super) async fn has(&self, streams: i64) {
        let there = async || (self.streams() == streams).then_some(());
        until("the number of streams", SOON, there).await.unwrap();
    }
}

/// The same service behind a listener of its own.
pub(super) fn listening(
    app: &AppState,
    shell: Arc<PublicShell>,
    shutdown: &Shutdown,
) -> (SocketAddr, Arc<Counters>, JoinHandle<()>) {
    let service = tower::service_fn(move |request| {
        let shell = shell.clone();
        async move { Ok(Box::pin(shell.handle(request)).await) }
    });
    let listener = listen("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let counters = Arc::<Counters>::default();
    let limits = connection_limits(&app.config);
    let served = serve(
        listener,
        service,
        limits,
        shutdown.clone(),
        counters.clone(),
    );
    (address, counters, tokio::spawn(served))
}

pub(super) async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    let _ = read.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The head of an upload whose body is chunked.
pub(super) fn chunked(path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
}

/// The whole of an upload of known length, with more headers.
pub(super) fn whole(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/octet-stream\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(super) fn download(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}
