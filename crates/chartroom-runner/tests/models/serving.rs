//! Models for a service elsewhere: connections, their children, and their ends.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use chartroom_wire::Kind;
use chartroom_wire::models::{Code, ENDED, Failure};
use chartroom_wire::tabular::Room;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::needs::library;
use crate::onnx;
use crate::peer::{PROGRAM, Peer, ROOM, floats, load_of};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Served {
    child: Child,
    pub(crate) folder: PathBuf,
    said: Receiver<serde_json::Value>,
    pub(crate) address: String,
    /// Where its metrics are, if it has any.
    pub(crate) metrics: Option<String>,
}

impl Served {
    fn start(library: &Path, name: &str, models: usize) -> Self {
        let folder = folder(name);
        let address = match name {
            "tcp" => "tcp:127.0.0.1:0".to_owned(),
            _ => format!("unix:{}/models", folder.display()),
        };
        let models = models.to_string();
        let environment = [("CHARTROOM_RUNNER_MODELS", models.as_ref())];
        Self::at(library, folder, address, &environment)
    }

    pub(crate) fn at(
        library: &Path,
        folder: PathBuf,
        address: String,
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(["serve", &address])
            .env("CHARTROOM_ONNXRUNTIME", library)
            .envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (to, said) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Ok(line) = serde_json::from_str(&line) {
                    let _ = to.send(line);
                }
            }
        });
        let mut served = Self {
            child,
            folder,
            said,
            address,
            metrics: None,
        };
        if environment
            .iter()
            .any(|(name, _)| name.ends_with("METRICS"))
        {
            let metrics = served.hear("metrics");
            served.metrics = metrics["address"].as_str().map(str::to_owned);
        }
        let listening = served.hear("listening");
        listening["address"]
            .as_str()
            .unwrap()
            .clone_into(&mut served.address);
        served
    }

    /// The next event of this name.
    pub(crate) fn hear(&self, event: &str) -> serde_json::Value {
        loop {
            let line = self
                .said
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("no {event}"));
            if line["event"] == event {
                return line;
            }
        }
    }

    fn stream(&self) -> UnixStream {
        UnixStream::connect(self.address.strip_prefix("unix:").unwrap()).unwrap()
    }

    fn peer(&self) -> Peer {
        let stream = self.stream();
        Peer::new(stream.try_clone().unwrap(), stream)
    }

    /// A model that has begun something that does not end.
    fn busy(&self, cpu: u64) -> (Peer, Pid) {
        let mut peer = self.peer();
        let mut load = load_of(&onnx::endless(), Room { cpu, ..ROOM });
        load.probe = false;
        peer.send(&load, &onnx::endless());
        peer.loaded().unwrap();
        peer.begin(vec![floats(&[1], &[1.0])], &[]);
        (peer, pid(&self.hear("started")))
    }

    pub(crate) fn stop(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// An empty one.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("chartroom-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn pid(line: &serde_json::Value) -> Pid {
    let pid = line["pid"].as_i64().unwrap();
    Pid::from_raw(pid.try_into().unwrap()).unwrap()
}

pub(crate) fn is_gone(pid: Pid) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if test_kill_process(pid).is_err() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

pub(crate) fn failure(peer: &mut Peer, id: u32) -> Failure {
    let message = peer.read().expect("a failure");
    assert_eq!((message.id, message.kind), (id, Kind::Failure));
    message.json().unwrap()
}

pub(crate) fn answers(peer: &mut Peer) {
    let told = peer.ask(vec![floats(&[1, 2], &[1.0, 1.0])], &[]).unwrap();
    assert_eq!(told, [floats(&[1, 2], &[14.0, 26.0])]);
}

#[test]
fn each_connection_is_a_model_of_its_own() {
    let Some(library) = library() else { return };
    let served = Served::start(&library, "own", 4);
    let (mut one, mut two) = (served.peer(), served.peer());
    one.load(&onnx::linear()).unwrap();
    two.load(&onnx::linear()).unwrap();
    let children = [served.hear("started"), served.hear("started")].map(|line| pid(&line));
    answers(&mut one);
    answers(&mut two);
    let (busy, third) = served.busy(600);
    answers(&mut one);
    drop(one);
    let ended = served.hear("ended");
    assert!(ended["why"].is_null(), "{ended}");
    answers(&mut two);
    // It would go on for centuries, but who wants to know is gone.
    drop(busy);
    assert!(is_gone(third));
    let ended = served.hear("ended");
    assert_eq!(
        (&ended["killed"], ended["why"].is_null()),
        (&true.into(), true),
        "{ended}"
    );
    answers(&mut two);
    drop(two);
    assert!(children.into_iter().all(is_gone));
}

#[test]
fn an_end_is_told_to_who_is_connected() {
    let Some(library) = library() else { return };
    let served = Served::start(&library, "told", 4);
    let (mut peer, pid) = served.busy(1);
    let told = failure(&mut peer, ENDED);
    assert_eq!(told.code, Code::Ended);
    assert!(told.message.contains("time of a processor"), "{told}");
    assert!(peer.read().is_none());
    assert!(is_gone(pid));

    // Killed by the kernel, as far as can be seen.
    let (mut peer, pid) = served.busy(600);
    kill_process(pid, Signal::KILL).unwrap();
    let told = failure(&mut peer, ENDED);
    assert_eq!(told.code, Code::OutOfMemory, "{told}");

    let mut peer = served.peer();
    peer.raw(b"nonsense nonsense");
    assert_eq!(failure(&mut peer, ENDED).code, Code::Ended);
    // A refusal is no end of that kind.
    let mut peer = served.peer();
    assert_eq!(peer.load(b"nonsense").unwrap_err().code, Code::Model);
    assert!(peer.read().is_none());
}

#[test]
fn there_are_so_many_models_and_no_more() {
    let Some(library) = library() else { return };
    let served = Served::start(&library, "many", 1);
    let mut one = served.peer();
    one.load(&onnx::linear()).unwrap();
    let mut two = served.peer();
    // A large model, so that it is refused while it is being sent.
    let file = [onnx::linear(), onnx::bytes(14, &vec![0; 8 << 20])].concat();
    two.send(&load_of(&file, ROOM), &file);
    let told = failure(&mut two, 0);
    assert_eq!(told.code, Code::Busy);
    assert!(told.message.contains("1 models are in memory"), "{told}");
    answers(&mut one);
    drop(one);
    served.hear("ended");
    let until = Instant::now() + PATIENCE;
    loop {
        // The place is free a moment after it is said.
        let mut three = served.peer();
        three.send(&load_of(&onnx::linear(), ROOM), &onnx::linear());
        if three
            .read()
            .is_some_and(|message| message.kind == Kind::Walls)
        {
            break;
        }
        assert!(Instant::now() < until);
    }
}

#[test]
fn at_its_end_it_waits_for_those_who_ask() {
    let Some(library) = library() else { return };
    let served = Served::start(&library, "end", 4);
    let mut peer = served.peer();
    peer.load(&onnx::linear()).unwrap();
    let path = served.address.strip_prefix("unix:").unwrap().to_owned();
    served.stop();
    served.hear("ending");
    assert!(UnixStream::connect(&path).is_err());
    answers(&mut peer);
    drop(peer);
    let began = Instant::now();
    assert!(served.wait().success());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn at_its_end_it_does_not_wait_for_ever() {
    let Some(library) = library() else { return };
    let served = Served::start(&library, "ever", 4);
    let (_peer, pid) = served.busy(600);
    let began = Instant::now();
    served.stop();
    assert!(served.wait().success());
    assert!(
        (9..15).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
    assert!(is_gone(pid));
}

#[test]
fn children_end_with_who_started_them() {
    let Some(library) = library() else { return };
    let mut served = Served::start(&library, "orphans", 4);
    let (_peer, busy) = served.busy(600);
    let mut peer = served.peer();
    peer.load(&onnx::linear()).unwrap();
    let idle = pid(&served.hear("started"));
    answers(&mut peer);
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    assert!(is_gone(busy) && is_gone(idle));
}

#[test]
fn tcp_is_the_same() {
    let Some(library) = library() else { return };
    let served = Served::start(&library, "tcp", 4);
    let address = served.address.strip_prefix("tcp:").unwrap().to_owned();
    let stream = TcpStream::connect(&address).unwrap();
    let mut peer = Peer::new(stream.try_clone().unwrap(), stream.try_clone().unwrap());
    peer.load(&onnx::linear()).unwrap();
    answers(&mut peer);
    // Who only ends their own half is still answered.
    peer.begin(vec![floats(&[1, 2], &[1.0, 1.0])], &[]);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(peer.read().unwrap().kind, Kind::Data);
    assert!(peer.read().is_none());
}

#[test]
fn whether_the_library_can_be_used_is_told_by_the_exit_code() {
    let Some(library) = library() else { return };
    let check = |library: &Path| {
        let mut command = Command::new(PROGRAM);
        command
            .arg("check")
            .env("CHARTROOM_ONNXRUNTIME", library)
            .output()
            .unwrap()
    };
    let right = check(&library);
    assert!(right.status.success());
    assert!(
        String::from_utf8(right.stdout)
            .unwrap()
            .starts_with("ONNX Runtime 1.")
    );
    let wrong = check(Path::new("/nowhere.so"));
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        String::from_utf8(wrong.stderr)
            .unwrap()
            .contains("/nowhere.so")
    );
    for words in [&["serve"][..], &["serve", "somewhere"], &["model"], &[]] {
        let mut command = Command::new(PROGRAM);
        command.args(words).env("CHARTROOM_ONNXRUNTIME", &library);
        assert!(!command.output().unwrap().status.success(), "{words:?}");
    }
}
