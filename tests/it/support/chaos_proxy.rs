//! A proxy between two parties that breaks their connections on command: refuse, reset, hold,
//! delay, throttle, cut.

use super::pump::{Shape, Stop, Way, pump};
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, UnixStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Forward,
    /// Nobody listens: newcomers get ECONNREFUSED. Live connections go on; `reset_live` ends those.
    Refuse,
    /// Live connections are reset; newcomers are accepted and reset.
    Reset,
    /// Accepts and says nothing, ever; live connections stall both ways. What was held flows when
    /// it ends.
    Blackhole,
    /// `up` is client to target, `down` the way back.
    Shaped {
        up: Shape,
        down: Shape,
    },
}

impl Mode {
    /// Everything takes so much longer, each way.
    pub(crate) fn late(latency: std::time::Duration) -> Self {
        let late = Shape {
            latency,
            ..Shape::default()
        };
        Self::Shaped {
            up: late,
            down: late,
        }
    }

    pub(crate) fn shape(self, way: Way) -> Shape {
        match (self, way) {
            (Self::Forward | Self::Refuse | Self::Reset, _) => Shape::default(),
            (Self::Blackhole, _) => Shape {
                stall: true,
                ..Shape::default()
            },
            (Self::Shaped { up, .. }, Way::Up) => up,
            (Self::Shaped { down, .. }, Way::Down) => down,
        }
    }
}

pub(crate) struct State {
    pub(crate) mode: Mode,
    /// Counts the modes, so that a connection sees that it has a new one.
    pub epoch: usize,
    resets: usize,
    holds: usize,
    target: Target,
}

/// What really happened: a run whose planned faults are missing here has proved nothing.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub connections: AtomicUsize,
    /// How often the listener was closed; the kernel refuses, so the single refusals are not seen.
    pub refusals: AtomicUsize,
    pub resets: AtomicUsize,
    pub held: AtomicUsize,
    pub delayed: AtomicUsize,
    pub throttled: AtomicUsize,
    pub cut: AtomicUsize,
    /// The target itself did not answer: no fault of ours, and the client was reset.
    pub unreachable: AtomicUsize,
    pub cancel_requests: AtomicUsize,
}

pub(crate) struct ChaosProxy {
    pub addr: SocketAddr,
    pub counts: Arc<Counts>,
    state: watch::Sender<State>,
    applied: watch::Receiver<usize>,
    /// Bound but not listening: keeps the port ours while `Refuse` has the listener closed.
    _port: TcpSocket,
    _task: AbortOnDropHandle<()>,
}

impl ChaosProxy {
    pub(crate) async fn start(target: Target) -> Self {
        let (port, addr) = reserve_port().unwrap();
        let counts = Arc::new(Counts::default());
        let (state, seen) = watch::channel(State {
            mode: Mode::Forward,
            epoch: 0,
            resets: 0,
            holds: 0,
            target,
        });
        let (done, mut applied) = watch::channel(usize::MAX);
        let task = tokio::spawn(accept_loop(addr, seen, done, counts.clone()));
        applied.wait_for(|epoch| *epoch == 0).await.unwrap();
        Self {
            addr,
            counts,
            state,
            applied,
            _port: port,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Returns when newcomers meet the new mode.
    pub(crate) async fn set(&self, mode: Mode) {
        self.state.send_modify(|s| {
            s.mode = mode;
            s.epoch += 1;
            // Counted as well: a reset that is taken back at once must still be seen by every
            // connection.
            s.resets += usize::from(matches!(mode, Mode::Reset));
        });
        let epoch = self.state.borrow().epoch;
        self.applied
            .clone()
            .wait_for(|done| *done >= epoch)
            .await
            .unwrap();
    }

    /// For new connections; live ones stay where they are.
    pub(crate) fn retarget(&self, target: Target) {
        self.state.send_modify(|s| s.target = target);
    }

    pub(crate) fn reset_live(&self) {
        self.state.send_modify(|s| s.resets += 1);
    }

    /// Live connections say nothing any more, ever; newcomers are served.
    pub(crate) fn hold_live(&self) {
        self.state.send_modify(|s| s.holds += 1);
    }

    /// Sees plaintext only: TLS hides a cancel request from the proxy.
    pub(crate) fn assert_no_cancel_request(&self) {
        let seen = self.counts.cancel_requests.load(SeqCst);
        assert_eq!(seen, 0, "{seen} CancelRequest(s) passed the proxy");
    }
}

/// A port of 127.0.0.1 that nobody else gets as long as the socket lives; whoever listens needs
/// SO_REUSEADDR.
pub(crate) fn reserve_port() -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let addr = socket.local_addr()?;
    Ok((socket, addr))
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

async fn accept_loop(
    addr: SocketAddr,
    mut state: watch::Receiver<State>,
    applied: watch::Sender<usize>,
    counts: Arc<Counts>,
) {
    let mut listener: Option<TcpListener> = None;
    let mut live = JoinSet::new();
    loop {
        let (refuse, epoch) = {
            let now = state.borrow_and_update();
            (matches!(now.mode, Mode::Refuse), now.epoch)
        };
        if refuse && listener.take().is_some() {
            counts.refusals.fetch_add(1, SeqCst);
        } else if !refuse && listener.is_none() {
            listener = Some(bind(addr).and_then(|s| s.listen(1024)).unwrap());
        }
        applied.send_replace(epoch);
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            Some(_) = live.join_next() => {}
            Some(accepted) = async { Some(listener.as_ref()?.accept().await) } => {
                let Ok((client, _)) = accepted else { continue };
                counts.connections.fetch_add(1, SeqCst);
                let born = Born::of(&state.borrow());
                live.spawn(carry(client, born, state.clone(), counts.clone()));
            }
        }
    }
}

enum End {
    Closed,
    Broken,
    /// Still open, and silent.
    Held,
}

/// How many orders had been given when a connection came: it heeds only later ones.
struct Born {
    resets: usize,
    holds: usize,
}

impl Born {
    fn of(state: &State) -> Self {
        let State { resets, holds, .. } = *state;
        Self { resets, holds }
    }
}

async fn carry(
    mut client: TcpStream,
    born: Born,
    state: watch::Receiver<State>,
    counts: Arc<Counts>,
) {
    let mut server = None;
    let (mut watched, mut holder) = (state.clone(), state.clone());
    let is_reset = |s: &State| s.resets > born.resets || matches!(s.mode, Mode::Reset);
    let end = tokio::select! {
        biased;
        _ = watched.wait_for(is_reset) => {
            counts.resets.fetch_add(1, SeqCst);
            End::Broken
        }
        _ = holder.wait_for(|s| s.holds > born.holds) => {
            counts.held.fetch_add(1, SeqCst);
            End::Held
        }
        end = converse(&mut client, &mut server, state, &counts) => end,
    };
    if matches!(end, End::Held) {
        watched.wait_for(is_reset).await.map(drop).ok();
    }
    if matches!(end, End::Broken | End::Held) {
        // Closing with a zero linger sends RST instead of FIN, to both parties.
        client.set_zero_linger().ok();
        if let Some(Server::Tcp(server)) = &server {
            server.set_zero_linger().ok();
        }
    }
}

enum Server {
    Tcp(TcpStream),
    Unix(UnixStream),
}

async fn converse(
    client: &mut TcpStream,
    server: &mut Option<Server>,
    mut state: watch::Receiver<State>,
    counts: &Counts,
) -> End {
    if matches!(state.borrow().mode, Mode::Blackhole) {
        counts.held.fetch_add(1, SeqCst);
    }
    let Ok(target) = state
        .wait_for(|s| !matches!(s.mode, Mode::Blackhole))
        .await
        .map(|s| s.target.clone())
    else {
        return End::Broken;
    };
    let dialled = match target {
        Target::Tcp(addr) => TcpStream::connect(addr).await.map(Server::Tcp),
        Target::Unix(path) => UnixStream::connect(path).await.map(Server::Unix),
    };
    let Ok(dialled) = dialled else {
        counts.unreachable.fetch_add(1, SeqCst);
        return End::Broken;
    };
    client.set_nodelay(true).ok();
    let (client_reads, client_writes) = client.split();
    let joined = match server.insert(dialled) {
        Server::Tcp(stream) => {
            stream.set_nodelay(true).ok();
            let (reads, writes) = stream.split();
            let up = pump(client_reads, writes, Way::Up, state.clone(), counts);
            tokio::try_join!(up, pump(reads, client_writes, Way::Down, state, counts))
        }
        Server::Unix(stream) => {
            let (reads, writes) = stream.split();
            let up = pump(client_reads, writes, Way::Up, state.clone(), counts);
            tokio::try_join!(up, pump(reads, client_writes, Way::Down, state, counts))
        }
    };
    match joined {
        Ok(_) | Err(Stop::Cut) => End::Closed,
        Err(Stop::Broken) => End::Broken,
    }
}
