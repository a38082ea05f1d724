//! Where log lines go: a bounded buffer that a thread writes to standard error, so that a slow reader never slows a request.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines that wait for their reader; beyond it they are dropped and counted.
const MOST_WAITING: usize = 4 << 20;

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    is_writing: bool,
}

static WAITING: LazyLock<Mutex<Waiting>> = LazyLock::new(|| {
    let started = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(write_forever);
    if started.is_err() {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
    Mutex::default()
});
static CAME: Condvar = Condvar::new();
static WENT: Condvar = Condvar::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands over whole lines.
pub fn push(lines: &str) {
    let mut waiting = waiting();
    if waiting.lines.len() + lines.len() > MOST_WAITING {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let was_empty = waiting.lines.is_empty();
    match lines.is_ascii() {
        true => waiting.lines.extend_from_slice(lines.as_bytes()),
        false => waiting.lines.extend_from_slice(harmless(lines).as_bytes()),
    }
    if was_empty {
        CAME.notify_one();
    }
}

/// Lines lost so far.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Waits, for a bounded time, until everything handed over is written.
pub fn flush() {
    let waiting = waiting();
    let _ = WENT.wait_timeout_while(waiting, Duration::from_secs(1), |waiting| {
        !waiting.lines.is_empty() || waiting.is_writing
    });
}

fn write_forever() {
    let mut lines = Vec::new();
    loop {
        {
            let mut waiting = waiting();
            waiting.is_writing = false;
            WENT.notify_all();
            let mut waiting = CAME
                .wait_while(waiting, |waiting| waiting.lines.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut lines, &mut waiting.lines);
            waiting.is_writing = true;
        }
        let _ = std::io::stderr().lock().write_all(&lines);
        lines.clear();
    }
}

/// Escapes what a terminal or a reader could mistake: C1 controls, line separators, text that turns around.
fn harmless(lines: &str) -> String {
    lines
        .chars()
        .fold(String::with_capacity(lines.len() + 16), |mut text, c| {
            match c {
                '\u{7f}'..='\u{9f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
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

    #[test]
    fn text_that_deceives_is_escaped() {
        assert_eq!(
            harmless("a\u{202e}b\u{85}é\u{2028}"),
            "a\\u202eb\\u0085é\\u2028"
        );
    }
}
