//! What a record of the log has: when and how a model answered, what it was asked, and its answer.

use chartroom_wire::models::{Inputs, Values};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::datasets::column::{ColumnType, Columns};
use crate::datasets::import::rows::Known;
use crate::kernel::error::ApiResult;
use crate::models::scoring::plan::{Tensor, distinct, kind_of, takes};
use crate::models::scoring::values::texts;
use crate::models::serving::Tensors;
use crate::models::signature::Signature;

const AT: &str = "predicted_at";
const VERSION: &str = "model_version";
const ID: &str = "request_id";
const TOOK: &str = "latency_ms";

/// The columns of the records that a version makes.
pub struct Told {
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

/// How a question was answered.
pub(super) struct How<'a> {
    pub at: DateTime<Utc>,
    pub version: i64,
    pub id: Option<&'a str>,
    /// In milliseconds.
    pub took: f64,
}

impl Told {
    /// Fails where the rows of a tensor cannot be values of columns.
    pub fn of(signature: &Signature) -> ApiResult<Self> {
        let inputs = signature.inputs.iter();
        let outputs = signature.outputs.iter();
        let told = Self {
            inputs: inputs.map(Tensor::input).collect::<ApiResult<_>>()?,
            outputs: outputs.map(Tensor::output).collect::<ApiResult<_>>()?,
        };
        distinct(&told.columns(), "/dataset")?;
        Ok(told)
    }

    /// All of them, as a dataset has them.
    pub fn columns(&self) -> Known {
        let mut columns: Known = [
            (AT, ColumnType::Timestamp),
            (VERSION, ColumnType::Bigint),
            (ID, ColumnType::Text),
            (TOOK, ColumnType::Float64),
        ]
        .map(|(name, kind)| (name.to_owned(), kind))
        .to_vec();
        for tensor in self.inputs.iter().chain(&self.outputs) {
            let kind = kind_of(tensor.datatype);
            let names = tensor.columns.iter();
            columns.extend(names.map(|name| (name.clone(), kind)));
        }
        columns
    }

    /// Refuses a dataset that has not all of them, or others that must have a value.
    pub fn fits(&self, dataset: &Columns) -> ApiResult<()> {
        takes(dataset, &self.columns(), "/dataset")
    }

    /// A record for each row of a question, `None` where a tensor is not what its signature says.
    pub(super) fn records(
        &self,
        how: &How<'_>,
        asked: &Inputs<bytes::Bytes>,
        answer: &Tensors,
    ) -> Option<Vec<Map<String, Value>>> {
        let length = *asked.values.first()?.shape.first()?;
        let rows = usize::try_from(length).ok()?;
        let at = how.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut record = Map::new();
        record.insert(AT.to_owned(), at.into());
        record.insert(VERSION.to_owned(), how.version.to_string().into());
        record.insert(ID.to_owned(), how.id.map(str::to_owned).into());
        record.insert(TOOK.to_owned(), format!("{:.3}", how.took).into());
        let mut records = vec![record; rows];
        let inputs = self.inputs.iter().zip(&asked.values);
        let wanted = |place: usize| match asked.wanted.get(place) {
            Some(wanted) => usize::from(*wanted),
            None => place,
        };
        let mut outputs = Vec::with_capacity(answer.len());
        for (place, values) in answer.iter().enumerate() {
            outputs.push((self.outputs.get(wanted(place))?, values));
        }
        for (tensor, values) in inputs.chain(outputs) {
            add(&mut records, tensor, values)?;
        }
        Some(records)
    }
}

fn add(
    records: &mut [Map<String, Value>],
    tensor: &Tensor,
    values: &Values<bytes::Bytes>,
) -> Option<()> {
    let Values {
        datatype,
        shape,
        bytes,
    } = values;
    let values = Values {
        datatype: *datatype,
        shape: shape.clone(),
        bytes: bytes.as_ref(),
    };
    let mut texts = texts(tensor, &values, records.len()).ok()?.into_iter();
    for record in records {
        for (column, text) in tensor.columns.iter().zip(texts.by_ref()) {
            // JSON in a database has no U+0000.
            let text = text.filter(|text| !text.contains('\0'));
            record.insert(column.clone(), text.into());
        }
    }
    Some(())
}
