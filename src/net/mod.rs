//! Outbound HTTP: the one client for what the service, or its command line, asks by itself.
//!
//! It speaks HTTP/1.1 over a connection of its own for each request, with TLS where the URL is
//! https. A request and its answer have a time limit together and the answer has a size, because
//! who is asked may be slow or hostile. An answer that is read as it comes has a limit of silence
//! instead. Redirects are not followed.
//!
//! Two others stay beside it. The Kubernetes client brings its own, with the authentication and the
//! certificates of a kubeconfig; `chartroom-embedded` knows nothing of this crate, and uses reqwest
//! to download through proxies and redirects.

mod tls;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::kernel::error::with_causes;
use tls::Tls;

/// For the status line and the headers of an answer; far more than services send.
const MOST_HEAD_BYTES: usize = 64 * 1024;

/// What an exchange may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the look-up of the host to the last byte of the answer.
    pub time: Duration,
    /// The largest body of an answer.
    pub answer_bytes: usize,
}

/// Why there is no answer, as a clause that can follow the name of what was asked. None of them
/// quotes what was sent or received.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("expected {0}")]
    Url(&'static str),
    #[error("the host name does not resolve")]
    Unresolved,
    #[error("{0}")]
    Unreachable(std::io::ErrorKind),
    #[error("{0}")]
    Tls(String),
    #[error("{0}")]
    Broken(String),
    #[error("no whole answer came within {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("nothing came for {} s", .0.as_secs_f32())]
    Silent(Duration),
    #[error("what came is larger than {0} bytes")]
    TooLarge(usize),
}

#[derive(Debug)]
pub struct Client {
    limits: Limits,
    tls: Tls,
}

impl Client {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            tls: Tls::default(),
        }
    }

    /// Sends a request for an absolute `http://` or `https://` URL and reads the whole answer. The
    /// `Host` is that of the URL.
    pub async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NetError> {
        let exchange = async {
            let answer = Box::pin(self.exchange(request.map(Full::new))).await?;
            self.collect(answer).await
        };
        self.in_time(exchange).await
    }

    /// Sends a request whose body is made while it is sent, and reads the whole answer. How long
    /// the body takes is for the caller to judge, who knows how it goes on; only the answer's body
    /// has the time limit.
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response<Bytes>, NetError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let answer = Box::pin(self.exchange(request)).await?;
        self.in_time(self.collect(answer)).await
    }

    /// Sends a request in the same way and returns once the head of the answer is there, which has
    /// the time limit. The body is read as it comes, however large it gets and however long it
    /// lasts, unless nothing of it comes for as long as `silence`.
    pub async fn follow(
        &self,
        request: Request<Bytes>,
        silence: Duration,
    ) -> Result<Response<Flow>, NetError> {
        let answer = self
            .in_time(Box::pin(self.exchange(request.map(Full::new))))
            .await?;
        Ok(answer.map(|open| Flow { open, silence }))
    }

    /// The rest of an answer that is worth no following, as `ask` would have read it.
    pub async fn rest(&self, answer: Response<Flow>) -> Result<Response<Bytes>, NetError> {
        self.in_time(self.collect(answer.map(|flow| flow.open)))
            .await
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, NetError>>,
    ) -> Result<T, NetError> {
        let time = self.limits.time;
        timeout(time, work)
            .await
            .unwrap_or(Err(NetError::TooSlow(time)))
    }

    async fn exchange<B>(&self, mut request: Request<B>) -> Result<Response<Open>, NetError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Target {
            host,
            port,
            authority,
            is_tls,
        } = Target::of(request.uri())?;
        request.headers_mut().insert(HOST, authority);
        if let Some(path) = request.uri().path_and_query().cloned() {
            *request.uri_mut() = path.into();
        }
        let stream = connect(&host, port).await?;
        if is_tls {
            let stream = self.tls.wrap(stream, &host).await?;
            talk(TokioIo::new(stream), request).await
        } else {
            talk(TokioIo::new(stream), request).await
        }
    }

    async fn collect(&self, answer: Response<Open>) -> Result<Response<Bytes>, NetError> {
        let (head, Open { body, _driver }) = answer.into_parts();
        let most = self.limits.answer_bytes;
        if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
            return Err(NetError::TooLarge(most));
        }
        match Limited::new(body, most).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(NetError::TooLarge(most)),
            Err(error) => Err(NetError::Broken(with_causes(error.as_ref()))),
        }
    }
}

/// The body of an answer, and its connection, which ends with it: also when the time is over.
struct Open {
    body: Incoming,
    _driver: AbortOnDropHandle<hyper::Result<()>>,
}

/// A body that is read as it comes.
pub struct Flow {
    open: Open,
    silence: Duration,
}

impl Flow {
    /// What came next; `None` at the end. It can be asked again after it was dropped midway.
    pub async fn next(&mut self) -> Result<Option<Bytes>, NetError> {
        loop {
            let frame = timeout(self.silence, self.open.body.frame()).await;
            match frame.map_err(|_elapsed| NetError::Silent(self.silence))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(broken(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_trailers) => {}
                },
            }
        }
    }
}

async fn talk<B>(
    io: impl Read + Write + Send + Unpin + 'static,
    request: Request<B>,
) -> Result<Response<Open>, NetError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_HEAD_BYTES)
        .handshake(io)
        .await
        .map_err(broken)?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = sender.send_request(request).await.map_err(broken)?;
    Ok(answer.map(|body| Open { body, _driver }))
}

fn broken(error: hyper::Error) -> NetError {
    NetError::Broken(with_causes(&error))
}

/// What a URL says about the connection.
struct Target {
    /// An IPv6 address without its brackets.
    host: String,
    port: u16,
    authority: HeaderValue,
    is_tls: bool,
}

impl Target {
    fn of(url: &Uri) -> Result<Self, NetError> {
        let is_tls = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(NetError::Url("a URL that begins with http:// or https://")),
        };
        let unusable = NetError::Url("the name or the address of a host in the URL");
        let Some(authority) = url.authority().filter(|it| !it.host().is_empty()) else {
            return Err(unusable);
        };
        if authority.as_str().contains('@') {
            return Err(NetError::Url("a URL without a name or password of a user"));
        }
        let host = authority.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        Ok(Self {
            host: bare.unwrap_or(host).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_invalid| unusable)?,
            is_tls,
        })
    }
}

/// Connects to the first address of the host that takes the connection.
async fn connect(host: &str, port: u16) -> Result<TcpStream, NetError> {
    let addresses = lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = addresses.map_err(|_error| NetError::Unresolved)?.collect();
    let mut problem = NetError::Unresolved;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = NetError::Unreachable(error.kind()),
        }
    }
    Err(problem)
}
