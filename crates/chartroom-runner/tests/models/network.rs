//! Models for a service elsewhere, over a network: who is let in, and what is told of it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chartroom_wire::models::{Code, ENDED};
use chartroom_wire::tabular::Room;
use chartroom_wire::tls::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustix::net::sockopt::set_socket_linger;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, SignatureScheme, StreamOwned};

use crate::needs::library;
use crate::onnx;
use crate::peer::{Peer, ROOM, floats, load_of};
use crate::serving::{Served, answers, failure, folder, is_gone, pid};

const NAME: &str = "runner.test";

/// An authority, and what it has signed.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    fn files(&self, usage: ExtendedKeyUsagePurpose, year: i32) -> [(&'static str, String); 3] {
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        [
            ("tls.crt", certificate),
            ("tls.key", key.serialize_pem()),
            ("ca.crt", self.pem.clone()),
        ]
    }
}

fn write(folder: &Path, files: [(&str, String); 3]) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// A runner with an authority of its own, which has let a client in.
struct Far {
    served: Served,
    authority: Authority,
    metrics: String,
}

impl Far {
    fn start(library: &Path, name: &str) -> Self {
        let folder = folder(name);
        let authority = Authority::new();
        let server = authority.files(ExtendedKeyUsagePurpose::ServerAuth, 4000);
        write(&folder.join("server"), server);
        let environment = [
            (
                "CHARTROOM_RUNNER_TLS",
                folder.join("server").into_os_string(),
            ),
            ("CHARTROOM_RUNNER_METRICS", "127.0.0.1:0".into()),
            ("CHARTROOM_RUNNER_MODELS", "2".into()),
        ];
        let environment: Vec<_> = environment
            .iter()
            .map(|(key, value)| (*key, value.as_os_str()))
            .collect();
        let served = Served::at(library, folder, "tls:127.0.0.1:0".to_owned(), &environment);
        let metrics = served.metrics.clone().unwrap();
        Self {
            served,
            authority,
            metrics,
        }
    }

    fn client(&self) -> ClientConfig {
        let usage = ExtendedKeyUsagePurpose::ClientAuth;
        self.of(self.authority.files(usage, 4000))
    }

    fn of(&self, files: [(&str, String); 3]) -> ClientConfig {
        let folder = self.served.folder.join("client");
        write(&folder, files);
        let identity = Identity::client(&folder, |_what| {});
        let config = identity.now().unwrap();
        Arc::unwrap_or_clone(config)
    }

    fn socket(&self) -> TcpStream {
        TcpStream::connect(self.served.address.strip_prefix("tls:").unwrap()).unwrap()
    }

    fn stream(&self, config: ClientConfig) -> io::Result<Shared> {
        let name = NAME.try_into().unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, self.socket());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Shared(Arc::new(Mutex::new(stream))))
    }

    fn peer(&self) -> Peer {
        let stream = self.stream(self.client()).unwrap();
        Peer::new(stream.clone(), stream)
    }

    /// Whether a model can be loaded with this certificate. Whether the other side takes it is seen
    /// after the handshake, by reading.
    fn lets_in(&self, config: ClientConfig) -> bool {
        let Ok(stream) = self.stream(config) else {
            return false;
        };
        let mut peer = Peer::new(stream.clone(), stream);
        peer.send(&load_of(&onnx::linear(), ROOM), &onnx::linear());
        let first = peer.read();
        first.is_some_and(|message| message.kind == chartroom_wire::Kind::Walls)
    }

    fn is_refused(&self, config: ClientConfig, why: &str) {
        assert!(!self.lets_in(config));
        let said = self.served.hear("not let in");
        assert!(said["why"].as_str().unwrap().contains(why), "{said}");
        assert!(self.lets_in(self.client()), "the right one, too");
    }

    fn metric(&self, name: &str) -> usize {
        let text = http(&self.metrics, "/metrics");
        let line = text
            .lines()
            .find_map(|it| it.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
    }

    fn comes_to(&self, name: &str, value: usize) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.metric(name) != value {
            assert!(Instant::now() < until, "{name} is {}", self.metric(name));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn http(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Who has no certificate.
#[derive(Debug)]
struct Nothing;

impl ResolvesClientCert for Nothing {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<StreamOwned<ClientConnection, TcpStream>>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap().read(buffer)
    }
}

impl Write for Shared {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}

#[test]
fn over_a_network_everything_is_as_beside() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "far");
    let (mut one, mut two) = (far.peer(), far.peer());
    one.load(&onnx::linear()).unwrap();
    // Large both ways, so that everything on the way is full now and then.
    two.load(&[onnx::linear(), onnx::bytes(6, &vec![b'a'; 8 << 20])].concat())
        .unwrap();
    answers(&mut one);
    let rows = 200_000;
    let many = floats(&[rows, 2], &vec![1.0; 400_000]);
    let told = two.ask(vec![many], &[]).unwrap();
    let expected: Vec<f32> = [14.0, 26.0].repeat(200_000);
    assert_eq!(told, [floats(&[rows, 2], &expected)]);
    let three = failure(&mut far.peer(), 0);
    assert_eq!(three.code, Code::Busy);
    assert_eq!(far.metric("runner_models"), 2);
    assert_eq!(far.metric("runner_models_limit"), 2);
    assert_eq!(far.metric("runner_models_started_total"), 2);
    assert_eq!(far.metric("runner_models_refused_total"), 1);
    assert_eq!(far.metric("runner_handshakes_failed_total"), 0);
    drop((one, two));
    far.comes_to("runner_models", 0);
    far.comes_to("runner_connections", 0);
    assert_eq!(far.metric("runner_models_ended_total"), 0);
}

#[test]
fn a_child_ends_with_its_peer_and_its_end_is_told_far_away() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "ends");
    let busy = |cpu| {
        let mut peer = far.peer();
        let mut load = load_of(&onnx::endless(), Room { cpu, ..ROOM });
        load.probe = false;
        peer.send(&load, &onnx::endless());
        peer.loaded().unwrap();
        peer.begin(vec![floats(&[1], &[1.0])], &[]);
        (peer, pid(&far.served.hear("started")))
    };
    let (peer, child) = busy(600);
    drop(peer);
    assert!(is_gone(child));
    // Also while more is on its way than the child takes, behind which an orderly end would not
    // arrive.
    let stream = far.stream(far.client()).unwrap();
    let mut peer = Peer::new(stream.clone(), stream.clone());
    let mut load = load_of(&onnx::endless(), Room { cpu: 600, ..ROOM });
    load.probe = false;
    peer.send(&load, &onnx::endless());
    peer.loaded().unwrap();
    peer.begin(vec![floats(&[1], &[1.0])], &[]);
    let child = pid(&far.served.hear("started"));
    {
        let socket = &stream.0.lock().unwrap().sock;
        let patience = Some(Duration::from_millis(500));
        socket.set_write_timeout(patience).unwrap();
        socket.set_read_timeout(patience).unwrap();
        set_socket_linger(socket, Some(Duration::ZERO)).unwrap();
    }
    peer.raw(&vec![0; 16 << 20]);
    drop((peer, stream));
    assert!(is_gone(child));

    let (mut peer, child) = busy(1);
    let told = failure(&mut peer, ENDED);
    assert!(told.message.contains("time of a processor"), "{told}");
    assert!(peer.read().is_none());
    assert!(is_gone(child));
    far.comes_to("runner_models_ended_total", 1);
}

#[test]
fn only_those_of_the_authority_are_let_in() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "authority");
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    let mut others = Authority::new().files(client.clone(), 4000);
    others[2].1.clone_from(&far.authority.pem);
    far.is_refused(far.of(others), "invalid peer certificate");
    let late = far.authority.files(client, 2021);
    far.is_refused(far.of(late), "expired");
    // What runs models may not ask them.
    let server = far
        .authority
        .files(ExtendedKeyUsagePurpose::ServerAuth, 4000);
    far.is_refused(far.of(server), "certificate does not allow");
    let mut nobody = far.client();
    nobody.client_auth_cert_resolver = Arc::new(Nothing);
    far.is_refused(nobody, "no certificates");
    assert_eq!(far.metric("runner_handshakes_failed_total"), 4);
}

#[test]
fn who_does_not_prove_who_they_are_holds_up_nobody() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "slow");
    let began = Instant::now();
    let mut silent: Vec<TcpStream> = (0..20).map(|_| far.socket()).collect();
    for stream in silent.iter_mut().take(10) {
        // The beginning of a handshake.
        stream.write_all(&[22, 3, 1]).unwrap();
    }
    assert!(far.lets_in(far.client()));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    let mut plain = far.socket();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(answer.len() < 100, "an alert, and the end");
    let said = far.served.hear("not let in");
    assert!(
        said["why"].as_str().unwrap().contains("corrupt message"),
        "{said}"
    );
    // Those who say nothing are given up.
    for mut stream in silent {
        stream
            .set_read_timeout(Some(Duration::from_secs(15)))
            .unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    far.comes_to("runner_handshakes_failed_total", 21);
    assert!(far.lets_in(far.client()));
}

#[test]
fn certificates_are_read_again() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "again");
    let mut held = far.peer();
    held.load(&onnx::linear()).unwrap();
    let old = far.client();
    let next = Authority::new();
    let folder = far.served.folder.join("server");
    // What is not whole changes nothing.
    std::fs::write(folder.join("tls.crt"), "nothing").unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert!(far.lets_in(old.clone()));
    write(
        &folder,
        next.files(ExtendedKeyUsagePurpose::ServerAuth, 4000),
    );
    std::thread::sleep(Duration::from_millis(1100));
    assert!(!far.lets_in(old), "of the authority before");
    let files = next.files(ExtendedKeyUsagePurpose::ClientAuth, 4000);
    assert!(far.lets_in(far.of(files)));
    // Who was let in stays.
    answers(&mut held);
}

#[test]
fn at_its_end_what_was_asked_is_answered_over_a_network() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "last");
    let mut peer = far.peer();
    peer.load(&onnx::linear()).unwrap();
    far.served.stop();
    far.served.hear("ending");
    answers(&mut peer);
    drop(peer);
    assert!(far.served.wait().success());
}

#[test]
fn whoever_asks_the_port_of_the_metrics_is_answered_or_given_up() {
    let Some(library) = library() else { return };
    let far = Far::start(&library, "http");
    assert!(http(&far.metrics, "/healthz").contains("200 OK"));
    assert!(http(&far.metrics, "/else").contains("404"));
    let mut slow = TcpStream::connect(&far.metrics).unwrap();
    slow.write_all(b"GET /metr").unwrap();
    let mut endless = TcpStream::connect(&far.metrics).unwrap();
    let _ = endless.write_all(&[b'a'; 64 * 1024]);
    let began = Instant::now();
    assert!(http(&far.metrics, "/healthz").contains("200 OK"));
    assert!(began.elapsed() < Duration::from_secs(5));
}
