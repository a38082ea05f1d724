//! The other side of a model: what the service does, in its plainest form.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use chartroom_wire::models::{
    Datatype, Failure, Inputs, Load, Loaded, MAX_MESSAGE, Outputs, Values,
};
use chartroom_wire::tabular::{Room, Wall};
use chartroom_wire::{Kind, Message, Messages, write, write_json};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_chartroom-runner");
pub(crate) const ROOM: Room = Room {
    memory: 512 << 20,
    cpu: 20,
};

/// A model that is asked over two streams.
pub(crate) struct Peer {
    from: Box<dyn Read + Send>,
    to: Box<dyn Write + Send>,
    messages: Messages,
    next: u32,
}

pub(crate) fn load_of(file: &[u8], walls: Room) -> Load {
    let digest = ring::digest::digest(&ring::digest::SHA256, file);
    Load {
        size: u64::try_from(file.len()).unwrap(),
        sha256: digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        walls,
        probe: true,
    }
}

impl Peer {
    pub(crate) fn new(from: impl Read + Send + 'static, to: impl Write + Send + 'static) -> Self {
        Self {
            from: Box::new(from),
            to: Box::new(to),
            messages: Messages::new(MAX_MESSAGE),
            next: 1,
        }
    }

    /// The other side may have refused already, so it need not take what is sent.
    pub(crate) fn send(&mut self, load: &Load, file: &[u8]) {
        let _ = write_json(&mut self.to, 0, Kind::Head, load)
            .and_then(|()| write(&mut self.to, 0, Kind::Data, file))
            .and_then(|()| write(&mut self.to, 0, Kind::End, &[]));
    }

    /// Something that need not be a frame; where nobody takes it, that is seen by reading.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.to.write_all(bytes).and_then(|()| self.to.flush());
    }

    /// `None` where the stream is over.
    pub(crate) fn read(&mut self) -> Option<Message> {
        self.messages.read(&mut self.from).ok().flatten()
    }

    pub(crate) fn walls(&mut self) -> Vec<Wall> {
        let message = self.read().expect("walls");
        assert_eq!((message.id, message.kind), (0, Kind::Walls));
        message.json().unwrap()
    }

    pub(crate) fn loaded(&mut self) -> Result<Loaded, Failure> {
        self.walls();
        let message = self.read().expect("a head or a failure");
        assert_eq!(message.id, 0);
        match message.kind {
            Kind::Head => Ok(message.json().unwrap()),
            Kind::Failure => Err(message.json().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn load(&mut self, file: &[u8]) -> Result<Loaded, Failure> {
        self.send(&load_of(file, ROOM), file);
        self.loaded()
    }

    /// Asks, and does not wait.
    pub(crate) fn begin(&mut self, values: Vec<Values>, wanted: &[u16]) -> u32 {
        let wanted = wanted.to_vec();
        let id = self.next;
        self.next += 1;
        let body = Inputs { values, wanted }.to_bytes();
        write(&mut self.to, id, Kind::Data, &body).unwrap();
        id
    }

    pub(crate) fn ask(
        &mut self,
        values: Vec<Values>,
        wanted: &[u16],
    ) -> Result<Vec<Values>, Failure> {
        let id = self.begin(values, wanted);
        let message = self.read().expect("an answer");
        assert_eq!(message.id, id);
        match message.kind {
            Kind::Failure => Err(message.json().unwrap()),
            Kind::Data => {
                let told = Outputs::parse(&message.body).unwrap();
                let owned = told.values.into_iter().map(|it| Values {
                    datatype: it.datatype,
                    shape: it.shape,
                    bytes: it.bytes.to_vec(),
                });
                Ok(owned.collect())
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The program with a model, as a child of the test.
pub(crate) struct Walled {
    pub(crate) child: Child,
    pub(crate) peer: Option<Peer>,
}

impl Walled {
    pub(crate) fn start(library: &Path) -> Self {
        Self::with(library, &[])
    }

    pub(crate) fn with(library: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("model").arg(library).env_clear();
        command.envs(environment.iter().copied());
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let peer = Peer::new(child.stdout.take().unwrap(), child.stdin.take().unwrap());
        Self {
            child,
            peer: Some(peer),
        }
    }

    pub(crate) fn peer(&mut self) -> &mut Peer {
        self.peer.as_mut().unwrap()
    }

    /// Ends the stream and waits.
    pub(crate) fn end(mut self) -> ExitStatus {
        drop(self.peer.take());
        self.child.wait().unwrap()
    }
}

impl Drop for Walled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn floats(shape: &[u64], values: &[f32]) -> Values {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    of(Datatype::Fp32, shape, bytes)
}

pub(crate) fn longs(shape: &[u64], values: &[i64]) -> Values {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    of(Datatype::Int64, shape, bytes)
}

pub(crate) fn texts(shape: &[u64], values: &[&[u8]]) -> Values {
    let text = |text: &&[u8]| [&u32::try_from(text.len()).unwrap().to_le_bytes(), *text].concat();
    of(
        Datatype::Bytes,
        shape,
        values.iter().flat_map(text).collect(),
    )
}

pub(crate) fn of(datatype: Datatype, shape: &[u64], bytes: Vec<u8>) -> Values {
    Values {
        datatype,
        shape: shape.to_vec(),
        bytes,
    }
}
