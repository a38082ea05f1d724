//! The connection to the mail server.
//!
//! lettre speaks SMTP; the connection below it is ours. What a server said before TLS must not
//! count after it, and lettre would still read such words from its buffer (as RFC 3207, 4.2 warns
//! of), so the way to TLS is walked here, byte by byte. And so the authorities are those of
//! `config::roots`, as for everything else that this service connects to.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::wire::Failure::{self, Passing};
use super::wire::shown;
use crate::config::roots::{read_roots, system_roots};
use crate::config::{MailServer, SmtpSecurity};

/// What a server may say in one connection; far more than any does.
const MOST_SAID: usize = 64 * 1024;
const LONGEST_LINE: usize = 1_000;

/// The authorities of this machine, read when they are first needed. Those of a file are read for
/// each mail, because it may be replaced.
#[derive(Default)]
pub(super) struct Roots(OnceCell<RootCertStore>);

impl Roots {
    async fn for_server(&self, server: &MailServer) -> Result<RootCertStore, Failure> {
        let stopped = |_error| Passing("the authorities could not be read".to_owned());
        if let Some(path) = server.ca_file.clone() {
            let read = tokio::task::spawn_blocking(move || read_roots(&path)).await;
            return read
                .map_err(stopped)?
                .map_err(|problem| Passing(format!("CHARTROOM_SMTP_CA_FILE: {problem}")));
        }
        let read = async || tokio::task::spawn_blocking(system_roots).await;
        let roots = self.0.get_or_try_init(read).await.map_err(stopped)?;
        if roots.is_empty() {
            return Err(Passing(
                "this machine names no certificate authority to trust; CHARTROOM_SMTP_CA_FILE \
                 can name a file"
                    .to_owned(),
            ));
        }
        Ok(roots.clone())
    }
}

/// Encrypted as the settings ask, with nothing said on it that lettre has not heard.
pub(super) async fn connect(
    server: &MailServer,
    roots: &Roots,
    name: &ClientId,
) -> Result<Box<dyn AsyncTokioStream>, Failure> {
    let unreachable = |error| Passing(format!("the mail server cannot be reached: {error}"));
    let address = (server.host.as_str(), server.port);
    let tcp = TcpStream::connect(address).await.map_err(unreachable)?;
    let peer = tcp.peer_addr().map_err(unreachable)?;
    Ok(match server.security {
        SmtpSecurity::None => Box::new(Line::new(tcp, peer, b"")),
        SmtpSecurity::Tls => Box::new(Line::new(secured(tcp, server, roots).await?, peer, b"")),
        SmtpSecurity::Starttls => {
            let tcp = ask_for_tls(tcp, name).await?;
            let stream = secured(tcp, server, roots).await?;
            // A server greets once, and lettre waits for a greeting.
            Box::new(Line::new(stream, peer, b"220 TLS\r\n"))
        }
    })
}

async fn secured(
    tcp: TcpStream,
    server: &MailServer,
    roots: &Roots,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
    let roots = roots.for_server(server).await?;
    let failed = |text: String| Passing(format!("TLS with the mail server failed: {text}"));
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_invalid| failed("no certificate can have this host's name".to_owned()))?;
    // The process has no default provider.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(configuration))
        .connect(name, tcp)
        .await
        .map_err(|error| failed(error.to_string()))
}

/// The words before TLS. Nothing is read beyond the server's last one, so that what was slipped in
/// behind it comes to the handshake, which it breaks.
async fn ask_for_tls(mut tcp: TcpStream, name: &ClientId) -> Result<TcpStream, Failure> {
    expect(&mut tcp, "the connection", 220).await?;
    say(&mut tcp, &format!("EHLO {name}\r\n")).await?;
    let offers = expect(&mut tcp, "EHLO", 250).await?;
    let is_offered = offers.lines().any(|line| {
        let offer = line.get(4..).unwrap_or_default().trim();
        offer.eq_ignore_ascii_case("STARTTLS")
    });
    if !is_offered {
        return Err(Passing("the mail server offers no STARTTLS".to_owned()));
    }
    say(&mut tcp, "STARTTLS\r\n").await?;
    expect(&mut tcp, "STARTTLS", 220).await?;
    Ok(tcp)
}

async fn say(tcp: &mut TcpStream, words: &str) -> Result<(), Failure> {
    let said = tcp.write_all(words.as_bytes()).await;
    said.map_err(|error| Passing(format!("the connection to the mail server broke: {error}")))
}

/// Reads one answer, which has the code.
async fn expect(tcp: &mut TcpStream, to: &str, code: u16) -> Result<String, Failure> {
    let answer = read_answer(tcp).await.map_err(|error| {
        Passing(format!(
            "{to} failed: the mail server said nothing: {error}"
        ))
    })?;
    if answer.starts_with(&code.to_string()) {
        return Ok(answer);
    }
    Err(Passing(format!(
        "the mail server answered {to} with {}",
        shown(answer.trim())
    )))
}

/// All lines of an answer: the last one has a space after its code.
async fn read_answer(tcp: &mut TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut line_from = 0;
    loop {
        answer.push(tcp.read_u8().await?);
        let line = answer.get(line_from..).unwrap_or_default();
        if line.ends_with(b"\n") {
            if line.get(3) != Some(&b'-') {
                break;
            }
            line_from = answer.len();
        } else if line.len() > LONGEST_LINE {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        if answer.len() > MOST_SAID {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A connection as lettre takes one: with words that it reads first, and an end to what a server
/// may say.
struct Line<S> {
    stream: S,
    peer: SocketAddr,
    first: &'static [u8],
    left: usize,
}

impl<S> Line<S> {
    fn new(stream: S, peer: SocketAddr, first: &'static [u8]) -> Self {
        let left = MOST_SAID;
        Self {
            stream,
            peer,
            first,
            left,
        }
    }
}

impl<S> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Line<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.first.is_empty() {
            let (now, later) = this
                .first
                .split_at(this.first.len().min(buffer.remaining()));
            buffer.put_slice(now);
            this.first = later;
            return Poll::Ready(Ok(()));
        }
        if this.left == 0 {
            let error = io::Error::new(io::ErrorKind::InvalidData, "the mail server says too much");
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len().saturating_sub(before);
        this.left = this.left.saturating_sub(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
