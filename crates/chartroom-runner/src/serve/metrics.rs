//! What Prometheus and the probes of Kubernetes are told, over plain HTTP on a port of its own.
//!
//! One thread answers one after the other, each within a short time, and reads a head of a few
//! kilobytes at most.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::attend::House;
use super::log;
use super::network::Door;

const ADDRESS: &str = "CHARTROOM_RUNNER_METRICS";
/// For a whole question and its answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a question.
const HEAD: usize = 4 * 1024;

/// Begins to listen, where an address is set.
pub(super) fn serve(house: &Arc<House>, door: Option<&Arc<Door>>) -> io::Result<()> {
    let Some(address) = std::env::var_os(ADDRESS) else {
        return Ok(());
    };
    let parsed = address
        .to_str()
        .and_then(|it| it.parse::<SocketAddr>().ok());
    let parsed = parsed.ok_or_else(|| {
        io::Error::other(format!(
            "{ADDRESS} is {address:?}, but it has to be ADDRESS:PORT, such as 0.0.0.0:9090"
        ))
    })?;
    let listener = TcpListener::bind(parsed)?;
    let at = listener.local_addr()?.to_string();
    log("metrics", &[("address", at.into())]);
    let (house, door) = (house.clone(), door.cloned());
    thread::Builder::new().spawn(move || {
        for connection in listener.incoming().flatten() {
            // Who asks and goes away is not told.
            let _ = answer(connection, &house, door.as_deref());
        }
    })?;
    Ok(())
}

fn answer(mut connection: TcpStream, house: &House, door: Option<&Door>) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > HEAD {
            return Ok(());
        }
        connection.set_read_timeout(Some(left))?;
        match connection.read(&mut buffer)? {
            0 => return Ok(()),
            read => head.extend(buffer.iter().take(read)),
        }
    }
    let (status, body) = if head.starts_with(b"GET /metrics ") {
        ("200 OK", text(house, door))
    } else if head.starts_with(b"GET /healthz ") {
        ("200 OK", "ok\n".to_owned())
    } else {
        ("404 Not Found", "/metrics or /healthz\n".to_owned())
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.write_all(answer.as_bytes())
}

/// As Prometheus reads it.
fn text(house: &House, door: Option<&Door>) -> String {
    let none = AtomicUsize::new(0);
    let most = AtomicUsize::new(house.most);
    let counts = &house.counts;
    let (open, failed) = door.map_or((&none, &none), |door| (&door.open, &door.failed));
    let all = [
        (
            "runner_models",
            "gauge",
            "Processes of models that run",
            &house.children,
        ),
        (
            "runner_models_limit",
            "gauge",
            "Most of them that may run",
            &most,
        ),
        (
            "runner_models_started_total",
            "counter",
            "Processes that were started",
            &counts.started,
        ),
        (
            "runner_models_refused_total",
            "counter",
            "Models that were refused, because there were as many as may be or no process could be started",
            &counts.refused,
        ),
        (
            "runner_models_ended_total",
            "counter",
            "Processes that ended by a fault, while somebody still asked them",
            &counts.ended,
        ),
        (
            "runner_connections",
            "gauge",
            "Connections over the network whose other side has proven who it is",
            open,
        ),
        (
            "runner_handshakes_failed_total",
            "counter",
            "Connections whose other side did not prove who it is",
            failed,
        ),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in all {
        let value = value.load(Ordering::Relaxed);
        // A text takes everything that is written into it.
        let _ = write!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
        );
    }
    text
}
