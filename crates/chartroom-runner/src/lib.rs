//! The killable program that reads what strangers send, and makes files that take memory to make.
//!
//! Whoever starts it gives it one file as its standard input, opened for reading, or a pipe with
//! what it is to write, and takes frames from its standard output ([`chartroom_wire`]). It opens
//! nothing, and before it looks at a byte of its input it raises walls around itself (`walls`):
//! what a file makes it do ends here.

mod output;
mod source;
#[cfg(feature = "tabular")]
pub mod tabular;
mod walls;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use chartroom_wire::tabular::{Failure, Request, Room, WriteRequest};
use chartroom_wire::{Kind, WireError};

use output::Stop;
use source::Source;

/// Every message of a process that does one thing.
const ID: u32 = 0;
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
    let outcome = match words.as_slice() {
        #[cfg(feature = "tabular")]
        ["tabular", request] => match serde_json::from_str::<Request>(request) {
            Ok(request) => run(request.walls, Source::stdin(), |source, to| {
                tabular::read(&request, source, to)
            }),
            Err(error) => return misunderstood(&error),
        },
        #[cfg(feature = "tabular")]
        ["tabular-write", request] => match serde_json::from_str::<WriteRequest>(request) {
            Ok(request) => run(request.walls, stdin(), |from, to| {
                tabular::write(request.format, from, to)
            }),
            Err(error) => return misunderstood(&error),
        },
        _ => return misused("the service starts this program by itself; nobody else has to"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(FAILED)
        }
    }
}

fn misunderstood(error: &serde_json::Error) -> ExitCode {
    misused(&format!("the request is not understood: {error}"))
}

fn misused(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(WRONG_USAGE)
}

fn stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Raises the walls, says which of them stand, and lets `work` do its part.
fn run<Input>(
    room: Room,
    input: io::Result<Input>,
    work: impl FnOnce(Input, &mut File) -> Result<(), Stop>,
) -> Result<(), WireError> {
    let mut to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let walls = walls::raise(room);
    chartroom_wire::write_json(&mut to, ID, Kind::Walls, &walls)?;
    let outcome = match input {
        Ok(input) => work(input, &mut to),
        Err(error) => Err(Stop::Failure(output::unreadable(&error))),
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(Stop::Failure(failure)) => tell(&mut to, &failure),
        Err(Stop::Gone(error)) => Err(error),
    }
}

fn tell(to: &mut File, failure: &Failure) -> Result<(), WireError> {
    chartroom_wire::write_json(to, ID, Kind::Failure, failure)
}
