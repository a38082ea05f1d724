//! Connections over a network: both sides prove who they are, and then the bytes go on between the
//! connection and a socket pair, at whose other end everything is as for a connection of this
//! machine.
//!
//! One thread does that for one connection, and holds no more than one buffer each way. What comes
//! before the proof costs its own connection alone: a thread, for a few seconds at most.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chartroom_wire::tls::Identity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::Shutdown;
use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl,
};
use rustls::{ServerConfig, ServerConnection};

use super::attend::{House, Seat, hung_up};
use super::log;

const FOLDER: &str = "CHARTROOM_RUNNER_TLS";
/// For both sides to prove who they are.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Those who have not yet. One more is turned away.
const STRANGERS: usize = 256;
/// Bytes that wait on their way, each way.
const BUFFER: usize = 64 * 1024;
/// A silent peer is asked after so long whether it is there, and given up after four times as long.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) struct Door {
    identity: Identity<ServerConfig>,
    strangers: AtomicUsize,
    /// Connections whose bytes go to and fro.
    pub(super) open: AtomicUsize,
    pub(super) failed: AtomicUsize,
}

impl Door {
    /// Fails where the files cannot be used.
    pub(super) fn new() -> io::Result<Self> {
        let folder = std::env::var_os(FOLDER).map(PathBuf::from).ok_or_else(|| {
            io::Error::other(format!(
                "tls: needs {FOLDER}, the folder of tls.crt, tls.key and ca.crt"
            ))
        })?;
        let say = |what: &str| log("certificates", &[("what", what.into())]);
        let identity = Identity::server(&folder, say);
        identity.now().map_err(io::Error::other)?;
        Ok(Self {
            identity,
            strangers: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        })
    }

    pub(super) fn let_in(&self, stream: TcpStream, house: &Arc<House>) {
        let seat = Seat::take(&self.strangers, STRANGERS);
        let proven = match seat {
            Some(_) => self.prove(stream),
            None => Err("too many others are proving who they are".to_owned()),
        };
        drop(seat);
        let relayed = match proven {
            Ok((net, tls)) => {
                let _open = Seat::take(&self.open, usize::MAX);
                relay(net, tls, house)
            }
            Err(why) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                return log("not let in", &[("why", why.into())]);
            }
        };
        if let Err(error) = relayed {
            log("broken off", &[("why", error.to_string().into())]);
        }
    }

    fn prove(&self, mut net: TcpStream) -> Result<(TcpStream, ServerConnection), String> {
        let until = Instant::now() + HANDSHAKE;
        let config = self.identity.now()?;
        let mut tls = ServerConnection::new(config).map_err(|error| error.to_string())?;
        let io = |error: io::Error| error.to_string();
        watched(&net).map_err(io)?;
        while tls.is_handshaking() || tls.wants_write() {
            let mut wanted = PollFlags::IN;
            wanted.set(PollFlags::OUT, tls.wants_write());
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).unwrap_or_default();
            match poll(&mut [PollFd::new(&net, wanted)], Some(&left)) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.to_string()),
                Ok(0) => return Err("it took too long to prove who it is".to_owned()),
                Ok(_) => {}
            }
            let said = if_any(tls.read_tls(&mut net)).map_err(io)?;
            let judged = tls.process_new_packets();
            if_any(tls.write_tls(&mut net)).map_err(io)?;
            judged.map_err(|error| error.to_string())?;
            if said == Some(0) && tls.is_handshaking() {
                return Err("it went away before it had proven who it is".to_owned());
            }
        }
        Ok((net, tls))
    }
}

/// Never waits, and is asked now and then whether its other side is still there.
fn watched(net: &TcpStream) -> io::Result<()> {
    net.set_nonblocking(true)?;
    net.set_nodelay(true)?;
    set_socket_keepalive(net, true)?;
    set_tcp_keepidle(net, SILENCE)?;
    set_tcp_keepintvl(net, SILENCE)?;
    set_tcp_keepcnt(net, 3)?;
    Ok(())
}

/// `None` where there is nothing for now.
fn if_any(outcome: io::Result<usize>) -> io::Result<Option<usize>> {
    match outcome {
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

/// Until either side is gone. Returning closes the pair, by which the child is ended.
fn relay(net: TcpStream, tls: ServerConnection, house: &Arc<House>) -> io::Result<()> {
    let (pair, other) = UnixStream::pair()?;
    pair.set_nonblocking(true)?;
    let attending = house.clone();
    thread::Builder::new().spawn(move || attending.attend(OwnedFd::from(other)))?;
    Relay {
        net,
        tls,
        pair,
        inward: Vec::new(),
        is_net_over: false,
        is_pair_over: false,
    }
    .run()
}

struct Relay {
    net: TcpStream,
    tls: ServerConnection,
    pair: UnixStream,
    /// On its way to the child.
    inward: Vec<u8>,
    is_net_over: bool,
    is_pair_over: bool,
}

impl Relay {
    fn run(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let moved = self.inward(&mut buffer)? | self.outward(&mut buffer)?;
            if self.is_pair_over && !self.tls.wants_write() {
                // What the other side still sends is for nobody.
                let _ = rustix::net::shutdown(&self.net, Shutdown::Both);
                return Ok(());
            }
            if !moved && !self.wait()? {
                return Ok(());
            }
        }
    }

    /// Moves what can be moved towards the child; whether it moved something.
    fn inward(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut moved = false;
        if self.inward.is_empty() && !self.is_net_over {
            match if_any(self.tls.reader().read(buffer))? {
                Some(0) => {
                    self.is_net_over = true;
                    let _ = rustix::net::shutdown(&self.pair, Shutdown::Write);
                    return Ok(true);
                }
                Some(count) => {
                    self.inward.extend(buffer.iter().take(count));
                    moved = true;
                }
                None => {
                    if if_any(self.tls.read_tls(&mut self.net))?.is_some() {
                        self.tls.process_new_packets().map_err(io::Error::other)?;
                        return Ok(true);
                    }
                }
            }
        }
        if !self.inward.is_empty() {
            match if_any(self.pair.write(&self.inward)) {
                Ok(Some(count)) => {
                    self.inward.drain(..count);
                    moved |= count > 0;
                }
                Ok(None) => {}
                // A child that takes nothing more may have said why.
                Err(_) => {
                    self.inward.clear();
                    self.is_net_over = true;
                }
            }
        }
        Ok(moved)
    }

    /// The same towards the other side.
    fn outward(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut moved = false;
        if !self.tls.wants_write() && !self.is_pair_over {
            match if_any(self.pair.read(buffer)).unwrap_or(Some(0)) {
                Some(0) => {
                    self.is_pair_over = true;
                    self.tls.send_close_notify();
                    moved = true;
                }
                Some(count) => {
                    let part = buffer.get(..count).unwrap_or_default();
                    self.tls.writer().write_all(part)?;
                    moved = true;
                }
                None => {}
            }
        }
        if self.tls.wants_write() {
            moved |= if_any(self.tls.write_tls(&mut self.net))?.is_some();
        }
        Ok(moved)
    }

    /// Until something can be moved; `false` where nobody is left to move it for.
    fn wait(&self) -> io::Result<bool> {
        let reads_net = self.inward.is_empty() && !self.is_net_over;
        let mut net = match self.is_net_over {
            true => PollFlags::empty(),
            false => hung_up(),
        };
        net.set(PollFlags::IN, reads_net);
        net.set(PollFlags::OUT, self.tls.wants_write());
        let mut pair = PollFlags::empty();
        pair.set(PollFlags::IN, !self.tls.wants_write() && !self.is_pair_over);
        pair.set(PollFlags::OUT, !self.inward.is_empty());
        let mut polled = vec![PollFd::new(&self.net, net)];
        // Its end is told whether it is asked for or not, and may have to wait for the network.
        if !pair.is_empty() {
            polled.push(PollFd::new(&self.pair, pair));
        }
        loop {
            match poll(&mut polled, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let net = polled.first().map_or(PollFlags::ERR, PollFd::revents);
        // Who is gone while the child does not read wants no answer either.
        let is_gone = !reads_net && !hung_up().is_empty() && net.intersects(hung_up());
        Ok(!is_gone && !net.intersects(PollFlags::ERR | PollFlags::HUP))
    }
}
