//! Runners behind a network: where they are, and which of them is asked for what.
//!
//! A name leads to any number of addresses, as that of a headless Service does. Each version has an
//! order of its own of them (rendezvous hashing), the same in every process, so that few runners
//! hold it and most keep what they hold when others come or go. An address that failed or is full
//! comes last for a while.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chartroom_wire::tls::Identity;
use ring::digest::{SHA256, digest};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::models::Host;

/// Addresses are looked up again after so long.
const FRESH: Duration = Duration::from_secs(1);
/// For the look-up.
const LOOK_UP: Duration = Duration::from_secs(2);
/// For a connection and its handshake. The next address is to be asked within a second.
const CONNECT: Duration = Duration::from_millis(700);
/// An address that failed or is full comes last for so long.
const AILING: Duration = Duration::from_secs(5);
/// A silent runner is asked after so long whether it is there, and given up after four times as
/// long.
const SILENCE: Duration = Duration::from_secs(5);

/// One address, and what its certificate has to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub address: SocketAddr,
    name: ServerName<'static>,
}

#[derive(Default)]
struct Known {
    places: Vec<Place>,
    looked: Option<Instant>,
}

pub(super) struct Network {
    hosts: Vec<Host>,
    identity: Identity<ClientConfig>,
    known: tokio::sync::Mutex<Known>,
    ailing: Mutex<HashMap<SocketAddr, Instant>>,
}

impl Network {
    pub(super) fn new(hosts: &[Host], folder: &Path) -> Self {
        let say = |what: &str| tracing::warn!(what, "certificates for the runners of models");
        Self {
            hosts: hosts.to_vec(),
            identity: Identity::client(folder, say),
            known: tokio::sync::Mutex::default(),
            ailing: Mutex::default(),
        }
    }

    /// The certificate that this process shows, in DER.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        self.identity.certificate()
    }

    /// All places, as of now. Where they cannot be looked up, those of before.
    pub(super) async fn places(&self) -> io::Result<Vec<Place>> {
        let mut known = self.known.lock().await;
        if known.looked.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(known.places.clone());
        }
        let found = timeout(LOOK_UP, look_up(&self.hosts)).await;
        match found.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into())) {
            Ok(places) => known.places = places,
            Err(error) if known.places.is_empty() => return Err(error),
            Err(error) => tracing::debug!(%error, "the runners of models cannot be looked up"),
        }
        known.looked = Some(Instant::now());
        Ok(known.places.clone())
    }

    /// Whether there is one that is none of these and does not ail.
    pub(super) async fn has_other_than(&self, taken: &[SocketAddr]) -> bool {
        let places = self.places().await.unwrap_or_default();
        let mut addresses = places.into_iter().map(|place| place.address);
        addresses.any(|it| !taken.contains(&it) && !self.is_ailing(it))
    }

    /// A connection for what `key` names: to the first of its order that can be reached. Those of
    /// `avoid` come last.
    pub(super) async fn connect(
        &self,
        key: &str,
        avoid: &[SocketAddr],
    ) -> io::Result<(SocketAddr, TlsStream<TcpStream>)> {
        let mut places = self.places().await?;
        places.sort_by_cached_key(|place| {
            let is_last = self.is_ailing(place.address) || avoid.contains(&place.address);
            (is_last, Reverse(score(key, place.address)))
        });
        let config = self.identity.now().map_err(io::Error::other)?;
        let connector = TlsConnector::from(config);
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "no runner has an address");
        for place in places {
            let (address, name) = (place.address, place.name);
            let connecting = async {
                let stream = TcpStream::connect(address).await?;
                watch(&stream)?;
                connector.connect(name, stream).await
            };
            let connected = timeout(CONNECT, connecting).await;
            match connected.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => return Ok((address, stream)),
                Err(error) => {
                    tracing::warn!(%address, %error, "a runner of models cannot be reached");
                    self.failed(address);
                    failed = error;
                }
            }
        }
        Err(failed)
    }

    /// It went away or is full.
    pub(super) fn failed(&self, address: SocketAddr) {
        let mut ailing = self.ailing.lock().unwrap_or_else(PoisonError::into_inner);
        ailing.retain(|_, at| at.elapsed() < AILING);
        ailing.insert(address, Instant::now());
    }

    fn is_ailing(&self, address: SocketAddr) -> bool {
        let ailing = self.ailing.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = ailing.get(&address);
        failed.is_some_and(|at| at.elapsed() < AILING)
    }
}

async fn look_up(hosts: &[Host]) -> io::Result<Vec<Place>> {
    let mut places = Vec::new();
    for Host { name, port } in hosts {
        let invalid = |_error| io::Error::other("the name cannot be that of a certificate");
        let server = ServerName::try_from(name.clone()).map_err(invalid)?;
        for address in lookup_host((name.as_str(), *port)).await? {
            let name = server.clone();
            places.push(Place { address, name });
        }
    }
    Ok(places)
}

/// Writes are whole questions; one whose machine is gone is noticed. The connection ends by a
/// reset: an orderly end comes behind what a busy runner has not read yet, and it would work on for
/// nobody.
fn watch(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    let probes = TcpKeepalive::new()
        .with_time(SILENCE)
        .with_interval(SILENCE);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

/// A hash of both, which is the same in every process.
fn score(key: &str, address: SocketAddr) -> Vec<u8> {
    let both = format!("{key} {address}");
    digest(&SHA256, both.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, Interest};
    use tokio::net::TcpListener;

    use super::*;

    fn address(number: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, number], 9443))
    }

    fn first(key: &str, all: &[SocketAddr]) -> SocketAddr {
        let best = all.iter().max_by_key(|it| score(key, **it));
        *best.unwrap()
    }

    /// Whether a side that does not read notices the end of the other, which has more to send than
    /// fits on the way.
    async fn is_noticed(prepare: fn(&TcpStream) -> io::Result<()>, within: Duration) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut stream, accepted) =
            tokio::try_join!(TcpStream::connect(address), listener.accept()).unwrap();
        prepare(&stream).unwrap();
        let question = vec![0; 64 << 20];
        let sent = timeout(Duration::from_millis(200), stream.write_all(&question)).await;
        assert!(sent.is_err(), "all of it was sent");
        drop(stream);
        let end = accepted.0.ready(Interest::ERROR);
        timeout(within, end).await.is_ok()
    }

    #[tokio::test]
    async fn a_busy_runner_notices_that_nobody_waits_any_more() {
        assert!(is_noticed(watch, Duration::from_secs(10)).await);
        let orderly = |_: &TcpStream| Ok(());
        assert!(!is_noticed(orderly, Duration::from_millis(300)).await);
    }

    #[test]
    fn what_a_runner_holds_stays_when_others_come() {
        let few: Vec<SocketAddr> = (1..=3).map(address).collect();
        let more: Vec<SocketAddr> = (1..=4).map(address).collect();
        let keys: Vec<String> = (0..400).map(|key| format!("version {key}")).collect();
        let mut moved = 0;
        for key in &keys {
            let (before, after) = (first(key, &few), first(key, &more));
            if before != after {
                assert_eq!(after, address(4), "to the new one alone");
                moved += 1;
            }
        }
        // A quarter of them.
        assert!((60..140).contains(&moved), "{moved}");
        for one in few {
            let its = keys.iter().filter(|key| first(key, &more) == one);
            assert!((60..140).contains(&its.count()));
        }
    }
}
