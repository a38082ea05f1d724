//! The golden test of a version: what it is asked, and what it has to answer.

use bytes::Bytes;
use half::f16;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use chartroom_wire::models::{Datatype, Inputs, Values};

use super::data::Flat;
use super::document::InferenceTensor;
use super::request::{self, Input};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::models::signature::Signature;

/// What a version is asked, and what it has to answer
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelGolden)]
pub struct Golden {
    /// A value for each input, as in a question
    #[schema(value_type = Vec<InferenceTensor>, min_items = 1)]
    inputs: Vec<Value>,
    /// Values of the outputs that are compared, as in an answer
    #[schema(value_type = Vec<InferenceTensor>, min_items = 1)]
    outputs: Vec<Value>,
    /// How far a number may be away: `tolerance` and that share of what is expected. 0.00001 where
    /// it is left out; numbers that are no fractions, and texts, are compared exactly
    #[serde(default = "usual")]
    #[schema(minimum = 0, maximum = 1)]
    tolerance: f64,
}

fn usual() -> f64 {
    1e-5
}

/// What an answer is compared with.
pub struct Expected {
    outputs: Vec<(String, Values<Bytes>)>,
    tolerance: f64,
}

impl Golden {
    /// Refuses what no version could be asked.
    pub fn check(&self) -> ApiResult<()> {
        for (member, list) in [("/inputs", &self.inputs), ("/outputs", &self.outputs)] {
            if list.is_empty() {
                let detail = "at least one is needed";
                return Err(ApiError::wrong_field(member, "too-few-items", detail));
            }
        }
        if !(0.0..=1.0).contains(&self.tolerance) {
            let detail = "the tolerance is from 0 to 1";
            return Err(ApiError::wrong_field("/tolerance", "out-of-range", detail));
        }
        Ok(())
    }

    /// What a version with this signature is asked, and what it is to answer.
    pub fn read(&self, signature: &Signature) -> ApiResult<(Inputs<Bytes>, Expected)> {
        let mut outputs: Vec<(String, Values<Bytes>)> = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            let output = Input::deserialize(output)
                .map_err(|error| request::invalid(format!("outputs: {error}")))?;
            let (name, values) = request::values(output, &mut Bytes::new(), "outputs")?;
            if outputs.iter().any(|(known, _)| *known == name) {
                return Err(request::invalid(format!("outputs: {name} is there twice")));
            }
            outputs.push((name, values));
        }
        let wanted: Vec<Value> = outputs
            .iter()
            .map(|(name, _)| json!({ "name": name }))
            .collect();
        let question = json!({ "inputs": self.inputs, "outputs": wanted });
        let question = request::read(&question.to_string().into(), None)?;
        let (inputs, _ways) = question.fit(signature)?;
        let expected = Expected {
            outputs,
            tolerance: self.tolerance,
        };
        Ok((inputs, expected))
    }
}

impl Expected {
    pub fn verdict<B: AsRef<[u8]>>(&self, answer: &[Values<B>]) -> Verdict {
        self.difference(answer).map_or(Ok(()), Err)
    }

    /// The first difference, for those who set the test.
    fn difference<B: AsRef<[u8]>>(&self, answer: &[Values<B>]) -> Option<String> {
        if answer.len() != self.outputs.len() {
            let (came, wanted) = (answer.len(), self.outputs.len());
            return Some(format!(
                "{came} outputs were answered, and {wanted} expected"
            ));
        }
        let mut pairs = self.outputs.iter().zip(answer);
        pairs.find_map(|((name, expected), came)| {
            if came.datatype != expected.datatype || came.shape != expected.shape {
                return Some(format!(
                    "{name} is {} {:?}, and {} {:?} was expected",
                    came.datatype.word(),
                    came.shape,
                    expected.datatype.word(),
                    expected.shape
                ));
            }
            let (is, wanted) = (came.bytes.as_ref(), expected.bytes.as_ref());
            let at = self.first_apart(expected.datatype, is, wanted)?;
            let shown = |bytes| shown(expected.datatype, bytes, at);
            Some(format!(
                "{name}: value {at} is {}, and {} was expected",
                shown(is),
                shown(wanted)
            ))
        })
    }

    /// The place of the first values that are too far apart.
    fn first_apart(&self, datatype: Datatype, is: &[u8], wanted: &[u8]) -> Option<usize> {
        if is == wanted {
            return None;
        }
        match numbers(datatype, is).zip(numbers(datatype, wanted)) {
            Some((is, wanted)) => {
                let mut pairs = is.iter().zip(&wanted);
                pairs.position(|(is, wanted)| !self.is_near(*is, *wanted))
            }
            None => {
                let values = |bytes| serde_json::to_value(Flat { datatype, bytes });
                let (is, wanted) = (values(is).ok()?, values(wanted).ok()?);
                let mut pairs = is.as_array()?.iter().zip(wanted.as_array()?);
                pairs.position(|(is, wanted)| is != wanted)
            }
        }
    }

    fn is_near(&self, is: f64, wanted: f64) -> bool {
        if is.is_nan() || wanted.is_nan() {
            return is.is_nan() && wanted.is_nan();
        }
        is == wanted || (is - wanted).abs() <= self.tolerance + self.tolerance * wanted.abs()
    }
}

/// The fractions of a tensor; `None` where it has other values.
fn numbers(datatype: Datatype, bytes: &[u8]) -> Option<Vec<f64>> {
    fn all<const WIDTH: usize>(bytes: &[u8], read: impl Fn([u8; WIDTH]) -> f64) -> Vec<f64> {
        let (values, _) = bytes.as_chunks::<WIDTH>();
        values.iter().map(|value| read(*value)).collect()
    }
    match datatype {
        Datatype::Fp16 => Some(all(bytes, |it| f16::from_le_bytes(it).to_f64())),
        Datatype::Fp32 => Some(all(bytes, |it| f64::from(f32::from_le_bytes(it)))),
        Datatype::Fp64 => Some(all(bytes, f64::from_le_bytes)),
        _ => None,
    }
}

/// One value, short enough for a message.
fn shown(datatype: Datatype, bytes: &[u8], at: usize) -> String {
    const MOST: usize = 100;
    let all = serde_json::to_value(Flat { datatype, bytes }).unwrap_or_default();
    let value = all.get(at).unwrap_or_default().to_string();
    value.chars().take(MOST).collect()
}

/// Whether the answer to a golden test is the one that was expected.
pub type Verdict = Result<(), String>;

/// What a failed golden test says to those who would put the version into production.
pub fn failed(version: i64, difference: &str) -> ApiError {
    ApiError::new(
        Code::GoldenFailed,
        format!("version {version} does not answer as its golden test wants: {difference}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(output: Value, tolerance: f64) -> Expected {
        let output = Input::deserialize(output).unwrap();
        Expected {
            outputs: vec![request::values(output, &mut Bytes::new(), "outputs").unwrap()],
            tolerance,
        }
    }

    fn answer(datatype: Datatype, shape: &[u64], bytes: Vec<u8>) -> Vec<Values> {
        let shape = shape.to_vec();
        vec![Values {
            datatype,
            shape,
            bytes,
        }]
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|it| it.to_le_bytes()).collect()
    }

    #[test]
    fn fractions_are_compared_within_the_tolerance_and_nan_equals_itself() {
        let wanted = json!({"name": "y", "datatype": "FP32", "shape": [2], "data": [1.0, 1000.0]});
        let of = |tolerance, values: [f32; 2]| {
            let answer = answer(Datatype::Fp32, &[2], floats(&values));
            expected(wanted.clone(), tolerance).difference(&answer)
        };
        assert_eq!(of(0.0, [1.0, 1000.0]), None);
        assert_eq!(of(0.001, [1.001, 1001.0]), None);
        let said = of(0.0001, [1.0, 1001.0]).unwrap();
        assert_eq!(said, "y: value 1 is 1001.0, and 1000.0 was expected");
        assert!(
            of(1.0, [f32::NAN, 1000.0])
                .unwrap()
                .starts_with("y: value 0 is null")
        );
        let nan = Expected {
            outputs: vec![(
                "y".to_owned(),
                Values {
                    datatype: Datatype::Fp32,
                    shape: vec![1],
                    bytes: floats(&[f32::NAN]).into(),
                },
            )],
            tolerance: 0.0,
        };
        // Another NaN by its bits.
        let other = f32::from_bits(f32::NAN.to_bits() | 1);
        let other = answer(Datatype::Fp32, &[1], floats(&[other]));
        assert_eq!(nan.difference(&other), None);
    }

    #[test]
    fn texts_and_whole_numbers_are_compared_exactly_and_shapes_first() {
        let texts = json!({"name": "label", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]});
        let text = |words: [&str; 2]| {
            let mut bytes = Vec::new();
            for word in words {
                bytes.extend_from_slice(&u32::try_from(word.len()).unwrap().to_le_bytes());
                bytes.extend_from_slice(word.as_bytes());
            }
            expected(texts.clone(), 1.0).difference(&answer(Datatype::Bytes, &[2], bytes))
        };
        assert_eq!(text(["a", "b"]), None);
        let said = text(["a", "c"]).unwrap();
        assert_eq!(said, r#"label: value 1 is "c", and "b" was expected"#);
        let whole =
            json!({"name": "n", "datatype": "INT64", "shape": [1], "data": [9007199254740993_i64]});
        let of = |value: i64, shape: &[u64]| {
            let answer = answer(Datatype::Int64, shape, value.to_le_bytes().to_vec());
            expected(whole.clone(), 1.0).difference(&answer)
        };
        assert_eq!(of(9_007_199_254_740_993, &[1]), None);
        assert!(of(9_007_199_254_740_992, &[1]).is_some());
        let said = of(9_007_199_254_740_993, &[1, 1]).unwrap();
        assert_eq!(said, "n is INT64 [1, 1], and INT64 [1] was expected");
    }
}
