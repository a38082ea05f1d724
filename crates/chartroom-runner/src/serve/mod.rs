//! Models for a service elsewhere: each connection is a child of this process.
//!
//! The child's standard input and output are the connection itself, so no byte of a model or of a
//! request passes through here. What is left to do is to listen, to count, and to notice ends
//! (`attend`). A connection over a network is the exception: what comes is deciphered on its way
//! (`network`).

mod address;
mod attend;
mod metrics;
mod network;

use std::io;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use chartroom_wire::WireError;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::models::Library;
use address::{Came, Listener};
use attend::{Counts, House};
use network::Door;

const LIBRARY: &str = "CHARTROOM_ONNXRUNTIME";
const DEFAULT_LIBRARY: &str = "/usr/lib/libonnxruntime.so";
const MODELS: &str = "CHARTROOM_RUNNER_MODELS";
const DEFAULT_MODELS: usize = 64;
/// For what is still asked when this process is to end.
const LAST: Duration = Duration::from_secs(10);
/// For children that were killed.
const KILLED: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);
/// After a connection that could not be taken, as where there are no descriptors left.
const REST: Duration = Duration::from_millis(100);

/// Whether there is a library that can be used: for probes.
pub(crate) fn check() -> ExitCode {
    match Library::open(&library()) {
        Ok(library) => {
            println!("{}", library.name);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(crate::FAILED)
        }
    }
}

/// Listens at `unix:/PATH`, `tcp:ADDRESS:PORT` or `tls:ADDRESS:PORT` until it is told to end.
pub(crate) fn run(address: &str) -> Result<(), WireError> {
    let most = most()?;
    let program = program();
    // In another process: once opened, a library stays.
    if !Command::new(&program)
        .arg("check")
        .stdout(io::stderr())
        .status()?
        .success()
    {
        return Err(
            io::Error::other(format!("set {LIBRARY} to a library that can be used")).into(),
        );
    }
    let (stop, told) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
    }
    // Closing the one end is what all who attend see at the other.
    let (killing, kill) = UnixStream::pair()?;
    let listener = Listener::bind(address)?;
    let door = match listener {
        Listener::Tls(_) => Some(Arc::new(Door::new()?)),
        Listener::Unix(..) | Listener::Tcp(_) => None,
    };
    let house = Arc::new(House {
        program,
        library: library(),
        kill: OwnedFd::from(kill),
        most,
        children: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        counts: Counts::default(),
    });
    metrics::serve(&house, door.as_ref())?;
    log(
        "listening",
        &[
            ("address", listener.address().into()),
            ("models", most.into()),
        ],
    );
    accept(&listener, &stop, &house, door.as_ref())?;
    drop(listener);
    log(
        "ending",
        &[("children", house.children.load(Ordering::SeqCst).into())],
    );
    wait(&house, door.as_deref(), LAST);
    drop(killing);
    wait(&house, door.as_deref(), KILLED);
    Ok(())
}

fn library() -> PathBuf {
    std::env::var_os(LIBRARY).map_or_else(|| DEFAULT_LIBRARY.into(), PathBuf::from)
}

/// By this name it is the file that runs, even where another one has taken its place.
fn program() -> PathBuf {
    match cfg!(target_os = "linux") {
        true => "/proc/self/exe".into(),
        false => std::env::current_exe().unwrap_or_else(|_unknown| "chartroom-runner".into()),
    }
}

fn most() -> io::Result<usize> {
    let Some(said) = std::env::var_os(MODELS) else {
        return Ok(DEFAULT_MODELS);
    };
    let number = said.to_str().and_then(|said| said.parse().ok());
    number
        .filter(|most| (1..=10_000).contains(most))
        .ok_or_else(|| {
            let message =
                format!("{MODELS} is {said:?}, but it has to be a number from 1 to 10000");
            io::Error::other(message)
        })
}

/// Until something is said at `stop`.
fn accept(
    listener: &Listener,
    stop: &UnixStream,
    house: &Arc<House>,
    door: Option<&Arc<Door>>,
) -> io::Result<()> {
    loop {
        let mut polled = [
            PollFd::new(stop, PollFlags::IN),
            PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        let [stopped, came] = polled.map(|one| !one.revents().is_empty());
        if stopped {
            return Ok(());
        }
        if !came {
            continue;
        }
        let attended = listener.accept().and_then(|connection| {
            let (house, door) = (house.clone(), door.cloned());
            thread::Builder::new().spawn(move || match (connection, door) {
                (Came::Here(connection), _) => house.attend(connection),
                (Came::Stranger(connection), Some(door)) => door.let_in(connection, &house),
                // Nobody listens there without a door.
                (Came::Stranger(_), None) => {}
            })
        });
        if let Err(error) = attended {
            log("not accepted", &[("error", error.to_string().into())]);
            thread::sleep(REST);
        }
    }
}

/// Until no child is left and what they said is on its way, or for so long.
fn wait(house: &House, door: Option<&Door>, most: Duration) {
    let until = Instant::now() + most;
    let open = || door.map_or(0, |door| door.open.load(Ordering::SeqCst));
    while house.children.load(Ordering::SeqCst) + open() > 0 && Instant::now() < until {
        thread::sleep(LOOK);
    }
}

/// One line of JSON on the standard error.
fn log(event: &str, more: &[(&str, serde_json::Value)]) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let mut line = serde_json::Map::new();
    line.insert("time".to_owned(), now.as_secs_f64().into());
    line.insert("event".to_owned(), event.into());
    for (name, value) in more {
        line.insert((*name).to_owned(), value.clone());
    }
    // There is nobody else to tell where this fails.
    let _ = writeln!(io::stderr(), "{}", serde_json::Value::Object(line));
}
