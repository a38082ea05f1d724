//! One PostgreSQL for the whole run, started by the product's own code; one database per test,
//! cloned from a migrated template.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chartroom::app::embedded;
use chartroom::config::endpoint::Endpoint;
use chartroom::db::grants;
use chartroom::db::migrate::{self, MIGRATIONS};
use chartroom_embedded::{Address, Embedded, EmbeddedError, Options};
use secrecy::ExposeSecret as _;

use super::chaos_proxy::{ChaosProxy, Target};

const TEMPLATE: &str = "template_migrated";
/// What the applications of the tests run as: a right that they lack shows in every test that needs
/// it.
const RUNTIME: &str = "test_runtime";

/// The server, on a runtime of its own that no test's end can stop. Its watchdog stops it with the
/// process.
pub(crate) struct Server {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: Address,
    pub(crate) bin_dir: PathBuf,
    runtime: tokio::runtime::Runtime,
    _server: Embedded,
}

pub(crate) static SERVER: LazyLock<Server> =
    LazyLock::new(|| std::thread::spawn(Server::start).join().unwrap());

impl Server {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(async {
            let server = first_free_place().await;
            let administrator = connect(&server.address().config()).await;
            let leftovers = administrator
                .query(
                    "SELECT datname FROM pg_database WHERE datname ~ '^(test_|template_migrated)'",
                    &[],
                )
                .await
                .unwrap();
            for row in leftovers {
                administrator
                    .batch_execute(&format!(
                        "DROP DATABASE {} WITH (FORCE)",
                        row.get::<_, String>(0)
                    ))
                    .await
                    .unwrap();
            }
            administrator
                .batch_execute(&format!("CREATE DATABASE {TEMPLATE}"))
                .await
                .unwrap();
            let template = database(&embedded::endpoint(&server), TEMPLATE);
            let patience = Duration::from_secs(60);
            migrate::up(&template, || MIGRATIONS, patience)
                .await
                .unwrap();
            administrator
                .batch_execute(&format!(
                    "DROP ROLE IF EXISTS {RUNTIME}; CREATE ROLE {RUNTIME} LOGIN PASSWORD '{}'",
                    server.address().password.expose_secret()
                ))
                .await
                .unwrap();
            grants::grant(&template, RUNTIME, patience).await.unwrap();
            server
        });
        Self {
            endpoint: embedded::endpoint(&server),
            address: server.address().clone(),
            bin_dir: server.bin_dir().to_owned(),
            runtime,
            _server: server,
        }
    }
}

/// The same directory each time, so that only the first run pays for making it; another one while a
/// run holds it, and what another PostgreSQL made is made anew.
async fn first_free_place() -> Embedded {
    let bin_dir = std::env::var_os("CHARTROOM_TEST_POSTGRES").map(PathBuf::from);
    let kind = if std::env::var_os("CHARTROOM_TEST_FETCHED").is_some() {
        "fetched"
    } else {
        "postgres"
    };
    let mut place = 0;
    loop {
        let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{kind}-{place}"));
        let options = Options {
            durable: false,
            bin_dir: bin_dir.clone(),
            hide_installed: kind == "fetched",
            ..Options::new(data_dir)
        };
        match Embedded::start(options).await {
            Ok(server) => return server,
            Err(EmbeddedError::AlreadyRunning { .. }) if place < 8 => place += 1,
            Err(EmbeddedError::OtherMajor { pgdata, .. }) => {
                std::fs::remove_dir_all(pgdata).unwrap();
            }
            Err(error) => panic!("no PostgreSQL for the tests: {error}"),
        }
    }
}

/// The endpoint of another database on the same server.
pub(crate) fn database(endpoint: &Endpoint, name: &str) -> Endpoint {
    match endpoint.clone() {
        Endpoint::Fields {
            host,
            port,
            user,
            password,
            tls,
            ..
        } => Endpoint::Fields {
            host,
            port,
            dbname: name.to_owned(),
            user,
            password,
            tls,
        },
        Endpoint::Url(_) => unreachable!("the embedded server is described by fields"),
    }
}

/// The URL that a `chartroom` process takes for a database of a private server.
pub(crate) fn url(address: &Address, name: &str) -> String {
    let Address {
        socket_dir,
        port,
        user,
        password,
        ..
    } = address;
    let directory = percent_encoding::utf8_percent_encode(
        socket_dir.to_str().unwrap(),
        percent_encoding::NON_ALPHANUMERIC,
    );
    format!(
        "postgres://{user}:{}@{directory}:{port}/{name}",
        password.expose_secret()
    )
}

/// The server behind a proxy, and the way to a database through it.
pub(crate) async fn behind_proxy(database: &TestDatabase) -> (ChaosProxy, Endpoint) {
    let Endpoint::Fields {
        dbname,
        user,
        password,
        tls,
        ..
    } = database.endpoint.clone()
    else {
        unreachable!()
    };
    let port = SERVER.address.port;
    let socket = SERVER.address.socket_dir.join(format!(".s.PGSQL.{port}"));
    let proxy = ChaosProxy::start(Target::Unix(socket)).await;
    let endpoint = Endpoint::Fields {
        host: proxy.addr.ip().to_string(),
        port: proxy.addr.port(),
        dbname,
        user,
        password,
        tls,
    };
    (proxy, endpoint)
}

/// A session that drives itself.
pub(crate) async fn connect(config: &tokio_postgres::Config) -> tokio_postgres::Client {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database of a test's own.
pub(crate) struct TestDatabase {
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
}

impl TestDatabase {
    /// With the schema of this build.
    pub(crate) async fn migrated() -> Self {
        Self::from_template(TEMPLATE).await
    }

    /// With nothing in it.
    pub(crate) async fn empty() -> Self {
        Self::from_template("template0").await
    }

    async fn from_template(template: &'static str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "test_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let server = tokio::task::spawn_blocking(|| &*SERVER).await.unwrap();
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let config = server.address.config();
        server
            .runtime
            .spawn(async move {
                connect(&config)
                    .await
                    .batch_execute(&statement)
                    .await
                    .unwrap()
            })
            .await
            .unwrap();
        Self {
            endpoint: database(&server.endpoint, &name),
            name,
        }
    }

    /// How a plain driver reaches it.
    pub(crate) fn config(&self) -> tokio_postgres::Config {
        let mut config = SERVER.address.config();
        config.dbname(&self.name);
        config
    }

    /// The endpoint of a role that owns nothing.
    pub(crate) fn runtime(&self) -> Endpoint {
        match self.endpoint.clone() {
            Endpoint::Fields {
                host,
                port,
                dbname,
                password,
                tls,
                ..
            } => Endpoint::Fields {
                host,
                port,
                dbname,
                user: RUNTIME.to_owned(),
                password,
                tls,
            },
            Endpoint::Url(_) => unreachable!("the embedded server is described by fields"),
        }
    }

    /// A session of that role.
    pub(crate) async fn runtime_session(&self) -> tokio_postgres::Client {
        connect(self.config().user(RUNTIME)).await
    }

    /// The URL a `chartroom` process takes.
    pub(crate) fn url(&self) -> String {
        url(&SERVER.address, &self.name)
    }

    /// A session outside the product, to look and to disturb.
    pub(crate) async fn session(&self) -> tokio_postgres::Client {
        connect(&self.config()).await
    }
}

impl Drop for TestDatabase {
    /// Best effort: what stays is dropped when the next run starts.
    fn drop(&mut self) {
        let (config, statement) = (
            SERVER.address.config(),
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
        SERVER.runtime.spawn(async move {
            let _ = connect(&config).await.batch_execute(&statement).await;
        });
    }
}

/// The newest migration this build knows.
pub(crate) fn newest_migration() -> String {
    let unmigrated = chartroom::db::window::SchemaState::unmigrated().unwrap();
    unmigrated.pending.last().unwrap().clone()
}
