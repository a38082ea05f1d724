//! The frames between the service and the program that reads what strangers send.
//!
//! A message has an id, a kind and a body. It travels in one frame or in several, because a frame
//! carries at most [`MAX_PAYLOAD`] bytes; frames of different ids may alternate, and a `Cancel`
//! ends what its id has begun. The same bytes go over a pipe, a Unix socket and TCP. Neither side
//! believes the other: a length is judged before anything is reserved for it, and what is kept of
//! unfinished messages has one bound for all of them.

pub mod models;
mod rows;
pub mod tabular;
#[cfg(feature = "tls")]
pub mod tls;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

pub use rows::{Batch, Cell, Row, RowsWriter};

/// Bytes of a frame's head: length, id, kind, whether more follows, and two that are zero.
pub const HEAD: usize = 12;
/// Most bytes that one frame carries behind its head.
pub const MAX_PAYLOAD: usize = 256 * 1024;
/// Most messages that may be unfinished at once.
const MAX_OPEN: usize = 64;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What is asked for, or what the data that follows are.
    Head,
    Data,
    /// Nothing more comes for this id.
    End,
    /// It went wrong, and nothing more comes for this id.
    Failure,
    /// The other side no longer wants this id.
    Cancel,
    /// Which walls stand around the sender.
    Walls,
}

const KINDS: [Kind; 6] = [
    Kind::Head,
    Kind::Data,
    Kind::End,
    Kind::Failure,
    Kind::Cancel,
    Kind::Walls,
];

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are no frame or no body of its kind.
    #[error("the other side does not keep to the protocol: {0}")]
    Malformed(&'static str),
}

impl From<serde_json::Error> for WireError {
    fn from(_error: serde_json::Error) -> Self {
        Self::Malformed("a body that is not the JSON of its kind")
    }
}

/// The head of a frame, once its numbers are known to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub id: u32,
    pub kind: Kind,
    /// Whether another frame continues the message.
    pub more: bool,
    length: u32,
}

impl Frame {
    /// The head of what is at most [`MAX_PAYLOAD`] bytes.
    pub fn of(id: u32, kind: Kind, payload: &[u8], more: bool) -> Self {
        Self {
            id,
            kind,
            more,
            length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
        }
    }

    /// Bytes that follow the head: at most [`MAX_PAYLOAD`].
    pub fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(MAX_PAYLOAD)
    }

    pub fn to_bytes(self) -> [u8; HEAD] {
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        let [i0, i1, i2, i3] = self.id.to_le_bytes();
        let kind = KINDS.iter().position(|kind| *kind == self.kind);
        let kind = kind.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX);
        [
            l0,
            l1,
            l2,
            l3,
            i0,
            i1,
            i2,
            i3,
            kind,
            u8::from(self.more),
            0,
            0,
        ]
    }

    pub fn parse(head: [u8; HEAD]) -> Result<Self, WireError> {
        let [l0, l1, l2, l3, i0, i1, i2, i3, kind, more, z0, z1] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if usize::try_from(length).map_or(true, |length| length > MAX_PAYLOAD) {
            return Err(WireError::Malformed(
                "a frame is longer than a frame may be",
            ));
        }
        let kind = KINDS.get(usize::from(kind)).copied();
        let kind = kind.ok_or(WireError::Malformed("a kind that nobody knows"))?;
        if more > 1 || z0 != 0 || z1 != 0 {
            return Err(WireError::Malformed("a flag that nobody knows"));
        }
        Ok(Self {
            id: u32::from_le_bytes([i0, i1, i2, i3]),
            kind,
            more: more == 1,
            length,
        })
    }
}

/// Writes one message, in as many frames as it takes.
pub fn write(to: &mut impl Write, id: u32, kind: Kind, body: &[u8]) -> Result<(), WireError> {
    let mut rest = body;
    loop {
        let (now, later) = rest.split_at(rest.len().min(MAX_PAYLOAD));
        let more = !later.is_empty();
        let frame = Frame::of(id, kind, now, more);
        to.write_all(&frame.to_bytes())?;
        to.write_all(now)?;
        if !more {
            return Ok(to.flush()?);
        }
        rest = later;
    }
}

/// Writes a message whose body is JSON.
pub fn write_json(
    to: &mut impl Write,
    id: u32,
    kind: Kind,
    body: &impl serde::Serialize,
) -> Result<(), WireError> {
    write(to, id, kind, &serde_json::to_vec(body)?)
}

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub id: u32,
    pub kind: Kind,
    pub body: Vec<u8>,
}

impl Message {
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, WireError> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Puts frames together to messages.
#[derive(Debug)]
pub struct Messages {
    most: usize,
    held: usize,
    open: BTreeMap<u32, (Kind, Vec<u8>)>,
}

impl Messages {
    /// `most`: bytes of all unfinished messages together.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            held: 0,
            open: BTreeMap::new(),
        }
    }

    /// Takes a frame and what follows its head; gives the message that it ends.
    pub fn push(&mut self, frame: Frame, payload: Vec<u8>) -> Result<Option<Message>, WireError> {
        let Frame { id, kind, more, .. } = frame;
        if payload.len() != frame.length() {
            return Err(WireError::Malformed("a frame is shorter than it says"));
        }
        let begun = self.open.remove(&id);
        self.held -= begun.as_ref().map_or(0, |(_, body)| body.len());
        let body = match begun {
            Some((of, mut body)) if of == kind => {
                if self.held + body.len() + payload.len() > self.most {
                    return Err(WireError::Malformed("a message is longer than it may be"));
                }
                body.extend_from_slice(&payload);
                body
            }
            Some(_) if kind != Kind::Cancel => {
                return Err(WireError::Malformed("a message goes on as another kind"));
            }
            _ => payload,
        };
        if !more {
            return Ok(Some(Message { id, kind, body }));
        }
        if self.open.len() >= MAX_OPEN || self.held + body.len() > self.most {
            return Err(WireError::Malformed("too much is begun and not ended"));
        }
        self.held += body.len();
        self.open.insert(id, (kind, body));
        Ok(None)
    }

    /// Reads up to the end of the next message; `None` where the other side has ended in order.
    pub fn read(&mut self, from: &mut impl Read) -> Result<Option<Message>, WireError> {
        loop {
            let mut head = [0; HEAD];
            match from.read(&mut head)? {
                0 if self.open.is_empty() => return Ok(None),
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                read => from.read_exact(head.get_mut(read..).unwrap_or_default())?,
            }
            let frame = Frame::parse(head)?;
            let mut payload = vec![0; frame.length()];
            from.read_exact(&mut payload)?;
            if let Some(message) = self.push(frame, payload)? {
                return Ok(Some(message));
            }
        }
    }
}

#[cfg(test)]
mod tests;
