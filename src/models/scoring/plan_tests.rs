//! Plans: what is bound to what, and what is refused.

use serde_json::json;

use super::*;
use crate::datasets::column::of_file;

type Tensors<'a> = &'a [(&'a str, &'a str, &'a [i64])];

fn signature(inputs: Tensors<'_>, outputs: Tensors<'_>) -> Signature {
    let all = |tensors: Tensors<'_>| {
        let tensors = tensors.iter().map(
            |(name, datatype, shape)| json!({ "name": name, "datatype": datatype, "shape": shape }),
        );
        tensors.collect::<Vec<_>>()
    };
    serde_json::from_value(json!({
        "inputs": all(inputs), "outputs": all(outputs), "opset": 18, "producer": "",
        "runtime": "", "batches": true, "notes": [], "memory": 0,
    }))
    .unwrap()
}

fn columns() -> Columns {
    use ColumnType::{Bool, Float64, Int, Text};
    let all = [
        ("id", Text),
        ("age", Int),
        ("fare", Float64),
        ("is new", Bool),
    ];
    of_file(all.map(|(name, kind)| (name.to_owned(), kind)))
}

fn plan(inputs: Tensors<'_>, outputs: Tensors<'_>, named: Option<&[usize]>) -> ApiResult<Plan> {
    let chosen = Chosen {
        kept: &[0],
        inputs: named,
    };
    Plan::of(&signature(inputs, outputs), &columns(), &chosen)
}

const LABEL: Tensors<'_> = &[("label", "INT64", &[-1])];

#[test]
fn columns_are_found_by_name_by_number_or_as_they_are_named() {
    let by_name: Tensors<'_> = &[("fare", "FP32", &[-1, 1]), ("is_new", "BOOL", &[-1])];
    let rows: Tensors<'_> = &[("X", "FP32", &[-1, 2])];
    let mixed: Tensors<'_> = &[("X", "FP32", &[-1, 2]), ("who", "BYTES", &[1, 1])];
    for (inputs, named, expected) in [
        (by_name, None, [2, 3].as_slice()),
        (rows, None, &[1, 2]),
        (rows, Some([3, 2].as_slice()), &[3, 2]),
        (mixed, Some(&[2, 2, 0]), &[2, 2, 0]),
        (&[("fare", "FP64", &[-1])], None, &[2]),
    ] {
        let plan = plan(inputs, LABEL, named).unwrap();
        assert_eq!(plan.places.get(1..), Some(expected), "{inputs:?}");
    }
}

#[test]
fn outputs_become_columns_of_their_types() {
    let outputs: Tensors<'_> = &[
        ("label", "INT64", &[-1]),
        ("p", "FP32", &[-1, 3]),
        ("word", "BYTES", &[-1, 1]),
        ("big", "UINT64", &[1]),
    ];
    let plan = plan(&[("age", "INT64", &[-1])], outputs, None).unwrap();
    use ColumnType::{Bigint, Decimal, Float64, Text};
    let expected = [
        ("id", Text),
        ("label", Bigint),
        ("p_0", Float64),
        ("p_1", Float64),
        ("p_2", Float64),
        ("word", Text),
        ("big", Decimal),
    ];
    assert_eq!(
        plan.made,
        expected.map(|(name, kind)| (name.to_owned(), kind))
    );
}

#[test]
fn what_does_not_fit_says_where_and_why() {
    let age: Tensors<'_> = &[("age", "INT64", &[-1])];
    let image: Tensors<'_> = &[("image", "FP32", &[-1, 3, 8, 8])];
    let two: Tensors<'_> = &[("age", "INT64", &[-1]), ("height", "FP32", &[-1])];
    for (inputs, outputs, named, pointer, said) in [
        (
            image,
            LABEL,
            None,
            "/version",
            "image of the shape [-1, 3, 8, 8]",
        ),
        (
            age,
            &[("y", "FP32", [-1, -1].as_slice())],
            None,
            "/version",
            "gives y of the shape [-1, -1]",
        ),
        (
            age,
            &[("y", "FP32", &[-1, 101])],
            None,
            "/version",
            "[-1, 101]",
        ),
        (
            age,
            &[("y\u{1}z", "FP32", &[-1])],
            None,
            "/version",
            "cannot name a column",
        ),
        (
            age,
            &[("id", "FP32", &[-1])],
            None,
            "/columns",
            "are called \"id\"",
        ),
        (
            two,
            LABEL,
            None,
            "/inputs",
            "the model takes age, height, and the dataset has the columns id, age, fare, is new",
        ),
        (
            two,
            LABEL,
            Some([1].as_slice()),
            "/inputs",
            "expected 2 columns for age, height, and not 1",
        ),
        (
            &[("X", "FP32", &[-1, 4])],
            LABEL,
            None,
            "/inputs",
            "X (4 columns), and the dataset has 2 columns of numbers (age, fare)",
        ),
        (
            &[("id", "FP32", &[-1])],
            LABEL,
            None,
            "/inputs",
            "\"id\" is of the type text, and the model takes FP32 as id",
        ),
        (
            &[("age", "BYTES", &[-1])],
            LABEL,
            None,
            "/inputs",
            "takes BYTES as age",
        ),
        (
            &[("age", "BOOL", &[-1])],
            LABEL,
            None,
            "/inputs",
            "takes BOOL as age",
        ),
    ] {
        let wrong = plan(inputs, outputs, named).err().unwrap();
        let [error] = wrong.errors.as_slice() else {
            panic!("{wrong:?}");
        };
        assert_eq!(error.pointer, pointer, "{}", error.detail);
        assert!(error.detail.contains(said), "{}", error.detail);
    }
}

#[test]
fn a_dataset_with_columns_has_those_that_come_out_and_needs_no_others() {
    let plan = plan(&[("age", "INT64", &[-1])], LABEL, None).unwrap();
    let of = |names: &[&str]| {
        let columns = names.iter().map(|it| ((*it).to_owned(), ColumnType::Text));
        of_file(columns)
    };
    assert!(plan.fits(&Columns::default()).is_ok());
    assert!(plan.fits(&of(&["label", "id", "more"])).is_ok());
    let unknown = plan.fits(&of(&["id"])).unwrap_err();
    assert!(
        unknown.detail.contains("no column \"label\"; it has id"),
        "{}",
        unknown.detail
    );
    let mut needs = of(&["label", "id", "more"]);
    needs.0[2].nullable = false;
    let missing = plan.fits(&needs).unwrap_err();
    assert!(
        missing.detail.contains("\"more\" must have a value"),
        "{}",
        missing.detail
    );
}
