//! What is asked of the feature `models`, and what it says.
//!
//! One stream of frames is one model in memory, over a pipe or a socket. First comes a [`Load`] as
//! the `Head` of id 0, the model's bytes as `Data` of id 0, and its `End`. The runner answers with
//! its walls and a [`Loaded`] as its own `Head` of id 0, or a [`Failure`]. From then on each `Data`
//! with a fresh id is an [`Inputs`], which is answered under its id with [`Outputs`] as `Data` or
//! with a [`Failure`]. Asking is over when the stream is.

use serde::{Deserialize, Serialize};

use crate::WireError;
use crate::tabular::Room;

/// Bytes of the longest message of either side: one request's tensors.
pub const MAX_MESSAGE: usize = 64 << 20;
/// The id of what is said of the process itself, by who started it: why it ended.
pub const ENDED: u32 = u32::MAX;
/// Axes of a tensor.
const MAX_AXES: usize = 32;

/// The model that follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    pub size: u64,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    pub walls: Room,
    /// Whether rows of several requests may be joined is to be tried out, with random ones. This
    /// takes inferences of what nobody has tried before, so it is done once, when a model is new.
    pub probe: bool,
}

/// Bytes in hexadecimal, as [`Load::sha256`] has them.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a model is, once it can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
    /// Of the standard operators.
    pub opset: i64,
    /// What wrote the file, in its own words; empty where it does not say.
    pub producer: String,
    /// The runtime and its version.
    pub runtime: String,
    /// Whether rows may be joined; `None` where it was not tried out.
    pub batchable: Option<bool>,
    /// What was changed in the file before it was loaded, each a sentence.
    pub notes: Vec<String>,
    /// Bytes of memory that the process takes up now.
    pub memory: u64,
}

/// An input or an output, as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    pub name: String,
    pub datatype: Datatype,
    /// An axis of any length is -1.
    pub shape: Vec<i64>,
}

/// The words of the Open Inference Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Datatype {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

const DATATYPES: [Datatype; 13] = [
    Datatype::Bool,
    Datatype::Uint8,
    Datatype::Uint16,
    Datatype::Uint32,
    Datatype::Uint64,
    Datatype::Int8,
    Datatype::Int16,
    Datatype::Int32,
    Datatype::Int64,
    Datatype::Fp16,
    Datatype::Fp32,
    Datatype::Fp64,
    Datatype::Bytes,
];

impl Datatype {
    /// Bytes of one element; `None` for texts, whose lengths differ.
    pub fn width(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => Some(1),
            Self::Uint16 | Self::Int16 | Self::Fp16 => Some(2),
            Self::Uint32 | Self::Int32 | Self::Fp32 => Some(4),
            Self::Uint64 | Self::Int64 | Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Fp16 => "FP16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }
}

/// Values in row-major order, little-endian. Each text is its length in four bytes and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values<B = Vec<u8>> {
    pub datatype: Datatype,
    pub shape: Vec<u64>,
    pub bytes: B,
}

impl<B: AsRef<[u8]>> Values<B> {
    /// Elements that the shape says; `None` where they are more than can be counted.
    pub fn elements(&self) -> Option<u64> {
        elements(&self.shape)
    }

    fn write(&self, to: &mut Vec<u8>) {
        let code = DATATYPES.iter().position(|it| *it == self.datatype);
        to.push(code.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX));
        to.push(u8::try_from(self.shape.len()).unwrap_or(u8::MAX));
        for axis in &self.shape {
            to.extend_from_slice(&axis.to_le_bytes());
        }
        let bytes = self.bytes.as_ref();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        to.extend_from_slice(&length.to_le_bytes());
        to.extend_from_slice(bytes);
    }
}

fn elements(shape: &[u64]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1_u64, |so_far, axis| so_far.checked_mul(*axis))
}

/// One request: a value for each input, in the model's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs<B = Vec<u8>> {
    pub values: Vec<Values<B>>,
    /// Which outputs are wanted, by their places; all of them where it is empty.
    pub wanted: Vec<u16>,
}

impl<B: AsRef<[u8]>> Inputs<B> {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(weight(&self.values) + 2 * self.wanted.len() + 2);
        let wanted = u16::try_from(self.wanted.len()).unwrap_or(u16::MAX);
        to.extend_from_slice(&wanted.to_le_bytes());
        for place in &self.wanted {
            to.extend_from_slice(&place.to_le_bytes());
        }
        write_all(&self.values, &mut to);
        to
    }
}

impl<'a> Inputs<&'a [u8]> {
    /// Texts are looked through, numbers are not: any bytes are numbers.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut from = Reader(body);
        let wanted = usize::from(u16::from_le_bytes(from.array()?));
        let mut places = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            places.push(u16::from_le_bytes(from.array()?));
        }
        Ok(Self {
            values: from.values()?,
            wanted: places,
        })
    }
}

/// What is answered: the wanted outputs, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs<B = Vec<u8>> {
    pub values: Vec<Values<B>>,
}

impl<B: AsRef<[u8]>> Outputs<B> {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(weight(&self.values));
        write_all(&self.values, &mut to);
        to
    }
}

impl<'a> Outputs<&'a [u8]> {
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        Ok(Self {
            values: Reader(body).values()?,
        })
    }
}

fn weight<B: AsRef<[u8]>>(values: &[Values<B>]) -> usize {
    let each = |it: &Values<B>| 10 + 8 * it.shape.len() + it.bytes.as_ref().len();
    2 + values.iter().map(each).sum::<usize>()
}

fn write_all<B: AsRef<[u8]>>(values: &[Values<B>], to: &mut Vec<u8>) {
    let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
    to.extend_from_slice(&count.to_le_bytes());
    for value in values {
        value.write(to);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let short = WireError::Malformed("tensors are shorter than they say");
        let (taken, rest) = self.0.split_at_checked(length).ok_or(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let short = |_length| WireError::Malformed("tensors are shorter than they say");
        self.take(N)?.try_into().map_err(short)
    }

    fn values(&mut self) -> Result<Vec<Values<&'a [u8]>>, WireError> {
        let count = usize::from(u16::from_le_bytes(self.array()?));
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value()?);
        }
        match self.0.is_empty() {
            true => Ok(values),
            false => Err(WireError::Malformed("something stands behind the tensors")),
        }
    }

    fn value(&mut self) -> Result<Values<&'a [u8]>, WireError> {
        let [code, axes] = self.array()?;
        let datatype = DATATYPES.get(usize::from(code)).copied();
        let datatype = datatype.ok_or(WireError::Malformed("a datatype that nobody knows"))?;
        let axes = usize::from(axes);
        if axes > MAX_AXES {
            return Err(WireError::Malformed("a tensor has too many axes"));
        }
        let mut shape = Vec::with_capacity(axes);
        for _ in 0..axes {
            shape.push(u64::from_le_bytes(self.array()?));
        }
        let length = u64::from_le_bytes(self.array()?);
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        if !fits(datatype, &shape, bytes) {
            return Err(WireError::Malformed("a tensor's bytes are not its shape's"));
        }
        Ok(Values {
            datatype,
            shape,
            bytes,
        })
    }
}

/// Whether the bytes are as many elements as the shape says.
fn fits(datatype: Datatype, shape: &[u64], bytes: &[u8]) -> bool {
    let Some(elements) = elements(shape) else {
        return false;
    };
    let counted = match datatype.width() {
        Some(width) if bytes.len().is_multiple_of(width) => Some(bytes.len() / width),
        Some(_) => None,
        None => count_texts(bytes),
    };
    counted.and_then(|counted| u64::try_from(counted).ok()) == Some(elements)
}

/// How many texts there are; `None` where the bytes are not texts behind their lengths.
pub fn count_texts(bytes: &[u8]) -> Option<usize> {
    texts(bytes).try_fold(0, |count, text| text.map(|_text| count + 1))
}

/// The texts of a tensor; one `None` at the end where the bytes are not texts behind their lengths.
pub fn texts(bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let split = rest.split_first_chunk::<4>().and_then(|(length, behind)| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            behind.split_at_checked(length)
        });
        rest = split.map_or(&[], |(_text, behind)| behind);
        Some(split.map(|(text, _behind)| text))
    })
}

/// Why a model cannot be loaded or asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: Code,
    /// For the one who sent the model or the request.
    pub message: String,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The bytes are no model, or one that is not taken.
    Model,
    /// The bytes are not those that were announced.
    Damaged,
    /// The values do not fit the model.
    Input,
    /// The model gave up over these values.
    Inference,
    /// It takes more memory than there is for it.
    OutOfMemory,
    /// The library is not there, or not the one that is meant.
    Runtime,
    /// The runner is full.
    Busy,
    /// The process has ended.
    Ended,
}

#[cfg(test)]
#[path = "models_tests.rs"]
mod tests;
