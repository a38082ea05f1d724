//! The private PostgreSQL below a real process: first start, second owner, every kind of sudden
//! death, taken ports.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::LazyLock,
    time::Duration,
};

use super::{Pulse, READY_AGAIN};
use crate::support::{
    client::Client,
    database::SERVER,
    process::{Process, TempDir, tree, wait_for_end},
    service::{PATIENCE, Ports, Service, chartroom, run, text},
    wait::until,
};

/// A working directory with a data directory in it, which outlives the PostgreSQL that writes
/// there.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
    pub(crate) ports: Ports,
}

impl Home {
    /// Where none is installed, the shared server of the tests has fetched one by now: no patience
    /// covers a download.
    pub(crate) fn new() -> Self {
        LazyLock::force(&SERVER);
        Self {
            dir: TempDir::new("home").unwrap(),
            ports: Ports::reserve(),
        }
    }

    pub(crate) fn start(&self, variables: &[(&str, &str)]) -> Service {
        Service::start(&self.dir.0, &self.ports, variables)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.0.join(".chartroom")
    }

    pub(crate) fn postmaster(&self) -> Option<Process> {
        let file = std::fs::read_to_string(self.data().join("pgdata/postmaster.pid")).ok()?;
        Process::find(file.lines().next()?.trim().parse().ok()?).filter(Process::is_running)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(postmaster) = self.postmaster() {
            // Its owner is gone by now: the watchdog stops it.
            wait_for_end(&tree(postmaster.pid));
        }
    }
}

/// Both addresses, from the line that a service on free ports logs.
fn addresses(line: &str) -> [SocketAddr; 2] {
    let mut found = line.split("http://").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)))
            .unwrap();
        rest[..end].parse().unwrap()
    });
    [found.next().unwrap(), found.next().unwrap()]
}

async fn gone(family: &[Process], what: &str) {
    let ended = until(what, PATIENCE, async || {
        (!family.iter().any(Process::is_running)).then_some(())
    });
    ended
        .await
        .unwrap_or_else(|error| panic!("{error}: {family:?}"));
}

#[tokio::test]
async fn without_any_configuration_it_serves_and_takes_its_postgres_along_when_it_stops() {
    let home = Home::new();
    let mut command = chartroom(&home.dir.0);
    // Nothing but free ports: the usual ones may be taken on this machine.
    command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
    let mut service = Service::spawn(command, home.ports.public, home.ports.ops);
    let [public, ops] = addresses(&service.wait_line("serving http://").await);
    assert!(public.port() != 0 && ops.port() != 0);
    let ready = until("readiness", PATIENCE, async || {
        let answer = Client::fresh(ops).get("/readyz").await.ok()?;
        (answer.status == 200).then_some(())
    });
    ready.await.unwrap();
    let answer = Client::fresh(public).get("/api/v1/version").await.unwrap();
    assert_eq!(answer.status, 200);

    let mut second = chartroom(&home.dir.0);
    second.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
    let refused = run(second, PATIENCE).await;
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("chartroom: ") && said.lines().count() == 1,
        "{said}"
    );
    assert!(
        said.contains(&format!("process {}", service.pid())),
        "{said}"
    );
    assert!(said.contains("CHARTROOM_DATA_DIR"), "{said}");

    let family = tree(service.pid());
    assert!(family.contains(&home.postmaster().unwrap()), "{family:?}");
    service.signal("TERM");
    let status = service.exit(PATIENCE).await;
    assert_eq!(status.code(), Some(0));
    gone(&family, "the end of all its children").await;
    assert!(!home.data().join("pgdata/postmaster.pid").exists());
}

#[tokio::test]
async fn a_second_signal_ends_postgres_at_once_too() {
    let home = Home::new();
    let mut service = home.start(&[]);
    service.wait_ready(PATIENCE).await;
    let family = tree(service.pid());
    service.signal("TERM");
    service.wait_unready("stopping", PATIENCE).await;
    let began = tokio::time::Instant::now();
    service.signal("INT");
    service.exit(PATIENCE).await;
    let took = began.elapsed();
    // One second is promised, one more is for a loaded machine; the drain alone would take five.
    assert!(took < Duration::from_secs(2), "{took:?}");
    gone(&family, "the end of all its children").await;
    let service = home.start(&[]);
    service.wait_ready(PATIENCE).await;
}

#[tokio::test]
async fn the_probes_answer_while_the_first_database_is_made() {
    let home = Home::new();
    let service = home.start(&[]);
    service.wait_live().await;
    let pulse = Pulse::of(service.ops);
    service.wait_unready("private PostgreSQL", PATIENCE).await;
    service.wait_ready(PATIENCE).await;
    let metrics = service.ops("/metrics").await.unwrap().text();
    let probes = metrics
        .lines()
        .find(|line| line.starts_with("http_server_connections_total{listener=\"ops\"}"));
    let count: f64 = probes.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(
        count > 3.0,
        "what came before the application is counted too: {count}"
    );
    pulse.assert_steady(5).await;
}

#[tokio::test]
async fn told_to_stop_while_it_starts_it_stops_and_starts_again() {
    let home = Home::new();
    let mut service = home.start(&[]);
    let family = until("its first child", PATIENCE, async || {
        let family = tree(service.pid());
        (family.len() > 1).then_some(family)
    });
    let family = family.await.unwrap();
    service.signal("TERM");
    let status = service.exit(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{:#?}", service.lines());
    gone(&family, "the end of all its children").await;
    let service = home.start(&[]);
    service.wait_ready(PATIENCE).await;
}

#[tokio::test]
async fn killed_outright_it_leaves_no_postgres_and_starts_again() {
    let home = Home::new();
    for _ in 0..2 {
        let mut service = home.start(&[]);
        service.wait_ready(PATIENCE).await;
        let family = tree(service.pid());
        assert!(family.len() > 3, "{family:?}");
        service.signal("KILL");
        service.exit(PATIENCE).await;
        gone(&family, "the watchdog's work").await;
    }
    let service = home.start(&[]);
    service.wait_ready(PATIENCE).await;
}

#[tokio::test]
async fn a_killed_postmaster_costs_no_restart_of_the_service() {
    const FINE: &str = "the database answers and its schema fits";
    let home = Home::new();
    let mut service = home.start(&[]);
    service.wait_ready(PATIENCE).await;
    for deaths in 1..=2 {
        let postmaster = home.postmaster().unwrap();
        postmaster.signal("KILL").unwrap();
        gone(&[postmaster], "the postmaster's end").await;
        // Readiness forgives a loss that is shorter than its freshness; the log tells of every one.
        let seen = until("the loss and the return", PATIENCE, async || {
            let lines = service.lines();
            let count = |part| lines.iter().filter(|line| line.contains(part)).count();
            (count("the database cannot serve") >= deaths && count(FINE) > deaths).then_some(())
        });
        seen.await
            .unwrap_or_else(|error| panic!("{error}: {:#?}", service.lines()));
        service.wait_ready(READY_AGAIN).await;
        assert!(!service.has_ended());
    }
}

#[tokio::test]
async fn a_taken_port_is_one_line_and_no_database() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, other, key) in [
        ("--listen", "--ops-listen", "CHARTROOM_LISTEN"),
        ("--ops-listen", "--listen", "CHARTROOM_OPS_LISTEN"),
    ] {
        let mut command = chartroom(&home.dir.0);
        command.args(["serve", flag, &address, other, "127.0.0.1:0"]);
        let output = run(command, PATIENCE).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("chartroom: ") && said.lines().count() == 1,
            "{said}"
        );
        assert!(said.contains(key) && said.contains(&address), "{said}");
        assert!(!home.data().exists());
    }
}
