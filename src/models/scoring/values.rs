//! Records as what a model is asked, and its answers as records.

use chartroom_wire::models::{Datatype, Inputs, Outputs, Values, texts as texts_of};
use half::f16;
use serde::de::Visitor as _;
use serde::de::value::Error as Wrong;

use super::plan::{Input, Plan, Tensor};
use crate::datasets::column::ColumnType;
use crate::datasets::csv::Record;
use crate::datasets::import::model::ImportProblem;
use crate::datasets::import::read::shown;
use crate::datasets::texts::Row;
use crate::models::oip::data::Data;

/// The largest finite values.
const MOST_OF_FP16: f64 = 65_504.0;
const MOST_OF_FP32: f64 = 3.402_823_466_385_288_6e38;

impl Plan {
    /// What the model is asked about some records. `before` are as many as stand before them.
    pub(super) fn question(&self, rows: &[Row], before: u64) -> Result<Inputs, ImportProblem> {
        let mut at = self.kept;
        let mut values = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            values.push(tensor(input, rows, at, before)?);
            at += input.columns.len();
        }
        Ok(Inputs {
            values,
            wanted: Vec::new(),
        })
    }

    /// The records with the answers behind the columns that go along.
    pub(super) fn records(
        &self,
        rows: &[Row],
        answer: &Outputs<&[u8]>,
        before: u64,
    ) -> Result<Vec<Record>, ImportProblem> {
        let mut answers = Vec::with_capacity(self.outputs.len());
        if answer.values.len() != self.outputs.len() {
            return Err(unlike(&format!("{} outputs", answer.values.len())));
        }
        for (output, values) in self.outputs.iter().zip(&answer.values) {
            answers.push((output, texts(output, values, rows.len())?.into_iter()));
        }
        let mut records = Vec::with_capacity(rows.len());
        for (number, row) in (before + 1..).zip(rows) {
            let mut record = Record::numbered(number);
            for value in row.iter().take(self.kept) {
                record.push(value, false);
            }
            for (output, texts) in &mut answers {
                for (column, text) in output.columns.iter().zip(texts) {
                    let text = text.ok_or_else(|| {
                        let detail = format!(
                            "row {number}: the model answers {column} with what no record can hold, which is NaN, an infinity or a text that is not UTF-8; nothing was loaded"
                        );
                        ImportProblem::new("unfit-answer", detail)
                    })?;
                    record.push(Some(&text), false);
                }
            }
            records.push(record);
        }
        Ok(records)
    }
}

/// The columns from `at` on, a row of them for each record.
fn tensor(input: &Input, rows: &[Row], at: usize, before: u64) -> Result<Values, ImportProblem> {
    let Input {
        name,
        datatype,
        axes,
        columns,
    } = input;
    let (mut bytes, mut written) = (Vec::new(), 0);
    for (number, row) in (before + 1..).zip(rows) {
        for (place, (column, kind)) in (at..).zip(columns) {
            let Some(text) = row.get(place) else {
                let detail = format!(
                    "row {number}: the column {column:?} has no value, and the model takes one as {name}; nothing was loaded"
                );
                return Err(ImportProblem::new("missing-value", detail));
            };
            let to = Data {
                datatype: *datatype,
                is_base64: false,
                bytes: &mut bytes,
                count: &mut written,
                depth: 0,
            };
            if write(*kind, text, to).is_none() {
                let detail = format!(
                    "row {number}: the column {column:?} has {:?}, which {} cannot hold that the model takes as {name}; nothing was loaded",
                    shown(text),
                    datatype.word()
                );
                return Err(ImportProblem::new("unfit-value", detail));
            }
        }
    }
    let lengths = [rows.len(), columns.len()];
    let shape = lengths.iter().take(*axes);
    Ok(Values {
        datatype: *datatype,
        shape: shape
            .map(|length| u64::try_from(*length).unwrap_or(u64::MAX))
            .collect(),
        bytes,
    })
}

/// As a question in JSON would be read.
fn write(kind: ColumnType, text: &str, to: Data<'_>) -> Option<()> {
    let is_true = text == "true";
    let written: Result<(), Wrong> = match (kind, to.datatype) {
        (ColumnType::Text, _) => to.visit_str(text),
        (ColumnType::Bool, Datatype::Bool) => to.visit_bool(is_true),
        (ColumnType::Bool, _) => to.visit_i128(i128::from(is_true)),
        (_, Datatype::Fp16 | Datatype::Fp32 | Datatype::Fp64) => {
            let number: f64 = text.parse().ok()?;
            let most = match to.datatype {
                Datatype::Fp16 => MOST_OF_FP16,
                Datatype::Fp32 => MOST_OF_FP32,
                _ => f64::MAX,
            };
            (number.abs() <= most).then(|| to.visit_f64(number))?
        }
        _ => to.visit_i128(whole(text)?),
    };
    written.ok()
}

/// A number without a fraction, however it is written.
fn whole(text: &str) -> Option<i128> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if let Some((number, fraction)) = text.split_once('.')
        && fraction.bytes().all(|digit| digit == b'0')
    {
        return number.parse().ok();
    }
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 1e30).then(|| format!("{number:.0}").parse().ok())?
}

/// A text for each value of a tensor, none for what is no value of a record.
pub fn texts(
    tensor: &Tensor,
    values: &Values<&[u8]>,
    rows: usize,
) -> Result<Vec<Option<String>>, ImportProblem> {
    let length = |number: usize| u64::try_from(number).ok();
    let is_as_said = values.datatype == tensor.datatype
        && values.shape.first().copied() == length(rows)
        && values.elements() == length(rows * tensor.columns.len());
    if !is_as_said {
        let name = &tensor.name;
        return Err(unlike(&format!("{name} of the shape {:?}", values.shape)));
    }
    macro_rules! numbers {
        ($of:ty) => {{
            const WIDTH: usize = size_of::<$of>();
            let (all, _) = values.bytes.as_chunks::<WIDTH>();
            let numbers = all.iter().map(|bytes| <$of>::from_le_bytes(*bytes));
            numbers.map(|number| Some(number.to_string())).collect()
        }};
        (finite $of:ty) => {{
            const WIDTH: usize = size_of::<$of>();
            let (all, _) = values.bytes.as_chunks::<WIDTH>();
            let numbers = all.iter().map(|bytes| <$of>::from_le_bytes(*bytes));
            numbers
                .map(|number| number.is_finite().then(|| number.to_string()))
                .collect()
        }};
    }
    Ok(match values.datatype {
        Datatype::Uint8 => numbers!(u8),
        Datatype::Uint16 => numbers!(u16),
        Datatype::Uint32 => numbers!(u32),
        Datatype::Uint64 => numbers!(u64),
        Datatype::Int8 => numbers!(i8),
        Datatype::Int16 => numbers!(i16),
        Datatype::Int32 => numbers!(i32),
        Datatype::Int64 => numbers!(i64),
        Datatype::Fp16 => numbers!(finite f16),
        Datatype::Fp32 => numbers!(finite f32),
        Datatype::Fp64 => numbers!(finite f64),
        Datatype::Bool => {
            let all = values.bytes.iter();
            all.map(|byte| Some((*byte != 0).to_string())).collect()
        }
        Datatype::Bytes => texts_of(values.bytes)
            .map(|text| Some(str::from_utf8(text?).ok()?.to_owned()))
            .collect(),
    })
}

fn unlike(answer: &str) -> ImportProblem {
    let detail = format!(
        "the model answers with {answer}, which is not what its file says; nothing was loaded"
    );
    ImportProblem::new("unfit-answer", detail)
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
