//! Values of tensors as JSON has them, read straight into the bytes that a model takes, and
//! written from the bytes that it gives.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use half::f16;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use chartroom_wire::models::{Datatype, texts};

/// Nested lists, of which a tensor has as many as axes.
const DEEPEST: usize = 32;

/// Reads values of one type, in lists or lists of lists, and says how many there are.
pub(in crate::models) struct Data<'a> {
    pub datatype: Datatype,
    pub is_base64: bool,
    pub bytes: &'a mut Vec<u8>,
    pub count: &'a mut u64,
    pub depth: usize,
}

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! whole {
    ($self:ident, $value:ident, $of:ty) => {{
        let value = <$of>::try_from($value);
        let value = value.map_err(|_large| $self.wrong(&$value.to_string()))?;
        $self.bytes.extend_from_slice(&value.to_le_bytes());
    }};
}

impl Data<'_> {
    fn wrong<E: Error>(&self, value: &str) -> E {
        E::custom(format!(
            "{value} is not a value of {}",
            self.datatype.word()
        ))
    }

    fn counted(self) {
        *self.count += 1;
    }

    fn float(self, value: f64) {
        match self.datatype {
            Datatype::Fp16 => self
                .bytes
                .extend_from_slice(&f16::from_f64(value).to_le_bytes()),
            Datatype::Fp32 => self.bytes.extend_from_slice(&narrow(value).to_le_bytes()),
            _ => self.bytes.extend_from_slice(&value.to_le_bytes()),
        }
        self.counted();
    }

    fn text<E: Error>(self, text: &[u8]) -> Result<(), E> {
        let length = u32::try_from(text.len()).map_err(|_long| E::custom("a text is too long"))?;
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(text);
        self.counted();
        Ok(())
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the nearest value of the narrower type is what is meant"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the nearest value is what is meant, as JSON has one type of numbers"
)]
fn nearest(value: i128) -> f64 {
    value as f64
}

impl<'de> Visitor<'de> for Data<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "values of {}, or lists of them", self.datatype.word())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        if self.depth == DEEPEST {
            return Err(A::Error::custom("the lists are nested too deep"));
        }
        loop {
            let each = Data {
                bytes: &mut *self.bytes,
                count: &mut *self.count,
                depth: self.depth + 1,
                ..self
            };
            if all.next_element_seed(each)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if self.datatype != Datatype::Bool {
            return Err(self.wrong(&value.to_string()));
        }
        self.bytes.push(u8::from(value));
        self.counted();
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_i128(i128::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_i128(i128::from(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<(), E> {
        match self.datatype {
            Datatype::Uint8 => whole!(self, value, u8),
            Datatype::Uint16 => whole!(self, value, u16),
            Datatype::Uint32 => whole!(self, value, u32),
            Datatype::Uint64 => whole!(self, value, u64),
            Datatype::Int8 => whole!(self, value, i8),
            Datatype::Int16 => whole!(self, value, i16),
            Datatype::Int32 => whole!(self, value, i32),
            Datatype::Int64 => whole!(self, value, i64),
            Datatype::Fp16 | Datatype::Fp32 | Datatype::Fp64 => {
                self.float(nearest(value));
                return Ok(());
            }
            Datatype::Bool => match u8::try_from(value) {
                Ok(bit @ 0..=1) => self.bytes.push(bit),
                _ => return Err(self.wrong(&value.to_string())),
            },
            Datatype::Bytes => return Err(self.wrong(&value.to_string())),
        }
        self.counted();
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.datatype {
            Datatype::Fp16 | Datatype::Fp32 | Datatype::Fp64 => {
                self.float(value);
                Ok(())
            }
            _ => Err(self.wrong(&value.to_string())),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match (self.datatype, self.is_base64) {
            (Datatype::Bytes, true) => match STANDARD.decode(text) {
                Ok(bytes) => self.text(&bytes),
                Err(_) => Err(E::custom("a text is not Base64, as content_encoding says")),
            },
            (Datatype::Bytes, false) => self.text(text.as_bytes()),
            _ => Err(self.wrong("a text")),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(self.wrong("null"))
    }
}

/// The values of a tensor as one list.
pub(super) struct Flat<'a> {
    pub datatype: Datatype,
    pub bytes: &'a [u8],
}

macro_rules! numbers {
    ($self:ident, $to:ident, $of:ty) => {{
        const WIDTH: usize = size_of::<$of>();
        let (all, _) = $self.bytes.as_chunks::<WIDTH>();
        let mut list = $to.serialize_seq(Some(all.len()))?;
        for value in all {
            list.serialize_element(&<$of>::from_le_bytes(*value))?;
        }
        list.end()
    }};
}

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.datatype {
            Datatype::Uint8 => numbers!(self, to, u8),
            Datatype::Uint16 => numbers!(self, to, u16),
            Datatype::Uint32 => numbers!(self, to, u32),
            Datatype::Uint64 => numbers!(self, to, u64),
            Datatype::Int8 => numbers!(self, to, i8),
            Datatype::Int16 => numbers!(self, to, i16),
            Datatype::Int32 => numbers!(self, to, i32),
            Datatype::Int64 => numbers!(self, to, i64),
            Datatype::Fp32 => numbers!(self, to, f32),
            Datatype::Fp64 => numbers!(self, to, f64),
            Datatype::Fp16 => {
                let (all, _) = self.bytes.as_chunks::<2>();
                to.collect_seq(all.iter().map(|value| f16::from_le_bytes(*value).to_f32()))
            }
            Datatype::Bool => to.collect_seq(self.bytes.iter().map(|byte| *byte != 0)),
            Datatype::Bytes => {
                let mut list = to.serialize_seq(None)?;
                for text in texts(self.bytes) {
                    let text = text.and_then(|text| std::str::from_utf8(text).ok());
                    let text = text.ok_or_else(|| {
                        S::Error::custom("an answer is no text; ask for it as binary data")
                    })?;
                    list.serialize_element(text)?;
                }
                list.end()
            }
        }
    }
}
