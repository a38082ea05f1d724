//! The killable program that reads what strangers send, and makes files that take memory to make.
//!
//! Whoever starts it gives it one file as its standard input, opened for reading, or a pipe with
//! what it is to write, or a stream with a model and what it is asked; it answers in frames
//! ([`chartroom_wire`]). Before it looks at a byte of what a stranger made it raises walls around
//! itself (`walls`): what that makes it do ends here.

#[cfg(feature = "models")]
mod models;
#[cfg(feature = "tabular")]
mod once;
#[cfg(feature = "tabular")]
mod output;
#[cfg(feature = "models")]
mod serve;
#[cfg(feature = "tabular")]
mod source;
#[cfg(feature = "tabular")]
pub mod tabular;
mod walls;

use std::ffi::OsString;
use std::process::ExitCode;

use chartroom_wire::WireError;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Does what the arguments behind the program's name say. An end that could be told is a success,
/// whatever it was.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Option<Vec<String>> = arguments
        .into_iter()
        .map(|word| word.into_string().ok())
        .collect();
    let arguments = arguments.unwrap_or_default();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome: Result<(), WireError> = match words.as_slice() {
        #[cfg(feature = "tabular")]
        [work @ ("tabular" | "tabular-write"), request] => match once::run(work, request) {
            Ok(outcome) => outcome,
            Err(error) => return misused(&format!("the request is not understood: {error}")),
        },
        #[cfg(feature = "models")]
        ["model", library] => models::run(library.as_ref()),
        #[cfg(feature = "models")]
        ["model-attended", library] => models::run_attended(library.as_ref()),
        #[cfg(feature = "models")]
        ["serve", address] => serve::run(address),
        #[cfg(feature = "models")]
        ["check"] => return serve::check(),
        _ => return misused(USAGE),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(FAILED)
        }
    }
}

const USAGE: &str = match cfg!(feature = "models") {
    false => "the service starts this program by itself; nobody else has to",
    true => {
        "chartroom-runner serve unix:/PATH | serve tls:ADDRESS:PORT | serve tcp:ADDRESS:PORT | check; \
         the service and `serve` start everything else by themselves"
    }
};

fn misused(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(WRONG_USAGE)
}
