//! Questions to who runs the command. A password does not show as it is typed.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::task::spawn_blocking;

use super::super::error::ClientError;

/// More than any password; standard input has no end of its own.
const MOST_BYTES: u64 = 64 * 1024;

pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// A terminal without its echo, until this is dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

fn failed(error: &io::Error) -> ClientError {
    ClientError::Failed(format!("standard input: {}", error.kind()))
}

/// One line of a terminal. Ctrl-C leaves the terminal as it was.
async fn line(question: &str) -> Result<String, ClientError> {
    eprint!("{question}: ");
    let _ = io::stderr().flush();
    let reads = spawn_blocking(|| {
        let mut text = String::new();
        io::stdin().lock().read_line(&mut text).map(|_| text)
    });
    let text = tokio::select! {
        text = reads => text,
        _ = tokio::signal::ctrl_c() => {
            return Err(ClientError::Failed("stopped; nothing was kept".to_owned()));
        }
    };
    let text = text.map_err(|error| ClientError::Failed(error.to_string()))?;
    let text = text.map_err(|error| failed(&error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) async fn ask(question: &str) -> Result<String, ClientError> {
    line(question).await
}

pub(super) async fn ask_hidden(question: &str) -> Result<SecretString, ClientError> {
    let silence = Silence::begin();
    let _silence = silence.map_err(|error| failed(&error))?;
    line(question).await.map(SecretString::from)
}

/// All of standard input, without its line end.
pub(super) fn read_all() -> Result<SecretString, ClientError> {
    let mut text = String::new();
    let read = io::stdin()
        .lock()
        .take(MOST_BYTES)
        .read_to_string(&mut text);
    read.map_err(|error| failed(&error))?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
