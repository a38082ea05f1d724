//! The one way to a database connection: pool, migrations, readiness checks, snapshots, COPY and
//! LISTEN all come through here.

use std::time::Duration;

use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Connection, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::purpose::Purpose;
use crate::config::endpoint::Endpoint;

/// Why there is no connection; safe to show in a readiness answer: it names no host, user or
/// statement.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConnectError {
    #[error("the database did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("the database cannot be reached ({0})")]
    Unreachable(String),
    #[error("the database refused the user or the password")]
    Credentials,
    #[error("the database does not exist")]
    NoDatabase,
    #[error("the database has no free connection")]
    TooManyConnections,
    #[error("the database is starting up or shutting down")]
    NotAccepting,
    #[error("TLS to the database failed ({0})")]
    Tls(String),
    #[error("the database settings cannot be used: {0}")]
    Settings(String),
    #[error("the database only reads")]
    ReadOnly,
    #[error("the database answered with SQLSTATE {0}")]
    Other(String),
}

pub type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A session that is set up, and whether it may write.
pub struct Session {
    pub client: Client,
    pub connection: Connection<Socket, Stream>,
    pub read_only: bool,
}

/// Connects and sets the session up within `timeout`.
pub async fn connect(
    endpoint: &Endpoint,
    purpose: Purpose,
    timeout: Duration,
) -> Result<Session, ConnectError> {
    // Boxed, being large and rare: every handler's future holds the place for it.
    tokio::time::timeout(timeout, Box::pin(open(endpoint, purpose)))
        .await
        .unwrap_or(Err(ConnectError::TimedOut(timeout)))
}

async fn open(endpoint: &Endpoint, purpose: Purpose) -> Result<Session, ConnectError> {
    let mut resolved = endpoint.resolve().map_err(ConnectError::Settings)?;
    resolved
        .config
        .application_name(format!("chartroom/{}", purpose.name));
    let tls = super::tls::connector(&resolved.tls).map_err(ConnectError::Settings)?;
    let (client, mut connection) = resolved
        .config
        .connect(tls)
        .await
        .map_err(|error| explain(&error))?;
    // The connection must be driven while the session is set up, and is handed on afterwards.
    let answer = {
        let setup = client.simple_query(purpose.setup);
        tokio::pin!(setup);
        tokio::select! {
            answer = &mut setup => answer.map_err(|error| explain(&error))?,
            ended = &mut connection => return Err(ended.err().map_or(ConnectError::NotAccepting, |error| explain(&error))),
        }
    };
    let read_only = answer
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on")));
    if read_only && purpose.must_write {
        return Err(ConnectError::ReadOnly);
    }
    Ok(Session {
        client,
        connection,
        read_only,
    })
}

fn explain(error: &tokio_postgres::Error) -> ConnectError {
    use tokio_postgres::error::SqlState;
    if let Some(code) = error.code() {
        return match *code {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                ConnectError::Credentials
            }
            SqlState::INVALID_CATALOG_NAME => ConnectError::NoDatabase,
            SqlState::TOO_MANY_CONNECTIONS => ConnectError::TooManyConnections,
            SqlState::CANNOT_CONNECT_NOW | SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
                ConnectError::NotAccepting
            }
            _ => ConnectError::Other(code.code().to_owned()),
        };
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return ConnectError::Tls(tls.to_string());
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            {
                Some(tls) => ConnectError::Tls(tls.to_string()),
                None => ConnectError::Unreachable(io.kind().to_string()),
            };
        }
        // The driver's own sentence, which is all it tells.
        if cause.to_string() == "server does not support TLS" {
            return ConnectError::Tls("the server does not offer it".to_owned());
        }
        source = cause.source();
    }
    if error.is_closed() {
        ConnectError::Unreachable("the connection was closed".to_owned())
    } else {
        ConnectError::Unreachable(error.to_string())
    }
}
