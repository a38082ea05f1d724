//! Which columns of a dataset a model is asked by, and which columns its answers become.

use std::collections::HashSet;

use chartroom_wire::models::Datatype;

use crate::datasets::column::{Column, ColumnName, ColumnType, Columns, MOST_COLUMNS};
use crate::datasets::import::rows::Known;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::values::Checked as _;
use crate::models::signature::{Signature, TensorType};

/// The most columns of one output.
const MOST_OF_OUTPUT: usize = 100;
/// So many names are listed where something does not fit.
const LISTED: usize = 20;

/// How a model is asked about the records of a dataset.
pub struct Plan {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Tensor>,
    /// How many columns go along.
    pub(super) kept: usize,
    /// The columns that go along, then those of the inputs, by their places in the dataset.
    pub places: Vec<usize>,
    /// What the records have that come out: the columns that go along, then the answers.
    pub made: Known,
    /// Whether many records may be asked about at once.
    pub(super) batches: bool,
}

/// An input of the model, and the columns that it is made of.
pub(super) struct Input {
    pub name: String,
    pub datatype: Datatype,
    pub axes: usize,
    pub columns: Vec<(String, ColumnType)>,
}

/// What a model takes or gives, and the columns that it becomes.
pub struct Tensor {
    pub name: String,
    pub datatype: Datatype,
    pub columns: Vec<String>,
}

/// Which columns are meant, by their places in the dataset.
pub struct Chosen<'a> {
    /// Those that go along.
    pub kept: &'a [usize],
    /// Those that the model is asked by, in its order.
    pub inputs: Option<&'a [usize]>,
}

impl Plan {
    pub fn of(signature: &Signature, columns: &Columns, chosen: &Chosen<'_>) -> ApiResult<Self> {
        let mut widths = Vec::with_capacity(signature.inputs.len());
        for tensor in &signature.inputs {
            let width = width(&tensor.shape, MOST_COLUMNS).ok_or_else(|| unfit(tensor, "takes"));
            widths.push(width?);
        }
        let asked = match chosen.inputs {
            Some(named) => named.to_vec(),
            None => bound(signature, &widths, columns)?,
        };
        let total: usize = widths.iter().sum();
        if asked.len() != total {
            let detail = format!(
                "expected {} for {}, and not {}",
                count(total, "column"),
                taken(signature, &widths),
                asked.len()
            );
            return Err(ApiError::wrong_field("/inputs", "unfit-columns", detail));
        }
        let mut rest = asked.as_slice();
        let mut inputs = Vec::with_capacity(widths.len());
        for (tensor, width) in signature.inputs.iter().zip(&widths) {
            let (places, others) = rest.split_at(*width);
            rest = others;
            inputs.push(input(tensor, places, columns)?);
        }
        let kept = chosen.kept.iter().filter_map(|place| columns.0.get(*place));
        let mut made: Known = kept.map(|it| (it.name.clone(), it.kind)).collect();
        let mut outputs = Vec::with_capacity(signature.outputs.len());
        for tensor in &signature.outputs {
            let output = Tensor::output(tensor)?;
            let kind = kind_of(output.datatype);
            made.extend(output.columns.iter().map(|name| (name.clone(), kind)));
            outputs.push(output);
        }
        distinct(&made, "/columns")?;
        Ok(Self {
            inputs,
            outputs,
            kept: chosen.kept.len(),
            places: chosen.kept.iter().chain(&asked).copied().collect(),
            made,
            batches: signature.batches,
        })
    }

    /// Whether a dataset that has columns takes what comes out.
    pub fn fits(&self, into: &Columns) -> ApiResult<()> {
        match into.0.is_empty() {
            true => Ok(()),
            false => takes(into, &self.made, "/into"),
        }
    }
}

/// Whether a dataset has the columns of the records that come out, and needs no others; `pointer`
/// says who named it.
pub fn takes(into: &Columns, made: &Known, pointer: &str) -> ApiResult<()> {
    let made = made.iter().map(|(name, _)| name.as_str());
    let names = || listed(into.0.iter().map(|column| column.name.as_str()));
    let mut given = HashSet::new();
    for name in made.clone() {
        let place = into.called(name).ok_or_else(|| {
            let detail = format!(
                "it has no column {name:?}; it has {}, and the records that come out have {}",
                names(),
                listed(made.clone())
            );
            ApiError::wrong_field(pointer, "unknown-column", detail)
        })?;
        given.insert(place);
    }
    let needed = |(place, column): &(usize, &Column)| !column.nullable && !given.contains(place);
    match into.0.iter().enumerate().find(needed) {
        None => Ok(()),
        Some((_, column)) => {
            let detail = format!(
                "its column {:?} must have a value in every record, and those that come out have {}",
                column.name,
                listed(made)
            );
            Err(ApiError::wrong_field(pointer, "missing-column", detail))
        }
    }
}

/// How many columns a tensor of one row of values for each record is.
fn width(shape: &[i64], most: usize) -> Option<usize> {
    let is_rows = |axis: i64| axis == -1 || axis == 1;
    match shape {
        [rows] if is_rows(*rows) => Some(1),
        [rows, width] if is_rows(*rows) => {
            let width = usize::try_from(*width).ok()?;
            (1..=most).contains(&width).then_some(width)
        }
        _ => None,
    }
}

fn unfit(tensor: &TensorType, does: &str) -> ApiError {
    let TensorType { name, shape, .. } = tensor;
    let detail = format!(
        "the model {does} {name} of the shape {shape:?}; to score a dataset it has to be [-1], [-1, 1] or [-1, n], where n is at most {MOST_COLUMNS} for an input and {MOST_OF_OUTPUT} for an output"
    );
    ApiError::wrong_field("/version", "unfit-shape", detail)
}

/// The columns that inputs are made of where nobody names them.
fn bound(signature: &Signature, widths: &[usize], columns: &Columns) -> ApiResult<Vec<usize>> {
    let inputs = &signature.inputs;
    if widths.iter().all(|width| *width == 1) {
        let named = inputs.iter().map(|it| columns.called(&it.name));
        if let Some(named) = named.collect::<Option<Vec<usize>>>() {
            return Ok(named);
        }
    }
    let all = || listed(columns.0.iter().map(|column| column.name.as_str()));
    if inputs.len() != 1 {
        let detail = format!(
            "the model takes {}, and the dataset has the columns {}; name them in the model's order",
            taken(signature, widths),
            all()
        );
        return Err(ApiError::wrong_field("/inputs", "unfit-columns", detail));
    }
    let numbers = columns.0.iter().enumerate();
    let numbers = numbers.filter(|(_, column)| column.kind.is_number());
    let (places, names): (Vec<usize>, Vec<&str>) = numbers
        .map(|(place, column)| (place, column.name.as_str()))
        .unzip();
    if Some(&places.len()) == widths.first() {
        return Ok(places);
    }
    let detail = format!(
        "the model takes {}, and the dataset has {} of numbers ({}); name those that are meant",
        taken(signature, widths),
        count(places.len(), "column"),
        if names.is_empty() {
            all()
        } else {
            listed(names)
        }
    );
    Err(ApiError::wrong_field("/inputs", "unfit-columns", detail))
}

fn taken(signature: &Signature, widths: &[usize]) -> String {
    let inputs = signature.inputs.iter().zip(widths);
    let inputs = inputs.map(|(tensor, width)| match width {
        1 => tensor.name.clone(),
        width => format!("{} ({width} columns)", tensor.name),
    });
    let inputs: Vec<String> = inputs.collect();
    listed(inputs.iter().map(String::as_str))
}

fn input(tensor: &TensorType, places: &[usize], columns: &Columns) -> ApiResult<Input> {
    let named = places.iter().filter_map(|place| columns.0.get(*place));
    let named: Vec<(String, ColumnType)> = named.map(|it| (it.name.clone(), it.kind)).collect();
    if let Some((name, kind)) = named
        .iter()
        .find(|(_, kind)| !suits(*kind, tensor.datatype))
    {
        let detail = format!(
            "the column {name:?} is of the type {}, and the model takes {} as {}",
            kind.as_str(),
            tensor.datatype.word(),
            tensor.name
        );
        return Err(ApiError::wrong_field("/inputs", "unfit-type", detail));
    }
    Ok(Input {
        name: tensor.name.clone(),
        datatype: tensor.datatype,
        axes: tensor.shape.len(),
        columns: named,
    })
}

/// Whether values of the column can be values of the datatype.
fn suits(kind: ColumnType, datatype: Datatype) -> bool {
    match datatype {
        Datatype::Bytes => kind == ColumnType::Text,
        Datatype::Bool => kind == ColumnType::Bool,
        _ => kind.is_number() || kind == ColumnType::Bool,
    }
}

impl Tensor {
    pub fn input(tensor: &TensorType) -> ApiResult<Self> {
        Self::of(tensor, MOST_COLUMNS, "takes")
    }

    pub fn output(tensor: &TensorType) -> ApiResult<Self> {
        Self::of(tensor, MOST_OF_OUTPUT, "gives")
    }

    fn of(tensor: &TensorType, most: usize, does: &str) -> ApiResult<Self> {
        let name = &tensor.name;
        let width = width(&tensor.shape, most).ok_or_else(|| unfit(tensor, does))?;
        let names: Vec<String> = match width {
            1 => vec![name.clone()],
            width => (0..width).map(|place| format!("{name}_{place}")).collect(),
        };
        let columns = names.into_iter().map(|column| {
            let named = ColumnName::checked(column).map(String::from);
            named.map_err(|wrong| {
                let detail =
                    format!("what the model {does} as {name:?} cannot name a column: {wrong}");
                ApiError::wrong_field("/version", "unfit-name", detail)
            })
        });
        Ok(Self {
            name: name.clone(),
            datatype: tensor.datatype,
            columns: columns.collect::<ApiResult<_>>()?,
        })
    }
}

/// As a file of columns would have it.
pub fn kind_of(datatype: Datatype) -> ColumnType {
    match datatype {
        Datatype::Bool => ColumnType::Bool,
        Datatype::Uint64 => ColumnType::Decimal,
        Datatype::Int64 => ColumnType::Bigint,
        Datatype::Uint8
        | Datatype::Uint16
        | Datatype::Uint32
        | Datatype::Int8
        | Datatype::Int16
        | Datatype::Int32 => ColumnType::Int,
        Datatype::Fp16 | Datatype::Fp32 | Datatype::Fp64 => ColumnType::Float64,
        Datatype::Bytes => ColumnType::Text,
    }
}

/// Refuses too many columns, and two that are called the same.
pub fn distinct(made: &Known, pointer: &str) -> ApiResult<()> {
    if made.len() > MOST_COLUMNS {
        let detail = format!(
            "{} come out, and a dataset has at most {MOST_COLUMNS}; name those that are to go along",
            count(made.len(), "column")
        );
        return Err(ApiError::wrong_field(pointer, "too-many-columns", detail));
    }
    let mut seen = HashSet::new();
    match made.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            let detail = format!(
                "two columns that come out are called {name:?}; leave that of the dataset out, by naming those that are to go along"
            );
            Err(ApiError::wrong_field(pointer, "duplicate-column", detail))
        }
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// The first names of many.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut first: Vec<&str> = names.by_ref().take(LISTED).collect();
    first.extend(names.next().map(|_more| ".."));
    first.join(", ")
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
