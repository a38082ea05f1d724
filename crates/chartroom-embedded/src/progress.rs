//! A progress bar on stderr: one moving line on a terminal, two lines in a log.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

const WIDTH: usize = 30;
const REDRAW: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    title: String,
    total: usize,
    now: usize,
    moving: bool,
    drawn: Instant,
}

impl Progress {
    pub(super) fn new(title: &str, total: usize) -> Self {
        let progress = Self {
            title: title.to_owned(),
            total,
            now: 0,
            moving: stderr().is_terminal(),
            drawn: Instant::now(),
        };
        if progress.moving {
            progress.draw();
        } else {
            progress.line(&format!("{title} ({})\n", megabytes(total)));
        }
        progress
    }

    pub(super) fn at(&mut self, now: usize) {
        self.now = now;
        if self.moving && self.drawn.elapsed() >= REDRAW {
            self.draw();
            self.drawn = Instant::now();
        }
    }

    pub(super) fn done(self) {
        if self.moving {
            self.draw();
            self.line("\n");
        } else {
            self.line(&format!("{}: done\n", self.title));
        }
    }

    fn draw(&self) {
        let share = |of: usize| {
            self.now
                .min(self.total)
                .saturating_mul(of)
                .checked_div(self.total)
                .unwrap_or(of)
        };
        let bar = "#".repeat(share(WIDTH));
        self.line(&format!(
            "\r{}  [{bar:-<WIDTH$}] {:3} %  of {}",
            self.title,
            share(100),
            megabytes(self.total)
        ));
    }

    /// A closed stderr must not end the download, as `eprint!` would.
    fn line(&self, text: &str) {
        let mut out = stderr().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

fn megabytes(bytes: usize) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
