//! One model of a stranger in memory, asked until nobody asks any more.
//!
//! The order keeps what the model can do small. The library is opened and what it would read from
//! the disk later is read while the model is still nothing but bytes. Then the walls are raised,
//! and only behind them is the model looked at, by us and by the library.

mod ask;
mod environment;
mod library;
mod onnx;
mod probe;
mod protobuf;
mod receive;
mod schema;
mod tensors;
mod words;
mod zipmap;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chartroom_wire::models::{Code, Failure, Loaded, MAX_MESSAGE, Tensor};
use chartroom_wire::{Kind, Messages, WireError, write, write_json};
use ort::session::Session;

pub(crate) use environment::quiet;
pub(crate) use library::Library;
use onnx::refused;
use receive::Received;

use crate::walls;

/// Of what is said of the model itself.
const ID: u32 = 0;
/// Bytes that are read or written at once, where there are as many.
const BUFFER: usize = 64 * 1024;

/// A model that can be asked.
struct Model {
    session: Session,
    loaded: Loaded,
}

/// Ends with who started it, where that is `serve`: what computes for ever notices nothing.
pub(crate) fn run_attended(library: &Path) -> Result<(), WireError> {
    #[cfg(target_os = "linux")]
    {
        let kill = rustix::process::Signal::KILL;
        let set = rustix::process::set_parent_process_death_signal(Some(kill));
        set.map_err(std::io::Error::from)?;
    }
    run(library)
}

pub(crate) fn run(library: &Path) -> Result<(), WireError> {
    let from = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let to = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let mut from = BufReader::with_capacity(BUFFER, from);
    let mut to = BufWriter::with_capacity(BUFFER, to);
    let library = Library::open(library);
    let Some(received) = receive::receive(&mut from)? else {
        return Ok(());
    };
    let language = match (&library, &received.bytes) {
        (Ok(library), Ok(bytes)) => library.read_language(bytes),
        _ => None,
    };
    let memory = Memory::of_this_process();
    let walls = walls::raise(received.load.walls);
    write_json(&mut to, ID, Kind::Walls, &walls)?;
    let loaded = library.and_then(|library| load(&library, received, language.is_some(), &memory));
    match loaded {
        Ok(model) => {
            write_json(&mut to, ID, Kind::Head, &model.loaded)?;
            serve(model, &mut from, &mut to)
        }
        Err(failure) => write_json(&mut to, ID, Kind::Failure, &failure),
    }
}

fn serve(
    mut model: Model,
    from: &mut impl Read,
    to: &mut impl std::io::Write,
) -> Result<(), WireError> {
    let mut messages = Messages::new(MAX_MESSAGE);
    while let Some(message) = messages.read(from)? {
        match message.kind {
            Kind::Data => {
                let asked = &message.body;
                match ask::answer(&mut model.session, &model.loaded.inputs, asked) {
                    Ok(answer) => write(to, message.id, Kind::Data, &answer)?,
                    Err(failure) => write_json(to, message.id, Kind::Failure, &failure)?,
                }
            }
            // What it cancels is answered already, as one is answered after another.
            Kind::Cancel => {}
            _ => return Err(WireError::Malformed("a message that does not belong here")),
        }
    }
    Ok(())
}

fn load(
    library: &Library,
    received: Received,
    has_language: bool,
    memory: &Memory,
) -> Result<Model, Failure> {
    let mut file = received.bytes?;
    let mut judged = onnx::judge(&file)?;
    library.within_window(judged.opset)?;
    if judged.folds_case && !has_language {
        let message = "the model changes the case of texts, and the machine that runs models lacks \
             the rules for it: the locale en_US.UTF-8 has to be installed there";
        return Err(Failure::new(Code::Runtime, message));
    }
    judged.apply(&mut file);
    let unknown = |_panic| {
        Err(refused(
            "the model has something that the runtime does not know",
        ))
    };
    let loading = catch_unwind(AssertUnwindSafe(|| library.load(&file)));
    let mut session = loading.unwrap_or_else(unknown)?;
    drop(file);
    let declared = |of: &[ort::value::Outlet]| -> Result<Vec<Tensor>, Failure> {
        of.iter().map(tensors::declared).collect()
    };
    let inputs = declared(session.inputs())?;
    let outputs = declared(session.outputs())?;
    let batchable = received
        .load
        .probe
        .then(|| probe::is_batchable(&mut session, &inputs));
    let loaded = Loaded {
        inputs,
        outputs,
        opset: judged.opset,
        producer: judged.producer,
        runtime: library.name.clone(),
        batchable,
        notes: judged.notes,
        memory: memory.resident(),
    };
    Ok(Model { session, loaded })
}

/// How much memory this process takes up, from a file that is opened before the walls.
struct Memory(Option<File>);

impl Memory {
    fn of_this_process() -> Self {
        Self(File::open("/proc/self/statm").ok())
    }

    /// 0 where nobody tells.
    fn resident(&self) -> u64 {
        let mut said = [0; 256];
        let read = self.0.as_ref().and_then(|file| {
            use std::os::unix::fs::FileExt as _;
            file.read_at(&mut said, 0).ok()
        });
        let said = said.get(..read.unwrap_or(0)).unwrap_or_default();
        let pages = std::str::from_utf8(said)
            .ok()
            .and_then(|said| said.split(' ').nth(1)?.parse().ok());
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(0);
        page.saturating_mul(pages.unwrap_or(0))
    }
}

#[cfg(test)]
#[path = "../../tests/models/onnx.rs"]
mod build;
#[cfg(test)]
mod tests;
