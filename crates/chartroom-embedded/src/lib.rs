//! A private PostgreSQL for `chartroom serve` without configuration, and for the tests.
//!
//! [`Embedded::start`] finds a PostgreSQL (`install`, else `fetch`), makes a database in the data
//! directory on first use (`cluster`), runs the server on a Unix socket (`server`) as an account it
//! accepts (`account`), and has it stopped even when this process is killed (`watchdog`, and
//! `leftover` at the next start). One process at a time per data directory (`layout` holds the
//! lock).
//!
//! Beside it, because it is fetched in the same way: the library that runs models (`onnxruntime`).

mod account;
mod cluster;
#[cfg(feature = "fetch")]
mod download;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod install;
mod layout;
mod leftover;
pub mod onnxruntime;
#[cfg(feature = "fetch")]
mod progress;
mod server;
mod watchdog;

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{mpsc, watch};

pub use self::error::EmbeddedError;

use self::account::Account;
use self::layout::{Layout, PORT};
use self::server::{Server, Supervisor};
use self::watchdog::Watchdog;

const USER: &str = "chartroom";
const DATABASE: &str = "chartroom";

const SYSTEM_CACHE_DIR: &str = "/var/cache/chartroom/postgresql";

/// Where it lives and where its programs may come from.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds the database, its password and the lock; made when missing.
    pub data_dir: PathBuf,
    /// Use the PostgreSQL in this folder and no other.
    pub bin_dir: Option<PathBuf>,
    /// Fetch a pinned PostgreSQL when none is installed.
    pub download: bool,
    /// Where a fetched one is kept for the next time.
    pub cache_dir: PathBuf,
    /// A Maven repository to fetch from instead of Maven Central. What comes is verified either
    /// way.
    pub mirror: Option<String>,
    /// As if no PostgreSQL were installed on this machine.
    pub hide_installed: bool,
    /// Off only where the data is worthless: a crash of the machine may then corrupt it.
    pub durable: bool,
}

impl Options {
    /// What `serve` does when nothing is configured.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bin_dir: None,
            download: true,
            cache_dir: default_cache_dir(),
            mirror: None,
            hide_installed: false,
            durable: true,
        }
    }
}

/// `$XDG_CACHE_HOME/chartroom/postgresql`, else below `~/.cache`, else the system's. As root, the
/// system's is also used when the account PostgreSQL has to run as may not enter this one.
pub fn default_cache_dir() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .map_or_else(
            || PathBuf::from(SYSTEM_CACHE_DIR),
            |cache| cache.join("chartroom").join("postgresql"),
        )
}

/// Where the server is and how to get in.
#[derive(Debug, Clone)]
pub struct Address {
    /// The directory of the Unix socket. Percent-encode it to make it the host of a URL.
    pub socket_dir: PathBuf,
    /// Part of the socket's name; there is no TCP listener.
    pub port: u16,
    pub user: &'static str,
    pub password: SecretString,
    pub dbname: &'static str,
}

impl Address {
    pub fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.socket_dir)
            .port(self.port)
            .user(self.user)
            .dbname(self.dbname);
        config.password(self.password.expose_secret());
        config
    }
}

/// How to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Clean: running statements are cancelled, everything is written. At most about 20 s.
    Fast,
    /// Now, within a second; the next start recovers from the log of changes. No committed data is
    /// lost either way.
    Immediate,
}

/// The running server. Dropped without [`Embedded::stop`], it is stopped in the background, or by
/// the watchdog when the process ends first.
#[derive(Debug)]
pub struct Embedded {
    address: Address,
    bin_dir: PathBuf,
    orders: mpsc::UnboundedSender<Stop>,
    stopped: watch::Receiver<bool>,
}

impl Embedded {
    /// Returns when the server accepts our role.
    pub async fn start(options: Options) -> Result<Self, EmbeddedError> {
        let account = Account::choose()?;
        let (layout, lock) = Layout::open(&options.data_dir, account).await?;
        let pgdata = layout.pgdata();
        let account = account.owning(&pgdata);
        let existing = cluster::existing_major(&pgdata, account)
            .await?
            .map(|major| (pgdata, major));
        let install = install::find(&options, account, existing).await?;

        leftover::stop_leftover(&layout, account).await?;
        let mut watchdog = Watchdog::start(account)?;
        let password =
            server::prepare(&layout, account, &install, options.durable, &mut watchdog).await?;
        let socket_dir = layout.socket_dir(account)?;
        let address = Address {
            socket_dir: socket_dir.path.clone(),
            port: PORT,
            user: USER,
            password,
            dbname: DATABASE,
        };
        let bin_dir = install.bin_dir.clone();
        let server = Server {
            layout,
            account,
            install,
            socket_dir,
            durable: options.durable,
            _lock: lock,
        };
        let child = server.start(&address, &mut watchdog).await?;
        tracing::info!(
            bin_dir = %bin_dir.display(),
            data_dir = %server.layout.data_dir.display(),
            "PostgreSQL {} is running",
            server.install.major
        );

        let (orders, receiver) = mpsc::unbounded_channel();
        let (sender, stopped) = watch::channel(false);
        tokio::spawn(
            Supervisor {
                server,
                child,
                watchdog: Some(watchdog),
                orders: receiver,
                stopped: sender,
            }
            .run(),
        );
        Ok(Self {
            address,
            bin_dir,
            orders,
            stopped,
        })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The folder the server's programs were found in.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// Returns when it has stopped and the data directory is free. May be called again while an
    /// earlier call is still waiting: the second signal makes a fast stop an immediate one.
    pub async fn stop(&self, how: Stop) {
        // A supervisor that is gone has stopped it already.
        let _ = self.orders.send(how);
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }
}
