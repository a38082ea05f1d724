//! The load, in a process of its own: requests over kept connections, each answer checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::machine::cpu_seconds;

/// What the bench asks of it, on standard input.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: u32,
    pub(crate) seconds: f64,
    /// Requests a second, on a schedule that the answers cannot slow down; none: each connection
    /// asks as soon as it is answered.
    pub(crate) rate: Option<f64>,
    /// Whole requests; each connection sends one of them again and again.
    pub(crate) requests: Vec<String>,
    /// Every other status is a wrong answer.
    pub(crate) statuses: Vec<u16>,
    /// What a 200 must hold.
    pub(crate) holds: String,
}

/// What it says, on standard output.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) seconds: f64,
    pub(crate) answers: BTreeMap<u16, u64>,
    pub(crate) wrong: u64,
    pub(crate) errors: u64,
    pub(crate) cpu_seconds: f64,
    pub(crate) p50_us: u32,
    pub(crate) p99_us: u32,
}

impl Told {
    /// A second, counting good answers only.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.good()).unwrap()) / self.seconds
    }

    pub(crate) fn good(&self) -> u64 {
        self.answers.get(&200).copied().unwrap_or_default()
    }
}

#[derive(Default)]
struct Seen {
    answers: BTreeMap<u16, u64>,
    wrong: u64,
    errors: u64,
    micros: Vec<u32>,
}

pub(crate) async fn run(load: Load) -> Told {
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(load.seconds);
    let load: &'static Load = Box::leak(Box::new(load));
    let tasks: Vec<_> = (0..load.connections)
        .map(|number| tokio::spawn(one_connection(load, number, begun, until)))
        .collect();
    let mut told = Told::default();
    let mut micros = Vec::new();
    for task in tasks {
        let seen = task.await.unwrap();
        for (status, count) in seen.answers {
            *told.answers.entry(status).or_default() += count;
        }
        told.wrong += seen.wrong;
        told.errors += seen.errors;
        micros.extend(seen.micros);
    }
    told.seconds = begun.elapsed().as_secs_f64();
    micros.sort_unstable();
    if !micros.is_empty() {
        told.p50_us = micros[micros.len() / 2];
        told.p99_us = micros[micros.len() * 99 / 100];
    }
    told.cpu_seconds = cpu_seconds(std::process::id());
    told
}

async fn one_connection(load: &Load, number: u32, begun: Instant, until: Instant) -> Seen {
    let mut seen = Seen::default();
    let request = &load.requests[usize::try_from(number).unwrap() % load.requests.len()];
    let mut stream = TcpStream::connect(load.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(16 * 1024);
    let step = load
        .rate
        .map(|rate| Duration::from_secs_f64(f64::from(load.connections) / rate));
    let mut planned = begun + step.unwrap_or_default() * number / load.connections;
    loop {
        // A wait that the answer before caused counts; that this process woke up late does not.
        let from = match step {
            Some(_) if planned > Instant::now() => {
                sleep_until(planned).await;
                Instant::now()
            }
            Some(_) => planned,
            None => Instant::now(),
        };
        planned += step.unwrap_or_default();
        if from >= until {
            return seen;
        }
        let answered = async {
            stream.write_all(request.as_bytes()).await.ok()?;
            answer(&mut stream, &mut buffer).await
        };
        let Ok(Some((status, body))) = tokio::time::timeout_at(until + GRACE, answered).await
        else {
            seen.errors += 1;
            return seen;
        };
        let micros = from.elapsed().as_micros();
        seen.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
        let is_good = load.statuses.contains(&status)
            && (status != 200 || contains(&buffer[body..], load.holds.as_bytes()));
        seen.wrong += u64::from(!is_good);
        *seen.answers.entry(status).or_default() += 1;
    }
}

/// For the answers that are on their way when the time is up.
const GRACE: Duration = Duration::from_secs(10);

/// Status, and where the body begins in `buffer`. Only what this service sends: a length, no
/// chunks.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(u16, usize)> {
    buffer.clear();
    let mut whole = None;
    loop {
        if whole.is_some_and(|(_, end)| buffer.len() >= end) {
            let status = std::str::from_utf8(buffer.get(9..12)?).ok()?;
            return Some((status.parse().ok()?, whole?.0));
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        if whole.is_none()
            && let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&buffer[..end]).ok()?;
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))?;
            whole = Some((end + 4, end + 4 + length.parse::<usize>().ok()?));
        }
    }
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}
