//! The numbers of those fields of ONNX that are looked at, by the message that has them.

macro_rules! numbers {
    ($($message:ident: $($field:ident = $number:literal)*;)*) => {
        $(pub(super) mod $message {
            $(pub(in crate::models) const $field: u64 = $number;)*
        })*
    };
}

numbers! {
    model: PRODUCER = 2 PRODUCER_VERSION = 3 GRAPH = 7 OPSET = 8 TRAINING = 20 FUNCTION = 25;
    opset: DOMAIN = 1 VERSION = 2;
    training: INITIALIZATION = 1 ALGORITHM = 2;
    function: NODE = 7 DOMAIN = 10 ATTRIBUTE = 11;
    graph: NODE = 1 INITIALIZER = 5 INPUT = 11 OUTPUT = 12 SPARSE_INITIALIZER = 15;
    node: INPUT = 1 OUTPUT = 2 OPERATOR = 4 ATTRIBUTE = 5 DOMAIN = 7;
    attribute: NAME = 1 NUMBER = 3 TEXT = 4 TENSOR = 5 GRAPH = 6 NUMBERS = 8 TEXTS = 9
        TENSORS = 10 GRAPHS = 11 SPARSE_TENSOR = 22 SPARSE_TENSORS = 23;
    tensor: NAME = 8 EXTERNAL_DATA = 13 DATA_LOCATION = 14;
    sparse_tensor: VALUES = 1 INDICES = 2;
    value: NAME = 1 TYPE = 2;
    kind: TENSOR = 1 SEQUENCE = 4 MAP = 5 OPAQUE = 7 SPARSE_TENSOR = 8 OPTIONAL = 9;
    tensor_kind: ELEMENT = 1 SHAPE = 2;
    shape: AXIS = 1;
    axis: NUMBER = 1 WORD = 2;
}
