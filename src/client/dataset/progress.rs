//! How far a file is: a bar that is drawn again on a terminal, and now and then a line elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use http_body::{Body, Frame};
use http_body_util::StreamBody;

use super::super::error::ClientError;
use super::super::output::say;

/// How often a bar is drawn.
const DRAWN: Duration = Duration::from_millis(200);
/// How often a line says how far it is, where there is no terminal.
const SAID: Duration = Duration::from_secs(10);
/// After so long without a byte taken and without an answer, there is none to come.
const PATIENCE: Duration = Duration::from_secs(120);
const BAR: u64 = 24;

/// How many bytes were sent, counted where they are.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Sending(Arc<AtomicU64>);

impl Sending {
    /// What is sent of these parts, counted as it goes.
    pub(in super::super) fn body(
        self,
        parts: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> impl Body<Data = Bytes, Error = io::Error> + Send + 'static {
        StreamBody::new(parts.map(move |part| {
            let part = part?;
            self.count(part.len());
            Ok(Frame::data(part))
        }))
    }

    fn count(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0.fetch_add(bytes, Relaxed);
    }

    fn sent(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Shows it while the work goes on, and gives up where nothing moves any more.
    pub(in super::super) async fn shown<T>(
        &self,
        total: Option<u64>,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let every = match io::stderr().is_terminal() {
            true => DRAWN,
            false => SAID,
        };
        self.watched(total, work, every, PATIENCE).await
    }

    async fn watched<T>(
        &self,
        total: Option<u64>,
        work: impl Future<Output = Result<T, ClientError>>,
        every: Duration,
        patience: Duration,
    ) -> Result<T, ClientError> {
        let mut work = std::pin::pin!(work);
        let is_terminal = io::stderr().is_terminal();
        let mut tick = tokio::time::interval(every);
        tick.tick().await;
        let begun = Instant::now();
        let (mut moved, mut last) = (begun, 0);
        let mut has_drawn = false;
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                _ = tick.tick() => {}
            }
            let sent = self.sent();
            if sent != last {
                (moved, last) = (Instant::now(), sent);
            }
            if moved.elapsed() > patience {
                break Err(ClientError::Unanswered(format!(
                    "the service took nothing and said nothing for {} s",
                    patience.as_secs()
                )));
            }
            let line = line(sent, total, begun.elapsed());
            if is_terminal {
                has_drawn = true;
                eprint!("\r\u{1b}[K{line}");
                let _ = io::stderr().flush();
            } else {
                say(&line);
            }
        };
        if has_drawn {
            eprint!("\r\u{1b}[K");
        }
        ended
    }
}

/// `[######..................]  25 %  1.0 MB of 4.0 MB, 512.0 kB/s`
fn line(sent: u64, total: Option<u64>, elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let rate = sent.saturating_mul(1_000) / millis.max(1);
    match total {
        Some(total) if total > 0 => {
            let part = |whole: u64| sent.min(total).saturating_mul(whole) / total;
            let filled = part(BAR);
            let bar: String = (0..BAR)
                .map(|at| if at < filled { '#' } else { '.' })
                .collect();
            format!(
                "[{bar}] {:>3} %  {} of {}, {}/s",
                part(100),
                size(sent),
                size(total),
                size(rate)
            )
        }
        _ => format!("{} sent, {}/s", size(sent), size(rate)),
    }
}

/// `12.3 MB`
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    let unit = UNITS.into_iter().find(|(unit, _)| bytes >= *unit);
    match unit {
        Some((unit, name)) => {
            let tenths = bytes / (unit / 10);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_it_is_and_how_fast() {
        let second = Duration::from_secs(1);
        let of = |sent, total| line(sent, total, second * 2);
        let quarter = of(1_000_000, Some(4_000_000));
        let expected = "[######..................]  25 %  1.0 MB of 4.0 MB, 500.0 kB/s";
        assert_eq!(quarter, expected);
        // A file that grew meanwhile.
        assert!(of(5, Some(4)).contains("100 %"));
        assert_eq!(of(999, None), "999 B sent, 499 B/s");
        assert_eq!(of(0, Some(0)), "0 B sent, 0 B/s");
        assert_eq!(size(1_999), "1.9 kB");
        assert!(size(u64::MAX).ends_with(" TB"));
    }

    #[tokio::test]
    async fn what_moves_is_waited_for_and_what_does_not_is_given_up() {
        let (every, patience) = (Duration::from_millis(20), Duration::from_millis(200));
        let sending = Sending::default();
        let never = std::future::pending::<Result<(), ClientError>>();
        let given_up = sending.watched(None, never, every, patience).await;
        assert_eq!(given_up.unwrap_err().exit_code(), 6);
        let counts = sending.clone();
        let moves = async {
            for _ in 0..8 {
                tokio::time::sleep(patience / 4).await;
                counts.count(1);
            }
            Ok(())
        };
        sending.watched(None, moves, every, patience).await.unwrap();
    }
}
