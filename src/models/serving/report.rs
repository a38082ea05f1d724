//! What is counted of models that answer. A name is a label only for the first so many models, so
//! that those who make models do not make series without end.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus::Histogram;

use crate::telemetry::metrics::Metrics;

const MOST: usize = 100;
/// The label of all models beyond.
const OTHER: &str = "other";
pub(super) const ANSWERED: &str = "answered";
/// What becomes of a question.
pub(super) const OUTCOMES: [&str; 6] =
    [ANSWERED, "invalid", "busy", "late", "failed", "unavailable"];
/// What becomes of a copy of one.
pub(super) const COPIES: [&str; 4] = ["same", "different", "failed", "dropped"];

/// The models that have a label of their own.
#[derive(Default)]
pub(super) struct Labels(Mutex<HashSet<String>>);

impl Labels {
    pub(super) fn of<'a>(&self, name: &'a str) -> &'a str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return name;
        }
        if known.len() >= MOST {
            return OTHER;
        }
        known.insert(name.to_owned());
        name
    }

    /// The label of a model that was asked already and has one of its own.
    pub(super) fn known<'a>(&self, name: &'a str) -> Option<&'a str> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(name).then_some(name)
    }
}

/// The series of one model that its task writes.
pub(super) struct Series {
    pub queue: Histogram,
    pub inference: Histogram,
    pub batch: Histogram,
}

impl Series {
    pub(super) fn of(metrics: &Metrics, label: &str) -> Self {
        Self {
            queue: metrics.model_queue_seconds.with_label_values(&[label]),
            inference: metrics.model_inference_seconds.with_label_values(&[label]),
            batch: metrics.model_batch_size.with_label_values(&[label]),
        }
    }
}

/// All series that there will be whatever the models, at nought.
pub fn announce(metrics: &Metrics) {
    for outcome in ["loaded", "failed"] {
        let _ = metrics.model_loads_total.with_label_values(&[outcome]);
    }
    for outcome in OUTCOMES {
        let labels = [OTHER, outcome];
        let _ = metrics.model_requests_total.with_label_values(&labels);
    }
    for outcome in COPIES {
        let labels = [OTHER, outcome];
        let _ = metrics.model_shadows_total.with_label_values(&labels);
    }
    for outcome in ["kept", "dropped"] {
        let labels = [outcome];
        let _ = metrics.model_log_questions_total.with_label_values(&labels);
    }
    let _ = Series::of(metrics, OTHER);
}
