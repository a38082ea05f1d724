//! The model as it comes: what is announced, and its bytes.

use std::io::Read;

use chartroom_wire::models::{Code, Failure, Load, hexadecimal};
use chartroom_wire::{Frame, HEAD, Kind, Messages, WireError};
use ring::digest::{Context, SHA256};

/// Bytes of what announces a model.
const MAX_LOAD: usize = 64 * 1024;
/// What protobuf can say of a message's length.
const MAX_MODEL: u64 = (1 << 31) - 1;

/// What a changed model may be longer by, without being moved.
const SLACK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Received {
    pub(super) load: Load,
    /// Kept once, however large; or why it is not.
    pub(super) bytes: Result<Vec<u8>, Failure>,
}

/// Reads up to the end of the model; `None` where nobody wants one.
pub(super) fn receive(from: &mut impl Read) -> Result<Option<Received>, WireError> {
    let Some(message) = Messages::new(MAX_LOAD).read(from)? else {
        return Ok(None);
    };
    if message.kind != Kind::Head {
        return Err(WireError::Malformed("a model is not announced"));
    }
    let load: Load = message.json()?;
    let mut bytes = reserve(&load);
    let mut hash = Context::new(&SHA256);
    let mut came = 0_u64;
    loop {
        let mut head = [0; HEAD];
        from.read_exact(&mut head)?;
        let frame = Frame::parse(head)?;
        let length = u64::try_from(frame.length()).unwrap_or(u64::MAX);
        match frame.kind {
            Kind::Data if frame.id == message.id => came += length,
            Kind::End if frame.id == message.id && length == 0 => break,
            _ => return Err(WireError::Malformed("a model does not go on")),
        }
        if came > load.size {
            bytes = Err(damaged("more bytes came than were announced"));
        }
        let mut part = from.take(length);
        match &mut bytes {
            Ok(bytes) => {
                let before = bytes.len();
                part.read_to_end(bytes)?;
                hash.update(bytes.get(before..).unwrap_or_default());
            }
            Err(_) => {
                std::io::copy(&mut part, &mut std::io::sink())?;
            }
        }
        if part.limit() > 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
    }
    if bytes.is_ok() && came < load.size {
        bytes = Err(damaged("fewer bytes came than were announced"));
    }
    let came = hexadecimal(hash.finish().as_ref());
    if bytes.is_ok() && came != load.sha256 {
        bytes = Err(damaged("other bytes came than were announced"));
    }
    Ok(Some(Received { load, bytes }))
}

fn damaged(what: &str) -> Failure {
    let message = format!("the model did not arrive as it was sent: {what}");
    Failure::new(Code::Damaged, message)
}

fn reserve(load: &Load) -> Result<Vec<u8>, Failure> {
    if load.size > MAX_MODEL {
        let message = "the model is larger than 2 GiB, which is as much as one file can hold";
        return Err(Failure::new(Code::Model, message));
    }
    let short = || {
        Failure::new(
            Code::OutOfMemory,
            format!(
                "the model has {} MiB, and what runs it may take {} MiB in all",
                load.size >> 20,
                load.walls.memory >> 20
            ),
        )
    };
    if load.size > load.walls.memory {
        return Err(short());
    }
    let mut bytes = Vec::new();
    let size = usize::try_from(load.size).map_err(|_large| short())?;
    bytes
        .try_reserve_exact(size.saturating_add(SLACK))
        .map_err(|_refused| short())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use chartroom_wire::tabular::Room;
    use chartroom_wire::{write, write_json};

    use super::*;

    fn load(model: &[u8]) -> Load {
        let digest = ring::digest::digest(&SHA256, model);
        Load {
            size: u64::try_from(model.len()).unwrap(),
            sha256: hexadecimal(digest.as_ref()),
            walls: Room {
                memory: 64 << 20,
                cpu: 1,
            },
            probe: false,
        }
    }

    fn sent(load: &Load, model: &[u8]) -> Vec<u8> {
        let mut stream = Vec::new();
        write_json(&mut stream, 0, Kind::Head, load).unwrap();
        for part in model.chunks(300_000) {
            write(&mut stream, 0, Kind::Data, part).unwrap();
        }
        write(&mut stream, 0, Kind::End, &[]).unwrap();
        stream
    }

    fn received(load: &Load, model: &[u8]) -> Result<Vec<u8>, Failure> {
        let stream = sent(load, model);
        receive(&mut stream.as_slice()).unwrap().unwrap().bytes
    }

    #[test]
    fn a_model_arrives_whole_or_not() {
        let model: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let right = load(&model);
        assert_eq!(received(&right, &model).unwrap(), model);
        assert!(received(&load(&[]), &[]).unwrap().is_empty());
        let mut other = model.clone();
        other[999_999] ^= 1;
        let (shorter, longer) = (&model[1..], [&model[..], b"x"].concat());
        for (wrong, said) in [(&other[..], "other"), (shorter, "fewer"), (&longer, "more")] {
            let failure = received(&right, wrong).unwrap_err();
            assert_eq!(failure.code, Code::Damaged, "{failure}");
            assert!(failure.message.contains(said), "{failure}");
        }
        let mut large = right.clone();
        large.size = 65 << 20;
        let failure = received(&large, &model).unwrap_err();
        assert_eq!(failure.code, Code::OutOfMemory, "{failure}");
        large.size = 1 << 31;
        assert_eq!(received(&large, &model).unwrap_err().code, Code::Model);
    }

    #[test]
    fn a_stream_that_is_cut_off_is_no_model() {
        let stream = sent(&load(b"model"), b"model");
        assert!(receive(&mut [].as_slice()).unwrap().is_none());
        for length in 1..stream.len() {
            let mut cut = stream.get(..length).unwrap();
            assert!(receive(&mut cut).is_err(), "{length}");
        }
        let mut stream = Vec::new();
        write(&mut stream, 0, Kind::Data, b"model").unwrap();
        assert!(receive(&mut stream.as_slice()).is_err());
    }
}
