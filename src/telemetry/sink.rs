//! Where log lines go: a bounded buffer that a thread writes to standard error, so that a slow
//! reader never slows a request.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kernel::text::deceives;

/// For how long the thread lets lines gather: waking it for each one costs a request more than all
/// else that its line does.
const GATHER: Duration = Duration::from_millis(5);
/// Bytes that wait for their reader; lines beyond it are dropped and counted.
const MOST_WAITING: usize = 4 << 20;

static STDERR: LazyLock<Arc<Sink>> = LazyLock::new(|| Sink::start(std::io::stderr(), MOST_WAITING));

/// Hands over whole lines.
pub fn push(lines: &str) {
    STDERR.push(lines);
}

/// Lines lost so far.
pub fn dropped() -> u64 {
    STDERR.dropped.load(Ordering::Relaxed)
}

/// Waits, for a bounded time, until everything handed over is written.
pub fn flush() {
    STDERR.flush(Duration::from_secs(1));
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    is_writing: bool,
    /// Somebody waits for the lines to be gone.
    is_urgent: bool,
}

struct Sink {
    waiting: Mutex<Waiting>,
    came: Condvar,
    went: Condvar,
    dropped: AtomicU64,
    most_waiting: usize,
}

impl Sink {
    fn start(writer: impl Write + Send + 'static, most_waiting: usize) -> Arc<Self> {
        let sink = Arc::new(Self {
            waiting: Mutex::default(),
            came: Condvar::new(),
            went: Condvar::new(),
            dropped: AtomicU64::new(0),
            most_waiting,
        });
        let of_thread = sink.clone();
        let started = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || of_thread.write_forever(writer));
        if started.is_err() {
            sink.dropped.fetch_add(1, Ordering::Relaxed);
        }
        sink
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, lines: &str) {
        let escaped;
        let lines = match is_harmless(lines) {
            true => lines,
            false => {
                escaped = harmless(lines);
                &escaped
            }
        };
        let mut waiting = self.waiting();
        if waiting.lines.len() + lines.len() > self.most_waiting {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let was_empty = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(lines.as_bytes());
        if was_empty {
            self.came.notify_one();
        }
    }

    fn flush(&self, within: Duration) {
        let mut waiting = self.waiting();
        waiting.is_urgent = true;
        self.came.notify_one();
        let _ = self.went.wait_timeout_while(waiting, within, |waiting| {
            !waiting.lines.is_empty() || waiting.is_writing
        });
    }

    fn write_forever(&self, mut writer: impl Write) {
        let mut lines = Vec::new();
        loop {
            {
                let mut waiting = self.waiting();
                waiting.is_writing = false;
                self.went.notify_all();
                let waiting = self
                    .came
                    .wait_while(waiting, |waiting| waiting.lines.is_empty())
                    .unwrap_or_else(PoisonError::into_inner);
                let gathered = self
                    .came
                    .wait_timeout_while(waiting, GATHER, |waiting| !waiting.is_urgent);
                let mut waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
                std::mem::swap(&mut lines, &mut waiting.lines);
                waiting.is_writing = true;
                waiting.is_urgent = false;
            }
            let _ = writer.write_all(&lines);
            lines.clear();
        }
    }
}

fn is_harmless(lines: &str) -> bool {
    lines.bytes().all(|byte| byte.is_ascii() && byte != 0x7f)
}

/// As JSON writes it: beyond the first plane in two halves.
pub(super) fn escape(text: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]).iter() {
        text.push_str(&format!("\\u{unit:04x}"));
    }
}

fn harmless(lines: &str) -> String {
    lines
        .chars()
        .fold(String::with_capacity(lines.len() + 16), |mut text, c| {
            match c {
                c if deceives(c) => escape(&mut text, c),
                c => text.push(c),
            }
            text
        })
}

/// A `tracing` writer: one event, one hand-over.
pub struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        push(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// Writes when it is told to, and says what.
    struct Held(Receiver<()>, SyncSender<Vec<u8>>);

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn text_that_deceives_is_escaped() {
        assert_eq!(
            harmless("a\u{202e}b\u{85}é\u{2028}\u{61c}\u{3164}\u{e0041}"),
            "a\\u202eb\\u0085é\\u2028\\u061c\\u3164\\udb40\\udc41"
        );
        assert!(is_harmless("a\n") && !is_harmless("\u{7f}") && !is_harmless("é"));
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_no_time() {
        let (go, wait) = sync_channel(1_000);
        let (told, said) = sync_channel(1_000);
        let sink = Sink::start(Held(wait, told), 1_000);
        sink.push("first\n");
        // That this ends, with nobody writing, is the proof: nobody waits.
        for number in 0..1_000 {
            sink.push(&format!("line {number:04}\n"));
        }
        let dropped = sink.dropped.load(Ordering::Relaxed);
        // One full buffer waits, and the writer may have taken another before it stood still.
        assert!((795..=901).contains(&dropped), "{dropped}");
        sink.flush(Duration::from_millis(1));
        for _ in 0..100 {
            go.send(()).unwrap();
        }
        sink.flush(Duration::from_secs(5));
        let all: Vec<u8> = said.try_iter().flatten().collect();
        let all = String::from_utf8(all).unwrap();
        assert!(
            all.lines().all(|line| line == "first" || line.len() == 9),
            "{all}"
        );
        assert_eq!(
            all.lines().count(),
            1_001 - usize::try_from(dropped).unwrap()
        );
    }
}
