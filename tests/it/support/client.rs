//! HTTP/1.1 over real sockets: single requests on kept or fresh connections.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    error::Error,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// No connection: refused, unreachable.
    Connect(io::ErrorKind),
    /// The connection broke under the request.
    Broken(io::ErrorKind),
    /// The server closed before the answer was whole.
    Closed,
    Timeout,
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "connect: {kind}"),
            Self::Broken(kind) => write!(f, "broken: {kind}"),
            Self::Closed => f.write_str("closed"),
            Self::Timeout => f.write_str("timeout"),
            Self::Other(what) => write!(f, "other: {what}"),
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Self::Closed;
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(now) = cause {
            if let Some(io) = now.downcast_ref::<io::Error>() {
                return Self::Broken(io.kind());
            }
            cause = now.source();
        }
        Self::Other(error.to_string())
    }
}

pub(crate) type HttpRequest = Request<Full<Bytes>>;

pub(crate) fn get(path: &str) -> HttpRequest {
    Request::get(path).body(Full::default()).unwrap()
}

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> HttpRequest {
    Request::post(path)
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

type Connections = Arc<Mutex<Vec<SendRequest<Full<Bytes>>>>>;

/// One client, many requests at a time. It has no deadlines of its own: those belong to the test.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    addr: SocketAddr,
    /// `None`: every request has a connection of its own.
    idle: Option<Connections>,
}

impl Client {
    pub(crate) fn keep_alive(addr: SocketAddr) -> Self {
        Self {
            addr,
            idle: Some(Arc::default()),
        }
    }

    pub(crate) fn fresh(addr: SocketAddr) -> Self {
        Self { addr, idle: None }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(get(path)).await
    }

    pub(crate) async fn send(&self, mut request: HttpRequest) -> Result<Answer, Failure> {
        let host = HeaderValue::from_str(&self.addr.to_string()).unwrap();
        request.headers_mut().entry(HOST).or_insert(host);
        loop {
            let (mut connection, kept) = match self.take_idle().await {
                Some(connection) => (connection, true),
                None => (self.connect().await?, false),
            };
            let response = match connection.try_send_request(request).await {
                Ok(response) => response,
                Err(mut failed) => match failed.take_message() {
                    // Not a byte was written: every client repeats that, and it is no failure of
                    // the server.
                    Some(unsent) if kept => {
                        request = unsent;
                        continue;
                    }
                    _ => return Err(failed.into_error().into()),
                },
            };
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            if let Some(idle) = &self.idle {
                idle.lock().unwrap().push(connection);
            }
            return Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            });
        }
    }

    async fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let mut connection = self.idle.as_ref()?.lock().unwrap().pop()?;
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let connected = TcpStream::connect(self.addr).await;
        let stream = connected.map_err(|error| Failure::Connect(error.kind()))?;
        stream.set_nodelay(true).ok();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends by itself when the sender is gone; its errors reach the sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}
