//! A question as the Open Inference Protocol writes it, in JSON or with its values as bytes behind
//! the JSON, as the tensors that a model takes.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed as _, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use chartroom_wire::models::{Datatype, Inputs, Values, count_texts};

use super::data::Data;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::signature::{Signature, TensorType};

/// What the protocol's `parameters` say that is understood here; others are not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(expecting = "an object of parameters")]
struct Parameters {
    #[serde(default)]
    binary_data_size: Option<usize>,
    #[serde(default)]
    binary_data: Option<bool>,
    #[serde(default)]
    binary_data_output: Option<bool>,
    #[serde(default)]
    content_encoding: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with inputs")]
struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    parameters: Parameters,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a name")]
struct Output {
    name: String,
    #[serde(default)]
    parameters: Parameters,
}

/// An input, with its values as bytes once its type is known.
pub(super) struct Input {
    name: String,
    shape: Vec<u64>,
    datatype: Datatype,
    parameters: Parameters,
    data: Option<(Vec<u8>, u64)>,
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an input with name, shape, datatype and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Input, A::Error> {
        let (mut name, mut shape, mut datatype) = (None, None, None);
        let mut parameters: Option<Parameters> = None;
        let (mut data, mut later) = (None, None);
        while let Some(member) = members.next_key::<String>()? {
            match member.as_str() {
                "name" => name = Some(members.next_value()?),
                "shape" => shape = Some(members.next_value::<Vec<u64>>()?),
                "datatype" => datatype = Some(members.next_value::<Datatype>()?),
                "parameters" => parameters = Some(members.next_value()?),
                "data" => match (datatype, &parameters) {
                    // What says how to read them comes before them, as all clients send it.
                    (Some(datatype @ Datatype::Bytes), Some(parameters)) => {
                        let (mut bytes, mut count) = (Vec::new(), 0);
                        let of = seed(datatype, parameters, &mut bytes, &mut count);
                        members.next_value_seed(of)?;
                        data = Some((bytes, count));
                    }
                    (Some(datatype), _) if datatype != Datatype::Bytes => {
                        let (mut bytes, mut count) = (Vec::new(), 0);
                        let none = Parameters::default();
                        let of = seed(datatype, &none, &mut bytes, &mut count);
                        members.next_value_seed(of)?;
                        data = Some((bytes, count));
                    }
                    _ => later = Some(members.next_value::<Value>()?),
                },
                _ => {
                    members.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        let datatype = datatype.ok_or_else(|| A::Error::missing_field("datatype"))?;
        let parameters = parameters.unwrap_or_default();
        if let Some(values) = later {
            let (mut bytes, mut count) = (Vec::new(), 0);
            let of = seed(datatype, &parameters, &mut bytes, &mut count);
            of.deserialize(values).map_err(A::Error::custom)?;
            data = Some((bytes, count));
        }
        Ok(Input {
            name: name.ok_or_else(|| A::Error::missing_field("name"))?,
            shape: shape.ok_or_else(|| A::Error::missing_field("shape"))?,
            datatype,
            parameters,
            data,
        })
    }
}

fn seed<'a>(
    datatype: Datatype,
    parameters: &Parameters,
    bytes: &'a mut Vec<u8>,
    count: &'a mut u64,
) -> Data<'a> {
    Data {
        datatype,
        is_base64: parameters.content_encoding.as_deref() == Some("base64"),
        bytes,
        count,
        depth: 0,
    }
}

/// The outputs by their places, each with whether it is answered as bytes.
type Ways = Vec<(usize, bool)>;

/// A question whose JSON has been read, before it is known which model it has to fit.
pub(super) struct Question {
    body: Body,
    /// What stands behind the JSON.
    rest: Bytes,
}

/// How a question is to be answered.
pub(super) struct Wanted {
    pub id: Option<String>,
    pub outputs: Ways,
}

/// `json` is how much of the body is JSON, where bytes follow it.
pub(super) fn read(body: &Bytes, json: Option<usize>) -> ApiResult<Question> {
    let length = json.unwrap_or(body.len());
    if length > body.len() {
        return Err(invalid(
            "Inference-Header-Content-Length: it says more bytes than the body has",
        ));
    }
    let (head, rest) = (body.slice(..length), body.slice(length..));
    let body = serde_json::from_slice(&head).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => invalid(format!("the body does not fit: {error}")),
        _ => ApiError::new(Code::MalformedJson, error.to_string()),
    })?;
    Ok(Question { body, rest })
}

/// What is wrong with an input as a question has it, for who takes them in one by one.
pub fn examine(input: &[u8], wanted: &TensorType) -> ApiResult<()> {
    let input = serde_json::from_slice(input).map_err(|error| {
        // Its place counts what stands around the values, too.
        let said = error.to_string();
        invalid(
            said.split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    })?;
    let (_name, value) = values(input, &mut Bytes::new(), "inputs")?;
    fits(&value, wanted)
}

impl Question {
    pub(super) fn id(&self) -> Option<&str> {
        self.body.id.as_deref()
    }

    /// What a model with this signature is asked, and how that is answered.
    pub(super) fn fit(self, signature: &Signature) -> ApiResult<(Inputs<Bytes>, Wanted)> {
        let Self { body, mut rest } = self;
        let Body {
            id,
            parameters,
            inputs,
            outputs,
        } = body;
        let mut given: Vec<(String, Values<Bytes>)> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let (name, values) = values(input, &mut rest, "inputs")?;
            if given.iter().any(|(known, _)| *known == name) {
                return Err(invalid(format!("inputs: {name} is there twice")));
            }
            given.push((name, values));
        }
        if !rest.is_empty() {
            let more = rest.len();
            return Err(invalid(format!(
                "{more} bytes stand behind the values of all inputs; binary_data_size says how many each has"
            )));
        }
        let mut ordered = Vec::with_capacity(signature.inputs.len());
        for wanted in &signature.inputs {
            let place = given.iter().position(|(name, _)| *name == wanted.name);
            let place = place.ok_or_else(|| {
                invalid(format!(
                    "inputs: {} is missing; the model takes {}",
                    wanted.name,
                    named(&signature.inputs)
                ))
            })?;
            let (_, value) = given.swap_remove(place);
            fits(&value, wanted)?;
            ordered.push(value);
        }
        if let Some((name, _)) = given.first() {
            return Err(invalid(format!(
                "inputs: the model takes no {name}; it takes {}",
                named(&signature.inputs)
            )));
        }
        let (wanted, outputs) = answered(&outputs, &parameters, signature)?;
        let values = Inputs {
            values: ordered,
            wanted,
        };
        Ok((values, Wanted { id, outputs }))
    }
}

pub(super) fn invalid(detail: impl Into<String>) -> ApiError {
    ApiError::new(Code::InvalidInput, detail.into())
}

fn named(tensors: &[TensorType]) -> String {
    let names: Vec<&str> = tensors.iter().map(|it| it.name.as_str()).collect();
    names.join(", ")
}

/// The name and the values of one of the `list`, from the JSON or from the bytes behind it.
pub(super) fn values(
    input: Input,
    rest: &mut Bytes,
    list: &str,
) -> ApiResult<(String, Values<Bytes>)> {
    let Input {
        name,
        shape,
        datatype,
        parameters,
        data,
    } = input;
    let expected = shape
        .iter()
        .try_fold(1_u64, |product, axis| product.checked_mul(*axis));
    let expected =
        expected.ok_or_else(|| invalid(format!("{list}: the shape of {name} is too large")))?;
    let (bytes, count) = match (parameters.binary_data_size, data) {
        (Some(size), None) => {
            if size > rest.len() {
                return Err(invalid(format!(
                    "{list}: {name} has {size} bytes by its binary_data_size, and {} are left in the body",
                    rest.len()
                )));
            }
            let bytes = rest.split_to(size);
            let count = match datatype.width() {
                Some(width) if size.is_multiple_of(width) => Some(size / width),
                Some(_) => None,
                None => count_texts(&bytes),
            };
            let count = count.and_then(|count| u64::try_from(count).ok());
            let count = count.ok_or_else(|| {
                invalid(format!(
                    "{list}: the bytes of {name} are not values of {}",
                    datatype.word()
                ))
            })?;
            (bytes, count)
        }
        (None, Some((bytes, count))) => (Bytes::from(bytes), count),
        (Some(_), Some(_)) => {
            return Err(invalid(format!(
                "{list}: {name} has data and a binary_data_size; give its values in one way"
            )));
        }
        (None, None) => return Err(invalid(format!("{list}: {name} has no data"))),
    };
    if count != expected {
        return Err(invalid(format!(
            "{list}: {name} has {count} values, and its shape {shape:?} is of {expected}"
        )));
    }
    let values = Values {
        datatype,
        shape,
        bytes,
    };
    Ok((name, values))
}

fn fits(value: &Values<Bytes>, wanted: &TensorType) -> ApiResult<()> {
    let name = &wanted.name;
    if value.datatype != wanted.datatype {
        return Err(invalid(format!(
            "inputs: {name} is of {}, and the model takes {}",
            value.datatype.word(),
            wanted.datatype.word()
        )));
    }
    let fits = value.shape.len() == wanted.shape.len()
        && value
            .shape
            .iter()
            .zip(&wanted.shape)
            .all(|(length, most)| u64::try_from(*most).map_or(true, |most| most == *length));
    match fits {
        true => Ok(()),
        false => Err(invalid(format!(
            "inputs: {name} has the shape {:?}, and the model takes {:?}, where -1 is any length",
            value.shape, wanted.shape
        ))),
    }
}

/// Which outputs the model is asked for, and how each is answered. All of them where none is named.
fn answered(
    outputs: &[Output],
    parameters: &Parameters,
    signature: &Signature,
) -> ApiResult<(Vec<u16>, Ways)> {
    let usually = parameters.binary_data_output.unwrap_or(false);
    if outputs.is_empty() {
        let all = (0..signature.outputs.len()).map(|place| (place, usually));
        return Ok((Vec::new(), all.collect()));
    }
    let (mut places, mut ways) = (Vec::new(), Vec::new());
    for output in outputs {
        let place = signature
            .outputs
            .iter()
            .position(|it| it.name == output.name);
        let number = place.and_then(|place| u16::try_from(place).ok());
        let (Some(place), Some(number)) = (place, number) else {
            return Err(invalid(format!(
                "outputs: the model gives no {}; it gives {}",
                output.name,
                named(&signature.outputs)
            )));
        };
        places.push(number);
        ways.push((place, output.parameters.binary_data.unwrap_or(usually)));
    }
    Ok((places, ways))
}
