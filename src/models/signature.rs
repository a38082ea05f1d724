//! What a version takes and gives, as the runtime read it from the file.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use chartroom_wire::models::{Datatype, Loaded, Tensor};

/// What a version of a model takes and gives
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelSignature)]
pub struct Signature {
    pub inputs: Vec<TensorType>,
    pub outputs: Vec<TensorType>,
    /// Of the standard operators of ONNX
    pub opset: i64,
    /// What wrote the file, in its own words; empty where it does not say
    pub producer: String,
    /// The runtime that read it, and its version
    pub runtime: String,
    /// Whether requests of several callers may be answered by one run, because the rows of a batch
    /// do not depend on each other
    pub batches: bool,
    /// What was changed in the file before it was loaded
    pub notes: Vec<String>,
    /// Bytes of memory that it took up when it was loaded
    pub memory: u64,
}

/// An input or an output of a model
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TensorType {
    pub name: String,
    /// `BOOL`, `UINT8` to `UINT64`, `INT8` to `INT64`, `FP16`, `FP32`, `FP64` or `BYTES`
    #[schema(value_type = String)]
    pub datatype: Datatype,
    /// The length of each axis; -1 is any
    pub shape: Vec<i64>,
}

impl From<Tensor> for TensorType {
    fn from(tensor: Tensor) -> Self {
        let Tensor {
            name,
            datatype,
            shape,
        } = tensor;
        Self {
            name,
            datatype,
            shape,
        }
    }
}

impl From<Loaded> for Signature {
    fn from(loaded: Loaded) -> Self {
        let all = |tensors: Vec<Tensor>| tensors.into_iter().map(TensorType::from).collect();
        Self {
            inputs: all(loaded.inputs),
            outputs: all(loaded.outputs),
            opset: loaded.opset,
            producer: loaded.producer,
            runtime: loaded.runtime,
            batches: loaded.batchable.unwrap_or(false),
            notes: loaded.notes,
            memory: loaded.memory,
        }
    }
}
