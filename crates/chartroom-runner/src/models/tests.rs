//! What a process can still do once the library is open and the walls stand. Each try is a process
//! of its own, this program again.

#![expect(
    clippy::disallowed_methods,
    reason = "a try ends where it stands, before its harness runs against the wall"
)]

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio, exit};

use chartroom_wire::models::{Datatype, Values};
use chartroom_wire::tabular::Room;

use super::*;
use needs::library;

#[path = "../../tests/models/needs.rs"]
mod needs;
/// What a try exits with that was not stopped.
const DONE: i32 = 60;
const STOPPED: i32 = 61;

/// Not a test where nobody asks for a try, by an argument: the environment is made anew.
#[test]
fn run_behind_the_walls() {
    let argument = |name: &str| {
        let mut arguments = std::env::args();
        arguments.find_map(|word| Some(word.strip_prefix(name)?.to_owned()))
    };
    let (Some(what), Some(path)) = (argument("try="), argument("library=")) else {
        return;
    };
    let library = Library::open(path.as_ref()).unwrap_or_else(|failure| panic!("{failure}"));
    let (what, has_walls) = match what.strip_prefix("free ") {
        Some(what) => (what, false),
        None => (what.as_str(), true),
    };
    if has_walls {
        let room = Room {
            memory: 256 << 20,
            cpu: 5,
        };
        let missing = walls::raise(room)
            .into_iter()
            .find(|wall| wall.missing.is_some() && wall.name == "seccomp");
        assert!(missing.is_none(), "{missing:?}");
    }
    let stopped = |is_stopped: bool| exit(if is_stopped { STOPPED } else { DONE });
    match what {
        "open" => stopped(File::open("/proc/self/stat").is_err()),
        "listen" => stopped(TcpListener::bind("127.0.0.1:0").is_err()),
        "listen beside" => {
            let path = std::env::temp_dir().join(format!("chartroom-try-{}", std::process::id()));
            let bound = UnixListener::bind(&path);
            let _ = std::fs::remove_file(path);
            stopped(bound.is_err());
        }
        "send" => stopped(UdpSocket::bind("127.0.0.1:0").is_err()),
        "run" => stopped(Command::new("/bin/true").status().is_err()),
        "thread" => stopped(std::thread::Builder::new().spawn(|| ()).is_err()),
        "hold" => {
            let held = vec![1_u8; 512 << 20];
            stopped(held.iter().all(|byte| *byte == 0));
        }
        "model" => {
            let mut session = library.load(&build::linear()).unwrap();
            let inputs = [tensors::declared(&session.inputs()[0]).unwrap()];
            let values = [Values {
                datatype: Datatype::Fp32,
                shape: vec![1, 2],
                bytes: [1.0_f32, 1.0]
                    .iter()
                    .flat_map(|it| it.to_le_bytes())
                    .collect(),
            }];
            let told = ask::run(&mut session, &inputs, &values).unwrap();
            let expected: Vec<u8> = [14.0_f32, 26.0]
                .iter()
                .flat_map(|it| it.to_le_bytes())
                .collect();
            assert_eq!(told[0].bytes, expected);
        }
        other => panic!("{other}"),
    }
    exit(DONE);
}

fn tried(library: &Path, what: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "models::tests::run_behind_the_walls",
        "--exact",
        "--test-threads=1",
        "--nocapture",
    ]);
    command.arg(format!("try={what}"));
    command.arg(format!("library={}", library.display()));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap()
}

#[test]
fn with_the_library_open_only_memory_and_the_streams_remain() {
    const ABORT: i32 = 6;
    const SYS: i32 = 31;
    let Some(library) = library() else { return };
    for what in [
        "open",
        "listen",
        "listen beside",
        "send",
        "run",
        "thread",
        "hold",
        "model",
    ] {
        let free = tried(&library, &format!("free {what}"));
        assert_eq!(free.code(), Some(DONE), "{what}: {free}");
    }
    assert_eq!(tried(&library, "model").code(), Some(DONE));
    for what in ["open", "listen", "listen beside", "send", "run", "thread"] {
        let status = tried(&library, what);
        assert_eq!(status.signal(), Some(SYS), "{what}: {status}");
    }
    let status = tried(&library, "hold");
    assert_eq!(status.signal(), Some(ABORT), "{status}");
}
