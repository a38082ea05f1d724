//! What is counted of imports and exports.

use std::sync::Arc;

use super::export;
use super::import::model::{Ending, ImportState};
use super::import::source::Source;
use crate::telemetry::metrics::Metrics;

/// How an export ends.
const COMPLETE: &str = "complete";
const FAILED: &str = "failed";
const DROPPED: &str = "dropped";
/// What becomes of a record of a file.
const LOADED: &str = "loaded";
const REJECTED: &str = "rejected";

/// All series that there will be, at nought.
pub fn announce(metrics: &Metrics) {
    for format in Source::NAMES {
        let _ = metrics
            .dataset_import_bytes_total
            .with_label_values(&[format]);
        for state in ImportState::ALL.iter().filter(|state| state.is_end()) {
            let labels = [format, state.as_str()];
            let _ = metrics.dataset_imports_total.with_label_values(&labels);
        }
    }
    for outcome in [LOADED, REJECTED] {
        let _ = metrics
            .dataset_import_rows_total
            .with_label_values(&[outcome]);
    }
    for (_, format, _) in export::Format::ALL {
        for outcome in [COMPLETE, FAILED, DROPPED] {
            let labels = [format, outcome];
            let _ = metrics.dataset_exports_total.with_label_values(&labels);
        }
    }
}

/// An import under way. One that ends without a word has failed.
pub struct Importing {
    metrics: Arc<Metrics>,
    format: &'static str,
    state: ImportState,
}

impl Importing {
    pub fn begin(metrics: Arc<Metrics>, format: &'static str) -> Self {
        metrics.dataset_imports_in_flight.inc();
        Self {
            metrics,
            format,
            state: ImportState::Failed,
        }
    }

    pub fn end(mut self, state: ImportState, ending: &Ending) {
        self.state = state;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let bytes = &self.metrics.dataset_import_bytes_total;
        bytes
            .with_label_values(&[self.format])
            .inc_by(count(ending.progress.bytes));
        let loaded = match state {
            ImportState::Ready => ending.rows_written,
            _ => 0,
        };
        let rows = &self.metrics.dataset_import_rows_total;
        rows.with_label_values(&[LOADED]).inc_by(count(loaded));
        let rejected = count(ending.progress.rows_failed);
        rows.with_label_values(&[REJECTED]).inc_by(rejected);
    }
}

impl Drop for Importing {
    fn drop(&mut self) {
        self.metrics.dataset_imports_in_flight.dec();
        let labels = [self.format, self.state.as_str()];
        let imports = &self.metrics.dataset_imports_total;
        imports.with_label_values(&labels).inc();
    }
}

/// An export under way. One that ends without a word was dropped by its reader.
pub struct Exporting {
    metrics: Arc<Metrics>,
    format: &'static str,
    outcome: &'static str,
}

impl Exporting {
    pub fn begin(metrics: Arc<Metrics>, format: export::Format) -> Self {
        Self {
            metrics,
            format: format.name(),
            outcome: DROPPED,
        }
    }

    pub fn is_complete(&mut self) {
        self.outcome = COMPLETE;
    }

    pub fn has_failed(&mut self) {
        self.outcome = FAILED;
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        let labels = [self.format, self.outcome];
        let exports = &self.metrics.dataset_exports_total;
        exports.with_label_values(&labels).inc();
    }
}
