//! How the API's document describes questions and answers of the Open Inference Protocol, which are
//! read and written by hand.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type,
};
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

/// Of a question, whose lists may be nested: as deep as pictures have axes, since the tools that
/// make clients know no schema that contains itself.
fn asked() -> ObjectBuilder {
    let nested = |within: RefOr<Schema>| -> RefOr<Schema> {
        let list = ArrayBuilder::new().items(within);
        AnyOfBuilder::new().item(value()).item(list).into()
    };
    let data = "The values, in row-major order, in one list or in lists within lists";
    tensor(data, nested(nested(nested(value().into()))))
}

/// Of an answer.
fn answered() -> ObjectBuilder {
    tensor("The values, in row-major order", value())
}

fn value() -> ObjectBuilder {
    let kinds = vec![Type::Boolean, Type::Number, Type::String];
    ObjectBuilder::new().schema_type(SchemaType::Array(kinds))
}

fn tensor(data: &'static str, value: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    let axis = ObjectBuilder::new().schema_type(Type::Integer);
    let values = ArrayBuilder::new().items(value.into());
    ObjectBuilder::new()
        .property("name", text("Name of the tensor"))
        .required("name")
        .property("shape", ArrayBuilder::new().items(axis))
        .required("shape")
        .property("datatype", text("`FP32`, `INT64`, `BYTES` and others"))
        .required("datatype")
        .property("data", values.description(Some(data)))
}

fn list(of: ObjectBuilder) -> ArrayBuilder {
    ArrayBuilder::new().items(of)
}

/// A tensor with its values.
pub(super) struct InferenceTensor;

impl PartialSchema for InferenceTensor {
    fn schema() -> RefOr<Schema> {
        asked().description(Some("A tensor with its values")).into()
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
            .property("inputs", list(asked()))
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
            .property("outputs", list(answered()))
            .required("outputs")
            .into()
    }
}

impl ToSchema for InferenceAnswer {}
