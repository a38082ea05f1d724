//! How the API's document describes questions and answers of the Open Inference Protocol, which are
//! read and written by hand.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// A question to a model.
pub(super) struct InferenceQuestion;

/// What a model answers.
pub(super) struct InferenceAnswer;

fn text(what: &'static str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(what))
}

fn tensor(data: &'static str) -> ObjectBuilder {
    let axis = ObjectBuilder::new().schema_type(Type::Integer);
    let kinds = vec![Type::Boolean, Type::Number, Type::String];
    let value = ObjectBuilder::new().schema_type(SchemaType::Array(kinds));
    ObjectBuilder::new()
        .property("name", text("Name of the tensor"))
        .required("name")
        .property("shape", ArrayBuilder::new().items(axis))
        .required("shape")
        .property("datatype", text("`FP32`, `INT64`, `BYTES` and others"))
        .required("datatype")
        .property(
            "data",
            ArrayBuilder::new().items(value).description(Some(data)),
        )
}

fn list(of: ObjectBuilder) -> ArrayBuilder {
    ArrayBuilder::new().items(of)
}

/// A tensor with its values.
pub(super) struct InferenceTensor;

impl PartialSchema for InferenceTensor {
    fn schema() -> RefOr<Schema> {
        tensor("The values, in row-major order")
            .description(Some("A tensor with its values"))
            .into()
    }
}

impl ToSchema for InferenceTensor {}

impl PartialSchema for InferenceQuestion {
    fn schema() -> RefOr<Schema> {
        let wanted = ObjectBuilder::new()
            .property("name", text("Name of an output"))
            .required("name");
        ObjectBuilder::new()
            .description(Some(
                "A question to a model, as the Open Inference Protocol says it",
            ))
            .property("id", text("Given back in the answer"))
            .property("inputs", list(tensor("The values, in row-major order")))
            .required("inputs")
            .property("outputs", list(wanted))
            .into()
    }
}

impl ToSchema for InferenceQuestion {}

impl PartialSchema for InferenceAnswer {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some(
                "What a model answers, as the Open Inference Protocol says it",
            ))
            .property("model_name", text("Name of the model"))
            .required("model_name")
            .property("model_version", text("The version that answered"))
            .required("model_version")
            .property("id", text("That of the question, if it had one"))
            .property("outputs", list(tensor("The values, in row-major order")))
            .required("outputs")
            .into()
    }
}

impl ToSchema for InferenceAnswer {}
