//! A process that reads one file, or writes one, and ends.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;

use chartroom_wire::tabular::{Failure, Request, Room, WriteRequest};
use chartroom_wire::{Kind, WireError};

use crate::output::{self, Stop};
use crate::source::Source;
use crate::{tabular, walls};

/// Every message of a process that does one thing.
pub(crate) const ID: u32 = 0;

/// Does what is asked for; an error where that is not understood.
pub(crate) fn run(work: &str, request: &str) -> serde_json::Result<Result<(), WireError>> {
    if work == "tabular" {
        let request: Request = serde_json::from_str(request)?;
        return Ok(walled(request.walls, Source::stdin(), |source, to| {
            tabular::read(&request, source, to)
        }));
    }
    let request: WriteRequest = serde_json::from_str(request)?;
    Ok(walled(request.walls, stdin(), |from, to| {
        tabular::write(request.format, from, to)
    }))
}

pub(crate) fn stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Raises the walls, says which of them stand, and lets `work` do its part.
fn walled<Input>(
    room: Room,
    input: io::Result<Input>,
    work: impl FnOnce(Input, &mut File) -> Result<(), Stop>,
) -> Result<(), WireError> {
    let mut to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    tabular::prepare();
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
