//! A mail server that says what a test wants it to, and keeps what it is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// A mail as it came.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// With every dot that the sender put before a line's first one.
    pub(super) stuffed: String,
    pub(super) is_encrypted: bool,
    pub(super) user: Option<String>,
}

impl Received {
    /// The message as RFC 5321, 4.5.2 has its reader make it.
    pub(super) fn message(&self) -> String {
        let lines = self.stuffed.split_inclusive("\r\n");
        lines
            .map(|line| line.strip_prefix('.').unwrap_or(line))
            .collect()
    }

    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let message = self.message();
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let pairs = unfolded
            .split("\r\n")
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{line:?}")));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub(super) fn header(&self, name: &str) -> String {
        let all = self.headers();
        let mut of = all.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        let (_, value) = of.next().unwrap_or_else(|| panic!("no {name}: {all:?}"));
        assert!(of.next().is_none(), "{name} is there twice");
        value.clone()
    }

    /// The text and the HTML.
    pub(super) fn bodies(&self) -> (String, String) {
        let kind = self.header("content-type");
        assert!(kind.starts_with("multipart/alternative"), "{kind}");
        let (_, boundary) = kind.split_once("boundary=\"").unwrap();
        let boundary = format!("--{}", boundary.trim_end_matches('"'));
        let message = self.message();
        let (_, body) = message.split_once("\r\n\r\n").unwrap();
        let parts: Vec<&str> = body.split(boundary.as_str()).collect();
        assert_eq!(parts.len(), 4, "{message}");
        (decoded(parts[1]), decoded(parts[2]))
    }
}

fn decoded(part: &str) -> String {
    use base64::Engine as _;
    let (head, body) = part.trim_start().split_once("\r\n\r\n").unwrap();
    let body = body.strip_suffix("\r\n").unwrap_or(body);
    let head = head.to_ascii_lowercase();
    if head.contains("encoding: base64") {
        let whole = body.replace("\r\n", "");
        let bytes = base64::prelude::BASE64_STANDARD.decode(whole).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    if !head.contains("encoding: quoted-printable") {
        return body.to_owned();
    }
    let whole = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = whole.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'=' => {
                let pair = [rest.next().unwrap(), rest.next().unwrap()];
                let pair = std::str::from_utf8(&pair).unwrap();
                bytes.push(u8::from_str_radix(pair, 16).unwrap());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    None,
    /// `STARTTLS` is offered.
    Later,
    AtOnce,
}

/// What can be changed while the server runs.
struct State {
    tls: Tls,
    certificate: Option<(String, String)>,
    /// User and password that `AUTH` takes.
    login: Option<(String, String)>,
    /// What it answers instead of what is usual, by the first word of a command; `message` is the
    /// end of one. Without a text, it hangs up.
    answers: HashMap<&'static str, Option<String>>,
    /// Whether it keeps mails without a word.
    is_held: bool,
    /// Words in clear that follow right behind the answer to `STARTTLS`.
    slipped: &'static str,
    heard: Vec<String>,
    received: Vec<Received>,
}

pub(super) struct Server {
    pub(super) port: u16,
    state: Arc<Mutex<State>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub(super) async fn start(tls: Tls, certificate: Option<(String, String)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            tls,
            certificate,
            login: None,
            answers: HashMap::new(),
            is_held: false,
            slipped: "",
            heard: Vec::new(),
            received: Vec::new(),
        }));
        let shared = state.clone();
        let accept = async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let state = shared.clone();
                tokio::spawn(async move {
                    // A client that hangs up is none of a test's business.
                    let _ = converse(tcp, &state).await;
                });
            }
        };
        Self {
            port,
            state,
            _task: AbortOnDropHandle::new(tokio::spawn(accept)),
        }
    }

    pub(super) fn presents(&self, certificate: (String, String)) {
        self.state.lock().unwrap().certificate = Some(certificate);
    }

    pub(super) fn takes_login(&self, user: &str, password: &str) {
        self.state.lock().unwrap().login = Some((user.to_owned(), password.to_owned()));
    }

    /// From now on, instead of what is usual.
    pub(super) fn answers(&self, to: &'static str, with: Option<&str>) {
        let with = with.map(str::to_owned);
        self.state.lock().unwrap().answers.insert(to, with);
    }

    pub(super) fn answers_as_usual(&self) {
        self.state.lock().unwrap().answers.clear();
    }

    /// Takes mails and says nothing about it until it is let go on.
    pub(super) fn holds(&self, is_held: bool) {
        self.state.lock().unwrap().is_held = is_held;
    }

    pub(super) fn offers_no_tls(&self) {
        self.state.lock().unwrap().tls = Tls::None;
    }

    pub(super) fn slips(&self, words: &'static str) {
        self.state.lock().unwrap().slipped = words;
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// The first word of each command.
    pub(super) fn heard(&self) -> Vec<String> {
        self.state.lock().unwrap().heard.clone()
    }
}

async fn converse(tcp: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let tls = state.lock().unwrap().tls;
    if tls == Tls::AtOnce {
        let stream = accept(tcp, state).await?;
        return Box::pin(talk(stream, state, true, true)).await.map(drop);
    }
    if let Some(tcp) = talk(tcp, state, false, true).await? {
        let stream = accept(tcp, state).await?;
        talk(stream, state, true, false).await?;
    }
    Ok(())
}

async fn accept(
    tcp: TcpStream,
    state: &Mutex<State>,
) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let (certificate, key) = state.lock().unwrap().certificate.clone().unwrap();
    let certificates = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(configuration)).accept(tcp).await
}

/// Gives the stream back where it is to be encrypted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    state: &Mutex<State>,
    is_encrypted: bool,
    greets: bool,
) -> std::io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    if greets && !answer(&mut stream, state, "greeting", "220 ready").await? {
        return Ok(None);
    }
    let (mut from, mut to, mut user) = (String::new(), Vec::new(), None);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        assert!(line.ends_with("\r\n"), "{line:?}");
        let line = line.trim_end().to_owned();
        let word = line.split(' ').next().unwrap().to_uppercase();
        state.lock().unwrap().heard.push(word.clone());
        let goes_on = match word.as_str() {
            "EHLO" => {
                let (tls, login) = {
                    let state = state.lock().unwrap();
                    (state.tls, state.login.clone())
                };
                let mut offers = vec!["250-here"];
                if tls == Tls::Later && !is_encrypted {
                    offers.push("250-STARTTLS");
                }
                if login.is_some() {
                    offers.push("250-AUTH PLAIN LOGIN");
                }
                offers.push("250 8BITMIME");
                answer(&mut stream, state, "EHLO", &offers.join("\r\n")).await?
            }
            "STARTTLS" => {
                let slipped = state.lock().unwrap().slipped;
                let words = format!("220 go ahead\r\n{slipped}");
                let words = words.trim_end().to_owned();
                if answer(&mut stream, state, "STARTTLS", &words).await? {
                    return Ok(Some(stream.into_inner()));
                }
                false
            }
            "AUTH" => {
                use base64::Engine as _;
                let secret = line.strip_prefix("AUTH PLAIN ").unwrap_or_default();
                let secret = base64::prelude::BASE64_STANDARD.decode(secret).unwrap();
                let secret = String::from_utf8(secret).unwrap();
                let mut parts = secret.split('\0').skip(1).map(str::to_owned);
                let (name, password) = (parts.next().unwrap(), parts.next().unwrap());
                let right = state.lock().unwrap().login.clone();
                let says = match right {
                    Some(right) if right == (name.clone(), password.clone()) => {
                        user = Some(name);
                        "235 welcome".to_owned()
                    }
                    // As a careless server might.
                    _ => format!("535 5.7.8 {name} {password} are not good"),
                };
                answer(&mut stream, state, "AUTH", &says).await?
            }
            "MAIL" => {
                from = bracketed(&line);
                answer(&mut stream, state, "MAIL", "250 ok").await?
            }
            "RCPT" => {
                to.push(bracketed(&line));
                answer(&mut stream, state, "RCPT", "250 ok").await?
            }
            "DATA" if answer(&mut stream, state, "DATA", "354 go ahead").await? => {
                if state.lock().unwrap().answers.contains_key("DATA") {
                    continue;
                }
                let mut stuffed = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(None);
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    stuffed.push_str(&line);
                }
                let received = Received {
                    from: from.clone(),
                    to: std::mem::take(&mut to),
                    stuffed,
                    is_encrypted,
                    user: user.clone(),
                };
                state.lock().unwrap().received.push(received);
                while state.lock().unwrap().is_held {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                answer(&mut stream, state, "message", "250 taken").await?
            }
            "QUIT" => {
                answer(&mut stream, state, "QUIT", "221 bye").await?;
                false
            }
            "DATA" => false,
            _ => answer(&mut stream, state, "other", "502 what?").await?,
        };
        if !goes_on {
            return Ok(None);
        }
    }
}

fn bracketed(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap();
    rest.split_once('>').unwrap().0.to_owned()
}

/// `false` where it hangs up instead.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    state: &Mutex<State>,
    to: &'static str,
    usual: &str,
) -> std::io::Result<bool> {
    let other = state.lock().unwrap().answers.get(to).cloned();
    let words = match other {
        Some(None) => return Ok(false),
        Some(Some(words)) => words,
        None => usual.to_owned(),
    };
    let stream = stream.get_mut();
    stream.write_all(format!("{words}\r\n").as_bytes()).await?;
    stream.flush().await?;
    Ok(true)
}
