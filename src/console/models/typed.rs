//! What was typed for an input of a model, as the Open Inference Protocol has it.

use serde::Serialize;
use serde_json::Value;

use chartroom_wire::models::Datatype;

use crate::models::signature::TensorType;

/// An input of a question.
#[derive(Debug, PartialEq, Serialize)]
pub struct Given<'a> {
    pub name: &'a str,
    pub shape: Vec<u64>,
    pub datatype: &'static str,
    pub data: Value,
}

impl Given<'_> {
    /// With all values in one list, which means the same.
    pub fn flat(&self) -> Self {
        let mut values = Vec::new();
        flatten(&self.data, &mut values);
        Self {
            shape: self.shape.clone(),
            data: Value::Array(values),
            ..*self
        }
    }
}

fn flatten(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|it| flatten(it, into)),
        value => into.push(value.clone()),
    }
}

/// Why what was typed is no input.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Wrong {
    #[error("has no values")]
    Empty,
    #[error("is no JSON: {0}")]
    NotJson(String),
    #[error("has lists of different lengths")]
    Uneven,
}

/// All rows as a JSON array, or a row a line with commas between its values.
pub fn given<'a>(tensor: &'a TensorType, text: &str) -> Result<Given<'a>, Wrong> {
    let text = text.trim();
    let data = match text {
        "" => return Err(Wrong::Empty),
        json if json.starts_with('[') => {
            serde_json::from_str(json).map_err(|error| Wrong::NotJson(error.to_string()))?
        }
        rows => rows_of(rows, tensor.datatype),
    };
    let shape = shape(&data).ok_or(Wrong::Uneven)?;
    Ok(Given {
        name: &tensor.name,
        shape: fitted(shape, &tensor.shape),
        datatype: tensor.datatype.word(),
        data,
    })
}

fn rows_of(text: &str, datatype: Datatype) -> Value {
    let value = |cell: &str| {
        let cell = cell.trim();
        match datatype {
            Datatype::Bytes => Value::String(cell.to_owned()),
            // What is no number is refused by who reads the question.
            _ => serde_json::from_str(cell).unwrap_or_else(|_no| Value::String(cell.to_owned())),
        }
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut rows = lines.map(|line| Value::Array(line.split(',').map(value).collect()));
    match (rows.next(), rows.next()) {
        (Some(only), None) => only,
        (first, second) => Value::Array(first.into_iter().chain(second).chain(rows).collect()),
    }
}

/// The length of each axis of lists in lists; `None` where those of an axis differ.
fn shape(value: &Value) -> Option<Vec<u64>> {
    let Value::Array(all) = value else {
        return Some(Vec::new());
    };
    let mut inner = all.iter().map(shape);
    let first = inner.next().unwrap_or_else(|| Some(Vec::new()))?;
    let is_even = inner.all(|one| one.as_ref() == Some(&first));
    let length = u64::try_from(all.len()).ok()?;
    is_even.then(|| [vec![length], first].concat())
}

/// With as many axes as the model wants, where it is clear which are meant. What does not fit then
/// is refused by who reads the question.
fn fitted(mut given: Vec<u64>, wanted: &[i64]) -> Vec<u64> {
    while given.len() > wanted.len() && given.last() == Some(&1) {
        given.pop();
    }
    let missing = wanted.len().saturating_sub(given.len());
    if missing == 0 {
        return given;
    }
    // A list is as many rows as it fills, or one.
    let inner: Option<Vec<u64>> = wanted
        .iter()
        .skip(1)
        .map(|axis| u64::try_from(*axis).ok())
        .collect();
    if let ([length], Some(inner)) = (given.as_slice(), inner) {
        let each = inner.iter().product::<u64>();
        if let (Some(rows), Some(0)) = (length.checked_div(each), length.checked_rem(each)) {
            return [vec![rows], inner].concat();
        }
    }
    [vec![1; missing], given].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tensor(datatype: Datatype, shape: &[i64]) -> TensorType {
        TensorType {
            name: "x".to_owned(),
            datatype,
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn what_is_typed_becomes_rows() {
        let numbers = |shape: &[i64]| tensor(Datatype::Fp32, shape);
        for (tensor, text, shape, data) in [
            (numbers(&[-1, 2]), "1, 2.5", vec![1, 2], json!([1, 2.5])),
            (
                numbers(&[-1, 2]),
                "1,2\n\n3,4\n",
                vec![2, 2],
                json!([[1, 2], [3, 4]]),
            ),
            (
                numbers(&[-1, 2]),
                "[[1,2],[3,4]]",
                vec![2, 2],
                json!([[1, 2], [3, 4]]),
            ),
            (
                numbers(&[-1, 2]),
                "[1,2,3,4]",
                vec![2, 2],
                json!([1, 2, 3, 4]),
            ),
            (numbers(&[-1, -1]), "1,2,3", vec![1, 3], json!([1, 2, 3])),
            (numbers(&[-1, 1]), "1,2,3", vec![3, 1], json!([1, 2, 3])),
            (numbers(&[-1]), "1\n2", vec![2], json!([[1], [2]])),
            (numbers(&[]), "7", vec![], json!([7])),
            (
                numbers(&[1, 2, 2]),
                "[[1,2],[3,4]]",
                vec![1, 2, 2],
                json!([[1, 2], [3, 4]]),
            ),
            // It does not fit, which is said by who reads it.
            (numbers(&[-1, 2]), "1,2,3", vec![1, 3], json!([1, 2, 3])),
            (numbers(&[-1, 1]), "a", vec![1, 1], json!(["a"])),
            (
                tensor(Datatype::Bytes, &[-1, 1]),
                "a, 1",
                vec![2, 1],
                json!(["a", "1"]),
            ),
            (
                tensor(Datatype::Bool, &[-1]),
                "true,false",
                vec![2],
                json!([true, false]),
            ),
            // Exact, also where a float is not.
            (
                tensor(Datatype::Int64, &[-1]),
                "9007199254740993",
                vec![1],
                json!([9_007_199_254_740_993_i64]),
            ),
        ] {
            let found = given(&tensor, text).unwrap();
            assert_eq!((found.shape, found.data), (shape, data), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_values_is_said_so() {
        let tensor = tensor(Datatype::Fp32, &[-1, 2]);
        assert_eq!(given(&tensor, " \n"), Err(Wrong::Empty));
        assert_eq!(given(&tensor, "[[1,2],[3]]"), Err(Wrong::Uneven));
        assert_eq!(given(&tensor, "1,2\n3"), Err(Wrong::Uneven));
        assert!(matches!(given(&tensor, "[1,"), Err(Wrong::NotJson(_))));
    }
}
