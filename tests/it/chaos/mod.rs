//! Positive controls: every tool that breaks things is shown to break them, and to count that it
//! did.

mod browser;
mod freeze;
mod load;
mod postgres;
mod proxy;
mod service;

use std::time::Duration;

/// What has to happen happens within this, on a slow machine too.
const SOON: Duration = Duration::from_secs(10);
/// How long nothing has to come before it counts as not coming.
const SILENCE: Duration = Duration::from_millis(300);
