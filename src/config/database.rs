//! The settings of where the database is, and of the connections to it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::secret;
use super::units::{Span, count, filled, span};

/// How much of TLS is asked of the database server; the names and meanings are libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SslMode {
    /// Never TLS
    Disable,
    /// TLS where the server offers it, unverified
    Prefer,
    /// TLS, unverified
    Require,
    /// TLS with a certificate of a trusted CA
    VerifyCa,
    /// TLS with a certificate of a trusted CA for this very host
    VerifyFull,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database (none given: a private PostgreSQL in the data directory)")]
pub struct Database {
    /// postgres://user:password@host:port/dbname?sslmode=verify-full&sslrootcert=FILE
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true,
        value_parser = secret::parse,
    )]
    pub database_url: Option<SecretString>,
    /// File that holds the URL; read at each new connection
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_URL_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub database_url_file: Option<PathBuf>,
    /// Host name, address or socket directory, instead of a URL
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_HOST",
        global = true,
        value_name = "HOST",
        value_parser = filled,
    )]
    pub database_host: Option<String>,
    /// Port [default: 5432]
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_PORT",
        global = true,
        value_name = "PORT",
        value_parser = count(1_u16, 65_535),
    )]
    pub database_port: Option<u16>,
    /// Database name [default: chartroom]
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_NAME",
        global = true,
        value_name = "NAME",
        value_parser = filled,
    )]
    pub database_name: Option<String>,
    /// User [default: chartroom]
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_USER",
        global = true,
        value_name = "USER",
        value_parser = filled,
    )]
    pub database_user: Option<String>,
    /// Password of the user
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_PASSWORD",
        global = true,
        value_name = "PASSWORD",
        hide_env_values = true,
        value_parser = secret::parse,
    )]
    pub database_password: Option<SecretString>,
    /// File that holds the password; read at each new connection
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_PASSWORD_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub database_password_file: Option<PathBuf>,
    /// TLS to the database [default: prefer]
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_SSLMODE",
        global = true,
        value_name = "MODE",
        value_enum
    )]
    pub database_sslmode: Option<SslMode>,
    /// PEM file of the CA that signs the server's certificate; read at each new connection
    /// [default: the system's]
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_CA_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub database_ca_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[command(
    next_help_heading = "Read-only database endpoint (optional; what is not given is as for the first)"
)]
pub struct DatabaseRead {
    /// URL of a standby or of a service in front of standbys
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true,
        value_parser = secret::parse,
    )]
    pub database_read_url: Option<SecretString>,
    /// File that holds the URL; read at each new connection
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_URL_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub database_read_url_file: Option<PathBuf>,
    /// Host name, address or socket directory, instead of a URL
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_HOST",
        global = true,
        value_name = "HOST",
        value_parser = filled,
    )]
    pub database_read_host: Option<String>,
    /// Port
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_PORT",
        global = true,
        value_name = "PORT",
        value_parser = count(1_u16, 65_535),
    )]
    pub database_read_port: Option<u16>,
    /// Database name
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_NAME",
        global = true,
        value_name = "NAME",
        value_parser = filled,
    )]
    pub database_read_name: Option<String>,
    /// User
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_USER",
        global = true,
        value_name = "USER",
        value_parser = filled,
    )]
    pub database_read_user: Option<String>,
    /// Password of the user
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_PASSWORD",
        global = true,
        value_name = "PASSWORD",
        hide_env_values = true,
        value_parser = secret::parse,
    )]
    pub database_read_password: Option<SecretString>,
    /// File that holds the password; read at each new connection
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_PASSWORD_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub database_read_password_file: Option<PathBuf>,
    /// TLS to this endpoint
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_SSLMODE",
        global = true,
        value_name = "MODE",
        value_enum
    )]
    pub database_read_sslmode: Option<SslMode>,
    /// PEM file of the CA that signs this server's certificate
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_READ_CA_FILE",
        global = true,
        value_name = "FILE"
    )]
    pub database_read_ca_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database connections")]
pub struct Pool {
    /// Connections to each endpoint
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_CONNECTIONS",
        global = true,
        value_name = "N",
        default_value = "8",
        value_parser = count(1_usize, 1_000),
    )]
    pub database_connections: usize,
    /// Operations that may wait for a free connection; more are answered 503 at once, so that they
    /// do not take the place of requests that need none
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_QUEUE",
        global = true,
        value_name = "N",
        default_value = "256",
        value_parser = count(1_usize, 1_000_000),
    )]
    pub database_queue: usize,
    /// Time to wait for a free connection
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_WAIT",
        global = true,
        value_name = "TIME",
        default_value = "500ms",
        value_parser = span("1ms", "1m"),
    )]
    pub database_wait: Span,
    /// Time to make a new connection
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_CONNECT_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "2s",
        value_parser = span("1ms", "1m"),
    )]
    pub database_connect_timeout: Span,
    /// Time for one database operation, kept by this process: a frozen server keeps no time
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_DEADLINE",
        global = true,
        value_name = "TIME",
        default_value = "3s",
        value_parser = span("1ms", "10m"),
    )]
    pub database_deadline: Span,
    /// Age at which a connection is replaced
    #[arg(
        long,
        env = "CHARTROOM_DATABASE_MAX_AGE",
        global = true,
        value_name = "TIME",
        default_value = "30m",
        value_parser = span("1s", "24h"),
    )]
    pub database_max_age: Span,
}
