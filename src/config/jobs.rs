//! Settings of the jobs that are done outside of requests.

use clap::{Args, ValueEnum};

use super::units::{Span, count, span};

/// Where jobs are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JobsMode {
    Inside,
    Off,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Jobs")]
pub struct Jobs {
    /// Whether this process runs background jobs besides serving. Where no process does, expired
    /// rows are never removed
    #[arg(
        long,
        env = "CHARTROOM_JOBS",
        global = true,
        value_name = "WHERE",
        value_enum,
        default_value = "inside"
    )]
    pub jobs: JobsMode,
    /// Time after which another worker takes a job whose worker gives no sign of life
    #[arg(
        long,
        env = "CHARTROOM_JOB_LEASE",
        global = true,
        value_name = "TIME",
        default_value = "30s",
        value_parser = span("1s", "10m"),
    )]
    pub job_lease: Span,
    /// Jobs of a kind that is quick that this process does at once; of those that take longer it
    /// does a quarter as many, and of imports and the like one. More take connections from requests
    #[arg(
        long,
        env = "CHARTROOM_JOBS_AT_ONCE",
        global = true,
        value_name = "N",
        default_value_t = 8,
        value_parser = count(1_usize, 2_000),
    )]
    pub jobs_at_once: usize,
    /// Time for which the feed keeps events. Who comes back later has to read the resources
    #[arg(
        long,
        env = "CHARTROOM_EVENT_RETENTION",
        global = true,
        value_name = "TIME",
        default_value = "720h",
        value_parser = span("1h", "8760h"),
    )]
    pub event_retention: Span,
    /// For how many days the audit trail is kept; without it, for ever. `migrate up` writes it into
    /// the database, as the service may not change it, and jobs remove what is older
    #[arg(
        long,
        env = "CHARTROOM_AUDIT_KEEP_DAYS",
        global = true,
        value_name = "DAYS",
        value_parser = clap::value_parser!(i32).range(1..=36_500),
    )]
    pub audit_keep_days: Option<i32>,
    /// How many of the newest versions of a dataset are kept that says nothing itself. Without this
    /// and the days, all are
    #[arg(
        long,
        env = "CHARTROOM_DATASET_KEEP_VERSIONS",
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(i32).range(1..=1_000_000),
    )]
    pub dataset_keep_versions: Option<i32>,
    /// For how many days a version of such a dataset is kept after another has taken its place
    #[arg(
        long,
        env = "CHARTROOM_DATASET_KEEP_DAYS",
        global = true,
        value_name = "DAYS",
        value_parser = clap::value_parser!(i32).range(1..=36_500),
    )]
    pub dataset_keep_days: Option<i32>,
}
