//! The kinds of events in the API's document, as what a receiver is sent.

use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Paths, Ref, Required, ResponseBuilder};

use crate::events::Event;
use crate::kernel::values::{Wrong, text};

/// The type of a body that is one CloudEvent.
const CLOUD_EVENT: &str = "application/cloudevents+json";

pub fn webhooks() -> Paths {
    let kinds = Event::kinds().into_iter();
    let items = kinds.map(|kind| {
        let deed = kind.name.trim_start_matches("chartroom.").replace('.', "_");
        let name = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .enum_values(Some([kind.name]));
        let special = ObjectBuilder::new()
            .property("type", name)
            .property("data", kind.data);
        let schema = AllOfBuilder::new()
            .item(Ref::from_schema_name("Event"))
            .item(special);
        let body = RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content(
                CLOUD_EVENT,
                ContentBuilder::new().schema(Some(schema)).build(),
            );
        let operation = OperationBuilder::new()
            .operation_id(Some(format!("on_{deed}")))
            .tag("events")
            .summary(Some(kind.description))
            .request_body(Some(body.build()))
            // Who is sent it knows the sender by other means.
            .securities(Some(Vec::new()))
            .response(
                "204",
                ResponseBuilder::new().description("The receiver has it."),
            );
        (kind.name, PathItem::new(HttpMethod::Post, operation))
    });
    items
        .fold(PathsBuilder::new(), |paths, (name, item)| {
            paths.path(name, item)
        })
        .build()
}

text! {
    /// The type of an event
    EventType = |text| match Event::is_kind(&text) {
        true => Ok(text),
        false => Err(Wrong::new(
            "unknown-value",
            "expected a type of event; the document's `webhooks` list them",
        )),
    }, || ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Event::kinds().iter().map(|kind| kind.name)));
}
