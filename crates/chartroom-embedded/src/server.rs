//! The running server: started as our direct child, watched, restarted when it dies, stopped in
//! bounded time.

use std::future::pending;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::account::Account;
use super::error::EmbeddedError;
use super::install::Install;
use super::layout::{DataDirLock, Layout, PORT, SocketDir};
use super::watchdog::{Signal, Watchdog, send};
use super::{Address, Stop, cluster, leftover};

/// How long a starting server may stay silent; one that says it is recovering after a crash gets
/// longer.
const SILENCE: Duration = Duration::from_secs(60);
const RECOVERY: Duration = Duration::from_secs(600);

/// The backends of a killed postmaster hold the shared memory until they notice, which a long
/// statement delays.
const ORPHANS: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(20);
const CONNECT: Duration = Duration::from_secs(2);

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A server that lived this long did not die of what killed the one before.
const STABLE: Duration = Duration::from_secs(10);

/// A fast shutdown writes a checkpoint. The immediate one has to fit the second a second signal
/// gives us.
const FAST: Duration = Duration::from_secs(20);
const IMMEDIATE: Duration = Duration::from_millis(700);

/// Everything needed to start the server, again if need be, and what has to live as long as it.
pub(super) struct Server {
    pub(super) layout: Layout,
    pub(super) account: Account,
    pub(super) install: Install,
    pub(super) socket_dir: SocketDir,
    pub(super) durable: bool,
    pub(super) _lock: DataDirLock,
}

impl Server {
    async fn spawn(&self) -> Result<Child, EmbeddedError> {
        let pgdata = self.layout.pgdata();
        leftover::quit_orphans(&pgdata, self.account).await;
        leftover::disown(&pgdata, self.account).await?;
        leftover::clear_socket(&self.socket_dir.path, self.account).await?;
        let log = self.layout.open_log()?;
        let log_too = log
            .try_clone()
            .map_err(EmbeddedError::io("duplicate", self.layout.log()))?;
        let program = self.install.program("postgres");
        let mut command = self.account.command(&program);
        // -D and the directory first: `leftover::serves` looks for them.
        command.arg("-D").arg(pgdata);
        command
            .arg("-k")
            .arg(quoted_list_item(&self.socket_dir.path))
            .args(["-p", &PORT.to_string()]);
        let mut settings = vec![
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "external_pid_file=",
            "logging_collector=off",
            "log_destination=stderr",
            "log_line_prefix=%m [%p] ",
        ];
        if !self.durable {
            // Not synchronous_commit=off: what was committed still has to survive our own processes
            // being killed.
            settings.extend(["fsync=off", "full_page_writes=off"]);
        }
        for setting in settings {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(log).stderr(log_too);
        command.spawn().map_err(EmbeddedError::io("run", &program))
    }

    /// Starts it and waits until it lets our role in.
    pub(super) async fn start(
        &self,
        address: &Address,
        watchdog: &mut Watchdog,
    ) -> Result<Child, EmbeddedError> {
        let began = Instant::now();
        let log_from = self.layout.open_log().and_then(|log| {
            log.metadata()
                .map(|found| found.len())
                .map_err(EmbeddedError::io("look at", self.layout.log()))
        })?;
        let failed = |what: String| EmbeddedError::Failed {
            what,
            log: self.layout.log(),
            tail: self.layout.log_tail(log_from),
        };
        let mut child = self.spawn().await?;
        watchdog.guard(child.id()).await;
        let mut last = String::from("no answer");
        let mut recovering = false;
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(EmbeddedError::io("wait for", "postgres"))?
            {
                watchdog.guard(None).await;
                let orphans = self
                    .layout
                    .log_tail(log_from)
                    .contains("pre-existing shared memory block");
                if !orphans || began.elapsed() > ORPHANS {
                    return Err(failed(format!("did not start ({})", how_it_ended(status))));
                }
                sleep(BACKOFF_MIN).await;
                child = self.spawn().await?;
                watchdog.guard(child.id()).await;
            }
            match timeout(CONNECT, address.config().connect(NoTls)).await {
                Ok(Ok(_client_and_connection)) => return Ok(child),
                Ok(Err(error)) => {
                    let code = error.code().cloned();
                    if code == Some(SqlState::INVALID_PASSWORD) {
                        self.end(&mut child, watchdog).await;
                        return Err(failed(format!(
                            "does not accept the password in {}; delete that file and a new one is set at the next start",
                            self.layout.data_dir.join("password").display()
                        )));
                    }
                    if code == Some(SqlState::INVALID_CATALOG_NAME) {
                        self.end(&mut child, watchdog).await;
                        return Err(failed(format!(
                            "has no database \"{}\" any more",
                            super::DATABASE
                        )));
                    }
                    recovering = code == Some(SqlState::CANNOT_CONNECT_NOW);
                    last = error.to_string();
                }
                Err(_elapsed) => {}
            }
            if began.elapsed() > if recovering { RECOVERY } else { SILENCE } {
                self.end(&mut child, watchdog).await;
                return Err(failed(format!(
                    "did not become ready in {} s ({last})",
                    began.elapsed().as_secs()
                )));
            }
            sleep(POLL).await;
        }
    }

    async fn end(&self, child: &mut Child, watchdog: &mut Watchdog) {
        if let Some(pid) = child.id() {
            send(self.account, Signal::Quit, pid).await;
            if timeout(IMMEDIATE, child.wait()).await.is_err() {
                let _ = child.kill().await;
            }
        }
        watchdog.guard(None).await;
    }
}

/// Owns the child from now on; ends when told to, or when nobody is left who could.
pub(super) struct Supervisor {
    pub(super) server: Server,
    pub(super) child: Child,
    pub(super) watchdog: Option<Watchdog>,
    pub(super) orders: mpsc::UnboundedReceiver<Stop>,
    pub(super) stopped: watch::Sender<bool>,
}

impl Supervisor {
    pub(super) async fn run(mut self) {
        let mut backoff = BACKOFF_MIN;
        let mut started = Instant::now();
        let mut alive = true;
        loop {
            let next_start = started + backoff;
            tokio::select! {
                order = self.orders.recv() => {
                    if alive {
                        self.shut_down(order.unwrap_or(Stop::Fast)).await;
                    }
                    break;
                }
                status = self.child.wait(), if alive => {
                    alive = false;
                    backoff = if started.elapsed() > STABLE { BACKOFF_MIN } else { (backoff * 2).min(BACKOFF_MAX) };
                    started = Instant::now();
                    self.guard(None).await;
                    let how = status.map_or_else(|error| error.to_string(), how_it_ended);
                    tracing::warn!(log = %self.server.layout.log().display(), "PostgreSQL ended by itself ({how}), starting it again");
                }
                () = sleep_until(next_start), if !alive => {
                    started = Instant::now();
                    match self.server.spawn().await {
                        Ok(child) => {
                            self.child = child;
                            alive = true;
                            self.guard(self.child.id()).await;
                        }
                        Err(error) => {
                            backoff = (backoff * 2).min(BACKOFF_MAX);
                            tracing::error!("PostgreSQL cannot be started again: {error}");
                        }
                    }
                }
                () = died(&mut self.watchdog) => {
                    self.watchdog = Watchdog::start(self.server.account).inspect_err(|error| tracing::warn!("{error}")).ok();
                    let pid = self.child.id().filter(|_| alive);
                    self.guard(pid).await;
                }
            }
        }
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.dismiss().await;
        }
        // The lock goes last but for the news: who hears it may start anew.
        drop(self.server);
        self.stopped.send_replace(true);
    }

    async fn guard(&mut self, pid: Option<u32>) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.guard(pid).await;
        }
    }

    /// Each step is taken when the one before was not enough in its time, or when a later order is
    /// more urgent.
    async fn shut_down(&mut self, how: Stop) {
        let mut how = how;
        while let Some(pid) = self.child.id() {
            let (signal, patience) = match how {
                Stop::Fast => (Signal::Int, FAST),
                Stop::Immediate => (Signal::Quit, IMMEDIATE),
            };
            let deadline = Instant::now() + patience;
            send(self.server.account, signal, pid).await;
            let mut listening = how == Stop::Fast;
            let ended = loop {
                tokio::select! {
                    _status = self.child.wait() => break true,
                    () = sleep_until(deadline) => break false,
                    order = self.orders.recv(), if listening => match order {
                        Some(Stop::Immediate) => break false,
                        Some(Stop::Fast) => {}
                        None => listening = false,
                    },
                }
            };
            if ended {
                return;
            }
            if how == Stop::Immediate {
                tracing::warn!(
                    pid,
                    "PostgreSQL does not stop, killing it; it recovers at the next start"
                );
                let _ = self.child.kill().await;
                return;
            }
            how = Stop::Immediate;
        }
    }
}

/// Finds out about the directory, and clears it, before the first start.
pub(super) async fn prepare(
    layout: &Layout,
    account: Account,
    install: &Install,
    durable: bool,
    watchdog: &mut Watchdog,
) -> Result<secrecy::SecretString, EmbeddedError> {
    layout.sweep_staging();
    let (password, new) = layout.password()?;
    if cluster::existing_major(&layout.pgdata(), account)
        .await?
        .is_none()
    {
        cluster::create(layout, account, install, &password, durable, watchdog).await?;
    } else if new {
        cluster::set_password(layout, account, install, &password, watchdog).await?;
    }
    Ok(password)
}

async fn died(watchdog: &mut Option<Watchdog>) {
    match watchdog {
        Some(watchdog) => watchdog.died().await,
        None => pending().await,
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => status.to_string(),
    }
}

/// PostgreSQL reads a comma-separated list here; quotes make it one item whatever is in it.
fn quoted_list_item(path: &Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if *byte == b'"' {
            quoted.push(b'"');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    std::ffi::OsString::from_vec(quoted)
}
