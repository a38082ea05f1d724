//! Every setting: one struct per section, each key a flag and a `CHARTROOM_*` variable. Nothing
//! else reads the environment.

pub mod certificate;
mod check;
mod client;
mod database;
pub mod endpoint;
mod endpoint_settings;
mod jobs;
mod mail;
pub mod models;
mod network;
mod oidc;
mod oidc_provider;
pub mod roots;
mod runner;
mod secret;
mod service_accounts;
mod show;
mod sign_in;
pub mod units;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub use check::{Broken, refuse_unknown, with_env_file, without_service_links};
pub use client::{CLIENT_VARIABLES, ClientSettings, Told, service_url};
pub use database::{Database, DatabaseRead, Pool, SslMode};
pub use endpoint_settings::EndpointSettings;
pub use jobs::{Jobs, JobsMode};
pub use mail::{Mail, MailServer, SmtpSecurity};
pub use models::Models;
pub use network::Network;
pub use oidc::Oidc;
pub use oidc_provider::{GroupRole, OidcProvider, is_safe};
pub use runner::RunnerSettings;
pub use secret::Secret;
pub use service_accounts::{ServiceAccounts, ServiceAccountsMode};
pub use show::show;
pub use sign_in::SignInLimits;
pub use units::Span;
use units::{Size, address, collector, count, filled, language, origin, ratio, size, span, switch};

/// All sections together.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub http: Http,
    #[command(flatten)]
    pub ops: Ops,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub lifecycle: Lifecycle,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub database_read: DatabaseRead,
    #[command(flatten)]
    pub pool: Pool,
    #[command(flatten)]
    pub embedded: Embedded,
    #[command(flatten)]
    pub identity: Identity,
    #[command(flatten)]
    pub sign_in: SignInLimits,
    #[command(flatten)]
    pub oidc: Oidc,
    #[command(flatten)]
    pub service_accounts: ServiceAccounts,
    #[command(flatten)]
    pub posts: Posts,
    #[command(flatten)]
    pub jobs: Jobs,
    #[command(flatten)]
    pub runner: RunnerSettings,
    #[command(flatten)]
    pub models: Models,
    #[command(flatten)]
    pub mail: Mail,
    #[command(flatten)]
    pub telemetry: Telemetry,
    /// Read settings from this file of KEY=value lines too; flags and real variables win over it
    #[arg(
        long,
        env = "CHARTROOM_ENV_FILE",
        global = true,
        value_name = "FILE",
        help_heading = "General"
    )]
    pub env_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Public listener")]
pub struct Http {
    /// Address of the API and its documentation
    #[arg(
        long,
        env = "CHARTROOM_LISTEN",
        global = true,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        value_parser = address,
    )]
    pub listen: SocketAddr,
    /// Origin under which clients reach the API; links and error types are built from it [default:
    /// http:// and the listen address]
    #[arg(
        long,
        env = "CHARTROOM_PUBLIC_URL",
        global = true,
        value_name = "URL",
        value_parser = origin,
    )]
    pub public_url: Option<String>,
    /// Origins whose scripts may call the API from a browser, separated by commas
    #[arg(
        long,
        env = "CHARTROOM_CORS_ORIGINS",
        global = true,
        value_name = "URLS",
        value_delimiter = ',',
        value_parser = origin,
    )]
    pub cors_origins: Vec<String>,
    /// Speak HTTP/2 without TLS to clients that know it in advance
    #[arg(
        long,
        env = "CHARTROOM_HTTP2",
        global = true,
        value_name = "BOOL",
        default_value = "false",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub http2: bool,
    /// Proxies that may say whom they forward for, and whether a request is traced: addresses and
    /// ranges, separated by commas; everybody else is the client itself
    #[arg(
        long,
        env = "CHARTROOM_TRUSTED_PROXIES",
        global = true,
        value_name = "RANGES",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<Network>,
    /// The one header in which they say so; the other is not looked at, because a proxy that does
    /// not write it lets a client's pass
    #[arg(
        long,
        env = "CHARTROOM_FORWARDED_HEADER",
        global = true,
        value_name = "NAME",
        value_enum,
        default_value = "x-forwarded-for"
    )]
    pub forwarded_header: ForwardedHeader,
    /// Pages for people at /home, /sign-in and beside them; `off` leaves the API alone
    #[arg(
        long,
        env = "CHARTROOM_CONSOLE",
        global = true,
        value_name = "WORD",
        value_enum,
        default_value = "on"
    )]
    pub console: Console,
}

/// Whether there are pages for people beside the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Console {
    On,
    Off,
}

impl Http {
    /// Whether this is the address of a proxy that is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let holds = |network: &Network| network.contains(address);
        self.trusted_proxies.iter().any(holds)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    XForwardedFor,
    Forwarded,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Ops listener")]
pub struct Ops {
    /// Address of /livez, /readyz and /metrics
    #[arg(
        long,
        env = "CHARTROOM_OPS_LISTEN",
        global = true,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9090",
        value_parser = address,
    )]
    pub ops_listen: SocketAddr,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Connections held at once on each listener; more are closed at once
    #[arg(
        long,
        env = "CHARTROOM_MAX_CONNECTIONS",
        global = true,
        value_name = "N",
        default_value = "4096",
        value_parser = count(1_usize, 1_000_000),
    )]
    pub max_connections: usize,
    /// Requests worked on at once; more are answered 503 at once
    #[arg(
        long,
        env = "CHARTROOM_MAX_IN_FLIGHT",
        global = true,
        value_name = "N",
        default_value = "512",
        value_parser = count(1_usize, 1_000_000),
    )]
    pub max_in_flight: usize,
    /// Requests a minute, on each process, of one user or workload, and of one network of callers
    /// who are not signed in (/24 of IPv4, /64 of IPv6); more are answered 429. 0: as many as they
    /// like
    #[arg(
        long,
        env = "CHARTROOM_RATE_LIMIT",
        global = true,
        value_name = "N",
        default_value = "60000",
        value_parser = count(0_u32, 1_000_000_000),
    )]
    pub rate_limit: u32,
    /// Time for a complete answer
    #[arg(
        long,
        env = "CHARTROOM_REQUEST_DEADLINE",
        global = true,
        value_name = "TIME",
        default_value = "5s",
        value_parser = span("10ms", "10m"),
    )]
    pub request_deadline: Span,
    /// Largest body of posts, projects and one's account, after decompression; all else takes 16KiB
    #[arg(
        long,
        env = "CHARTROOM_MAX_BODY",
        global = true,
        value_name = "SIZE",
        default_value = "1MiB",
        value_parser = size("1KiB", "1GiB"),
    )]
    pub max_body: Size,
    /// Uploads and downloads under way at once, of which one caller has a quarter; more are
    /// answered 503 at once
    #[arg(
        long,
        env = "CHARTROOM_MAX_STREAMS",
        global = true,
        value_name = "N",
        default_value = "64",
        value_parser = count(1_usize, 1_000_000),
    )]
    pub max_streams: usize,
    /// Streams of events followed at once, of which one caller has a sixteenth; more are answered
    /// 503 at once
    #[arg(
        long,
        env = "CHARTROOM_MAX_EVENT_STREAMS",
        global = true,
        value_name = "N",
        default_value = "1024",
        value_parser = count(1_usize, 1_000_000),
    )]
    pub max_event_streams: usize,
    /// Largest upload, after decompression
    #[arg(
        long,
        env = "CHARTROOM_MAX_UPLOAD",
        global = true,
        value_name = "SIZE",
        default_value = "10GiB",
        value_parser = size("1KiB", "1024GiB"),
    )]
    pub max_upload: Size,
    /// Time for a complete request head
    #[arg(
        long,
        env = "CHARTROOM_HEADER_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "10s",
        value_parser = span("10ms", "10m"),
    )]
    pub header_timeout: Span,
    /// Time a connection may stay open between two requests
    #[arg(
        long,
        env = "CHARTROOM_KEEP_ALIVE_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "75s",
        value_parser = span("10ms", "24h"),
    )]
    pub keep_alive_timeout: Span,
    /// Time without a byte of a request body
    #[arg(
        long,
        env = "CHARTROOM_BODY_IDLE_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "10s",
        value_parser = span("10ms", "10m"),
    )]
    pub body_idle_timeout: Span,
    /// Slowest average rate of a request body, in bytes a second
    #[arg(
        long,
        env = "CHARTROOM_BODY_MIN_RATE",
        global = true,
        value_name = "SIZE",
        default_value = "1KiB",
        value_parser = size("0", "1GiB"),
    )]
    pub body_min_rate: Size,
    /// Time over which a client has to take enough of an answer that waits for it; one that does
    /// not is cut off
    #[arg(
        long,
        env = "CHARTROOM_WRITE_STALL_TIMEOUT",
        global = true,
        value_name = "TIME",
        default_value = "30s",
        value_parser = span("10ms", "10m"),
    )]
    pub write_stall_timeout: Span,
    /// Slowest average rate over that time, in bytes a second, on HTTP/2 of each answer; 0 lets a
    /// single byte do
    #[arg(
        long,
        env = "CHARTROOM_WRITE_MIN_RATE",
        global = true,
        value_name = "SIZE",
        default_value = "1KiB",
        value_parser = size("0", "1GiB"),
    )]
    pub write_min_rate: Size,
    /// Answers held in memory at once, not counting small ones; a large one beyond is answered 503
    #[arg(
        long,
        env = "CHARTROOM_MAX_ANSWERS",
        global = true,
        value_name = "SIZE",
        default_value = "32MiB",
        value_parser = size("8MiB", "64GiB"),
    )]
    pub max_answers: Size,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Stopping")]
pub struct Lifecycle {
    /// Time to go on accepting after SIGTERM, so that load balancers notice the readiness change
    /// first
    #[arg(
        long,
        env = "CHARTROOM_DRAIN_DELAY",
        global = true,
        value_name = "TIME",
        default_value = "5s",
        value_parser = span("0ms", "10m"),
    )]
    pub drain_delay: Span,
    /// Time from SIGTERM after which the process ends whatever is still open
    #[arg(
        long,
        env = "CHARTROOM_STOP_DEADLINE",
        global = true,
        value_name = "TIME",
        default_value = "25s",
        value_parser = span("100ms", "1h"),
    )]
    pub stop_deadline: Span,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Private PostgreSQL")]
pub struct Embedded {
    /// Directory of what the service keeps on disk
    #[arg(
        long,
        env = "CHARTROOM_DATA_DIR",
        global = true,
        value_name = "DIR",
        default_value = "./.chartroom"
    )]
    pub data_dir: PathBuf,
    /// Directory with initdb, pg_ctl and postgres [default: searched on PATH and in the usual
    /// places]
    #[arg(
        long,
        env = "CHARTROOM_EMBEDDED_BIN_DIR",
        global = true,
        value_name = "DIR"
    )]
    pub embedded_bin_dir: Option<PathBuf>,
    /// Fetch a PostgreSQL once where none is installed
    #[arg(
        long,
        env = "CHARTROOM_EMBEDDED_DOWNLOAD",
        global = true,
        value_name = "BOOL",
        default_value = "true",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub embedded_download: bool,
    /// Directory that keeps the fetched PostgreSQL [default: the user's cache directory]
    #[arg(
        long,
        env = "CHARTROOM_EMBEDDED_CACHE_DIR",
        global = true,
        value_name = "DIR"
    )]
    pub embedded_cache_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    Open,
    Confirmed,
    Invited,
    Closed,
}

impl Registration {
    /// Whether who was invited to a project may make an account.
    pub fn admits_invited(self) -> bool {
        self != Self::Closed
    }

    /// Whether anybody may make one, at once or once their address is confirmed.
    pub fn admits_anybody(self) -> bool {
        matches!(self, Self::Open | Self::Confirmed)
    }
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Identity")]
pub struct Identity {
    /// Who may make an account: anybody, anybody who confirms their address by a mail, who was
    /// invited to a project, or nobody [default: open with the private PostgreSQL, else closed]
    #[arg(
        long,
        env = "CHARTROOM_REGISTRATION",
        global = true,
        value_name = "WHO",
        value_enum
    )]
    pub registration: Option<Registration>,
    /// Directory of the keys that sign tokens; `chartroom keys generate` makes one [default: made
    /// in the data directory with the private PostgreSQL, else none]
    #[arg(long, env = "CHARTROOM_KEYS_DIR", global = true, value_name = "DIR")]
    pub keys_dir: Option<PathBuf>,
    /// Audience of the tokens: what other services may require before they trust one
    #[arg(
        long,
        env = "CHARTROOM_AUDIENCE",
        global = true,
        value_name = "TEXT",
        default_value = "chartroom",
        value_parser = filled,
    )]
    pub audience: String,
    /// Life of an access token
    #[arg(
        long,
        env = "CHARTROOM_ACCESS_LIFETIME",
        global = true,
        value_name = "TIME",
        default_value = "30m",
        value_parser = span("1s", "24h"),
    )]
    pub access_lifetime: Span,
    /// Life of a refresh token, and of a cookie that is not used
    #[arg(
        long,
        env = "CHARTROOM_REFRESH_LIFETIME",
        global = true,
        value_name = "TIME",
        default_value = "1h",
        value_parser = span("1s", "2160h"),
    )]
    pub refresh_lifetime: Span,
    /// Life of a session, however much it is used
    #[arg(
        long,
        env = "CHARTROOM_SESSION_LIFETIME",
        global = true,
        value_name = "TIME",
        default_value = "24h",
        value_parser = span("1s", "8760h"),
    )]
    pub session_lifetime: Span,
    /// Live sessions of one account; a sign-in beyond them ends those that were not used for the
    /// longest
    #[arg(
        long,
        env = "CHARTROOM_SESSIONS_PER_USER",
        global = true,
        value_name = "N",
        default_value = "100",
        value_parser = count(1_i64, 10_000),
    )]
    pub sessions_per_user: i64,
    /// Time in which a replaced refresh token still gives its successor again; 0ms makes rotation
    /// strict
    #[arg(
        long,
        env = "CHARTROOM_REFRESH_GRACE",
        global = true,
        value_name = "TIME",
        default_value = "10s",
        value_parser = span("0ms", "5m"),
    )]
    pub refresh_grace: Span,
    /// Whether a password may be exchanged for tokens at /auth/token (the first-party password
    /// grant)
    #[arg(
        long,
        env = "CHARTROOM_PASSWORD_GRANT",
        global = true,
        value_name = "BOOL",
        default_value = "true",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub password_grant: bool,
    /// Access tokens whose signature is remembered as good, so that it is checked once; 0 checks it
    /// on every request
    #[arg(
        long,
        env = "CHARTROOM_TOKEN_CACHE",
        global = true,
        value_name = "N",
        default_value = "16384",
        value_parser = count(0_usize, 1_000_000),
    )]
    pub token_cache: usize,
    /// API tokens, cookies and passwords of HTTP Basic that are remembered as good, so that a
    /// request costs no database read and no hash
    #[arg(
        long,
        env = "CHARTROOM_CREDENTIAL_CACHE",
        global = true,
        value_name = "N",
        default_value = "8192",
        value_parser = count(0_usize, 1_000_000),
    )]
    pub credential_cache: usize,
    /// For how long they are; what ends one earlier is known by itself
    #[arg(
        long,
        env = "CHARTROOM_CREDENTIAL_CACHE_LIFETIME",
        global = true,
        value_name = "TIME",
        default_value = "1m",
        value_parser = span("1s", "10m"),
    )]
    pub credential_cache_lifetime: Span,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Posts")]
pub struct Posts {
    /// Whether anybody may read published posts that are in no project, without signing in
    #[arg(
        long,
        env = "CHARTROOM_POSTS_ANONYMOUS_READ",
        global = true,
        value_name = "BOOL",
        default_value = "false",
        value_parser = switch,
        action = clap::ArgAction::Set,
    )]
    pub posts_anonymous_read: bool,
    /// Text search configuration of PostgreSQL (`\dF` of psql lists them): what counts as one word
    /// when posts are searched; simple knows no language
    #[arg(
        long,
        env = "CHARTROOM_SEARCH_LANGUAGE",
        global = true,
        value_name = "NAME",
        default_value = "english",
        value_parser = language,
    )]
    pub search_language: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Json,
    Pretty,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Telemetry")]
pub struct Telemetry {
    /// Log filter: a level, or target=level pairs separated by commas
    #[arg(
        long,
        env = "CHARTROOM_LOG",
        global = true,
        value_name = "FILTER",
        default_value = "info",
        value_parser = check::log_filter,
    )]
    pub log: String,
    /// Log format [default: pretty on a terminal, else json]
    #[arg(
        long,
        env = "CHARTROOM_LOG_FORMAT",
        global = true,
        value_name = "FORMAT",
        value_enum
    )]
    pub log_format: Option<LogFormat>,
    /// OTLP collector (gRPC without TLS) that receives traces [default: none]
    #[arg(
        long,
        env = "CHARTROOM_OTLP_ENDPOINT",
        global = true,
        value_name = "URL",
        value_parser = collector,
    )]
    pub otlp_endpoint: Option<String>,
    /// Share of requests traced where no trusted proxy has decided [default: 0.1]
    #[arg(
        long,
        env = "CHARTROOM_TRACE_RATIO",
        global = true,
        value_name = "RATIO",
        value_parser = ratio,
    )]
    pub trace_ratio: Option<f64>,
}

impl Config {
    /// Whether `serve` runs a PostgreSQL of its own.
    pub fn is_embedded(&self) -> bool {
        !self.database.endpoint().is_given()
    }

    pub fn public_url(&self) -> String {
        self.http
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.http.listen))
    }

    pub fn registration(&self) -> Registration {
        self.identity.registration.unwrap_or(if self.is_embedded() {
            Registration::Open
        } else {
            Registration::Closed
        })
    }
}
