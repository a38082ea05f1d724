//! haproxy in front of several backends: a Kubernetes Service without a cluster.

use super::{
    chaos_proxy::reserve_port,
    client::Client,
    process::{Process, TempDir, installed, or_skip},
    wait::until,
};
use std::{
    collections::BTreeMap, fmt::Write as _, fs, net::SocketAddr, path::Path, process::Stdio,
    time::Duration,
};
use tokio::{
    net::TcpSocket,
    process::{Child, Command},
};

const STATES: &str = "/haproxy-states;csv";
const STARTED_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend {
    pub public: SocketAddr,
    /// Where `/readyz` is asked.
    pub ops: SocketAddr,
}

pub(crate) struct Haproxy {
    pub addr: SocketAddr,
    child: Child,
    asks: Client,
    _port: TcpSocket,
    _dir: TempDir,
}

impl Haproxy {
    /// `None` is a skip: haproxy is not installed and not required.
    pub(crate) async fn start(backends: &[Backend]) -> Option<Self> {
        let found = installed(
            "haproxy",
            &[Path::new("/usr/sbin"), Path::new("/usr/local/sbin")],
        );
        let program = or_skip("haproxy", found)?;
        let dir = TempDir::new("haproxy").unwrap();
        let (port, addr) = reserve_port().unwrap();
        let file = dir.0.join("haproxy.cfg");
        fs::write(&file, config(addr, backends)).unwrap();
        let child = Command::new(program)
            .args(["-q", "-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut haproxy = Self {
            addr,
            child,
            asks: Client::fresh(addr),
            _port: port,
            _dir: dir,
        };
        // A backend counts as up until its first check: whoever sends before that sees backends
        // nobody asked.
        until(
            "a first check of every backend",
            STARTED_WITHIN,
            async || {
                let ended = haproxy.child.try_wait().unwrap();
                assert!(ended.is_none(), "haproxy ended: {ended:?}");
                let states = haproxy.states().await?;
                states
                    .values()
                    .all(|(_, check)| check.starts_with('L'))
                    .then_some(())
            },
        )
        .await
        .unwrap();
        Some(haproxy)
    }

    pub(crate) fn process(&self) -> Option<Process> {
        Process::find(self.child.id()?)
    }

    /// By the backend's number: does it get requests?
    pub(crate) async fn serving(&self) -> Vec<bool> {
        let states = self.states().await.unwrap_or_default();
        states
            .values()
            .map(|(status, _)| status.starts_with("UP"))
            .collect()
    }

    /// Waits until exactly these backends get requests.
    pub(crate) async fn until_serving(
        &self,
        wanted: &[bool],
        within: Duration,
    ) -> Result<(), String> {
        let what = format!("backends in service {wanted:?}");
        until(&what, within, async || {
            (self.serving().await == wanted).then_some(())
        })
        .await
    }

    /// Number of the backend -> its status and its last check ("* " marks one under way).
    async fn states(&self) -> Option<BTreeMap<usize, (String, String)>> {
        let csv = self.asks.get(STATES).await.ok()?.text();
        let mut lines = csv.lines();
        let names: Vec<&str> = lines.next()?.trim_start_matches("# ").split(',').collect();
        let column = |name: &str| names.iter().position(|n| *n == name);
        let (server, status, check) = (
            column("svname")?,
            column("status")?,
            column("check_status")?,
        );
        let mut states = BTreeMap::new();
        for line in lines {
            let fields: Vec<&str> = line.split(',').collect();
            let Some(number) = fields
                .get(server)
                .and_then(|name| name.strip_prefix("pod")?.parse().ok())
            else {
                continue;
            };
            let check = fields.get(check)?.trim_start_matches("* ");
            states.insert(
                number,
                ((*fields.get(status)?).to_owned(), check.to_owned()),
            );
        }
        Some(states)
    }
}

/// A Service repeats nothing and moves nothing: a request that meets a dead backend fails, and is
/// seen.
fn config(addr: SocketAddr, backends: &[Backend]) -> String {
    let mut text = format!(
        "global
    maxconn 4096
    nbthread 1
defaults
    mode http
    option http-keep-alive
    retries 0
    no option redispatch
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check 1s
frontend service
    bind {addr}
    stats enable
    stats uri {uri}
    default_backend pods
backend pods
    balance roundrobin
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
    http-check expect status 200
",
        uri = STATES.trim_end_matches(";csv"),
    );
    for (number, Backend { public, ops }) in backends.iter().enumerate() {
        let (ip, port) = (ops.ip(), ops.port());
        let check = format!("check addr {ip} port {port} inter 200ms fall 1 rise 1");
        writeln!(text, "    server pod{number} {public} {check}").unwrap();
    }
    text
}
