//! `chartroom serve` as a process: how it starts, what it survives, how it stops, what it never
//! says.

pub(crate) mod embedded;
mod freeze;
mod refresh;
mod restart;
mod secrets;
mod start;
mod stop;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{task::JoinHandle, time::Instant};

use crate::support::{
    client::Client,
    database::{SERVER, TestDatabase},
    load::{Load, Outcome, Report, open_loop},
};

/// Promised after the database appears, and after it thaws.
const READY_AGAIN: Duration = Duration::from_secs(5);

/// A route that needs no database.
const ROUTE: &str = "/api/v1/version";

/// The shared server's socket, for a proxy in front of it.
fn socket() -> PathBuf {
    let address = &SERVER.address;
    address
        .socket_dir
        .join(format!(".s.PGSQL.{}", address.port))
}

/// The URL of a database behind a proxy.
pub(crate) fn url_through(proxy: SocketAddr, database: &TestDatabase) -> String {
    let direct = database.url();
    let (credentials, _) = direct.split_once('@').unwrap();
    format!("{credentials}@{proxy}/{}", database.name)
}

/// Asks `/livez` without a pause until it is stopped.
struct Pulse {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<(Duration, bool)>>,
}

impl Pulse {
    fn of(ops: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let client = Client::fresh(ops);
            let mut beats = Vec::new();
            while !stopped.load(Relaxed) {
                let began = Instant::now();
                let answer =
                    tokio::time::timeout(Duration::from_secs(5), client.get("/livez")).await;
                let alive = matches!(answer, Ok(Ok(answer)) if answer.status == 200);
                beats.push((began.elapsed(), alive));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            beats
        });
        Self { stop, task }
    }

    /// Every answer was 200, and none took a second, of which a loaded machine has the greatest
    /// part.
    async fn assert_steady(self, least: usize) {
        self.stop.store(true, Relaxed);
        let beats = self.task.await.unwrap();
        assert!(beats.len() >= least, "only {} beats", beats.len());
        let lost = beats.iter().filter(|(_, alive)| !alive).count();
        let worst = beats.iter().map(|(took, _)| *took).max().unwrap();
        assert_eq!(lost, 0, "of {} beats", beats.len());
        assert!(worst < Duration::from_secs(1), "{worst:?}");
    }
}

/// Keep-alive and fresh-connection clients at a fixed rate until they are stopped.
struct Traffic {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Report>>,
}

impl Traffic {
    fn to(addr: SocketAddr, per_second: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = [Client::keep_alive(addr), Client::fresh(addr)]
            .into_iter()
            .map(|client| {
                let stopped = stop.clone();
                tokio::spawn(async move {
                    let load = Load {
                        per_second,
                        count: per_second / 2,
                        timeout: Duration::from_secs(10),
                    };
                    let mut all = Report::default();
                    while !stopped.load(Relaxed) {
                        let report =
                            open_loop(&client, load, |_| crate::support::client::get(ROUTE)).await;
                        all.records.extend(report.records);
                    }
                    all
                })
            })
            .collect();
        Self { stop, tasks }
    }

    async fn end(self) -> Report {
        self.stop.store(true, Relaxed);
        let mut all = Report::default();
        for task in self.tasks {
            all.records.extend(task.await.unwrap().records);
        }
        all
    }
}

fn failures(report: &Report) -> usize {
    report.records.len() - report.count(&Outcome::Status(200))
}
