//! Whether a client takes what waits for it fast enough.

use std::time::Duration;

use tokio::time::Instant;

/// Only the time counts in which bytes wait for the client. So much of it as a window and too few
/// bytes taken, and it is late; each time it has taken enough, it has the whole window again.
/// Nobody who keeps the rate is ever late, and who does not is after two windows at most.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// What had been taken when the window began.
    from: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
}

impl Pace {
    /// `taken` is what the client has taken in all, `need` what it has to take in a window.
    pub(super) fn look(
        &mut self,
        is_waiting: bool,
        taken: u64,
        need: u64,
        now: impl FnOnce() -> Instant,
    ) {
        if taken.saturating_sub(self.from) >= need {
            self.from = taken;
            self.waited = Duration::ZERO;
            self.waiting_since = is_waiting.then(now);
        } else if is_waiting != self.waiting_since.is_some() {
            match self.waiting_since.take() {
                Some(since) => self.waited += now().saturating_duration_since(since),
                None => self.waiting_since = Some(now()),
            }
        }
    }

    /// When the client is late if it takes nothing more.
    pub(super) fn due(&self, window: Duration) -> Option<Instant> {
        self.waiting_since?
            .checked_add(window.saturating_sub(self.waited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);
    const NEED: u64 = 30 * 1024;

    /// Looks once a second at a client that takes `rate` bytes then; in which second it is late.
    fn late(rate: u64, is_waiting: impl Fn(u64) -> bool) -> Option<u64> {
        let begun = Instant::now();
        let mut pace = Pace::default();
        (0..1_000).find(|second| {
            let now = begun + Duration::from_secs(*second);
            pace.look(is_waiting(*second), rate * second, NEED, || now);
            pace.due(WINDOW).is_some_and(|due| due <= now)
        })
    }

    #[test]
    fn who_keeps_the_rate_is_never_late_and_who_does_not_is_in_time() {
        assert_eq!(late(1024, |_| true), None);
        for rate in [0, 1, 512, 1000] {
            assert_eq!(late(rate, |_| true), Some(30), "{rate}");
        }
    }

    #[test]
    fn only_waiting_counts() {
        assert_eq!(late(0, |_| false), None);
        // A second of every two: the same client has twice the time.
        assert_eq!(late(0, |second| second % 2 == 0), Some(60));
    }
}
