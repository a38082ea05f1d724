//! What this process has counted of one model, as its viewers may see it.

use std::collections::BTreeMap;

use prometheus::Histogram;
use prometheus::core::Metric as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::Serving;
use super::report::{ANSWERED, OUTCOMES, Series};

/// What one process has counted of a model since it started
#[derive(Serialize, ToSchema)]
#[schema(as = ModelStats)]
pub struct Stats {
    /// Questions by what became of them: `answered`, `invalid`, `busy`, `late`, `failed`,
    /// `unavailable`
    requests: BTreeMap<&'static str, u64>,
    /// How long questions waited for the process of the model
    pub queue_seconds: Times,
    /// How long that took for what it was asked at once
    pub inference_seconds: Times,
    /// Questions that were asked at once, on average
    batch_size: Option<f64>,
}

/// Times, as precisely as the buckets of a histogram know them
#[derive(Serialize, ToSchema)]
#[schema(as = ModelTimes)]
pub struct Times {
    count: u64,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

impl Stats {
    /// Questions that were answered, and all others.
    pub fn questions(&self) -> (u64, u64) {
        let all: u64 = self.requests.values().sum();
        let answered = self.requests.get(ANSWERED).copied().unwrap_or(0);
        (answered, all - answered)
    }
}

impl Serving {
    /// Of a model that has no label of its own nothing is known.
    pub fn stats(&self, name: &str) -> Stats {
        let label = self.labels.known(name);
        let requests = &self.metrics().model_requests_total;
        let count =
            |outcome| label.map_or(0, |it| requests.with_label_values(&[it, outcome]).get());
        let series = label.map(|label| Series::of(self.metrics(), label));
        let times = |of: fn(&Series) -> &Histogram| Times::of(series.as_ref().map(of));
        let batches = series.as_ref().map(|series| &series.batch);
        Stats {
            requests: OUTCOMES.map(|outcome| (outcome, count(outcome))).into(),
            queue_seconds: times(|series| &series.queue),
            inference_seconds: times(|series| &series.inference),
            batch_size: batches.and_then(mean),
        }
    }
}

fn mean(histogram: &Histogram) -> Option<f64> {
    let count = u32::try_from(histogram.get_sample_count()).unwrap_or(u32::MAX);
    (count > 0).then(|| histogram.get_sample_sum() / f64::from(count))
}

impl Times {
    fn of(histogram: Option<&Histogram>) -> Self {
        let metric = histogram.map(|histogram| histogram.metric());
        let buckets: Vec<(f64, u64)> = metric.map_or_else(Vec::new, |metric| {
            let buckets = metric.get_histogram().get_bucket().iter();
            buckets
                .map(|it| (it.upper_bound(), it.cumulative_count()))
                .collect()
        });
        let count = histogram.map_or(0, Histogram::get_sample_count);
        Self {
            count,
            p50: quantile(&buckets, count, 50),
            p99: quantile(&buckets, count, 99),
        }
    }
}

/// The time that so many of a hundred are not above, taken as evenly spread within its bucket.
/// Beyond the last bucket it is that one's end.
fn quantile(buckets: &[(f64, u64)], count: u64, percent: u64) -> Option<f64> {
    let rank = count.saturating_mul(percent).div_ceil(100).max(1);
    if count == 0 {
        return None;
    }
    let (mut low, mut below) = (0.0, 0_u64);
    for (high, up_to) in buckets {
        if *up_to >= rank {
            let share = ratio(rank - below, up_to - below);
            return Some(low + (high - low) * share);
        }
        (low, below) = (*high, *up_to);
    }
    Some(low)
}

fn ratio(part: u64, whole: u64) -> f64 {
    let small = |it: u64| f64::from(u32::try_from(it).unwrap_or(u32::MAX));
    small(part) / small(whole)
}

#[cfg(test)]
mod tests {
    use prometheus::HistogramOpts;

    use super::*;

    #[test]
    fn a_quantile_lies_in_its_bucket() {
        let options = HistogramOpts::new("h", "h").buckets(vec![0.1, 0.2, 0.4]);
        let histogram = Histogram::with_opts(options).unwrap();
        let none = Times::of(Some(&histogram));
        assert_eq!((none.count, none.p50, none.p99), (0, None, None));
        for _ in 0..98 {
            histogram.observe(0.15);
        }
        histogram.observe(0.3);
        histogram.observe(9.0);
        let times = Times::of(Some(&histogram));
        assert_eq!(times.count, 100);
        let (p50, p99) = (times.p50.unwrap(), times.p99.unwrap());
        assert!((0.1..0.2).contains(&p50), "{p50}");
        assert!((0.2..=0.4).contains(&p99), "{p99}");
        // What is beyond all buckets is as long as the last one ends.
        histogram.observe(9.0);
        histogram.observe(9.0);
        assert!(Times::of(Some(&histogram)).p99.unwrap() > 0.39);
        assert_eq!(mean(&histogram).map(|mean| mean > 0.4), Some(true));
    }
}
