//! What tests share.

pub(crate) mod app;
pub(crate) mod authority;
pub(crate) mod chaos_proxy;
pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod database;
pub(crate) mod freeze;
pub(crate) mod haproxy;
pub(crate) mod load;
pub(crate) mod model_runner;
pub(crate) mod process;
pub(crate) mod pump;
pub(crate) mod schema;
pub(crate) mod service;
pub(crate) mod snapshot;
pub(crate) mod sockets;
pub(crate) mod stand_in;
pub(crate) mod wait;
pub(crate) mod webdriver;

/// Whether the long form is asked for.
pub(crate) fn is_long() -> bool {
    std::env::var_os("CHARTROOM_TEST_LONG").is_some()
}
