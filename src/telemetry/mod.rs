//! Logs and traces. Logs go to standard error through [`sink`]; spans go to an OTLP collector when
//! one is configured.

pub mod metrics;
pub mod request_line;
pub mod sink;
pub mod trace;

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{self, FilterExt as _};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{LogFormat, Telemetry};

static IS_PRETTY: AtomicBool = AtomicBool::new(false);

/// Share of requests traced where neither a trusted proxy nor the operator has decided.
const DEFAULT_RATIO: f64 = 0.1;
/// A collector that does not answer costs this thread-side time per batch and no request anything.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

const LONGEST_PANIC: usize = 1024;

/// Keeps the exporter alive; `finish` sends what is left.
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

/// Installs the subscriber. With an exporter this must run inside the runtime, which drives the
/// exporter's connection.
pub fn install(settings: &Telemetry) -> anyhow::Result<Guard> {
    let is_pretty = settings.log_format.map_or_else(
        || std::io::stderr().is_terminal(),
        |format| format == LogFormat::Pretty,
    );
    IS_PRETTY.store(is_pretty, Ordering::Relaxed);
    let no_spans = filter::filter_fn(|metadata| metadata.target() != trace::TARGET);
    let discreet = filter::filter_fn(is_discreet);
    // One filter for the layer: of filters around filters some are not asked, and then spans are
    // made for nobody.
    let filter = settings
        .log
        .parse::<EnvFilter>()?
        .and(no_spans)
        .and(discreet);
    let writer = || sink::Writer;
    let logs = if is_pretty {
        tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(std::io::stderr().is_terminal())
            .with_filter(filter)
            .boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(writer)
            .with_filter(filter)
            .boxed()
    };
    let provider = settings
        .otlp_endpoint
        .as_ref()
        .map(|endpoint| {
            let ratio = settings.trace_ratio.unwrap_or(DEFAULT_RATIO);
            trace::sample_strangers(ratio);
            exporter(endpoint, ratio)
        })
        .transpose()?;
    // Not `Option`: a layer that is `None` counts as one that wants every span, and then all are
    // made for nobody.
    let mut layers = vec![logs];
    if let Some(provider) = &provider {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("chartroom"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter::filter_fn(|metadata| {
                metadata.target() == trace::TARGET
            }));
        layers.push(spans.boxed());
    }
    tracing_subscriber::registry().with(layers).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let location = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        // A panic may quote what it fell over, which came from a caller.
        let message = panic.payload_as_str().unwrap_or("no message");
        let message = message
            .get(..message.floor_char_boundary(LONGEST_PANIC))
            .unwrap_or_default();
        tracing::error!(location, message, "panic");
    }));
    Ok(Guard { provider })
}

/// Below `info` libraries log what passes through them, such as the parameters of a statement:
/// whatever the filter says, that stays out of the log.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    *metadata.level() <= Level::INFO || target == "chartroom" || target.starts_with("chartroom::")
}

fn exporter(endpoint: &str, ratio: f64) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            ratio,
        ))))
        .with_resource(Resource::builder().with_service_name("chartroom").build())
        .build())
}

impl Guard {
    /// Bounded: a dead collector cannot keep the process.
    pub fn finish(self) {
        if let Some(provider) = self.provider {
            let _ = provider.shutdown_with_timeout(Duration::from_secs(2));
        }
        sink::flush();
    }
}
