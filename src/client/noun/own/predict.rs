//! `model predict`: rows into the tensors of a question, and its answer into rows.

use http::Method;
use serde_json::{Map, Value, json};

use super::super::super::error::ClientError;
use super::super::super::names::{segment, text};
use super::super::super::shown::{Columns, Output, member, show_columns};
use super::super::run::{Job, file_text, json_of, texts};

pub(super) async fn predict(mut job: Job<'_>) -> Result<(), ClientError> {
    if let Some(version) = job.text("version") {
        job.call.path = format!("{}/versions/{}", job.call.path, segment(version));
    }
    let mut rows: Vec<Value> = texts(job.given, "row")
        .map(|row| json_of("row", row))
        .collect::<Result<_, _>>()?;
    if let Some(file) = job.text("file") {
        rows.extend(documents(&file_text(file)?)?);
    }
    let question = match rows.as_slice() {
        [] => {
            return Err(ClientError::Usage(
                "expected --row JSON, or --file FILE with rows".to_owned(),
            ));
        }
        [one] if one.get("inputs").is_some_and(Value::is_array) => one.clone(),
        rows => {
            let model = job.site.get(&job.call.path).await?;
            question(&model, rows)?
        }
    };
    let path = format!("{}/infer", job.call.path);
    let answer = job.site.ask(Method::POST, &path, Some(&question)).await?;
    match job.common.output {
        None | Some(Output::Table | Output::Wide | Output::Csv) => {
            let (columns, rows) = told(&answer)?;
            let output = job.common.output.unwrap_or(Output::Table);
            show_columns(&rows, &columns, "", output)
        }
        Some(_) => job.show_one(&answer),
    }
}

/// One JSON document a line, or all in a list.
fn documents(text: &str) -> Result<Vec<Value>, ClientError> {
    let documents = serde_json::Deserializer::from_str(text).into_iter();
    let documents: Vec<Value> = documents
        .collect::<Result<_, _>>()
        .map_err(|error| ClientError::Usage(format!("--file: expected JSON: {error}")))?;
    Ok(match documents.as_slice() {
        [Value::Array(rows)] => rows.clone(),
        _ => documents,
    })
}

/// A row after the other, each with all inputs. Whatever else is wrong, the service says.
fn question(model: &Value, rows: &[Value]) -> Result<Value, ClientError> {
    let inputs = member(model, "inputs").as_array();
    let inputs = inputs.map(Vec::as_slice).unwrap_or_default();
    let names: Vec<String> = inputs
        .iter()
        .map(|input| text(input, "name"))
        .collect::<Result<_, _>>()?;
    let mut tensors = Vec::new();
    for (input, name) in inputs.iter().zip(&names) {
        let mut data = Vec::new();
        let mut shape: Option<Vec<usize>> = None;
        for row in rows {
            let value = match (row, inputs) {
                (Value::Object(members), _) => {
                    if let Some(unknown) = members.keys().find(|key| !names.contains(key)) {
                        return Err(wrong(&format!("there is no input {unknown:?}"), &names));
                    }
                    let value = members.get(name);
                    value.ok_or_else(|| wrong(&format!("a row has no {name:?}"), &names))?
                }
                (value, [_]) => value,
                _ => return Err(wrong("expected an object with all inputs", &names)),
            };
            let one = flat(value, &mut data);
            if shape.as_ref().is_some_and(|shape| *shape != one) {
                return Err(wrong(
                    &format!("rows of {name:?} differ in their shape"),
                    &names,
                ));
            }
            shape = Some(one);
        }
        tensors.push(json!({
            "name": name, "datatype": member(input, "datatype"), "data": data,
            "shape": whole(rows.len(), shape.unwrap_or_default(), input),
        }));
    }
    Ok(json!({ "inputs": tensors }))
}

/// The shape of all rows. One value may stand for a row of one.
fn whole(rows: usize, mut of_row: Vec<usize>, input: &Value) -> Vec<usize> {
    let axes = member(input, "shape").as_array().map_or(1, Vec::len);
    while of_row.len() + 1 < axes {
        of_row.push(1);
    }
    std::iter::once(rows).chain(of_row).collect()
}

fn wrong(problem: &str, names: &[String]) -> ClientError {
    ClientError::Usage(format!(
        "{problem}; the inputs of the model are {}",
        names.join(", ")
    ))
}

/// The values in a row, one after the other, and their shape by its first values.
fn flat(value: &Value, data: &mut Vec<Value>) -> Vec<usize> {
    let Value::Array(items) = value else {
        data.push(value.clone());
        return Vec::new();
    };
    let mut inner = Vec::new();
    for item in items {
        inner = flat(item, data);
    }
    std::iter::once(items.len()).chain(inner).collect()
}

/// A row for each that was asked, a column for each output.
fn told(answer: &Value) -> Result<(Columns, Vec<Value>), ClientError> {
    let outputs = member(answer, "outputs").as_array();
    let outputs = outputs.map(Vec::as_slice).unwrap_or_default();
    let (mut columns, mut rows) = (Vec::new(), Vec::<Map<String, Value>>::new());
    for output in outputs {
        let name = text(output, "name")?;
        let data = member(output, "data").as_array();
        let data = data.map(Vec::as_slice).unwrap_or_default();
        let first = member(output, "shape").get(0).and_then(Value::as_u64);
        let count = first.and_then(|first| usize::try_from(first).ok());
        let count = count.unwrap_or(1).max(1);
        let size = data.len().div_ceil(count).max(1);
        rows.resize_with(rows.len().max(count.min(data.len())), Map::new);
        for (row, values) in rows.iter_mut().zip(data.chunks(size)) {
            let value = match values {
                [one] => one.clone(),
                several => Value::Array(several.to_vec()),
            };
            row.insert(name.clone(), value);
        }
        // A name may have dots in it, which are no path here.
        columns.push((name.clone(), name));
    }
    Ok((columns, rows.into_iter().map(Value::Object).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_tensors_and_outputs_become_rows() {
        let model = json!({ "inputs": [{ "name": "X", "datatype": "FP32", "shape": [-1, 2] }] });
        let expected = json!({ "inputs": [
            { "name": "X", "datatype": "FP32", "shape": [2, 2], "data": [1.5, 0.5, 2, 3] },
        ] });
        for rows in [
            [json!([1.5, 0.5]), json!([2, 3])],
            [json!({ "X": [1.5, 0.5] }), json!({ "X": [2, 3] })],
        ] {
            assert_eq!(question(&model, &rows).unwrap(), expected);
        }
        let column = json!({ "inputs": [
            { "name": "a", "datatype": "INT64", "shape": [-1, 1] },
            { "name": "b", "datatype": "BYTES", "shape": [-1] },
        ] });
        let asked = question(&column, &[json!({ "a": 1, "b": "x" })]).unwrap();
        assert_eq!(asked["inputs"][0]["shape"], json!([1, 1]));
        assert_eq!(asked["inputs"][1]["shape"], json!([1]));
        for row in [
            json!({ "a": 1 }),
            json!({ "a": 1, "b": "x", "c": 2 }),
            json!(1),
        ] {
            let refused = question(&column, std::slice::from_ref(&row)).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{row}");
        }

        let answer = json!({ "outputs": [
            { "name": "label", "shape": [2], "data": [1, 0] },
            { "name": "probabilities", "shape": [2, 2], "data": [0.1, 0.9, 0.8, 0.2] },
        ] });
        let (columns, rows) = told(&answer).unwrap();
        assert_eq!(columns.len(), 2);
        let expected = [
            json!({ "label": 1, "probabilities": [0.1, 0.9] }),
            json!({ "label": 0, "probabilities": [0.8, 0.2] }),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_file_has_a_document_a_line_or_a_list() {
        for text in ["[1]\n[2]\n", "[[1], [2]]"] {
            assert_eq!(documents(text).unwrap(), [json!([1]), json!([2])]);
        }
        assert_eq!(documents("x").unwrap_err().exit_code(), 2);
    }
}
