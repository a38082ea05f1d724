//! All metrics in one typed struct: the field is the name, its doc comment the help text, so a typo
//! does not compile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

/// From a cached answer to the request deadline: what an operator tells apart.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// From a small upload to one of many gigabytes.
const LONG_SECONDS: &[f64] = &[0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0];

/// Of what is done together.
const COUNTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $name:ident: $kind:ty $([$($label:literal),+])? $(=> $buckets:ident)?,)+) => {
        pub struct Metrics {
            registry: Registry,
            scraped: Mutex<()>,
            $($(#[doc = $help])+ pub $name: $kind,)+
        }

        impl Metrics {
            /// The names, in the order of their declaration.
            pub const FAMILIES: &'static [&'static str] = &[$(stringify!($name)),+];

            pub fn new() -> prometheus::Result<Self> {
                let registry = Registry::new();
                #[cfg(target_os = "linux")]
                registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
                $(let $name = <$kind>::made(stringify!($name), concat!($($help),+).trim(), &[$($($label),+)?], metrics!(@buckets $($buckets)?))?;
                registry.register(Box::new($name.clone()))?;)+
                Ok(Self { registry, scraped: Mutex::default(), $($name,)+ })
            }
        }
    };
    (@buckets) => { SECONDS };
    (@buckets $buckets:ident) => { $buckets };
}

metrics! {
    /// Time to the head of an answer that is not streamed, by route template, method and status
    /// class
    http_server_request_duration_seconds: HistogramVec ["method", "route", "status"],
    /// Requests being worked on, without streamed ones
    http_server_requests_in_flight: IntGauge,
    /// Requests refused because as many as allowed were being worked on, or too much of their
    /// bodies or answers was held in memory
    http_server_requests_shed_total: IntCounter,
    /// Uploads and downloads under way
    http_server_streams_in_flight: IntGauge,
    /// Uploads and downloads that have ended: complete, or aborted by either side
    http_server_streams_total: IntCounterVec ["outcome"],
    /// Time to the end of an upload or a download, by route template, method and status class
    http_server_stream_duration_seconds: HistogramVec ["method", "route", "status"] => LONG_SECONDS,
    /// Requests answered 429 because their caller had made as many as the rate limit allows
    http_server_requests_rate_limited_total: IntCounter,
    /// Handlers that panicked; each was answered with status 500
    http_server_panics_total: IntCounter,
    /// Bytes of request bodies held in memory
    http_server_body_bytes: IntGauge,
    /// Bytes of large answers held in memory until their clients have read them
    http_server_answer_bytes: IntGauge,
    /// Open connections
    http_server_connections: IntGaugeVec ["listener"],
    /// Connections accepted
    http_server_connections_total: IntCounterVec ["listener"],
    /// Connections ended by a limit: too many at once, too slow to send or to read
    http_server_connections_cut_total: IntCounterVec ["listener", "reason"],
    /// Time of a database operation, from asking for a connection to its end
    database_operation_duration_seconds: HistogramVec ["kind", "outcome"],
    /// Connections in the pool: idle, used by one operation, or shared by lookups
    database_connections: IntGaugeVec ["endpoint", "state"],
    /// Requests waiting for a database connection
    database_connection_waiters: IntGaugeVec ["endpoint"],
    /// Reads that the read-only endpoint could not answer and the primary did
    database_read_fallbacks_total: IntCounter,
    /// Sign-in attempts by what the limits said: admitted, the policy that refused, busy, or failed
    signin_attempts_total: IntCounterVec ["outcome"],
    /// Sign-ins by a provider of single sign-on that came back from it, by what became of them:
    /// signed_in, refused or unavailable
    oidc_sign_ins_total: IntCounterVec ["provider", "outcome"],
    /// Passwords hashed, to store or to check them
    password_hashes_total: IntCounter,
    /// Service account tokens that the API server was asked about, by what came of it: accepted,
    /// refused or unavailable
    token_reviews_total: IntCounterVec ["outcome"],
    /// Ended sessions, tokens and users held in memory
    revocations_held: IntGauge,
    /// Unix time of the last successful look for revocations; beyond 5 s of age, requests ask the
    /// database
    revocations_polled_timestamp_seconds: IntGauge,
    /// Looks for revocations that failed
    revocations_poll_failures_total: IntCounter,
    /// Audit events not kept because too many waited to be written
    audit_events_dropped_total: IntCounter,
    /// Events that were moved from the outbox to the feed
    events_sequenced_total: IntCounter,
    /// Attempts to move events from the outbox to the feed that failed
    event_sequencing_failures_total: IntCounter,
    /// Streams of events that are being followed
    event_streams_in_flight: IntGauge,
    /// Jobs that are due and wait for a worker; counted up to 10,000
    jobs_waiting: IntGaugeVec ["lane"],
    /// How long the oldest job that waits has been due
    jobs_oldest_age_seconds: IntGaugeVec ["lane"],
    /// Jobs that this process works on
    jobs_running: IntGaugeVec ["lane"],
    /// Jobs that failed for good and wait for a person; counted up to 10,000
    jobs_dead: IntGauge,
    /// Unix time at which the queue was last looked at for these numbers
    jobs_looked_timestamp_seconds: IntGauge,
    /// Runs of jobs, by what became of them: done, snoozed, failed, dead, cancelled or lost
    job_runs_total: IntCounterVec ["kind", "outcome"],
    /// Time of a run of a job
    job_run_duration_seconds: HistogramVec ["kind"],
    /// Jobs that another worker took from this one, because their lease had run out
    job_leases_lost_total: IntCounter,
    /// Files that were to be read by a child of this process, by what came of it: read, refused,
    /// the limit that ended it, dropped, busy, or crashed
    file_reads_total: IntCounterVec ["outcome"],
    /// Whether a wall around what reads files does not stand: 1 or 0, as the last child said
    file_reader_walls_missing: IntGaugeVec ["wall"],
    /// Bytes of files that are kept on the disk until they have been read
    file_spool_bytes: IntGauge,
    /// How many bytes of such files may be kept at once
    file_spool_limit_bytes: IntGauge,
    /// Imports that have ended, by the format of the file and the state that they ended in
    dataset_imports_total: IntCounterVec ["format", "state"],
    /// Imports that this process works on
    dataset_imports_in_flight: IntGauge,
    /// Bytes of files that were read for datasets, after decompression
    dataset_import_bytes_total: IntCounterVec ["format"],
    /// Records of files, by what became of them: loaded, or rejected because they could not be
    /// taken
    dataset_import_rows_total: IntCounterVec ["outcome"],
    /// Exports by what became of them: complete, failed on our side, or dropped because their
    /// reader went away
    dataset_exports_total: IntCounterVec ["format", "outcome"],
    /// Questions to models by what became of them: answered, invalid, busy, late, failed or
    /// unavailable
    model_requests_total: IntCounterVec ["model", "outcome"],
    /// How long questions waited for the process of their model
    model_queue_seconds: HistogramVec ["model"],
    /// How long the process of a model took for what it was asked at once
    model_inference_seconds: HistogramVec ["model"],
    /// Questions that a model was asked at once
    model_batch_size: HistogramVec ["model"] => COUNTS,
    /// Versions of models that are loaded
    models_loaded: IntGauge,
    /// Times a version was loaded, by what came of it: loaded or failed
    model_loads_total: IntCounterVec ["outcome"],
    /// Processes of models that ended before they answered
    model_ends_total: IntCounter,
    /// Until when runners of models behind a network believe this process: the end of its
    /// certificate; 0 where there is none
    models_certificate_expiry_timestamp_seconds: IntGauge,
    /// Questions whose answers are for the log of a model: kept, or dropped because there were too
    /// many or they fit no dataset
    model_log_questions_total: IntCounterVec ["outcome"],
    /// Answers of versions that get copies, beside those that callers saw: same, different, failed
    /// or dropped
    model_shadows_total: IntCounterVec ["model", "outcome"],
    /// Mails by what became of a try: sent, refused by the address for good, unfit (the letter was
    /// refused for good), failed, or unneeded by then
    chartroom_mail_total: IntCounterVec ["outcome"],
    /// Mails that are still to be sent, tried or not, counted up to 10,000; mails with the
    /// notifications of a day are left out
    chartroom_mail_waiting: IntGauge,
    /// Age of the oldest of them
    chartroom_mail_oldest_age_seconds: IntGauge,
    /// Log lines lost because their reader was too slow
    log_lines_dropped_total: IntCounter,
    /// Whether this process is ready to serve: 1 or 0
    chartroom_ready: IntGauge,
    /// Always 1; the labels say what runs
    chartroom_build_info: IntGaugeVec ["version", "revision"],
}

/// How each kind of metric is made from its name, help and labels.
trait Made: Sized + Collector {
    fn made(name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> prometheus::Result<Self>;
}

impl Made for IntCounter {
    fn made(name: &str, help: &str, _: &[&str], _: &[f64]) -> prometheus::Result<Self> {
        Self::new(name, help)
    }
}

impl Made for IntGauge {
    fn made(name: &str, help: &str, _: &[&str], _: &[f64]) -> prometheus::Result<Self> {
        Self::new(name, help)
    }
}

impl Made for IntCounterVec {
    fn made(name: &str, help: &str, labels: &[&str], _: &[f64]) -> prometheus::Result<Self> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Made for IntGaugeVec {
    fn made(name: &str, help: &str, labels: &[&str], _: &[f64]) -> prometheus::Result<Self> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Made for HistogramVec {
    fn made(name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> prometheus::Result<Self> {
        Self::new(
            HistogramOpts::new(name, help).buckets(buckets.to_vec()),
            labels,
        )
    }
}

impl Metrics {
    /// Held while the counters of others are copied.
    pub fn scraped(&self) -> MutexGuard<'_, ()> {
        self.scraped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text exposition format.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
