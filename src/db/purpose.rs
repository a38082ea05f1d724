//! What a session is for: its name on the server, its limits there, whether it has to write.

/// The server's own limits stand far behind ours, for the case that our process is gone while its
/// statement still runs. A statement whose connection we closed has to end long before them: each
/// would hold one of the server's few connections.
const SHORT: &str = "SET search_path = public, pg_temp; SET statement_timeout = '60s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET client_connection_check_interval = '1s'; SHOW transaction_read_only";
/// The same for a statement that lasts as long as a client reads or sends. That it goes on is
/// watched here, part by part; the server only has to notice when we are gone.
const STREAM: &str = "SET search_path = public, pg_temp; SET statement_timeout = '24h'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '5min'; SET client_connection_check_interval = '1s'; SHOW transaction_read_only";

#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// Shows in `pg_stat_activity` as `chartroom/<name>`.
    pub name: &'static str,
    pub(super) setup: &'static str,
    /// Refuses a server that only reads, as a demoted primary and a standby do.
    pub(super) must_write: bool,
}

impl Purpose {
    /// What requests change and judge by.
    pub const WRITE: Self = Self::short("write", true);
    /// Reads that a standby may answer.
    pub const READ: Self = Self::short("read", false);
    /// Reads of much, which may take longer than requests usually do.
    pub const ANALYSIS: Self = Self::short("analysis", false);
    pub const READINESS: Self = Self::short("readiness", false);
    pub const MIGRATE: Self = Self::short("migrate", false);
    /// The command line's work on accounts.
    pub const ACCOUNTS: Self = Self::short("user", false);
    /// Waiting for notifications, which a standby does not have.
    pub const LISTEN: Self = Self::short("listen", true);
    /// Rows of one moment, for as long as somebody reads them.
    pub const SNAPSHOT: Self = Self::stream("snapshot", false);

    /// Rows that are copied into tables for as long as somebody sends them.
    pub const LOAD: Self = Self::stream("load", true);

    const fn short(name: &'static str, must_write: bool) -> Self {
        Self {
            name,
            setup: SHORT,
            must_write,
        }
    }

    const fn stream(name: &'static str, must_write: bool) -> Self {
        Self {
            name,
            setup: STREAM,
            must_write,
        }
    }
}
