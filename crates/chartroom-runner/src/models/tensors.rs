//! Values as they travel, and as the runtime takes and gives them.

use std::fmt::Debug;

use chartroom_wire::models::{Code, Datatype, Failure, Tensor, Values, texts};
use half::f16;
use ort::session::SessionInputValue;
use ort::value::{
    DynValue, Outlet, PrimitiveTensorElementType, Tensor as Held, TensorElementType, ValueType,
};

use super::onnx::{quoted, refused};
use super::words;

/// What the runtime says of an input or an output; refused where it is none that can travel.
pub(super) fn declared(outlet: &Outlet) -> Result<Tensor, Failure> {
    let other = |what: &str| {
        let name = quoted(outlet.name());
        let message = format!(
            "{name} is {what}, and the datatypes of the Open Inference Protocol are \
             taken: BOOL, INT8 to INT64, UINT8 to UINT64, FP16, FP32, FP64 and BYTES"
        );
        refused(message)
    };
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return Err(other("no tensor"));
    };
    let datatype = datatype(*ty).ok_or_else(|| other(&format!("a tensor of {ty}")))?;
    Ok(Tensor {
        name: outlet.name().to_owned(),
        datatype,
        shape: shape.to_vec(),
    })
}

fn datatype(of: TensorElementType) -> Option<Datatype> {
    Some(match of {
        TensorElementType::Bool => Datatype::Bool,
        TensorElementType::Uint8 => Datatype::Uint8,
        TensorElementType::Uint16 => Datatype::Uint16,
        TensorElementType::Uint32 => Datatype::Uint32,
        TensorElementType::Uint64 => Datatype::Uint64,
        TensorElementType::Int8 => Datatype::Int8,
        TensorElementType::Int16 => Datatype::Int16,
        TensorElementType::Int32 => Datatype::Int32,
        TensorElementType::Int64 => Datatype::Int64,
        TensorElementType::Float16 => Datatype::Fp16,
        TensorElementType::Float32 => Datatype::Fp32,
        TensorElementType::Float64 => Datatype::Fp64,
        TensorElementType::String => Datatype::Bytes,
        _ => return None,
    })
}

/// A number whose bytes are its value, whatever they are.
trait Number: PrimitiveTensorElementType + Copy + Debug + 'static {
    fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self>;
    fn write(self, to: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> {
                let (parts, _rest) = bytes.as_chunks();
                parts.iter().map(|part| <$type>::from_le_bytes(*part))
            }

            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

number!(u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 f16);

impl Number for bool {
    fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> {
        bytes.iter().map(|byte| *byte != 0)
    }

    fn write(self, to: &mut Vec<u8>) {
        to.push(u8::from(self));
    }
}

/// A value of a request for the input that is declared.
pub(super) fn input(
    of: &Tensor,
    value: &Values<&[u8]>,
) -> Result<SessionInputValue<'static>, Failure> {
    if value.datatype != of.datatype {
        return Err(wrong(format!(
            "the input {} is {}, but {} came",
            quoted(&of.name),
            of.datatype.word(),
            value.datatype.word()
        )));
    }
    let shape: Result<Vec<i64>, _> = value
        .shape
        .iter()
        .map(|axis| i64::try_from(*axis))
        .collect();
    let shape = shape
        .ok()
        .filter(|shape| fits(&of.shape, shape))
        .ok_or_else(|| {
            wrong(format!(
                "the input {} has the shape {}, but {:?} came",
                quoted(&of.name),
                shape_words(&of.shape),
                value.shape
            ))
        })?;
    let bytes = value.bytes;
    match of.datatype {
        Datatype::Bool => numbers::<bool>(of, shape, bytes),
        Datatype::Uint8 => numbers::<u8>(of, shape, bytes),
        Datatype::Uint16 => numbers::<u16>(of, shape, bytes),
        Datatype::Uint32 => numbers::<u32>(of, shape, bytes),
        Datatype::Uint64 => numbers::<u64>(of, shape, bytes),
        Datatype::Int8 => numbers::<i8>(of, shape, bytes),
        Datatype::Int16 => numbers::<i16>(of, shape, bytes),
        Datatype::Int32 => numbers::<i32>(of, shape, bytes),
        Datatype::Int64 => numbers::<i64>(of, shape, bytes),
        Datatype::Fp16 => numbers::<f16>(of, shape, bytes),
        Datatype::Fp32 => numbers::<f32>(of, shape, bytes),
        Datatype::Fp64 => numbers::<f64>(of, shape, bytes),
        Datatype::Bytes => strings(of, shape, bytes),
    }
}

fn wrong(why: String) -> Failure {
    Failure::new(Code::Input, why)
}

fn fits(declared: &[i64], came: &[i64]) -> bool {
    let mut axes = declared.iter().zip(came);
    declared.len() == came.len() && axes.all(|(axis, length)| *axis < 0 || axis == length)
}

/// `[any, 20]`
fn shape_words(shape: &[i64]) -> String {
    let word = |axis: &i64| match *axis {
        ..0 => "any".to_owned(),
        length => length.to_string(),
    };
    let words: Vec<String> = shape.iter().map(word).collect();
    format!("[{}]", words.join(", "))
}

fn numbers<T: Number>(
    of: &Tensor,
    shape: Vec<i64>,
    bytes: &[u8],
) -> Result<SessionInputValue<'static>, Failure> {
    let read = T::read(bytes);
    let mut numbers = Vec::new();
    numbers
        .try_reserve_exact(read.len())
        .map_err(|_refused| too_large(&of.name))?;
    numbers.extend(read);
    let held = Held::from_array((shape, numbers));
    Ok(held.map_err(|error| not_held(&of.name, &error))?.into())
}

fn strings(
    of: &Tensor,
    shape: Vec<i64>,
    bytes: &[u8],
) -> Result<SessionInputValue<'static>, Failure> {
    let mut held = Vec::new();
    for text in texts(bytes) {
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        let text = text.filter(|text| !text.contains('\0')).ok_or_else(|| {
            let name = quoted(&of.name);
            wrong(format!(
                "a text of the input {name} is not UTF-8, or holds a zero byte"
            ))
        })?;
        held.push(text.to_owned());
    }
    let held = Held::from_string_array((shape, held.as_slice()));
    Ok(held.map_err(|error| not_held(&of.name, &error))?.into())
}

fn too_large(name: &str) -> Failure {
    let message = format!("{} takes more memory than there is for it", quoted(name));
    Failure::new(Code::OutOfMemory, message)
}

fn not_held(name: &str, error: &ort::Error) -> Failure {
    words::failure(
        Code::Input,
        &format!("taking the input {}", quoted(name)),
        error,
    )
}

/// An output as it travels; `room` is what is left of an answer's bytes.
pub(super) fn output(name: &str, value: &DynValue, room: &mut usize) -> Result<Values, Failure> {
    let ValueType::Tensor { ty, .. } = value.dtype() else {
        let message = format!("the output {} is no tensor", quoted(name));
        return Err(Failure::new(Code::Inference, message));
    };
    let mut travels = Travels { name, value, room };
    match ty {
        TensorElementType::Bool => travels.numbers::<bool>(Datatype::Bool),
        TensorElementType::Uint8 => travels.numbers::<u8>(Datatype::Uint8),
        TensorElementType::Uint16 => travels.numbers::<u16>(Datatype::Uint16),
        TensorElementType::Uint32 => travels.numbers::<u32>(Datatype::Uint32),
        TensorElementType::Uint64 => travels.numbers::<u64>(Datatype::Uint64),
        TensorElementType::Int8 => travels.numbers::<i8>(Datatype::Int8),
        TensorElementType::Int16 => travels.numbers::<i16>(Datatype::Int16),
        TensorElementType::Int32 => travels.numbers::<i32>(Datatype::Int32),
        TensorElementType::Int64 => travels.numbers::<i64>(Datatype::Int64),
        TensorElementType::Float16 => travels.numbers::<f16>(Datatype::Fp16),
        TensorElementType::Float32 => travels.numbers::<f32>(Datatype::Fp32),
        TensorElementType::Float64 => travels.numbers::<f64>(Datatype::Fp64),
        TensorElementType::String => travels.texts(),
        other => {
            let message = format!("the output {} is a tensor of {other}", quoted(name));
            Err(Failure::new(Code::Inference, message))
        }
    }
}

struct Travels<'a> {
    name: &'a str,
    value: &'a DynValue,
    room: &'a mut usize,
}

impl Travels<'_> {
    /// A place for so many bytes, if the answer has room for them.
    fn reserve(&mut self, length: Option<usize>) -> Result<Vec<u8>, Failure> {
        let length = length.unwrap_or(usize::MAX);
        *self.room = self.room.checked_sub(length).ok_or_else(|| {
            let message = format!(
                "the answer is longer than {} MiB, which is the most that is sent at once; ask for \
                 fewer rows or outputs",
                chartroom_wire::models::MAX_MESSAGE >> 20
            );
            Failure::new(Code::Inference, message)
        })?;
        let mut bytes = Vec::new();
        let reserved = bytes.try_reserve_exact(length);
        reserved
            .map_err(|_refused| too_large(self.name))
            .map(|()| bytes)
    }

    fn gone(&self, error: &ort::Error) -> Failure {
        let what = format!("reading the output {}", quoted(self.name));
        words::failure(Code::Inference, &what, error)
    }

    fn numbers<T: Number>(&mut self, datatype: Datatype) -> Result<Values, Failure> {
        let value = self.value;
        let extracted = value.try_extract_tensor::<T>();
        let (shape, numbers) = extracted.map_err(|error| self.gone(&error))?;
        let width = datatype.width().unwrap_or(usize::MAX);
        let mut bytes = self.reserve(numbers.len().checked_mul(width))?;
        for number in numbers {
            number.write(&mut bytes);
        }
        Ok(Values {
            datatype,
            shape: lengths(shape),
            bytes,
        })
    }

    fn texts(&mut self) -> Result<Values, Failure> {
        let value = self.value;
        let extracted = value.try_extract_strings();
        let (shape, texts) = extracted.map_err(|error| self.gone(&error))?;
        let length = texts
            .iter()
            .try_fold(0_usize, |sum, text| sum.checked_add(text.len() + 4));
        let mut bytes = self.reserve(length)?;
        for text in &texts {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Ok(Values {
            datatype: Datatype::Bytes,
            shape: lengths(shape),
            bytes,
        })
    }
}

fn lengths(shape: &[i64]) -> Vec<u64> {
    shape
        .iter()
        .map(|axis| u64::try_from(*axis).unwrap_or(0))
        .collect()
}
