//! The killable program that reads what strangers send.
//!
//! Whoever starts it gives it one file as its standard input, opened for reading, and takes frames
//! from its standard output ([`chartroom_wire`]). It opens nothing, and before it looks at a byte
//! of the file it raises walls around itself (`walls`): what a file makes it do ends here.

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

use chartroom_wire::tabular::{Failure, Room};
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
        ["tabular", request] => match serde_json::from_str(request) {
            Ok(request) => run(
                &request,
                |request: &chartroom_wire::tabular::Request| request.walls,
                tabular::read,
            ),
            Err(error) => return misused(&format!("the request is not understood: {error}")),
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

fn misused(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(WRONG_USAGE)
}

/// Raises the walls, says which of them stand, and lets `work` do its part.
fn run<Request>(
    request: &Request,
    room: impl FnOnce(&Request) -> Room,
    work: impl FnOnce(&Request, &Source, &mut File) -> Result<(), Stop>,
) -> Result<(), WireError> {
    let mut to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let source = Source::stdin();
    let walls = walls::raise(room(request));
    chartroom_wire::write_json(&mut to, ID, Kind::Walls, &walls)?;
    let outcome = match source {
        Ok(source) => work(request, &source, &mut to),
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
