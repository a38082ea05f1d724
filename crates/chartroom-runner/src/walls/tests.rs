//! Each wall is raised in a process of its own, this program again, which then runs against it.

#![expect(
    clippy::disallowed_methods,
    reason = "a try ends where it stands, before its harness runs against the wall"
)]

use std::fs::File;
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio, exit};

use super::*;

const TRY: &str = "CHARTROOM_RUNNER_TRY";
/// What a try exits with that was not stopped.
const DONE: i32 = 60;
const STOPPED: i32 = 61;
const NOT_THERE: i32 = 62;

const ROOM: Room = Room {
    memory: 64 << 20,
    cpu: 1,
};

/// Not a test where nobody asks for a try.
#[test]
fn run_against_a_wall() {
    let Ok(what) = std::env::var(TRY) else { return };
    let stopped = |is_stopped: bool| exit(if is_stopped { STOPPED } else { DONE });
    let (walls, what) = what.split_once(' ').unwrap();
    let mut to = tempfile();
    match walls {
        "none" => {}
        "all" => {
            let missing = raise(ROOM)
                .into_iter()
                .filter(|wall| wall.missing.is_some());
            let missing: Vec<Wall> = missing.filter(|wall| wall.name == "seccomp").collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
        "landlock" => {
            if let Err(why) = landlock() {
                println!("landlock: {why}");
                exit(NOT_THERE);
            }
        }
        "files" => most(Resource::Fsize, 0).unwrap(),
        "descriptors" => most(Resource::Nofile, 0).unwrap(),
        "memory" => memory(ROOM.memory).unwrap(),
        "cpu" => cpu(1).unwrap(),
        other => panic!("{other}"),
    }
    match what {
        "open" => stopped(File::open("/proc/self/stat").is_err()),
        "listen" => stopped(TcpListener::bind("127.0.0.1:0").is_err()),
        "send" => stopped(UdpSocket::bind("127.0.0.1:0").is_err()),
        "run" => stopped(Command::new("/bin/true").status().is_err()),
        "thread" => stopped(std::thread::Builder::new().spawn(|| ()).is_err()),
        "write" => stopped(to.write_all(b"x").is_err()),
        "hold" => {
            let held = vec![1_u8; 128 << 20];
            stopped(held.iter().all(|byte| *byte == 0));
        }
        "spin" => loop {
            std::hint::black_box(0);
        },
        "rest" => {}
        other => panic!("{other}"),
    }
    exit(DONE);
}

/// A file that can be written to, and has no name.
fn tempfile() -> File {
    let path = std::env::temp_dir().join(format!("chartroom-wall-{}", std::process::id()));
    let file = File::create_new(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

fn tried(what: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["run_against_a_wall", "--test-threads=1", "--nocapture"]);
    command
        .env(TRY, what)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().unwrap()
}

#[test]
fn without_walls_everything_is_done() {
    for what in [
        "open", "listen", "send", "run", "thread", "write", "hold", "rest",
    ] {
        assert_eq!(tried(&format!("none {what}")).code(), Some(DONE), "{what}");
    }
}

#[test]
fn within_the_walls_only_memory_and_the_output_remain() {
    const SYS: i32 = 31;
    assert_eq!(tried("all rest").code(), Some(DONE));
    for what in ["open", "listen", "send", "run", "thread"] {
        assert_eq!(tried(&format!("all {what}")).signal(), Some(SYS), "{what}");
    }
    // A limit that is passed kills by its signal or is an error, before any call is judged.
    assert!(tried("all write").code() != Some(DONE));
    assert!(tried("all hold").code() != Some(DONE));
}

#[test]
fn each_wall_stands_alone() {
    const ABORT: i32 = 6;
    const XCPU: i32 = 24;
    const XFSZ: i32 = 25;
    assert_eq!(tried("memory hold").signal(), Some(ABORT));
    assert_eq!(tried("cpu spin").signal(), Some(XCPU));
    assert_eq!(tried("descriptors open").code(), Some(STOPPED));
    let written = tried("files write");
    assert!(
        written.signal() == Some(XFSZ) || written.code() == Some(STOPPED),
        "{written}"
    );
    for what in ["open", "listen", "run"] {
        let status = tried(&format!("landlock {what}"));
        assert!(
            matches!(status.code(), Some(STOPPED | NOT_THERE)),
            "{what}: {status}"
        );
    }
    let rest = tried("landlock rest");
    assert!(matches!(rest.code(), Some(DONE | NOT_THERE)), "{rest}");
}
