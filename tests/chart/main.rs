//! The Helm chart, without a cluster: what it renders for every values file, and what it refuses.
//! Needs `helm` (and `helm3`, kubeconform, promtool for the tests that name them);
//! `scripts/chart-tools` installs what Debian lacks.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod flows;
mod helm;
mod kubernetes;
mod models;
mod modes;
mod monitoring;
mod names;
mod network;
mod pods;
mod policies;
mod rules;
mod settings;
mod skaffold;
mod values;
mod workers;
mod workloads;

#[expect(dead_code, reason = "shared with the other test binary")]
#[path = "../it/support/process.rs"]
mod process;
#[path = "../it/support/snapshot.rs"]
mod snapshot;
