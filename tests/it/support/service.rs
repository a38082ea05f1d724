//! `chartroom` as a child process: its addresses, its lines, its signals, its end.

use super::app::KEYS;
use super::{
    chaos_proxy::reserve_port,
    client::{Answer, Client},
    haproxy::Backend,
    process::{Process, TempDir},
    wait::until,
};
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use tokio::net::TcpSocket;

/// Generous, because a loaded machine is slow; every wait ends as soon as its condition holds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with nothing of the developer's environment but what any program needs.
pub(crate) fn chartroom(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chartroom"));
    command
        .current_dir(dir)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A run to its end, which has to come in time.
pub(crate) async fn run(mut command: Command, within: Duration) -> Output {
    let mut child = command.spawn().unwrap();
    // Read while it runs: a full pipe would keep it.
    let (out, err) = (
        drain(child.stdout.take().unwrap()),
        drain(child.stderr.take().unwrap()),
    );
    let ended = until("the end of the run", within, async || {
        child.try_wait().unwrap()
    })
    .await;
    if ended.is_err() {
        child.kill().ok();
        child.wait().ok();
    }
    let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
    Output {
        status: ended
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stderr))),
        stdout,
        stderr,
    }
}

/// A subcommand that needs nothing but variables.
pub(crate) async fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let dir = TempDir::new("run").unwrap();
    let mut command = chartroom(&dir.0);
    command.args(arguments).envs(variables.iter().copied());
    run(command, PATIENCE).await
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn drain(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Two ports that stay ours, so that a service that is started again has the addresses it had.
pub(crate) struct Ports {
    pub public: SocketAddr,
    pub ops: SocketAddr,
    _sockets: [TcpSocket; 2],
}

impl Ports {
    pub(crate) fn reserve() -> Self {
        let (one, public) = reserve_port().unwrap();
        let (two, ops) = reserve_port().unwrap();
        Self {
            public,
            ops,
            _sockets: [one, two],
        }
    }

    pub(crate) fn backend(&self) -> Backend {
        Backend {
            public: self.public,
            ops: self.ops,
        }
    }
}

/// `chartroom serve`, killed when dropped.
pub(crate) struct Service {
    pub public: SocketAddr,
    pub ops: SocketAddr,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<thread::JoinHandle<()>>,
    asks: Client,
}

impl Service {
    /// The command line is `serve` and the listeners; everything else comes from `variables`.
    pub(crate) fn start<V: AsRef<OsStr>>(
        dir: &Path,
        ports: &Ports,
        variables: &[(&str, V)],
    ) -> Self {
        let mut command = chartroom(dir);
        command
            .args(["serve", "--listen", &ports.public.to_string()])
            .args(["--ops-listen", &ports.ops.to_string()])
            .env("CHARTROOM_KEYS_DIR", &*KEYS)
            .envs(variables.iter().map(|(key, value)| (key, value.as_ref())));
        Self::spawn(command, ports.public, ports.ops)
    }

    pub(crate) fn spawn(mut command: Command, public: SocketAddr, ops: SocketAddr) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = Arc::default();
        let readers = vec![
            collect(child.stdout.take().unwrap(), &lines),
            collect(child.stderr.take().unwrap(), &lines),
        ];
        Self {
            public,
            ops,
            child,
            lines,
            readers,
            asks: Client::fresh(ops),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn process(&self) -> Process {
        Process::find(self.pid()).unwrap()
    }

    /// What it has written so far, both streams.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// From the ops listener; `None` while nobody listens there.
    pub(crate) async fn ops(&self, path: &str) -> Option<Answer> {
        tokio::time::timeout(Duration::from_secs(2), self.asks.get(path))
            .await
            .ok()?
            .ok()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        self.ops("/readyz")
            .await
            .is_some_and(|answer| answer.status == 200)
    }

    pub(crate) async fn wait_ready(&self, within: Duration) {
        let ready = until("readiness", within, async || {
            self.is_ready().await.then_some(())
        });
        if let Err(error) = ready.await {
            panic!("{error}; it said: {:#?}", self.lines());
        }
    }

    pub(crate) async fn wait_live(&self) {
        let live = until("liveness", PATIENCE, async || self.ops("/livez").await);
        if let Err(error) = live.await {
            panic!("{error}; it said: {:#?}", self.lines());
        }
    }

    /// Waits for an unready answer whose reason holds `part`, and checks that it is a whole problem
    /// document.
    pub(crate) async fn wait_unready(&self, part: &str, within: Duration) -> String {
        let mut last = String::new();
        let found = until("the reason", within, async || {
            let answer = self.ops("/readyz").await?;
            last = answer.text();
            if answer.status != 503 {
                return None;
            }
            let problem = answer.json();
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(problem["code"], "not-ready");
            assert_eq!(problem["status"], 503);
            let detail = problem["detail"].as_str().unwrap().to_owned();
            assert!(!detail.is_empty());
            detail.contains(part).then_some(detail)
        })
        .await;
        found.unwrap_or_else(|error| panic!("{error} with {part:?}; the last answer: {last}"))
    }

    pub(crate) async fn wait_line(&self, part: &str) -> String {
        let found = until(part, PATIENCE, async || {
            self.lines().into_iter().find(|line| line.contains(part))
        });
        found
            .await
            .unwrap_or_else(|error| panic!("{error}; it said: {:#?}", self.lines()))
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process().signal(name).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Its exit status; everything it wrote is in `lines` afterwards.
    pub(crate) async fn exit(&mut self, within: Duration) -> ExitStatus {
        let ended = until("the end of the service", within, async || {
            self.child.try_wait().unwrap()
        });
        match ended.await {
            Ok(status) => {
                self.readers
                    .drain(..)
                    .for_each(|reader| reader.join().unwrap());
                status
            }
            Err(error) => panic!("{error}; it said: {:#?}", self.lines()),
        }
    }

    /// Resident memory in KiB.
    pub(crate) fn rss(&self) -> usize {
        self.memory("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB.
    pub(crate) fn peak(&self) -> usize {
        self.memory("VmHWM:")
    }

    fn memory(&self, of: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(of))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn collect(
    from: impl Read + Send + 'static,
    lines: &Arc<Mutex<Vec<String>>>,
) -> thread::JoinHandle<()> {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        // Whoever holds the other end after it is the watchdog, which says nothing.
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            lines
                .lock()
                .unwrap()
                .push(String::from_utf8_lossy(&line).into_owned());
        }
    })
}
