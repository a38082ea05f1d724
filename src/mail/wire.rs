//! Handing a message to the mail server.
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
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::roots::{read_roots, system_roots};
use crate::config::{MailServer, SmtpSecurity};
use crate::kernel::error::with_causes;
use crate::kernel::text::deceives;

/// What a server may say in one connection; far more than any does.
const MOST_SAID: usize = 64 * 1024;
const LONGEST_LINE: usize = 1_000;
/// What is shown of an answer.
const LONGEST_SHOWN: usize = 300;
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a mail was not taken. The texts are for people, and quote no secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The address gets no mail, today or tomorrow.
    Address(String),
    /// Whatever may be otherwise at the next try: the network, the server, or how it is set up.
    Passing(String),
}

use Failure::{Address, Passing};

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

/// `host` is the name of this service.
pub(super) async fn hand_over(
    server: &MailServer,
    roots: &Roots,
    host: &str,
    message: &Message,
) -> Result<(), Failure> {
    let time = server.timeout;
    let exchange = Box::pin(exchange(server, roots, host, message));
    timeout(time, exchange).await.unwrap_or_else(|_elapsed| {
        let seconds = time.as_secs_f32();
        Err(Passing(format!(
            "the mail server did not take the mail within {seconds} s"
        )))
    })
}

async fn exchange(
    server: &MailServer,
    roots: &Roots,
    host: &str,
    message: &Message,
) -> Result<(), Failure> {
    let name = client_id(host);
    let tcp = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|error| Passing(format!("the mail server cannot be reached: {error}")))?;
    let peer = tcp
        .peer_addr()
        .map_err(|error| Passing(format!("the mail server cannot be reached: {error}")))?;
    let stream: Box<dyn AsyncTokioStream> = match server.security {
        SmtpSecurity::None => Box::new(Line::new(tcp, peer, b"")),
        SmtpSecurity::Tls => Box::new(Line::new(secured(tcp, server, roots).await?, peer, b"")),
        SmtpSecurity::Starttls => {
            let tcp = ask_for_tls(tcp, &name).await?;
            let stream = secured(tcp, server, roots).await?;
            // A server greets once, and lettre waits for a greeting.
            Box::new(Line::new(stream, peer, b"220 TLS\r\n"))
        }
    };
    let connected = AsyncSmtpConnection::connect_with_transport(stream, &name).await;
    let mut connection = connected.map_err(|error| answered("EHLO", &error))?;
    sign_in(&mut connection, server).await?;
    send(&mut connection, message).await?;
    // The mail is the server's now, whatever becomes of the goodbye.
    let _ = timeout(GOODBYE, connection.quit()).await;
    Ok(())
}

async fn sign_in(connection: &mut AsyncSmtpConnection, server: &MailServer) -> Result<(), Failure> {
    let (Some(user), Some(password)) = (&server.user, &server.password) else {
        return Ok(());
    };
    let password = password
        .read()
        .map_err(|problem| Passing(format!("CHARTROOM_SMTP_PASSWORD_FILE: {problem}")))?;
    let mechanisms = [Mechanism::Plain, Mechanism::Login];
    let offered = connection.server_info().get_auth_mechanism(&mechanisms);
    if offered.is_none() {
        return Err(Passing(
            "the mail server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned(),
        ));
    }
    let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
    let signed = connection.auth(&mechanisms, &credentials).await;
    // Its words are not shown: they may repeat what it was sent.
    signed.map(drop).map_err(|error| match error.status() {
        Some(code) => Passing(format!(
            "the mail server refused the user and the password ({code})"
        )),
        None => answered("AUTH", &error),
    })
}

async fn send(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Failure> {
    let envelope = message.envelope();
    let mut parameters = Vec::new();
    let mut addresses = envelope.to().iter().chain(envelope.from());
    if addresses.any(|address| !address.to_string().is_ascii()) {
        let takes = connection.server_info();
        if !takes.supports_feature(Extension::SmtpUtfEight) {
            return Err(Address(
                "the mail server takes no address with letters beyond ASCII".to_owned(),
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let from = Mail::new(envelope.from().cloned(), parameters);
    let told = connection.command(from).await;
    told.map_err(|error| answered("MAIL FROM", &error))?;
    for to in envelope.to() {
        let told = connection.command(Rcpt::new(to.clone(), vec![])).await;
        told.map_err(|error| of_recipient("RCPT TO", &error))?;
    }
    let told = connection.command(Data).await;
    told.map_err(|error| answered("DATA", &error))?;
    let taken = connection.message(&message.formatted()).await;
    taken.map_err(|error| of_recipient("the message", &error))?;
    Ok(())
}

type SmtpError = lettre::transport::smtp::Error;

/// What the server said, without what a terminal or a page could mistake.
fn words(error: &SmtpError) -> String {
    let said = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    shown(&said)
}

fn shown(said: &str) -> String {
    let said = said.chars().take(LONGEST_SHOWN);
    let shown = said.map(|c| match c.is_control() || deceives(c) {
        true => ' ',
        false => c,
    });
    shown.collect()
}

fn answered(to: &str, error: &SmtpError) -> Failure {
    Passing(match error.status() {
        Some(code) => format!("the mail server answered {to} with {code} {}", words(error)),
        None => format!("{to} failed: {}", shown(&with_causes(error))),
    })
}

/// The same where the answer may be about who is written to.
fn of_recipient(to: &str, error: &SmtpError) -> Failure {
    let code = error.status().map(|code| code.to_string());
    let is_its = code.is_some_and(|code| is_of_address(&code, &words(error)));
    match answered(to, error) {
        Passing(text) if is_its => Address(text),
        failure => failure,
    }
}

/// Whether a refusal for good is about the address, and not about this service, its sender or what
/// it sends: those a person has to mend here, and no address is at fault. The extended code
/// (RFC 3463) says so; where there is none, the code of RFC 5321 and the word for what a server says
/// that does not know this service.
fn is_of_address(code: &str, words: &str) -> bool {
    let extended = words.split_whitespace().next().unwrap_or_default();
    let mut parts = extended.split('.').map(|part| part.parse::<u16>().ok());
    match (parts.next(), parts.next(), parts.next()) {
        // 7 and 8 of them are about the sender.
        (Some(Some(5)), Some(Some(1)), Some(Some(detail))) => !matches!(detail, 7 | 8),
        (Some(Some(5)), Some(Some(2)), Some(Some(_))) => true,
        (Some(Some(_)), Some(Some(_)), Some(Some(_))) => false,
        _ => matches!(code, "550" | "551" | "553") && !words.to_ascii_lowercase().contains("relay"),
    }
}

fn client_id(host: &str) -> ClientId {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_an_address_is_held_against_it() {
        for (code, words) in [
            ("550", "5.1.1 no such user"),
            ("550", "5.1.2 no such system"),
            ("554", "5.1.1 no such user"),
            ("552", "5.2.2 mailbox full"),
            ("550", "5.2.1 mailbox disabled"),
            ("550", "no such user here"),
            ("553", "mailbox name not allowed"),
            ("551", "user not local"),
            ("550", ""),
        ] {
            assert!(is_of_address(code, words), "{code} {words}");
        }
        for (code, words) in [
            ("550", "5.7.1 relaying denied"),
            ("550", "relay not permitted"),
            ("554", "5.7.1 client host blocked"),
            ("550", "5.1.8 bad sender's system address"),
            ("530", "5.7.0 authentication required"),
            ("554", "transaction failed"),
            ("552", "too much mail data"),
            ("550", "5.6.1 content refused"),
            ("503", "bad sequence"),
        ] {
            assert!(!is_of_address(code, words), "{code} {words}");
        }
    }

    #[test]
    fn the_service_names_itself_as_it_can() {
        for (host, said) in [
            ("chartroom.example.com", "chartroom.example.com"),
            ("127.0.0.1", "[127.0.0.1]"),
            ("[::1]", "[IPv6:::1]"),
        ] {
            assert_eq!(client_id(host).to_string(), said);
        }
    }
}
