//! What goes to standard output and standard error.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use clap::ValueEnum;
use tokio::io::Interest;
use tokio::net::unix::pipe;

use super::error::ClientError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON document a line
    Json,
    /// For people
    Text,
}

impl Format {
    /// Programs read JSON.
    pub(super) fn usual() -> Self {
        if io::stdout().is_terminal() {
            Self::Text
        } else {
            Self::Json
        }
    }
}

/// To standard output. Where nobody reads it, that is their decision.
pub(super) fn write(text: &str) -> Result<(), ClientError> {
    write_bytes(text.as_bytes())
}

pub(super) fn write_bytes(bytes: &[u8]) -> Result<(), ClientError> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(ClientError::Failed(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A word to who runs it.
pub(super) fn say(text: &str) {
    eprintln!("chartroom: {}", plain(text));
}

/// A text of others on one line, without what moves a terminal's cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, c| {
        if c.is_control() {
            let _ = write!(plain, "{}", c.escape_default());
        } else {
            plain.push(c);
        }
        plain
    })
}

/// Returns when nobody reads standard output any more, so that `| head -1` ends before there is
/// more to write. It never does for a file, which cannot be waited for.
pub(super) async fn closed() {
    let own = io::stdout().as_fd().try_clone_to_owned();
    // Unchecked, because the other way would have writes to it fail instead of wait.
    if let Ok(watched) = own.and_then(pipe::Sender::from_owned_fd_unchecked)
        && watched.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_others_stays_on_its_line() {
        assert_eq!(plain("a\u{e4} \u{1f310}"), "a\u{e4} \u{1f310}");
        assert_eq!(plain("a\nb\u{1b}[31m\u{9b}2J"), "a\\nb\\u{1b}[31m\\u{9b}2J");
    }
}
