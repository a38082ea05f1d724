//! What of this is counted, and what is logged once.

use std::sync::{Arc, Once};

use chartroom_wire::tabular::{WALLS, Wall};

use crate::telemetry::metrics::Metrics;

/// What may become of a file.
const OUTCOMES: [&str; 8] = [
    "read", "refused", "memory", "cpu", "time", "dropped", "busy", "crashed",
];

#[derive(Clone)]
pub(super) struct Reports {
    metrics: Arc<Metrics>,
    noted: Arc<Once>,
}

impl Reports {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        for outcome in OUTCOMES {
            let _ = metrics.file_reads_total.with_label_values(&[outcome]);
        }
        for wall in WALLS {
            let gauge = metrics.file_reader_walls_missing.with_label_values(&[wall]);
            gauge.set(0);
        }
        Self {
            metrics,
            noted: Arc::new(Once::new()),
        }
    }

    pub(super) fn begin(&self) -> Outcome {
        Outcome {
            metrics: self.metrics.clone(),
            word: "dropped",
        }
    }

    /// Says which walls do not stand around a child.
    pub(super) fn walls(&self, walls: &[Wall]) {
        let known = walls
            .iter()
            .filter(|wall| WALLS.contains(&wall.name.as_str()));
        for wall in known {
            let missing = &self.metrics.file_reader_walls_missing;
            let missing = missing.with_label_values(&[wall.name.as_str()]);
            missing.set(i64::from(wall.missing.is_some()));
        }
        self.noted.call_once(|| {
            let missing = walls
                .iter()
                .filter_map(|wall| Some((&wall.name, wall.missing.as_ref()?)));
            for (wall, why) in missing {
                tracing::info!(wall, why, "a wall around what reads files does not stand");
            }
        });
    }
}

/// Counts one file when it is dropped.
pub(super) struct Outcome {
    metrics: Arc<Metrics>,
    pub(super) word: &'static str,
}

impl Drop for Outcome {
    fn drop(&mut self) {
        let counter = &self.metrics.file_reads_total;
        counter.with_label_values(&[self.word]).inc();
    }
}
