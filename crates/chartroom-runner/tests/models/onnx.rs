//! Writes tiny models by hand: no more of ONNX than the tests take.

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;
pub(crate) const TEXT: u64 = 8;
pub(crate) const BOOL: u64 = 9;

pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push(u8::try_from(number & 127).unwrap() | 128);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

pub(crate) fn bytes(number: u64, body: &[u8]) -> Vec<u8> {
    let length = u64::try_from(body.len()).unwrap();
    [varint(number << 3 | 2), varint(length), body.to_vec()].concat()
}

pub(crate) fn number(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

/// An operator; `more` are attributes.
pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str], more: &[Vec<u8>]) -> Vec<u8> {
    of_domain("", operator, inputs, outputs, more)
}

pub(crate) fn of_domain(
    domain: &str,
    operator: &str,
    inputs: &[&str],
    outputs: &[&str],
    more: &[Vec<u8>],
) -> Vec<u8> {
    let mut node = Vec::new();
    for input in inputs {
        node.extend(bytes(1, input.as_bytes()));
    }
    for output in outputs {
        node.extend(bytes(2, output.as_bytes()));
    }
    node.extend(bytes(4, operator.as_bytes()));
    for attribute in more {
        node.extend(bytes(5, attribute));
    }
    if !domain.is_empty() {
        node.extend(bytes(7, domain.as_bytes()));
    }
    node
}

fn attribute(name: &str, kind: u64, value: &[u8]) -> Vec<u8> {
    [bytes(1, name.as_bytes()), value.to_vec(), number(20, kind)].concat()
}

pub(crate) fn text(name: &str, value: &str) -> Vec<u8> {
    attribute(name, 3, &bytes(4, value.as_bytes()))
}

pub(crate) fn whole(name: &str, value: u64) -> Vec<u8> {
    attribute(name, 2, &number(3, value))
}

pub(crate) fn within(name: &str, graph: &[u8]) -> Vec<u8> {
    attribute(name, 5, &bytes(6, graph))
}

pub(crate) fn tensor_of(name: &str, tensor: &[u8]) -> Vec<u8> {
    attribute(name, 4, &bytes(5, tensor))
}

pub(crate) fn wholes(name: &str, values: &[u64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| number(8, *value)).collect();
    attribute(name, 7, &values)
}

pub(crate) fn texts(name: &str, values: &[&str]) -> Vec<u8> {
    let values: Vec<u8> = values
        .iter()
        .flat_map(|text| bytes(9, text.as_bytes()))
        .collect();
    attribute(name, 8, &values)
}

/// A tensor with its values as they lie in memory.
pub(crate) fn tensor(name: &str, kind: u64, axes: &[u64], values: &[u8]) -> Vec<u8> {
    let mut tensor: Vec<u8> = axes.iter().flat_map(|axis| number(1, *axis)).collect();
    tensor.extend(number(2, kind));
    tensor.extend(bytes(8, name.as_bytes()));
    tensor.extend(bytes(9, values));
    tensor
}

pub(crate) fn floats(name: &str, axes: &[u64], values: &[f32]) -> Vec<u8> {
    let values: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    tensor(name, FLOAT, axes, &values)
}

pub(crate) fn longs(name: &str, axes: &[u64], values: &[i64]) -> Vec<u8> {
    let values: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    tensor(name, INT64, axes, &values)
}

/// The type of an input or output; an axis below zero has a name instead of a length.
pub(crate) fn kind(of: u64, axes: &[i64]) -> Vec<u8> {
    let axis = |axis: &i64| match u64::try_from(*axis) {
        Ok(length) => bytes(1, &number(1, length)),
        Err(_) => bytes(1, &bytes(2, format!("axis{}", -axis).as_bytes())),
    };
    let shape: Vec<u8> = axes.iter().flat_map(axis).collect();
    bytes(1, &[number(1, of), bytes(2, &shape)].concat())
}

pub(crate) fn place(name: &str, kind: &[u8]) -> Vec<u8> {
    [bytes(1, name.as_bytes()), bytes(2, kind)].concat()
}

/// As an output of a ZipMap is declared: a sequence of maps from `key` to floats.
pub(crate) fn maps(key: u64) -> Vec<u8> {
    let value = bytes(2, &bytes(1, &number(1, FLOAT)));
    let map = bytes(5, &[number(1, key), value].concat());
    bytes(4, &bytes(1, &map))
}

pub(crate) fn graph(
    nodes: &[Vec<u8>],
    inputs: &[Vec<u8>],
    outputs: &[Vec<u8>],
    weights: &[Vec<u8>],
) -> Vec<u8> {
    let mut graph = Vec::new();
    for (at, parts) in [(1, nodes), (5, weights), (11, inputs), (12, outputs)] {
        for part in parts {
            graph.extend(bytes(at, part));
        }
    }
    graph.extend(bytes(2, b"tiny"));
    graph
}

pub(crate) fn model(graph: &[u8], opsets: &[(&str, u64)]) -> Vec<u8> {
    let mut model = [number(1, 8), bytes(2, b"tests"), bytes(3, b"1")].concat();
    for (domain, version) in opsets {
        model.extend(bytes(
            8,
            &[bytes(1, domain.as_bytes()), number(2, *version)].concat(),
        ));
    }
    model.extend(bytes(7, graph));
    model
}

pub(crate) const STANDARD: &[(&str, u64)] = &[("", 17)];
pub(crate) const WITH_ML: &[(&str, u64)] = &[("", 17), ("ai.onnx.ml", 3)];

/// Rows of two floats to rows of two floats: `x * [[1, 2], [3, 4]] + [10, 20]`.
pub(crate) fn linear() -> Vec<u8> {
    let nodes = [
        node("MatMul", &["x", "w"], &["h"], &[]),
        node("Add", &["h", "b"], &["y"], &[]),
    ];
    let weights = [
        floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        floats("b", &[2], &[10.0, 20.0]),
    ];
    let inputs = [place("x", &kind(FLOAT, &[-1, 2]))];
    let outputs = [place("y", &kind(FLOAT, &[-1, 2]))];
    model(&graph(&nodes, &inputs, &outputs, &weights), STANDARD)
}

/// One operator from one input to one output of the same kind.
pub(crate) fn single(operator: &str, of: u64, axes: &[i64], more: &[Vec<u8>]) -> Vec<u8> {
    let nodes = [node(operator, &["x"], &["y"], more)];
    let places = |name| [place(name, &kind(of, axes))];
    model(&graph(&nodes, &places("x"), &places("y"), &[]), STANDARD)
}

/// A classifier whose probabilities are its input, with a ZipMap at its end.
pub(crate) fn zipmap(labels: &[Vec<u8>], key: u64) -> Vec<u8> {
    let nodes = [
        node("Softmax", &["x"], &["probabilities"], &[]),
        of_domain(
            "ai.onnx.ml",
            "ZipMap",
            &["probabilities"],
            &["output_probability"],
            labels,
        ),
        node(
            "ArgMax",
            &["x"],
            &["label"],
            &[whole("axis", 1), whole("keepdims", 0)],
        ),
    ];
    let inputs = [place("x", &kind(FLOAT, &[-1, 3]))];
    let outputs = [
        place("label", &kind(INT64, &[-1])),
        place("output_probability", &maps(key)),
    ];
    model(&graph(&nodes, &inputs, &outputs, &[]), WITH_ML)
}

/// A weight whose values are in another file.
pub(crate) fn elsewhere(name: &str) -> Vec<u8> {
    let entry = |key: &str, value: &str| {
        bytes(
            13,
            &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat(),
        )
    };
    [
        number(1, 4),
        number(2, FLOAT),
        bytes(8, name.as_bytes()),
        entry("location", "/etc/passwd"),
        number(14, 1),
    ]
    .concat()
}

/// Adds its input to itself as often as can be said.
pub(crate) fn endless() -> Vec<u8> {
    let body = graph(
        &[
            node("Identity", &["go"], &["on"], &[]),
            node("Add", &["a", "a"], &["sum"], &[]),
        ],
        &[
            place("i", &kind(INT64, &[])),
            place("go", &kind(BOOL, &[])),
            place("a", &kind(FLOAT, &[1])),
        ],
        &[
            place("on", &kind(BOOL, &[])),
            place("sum", &kind(FLOAT, &[1])),
        ],
        &[],
    );
    let weights = [
        longs("times", &[], &[1 << 62]),
        tensor("start", BOOL, &[], &[1]),
    ];
    let nodes = [node(
        "Loop",
        &["times", "start", "x"],
        &["y"],
        &[within("body", &body)],
    )];
    let places = |name| [place(name, &kind(FLOAT, &[1]))];
    model(
        &graph(&nodes, &places("x"), &places("y"), &weights),
        STANDARD,
    )
}
