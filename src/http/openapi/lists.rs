//! Lists: named schemas for what utoipa writes out in full, and where a client finds the next page.

use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Components, Ref, RefOr, Schema};

use super::names;

/// What utoipa calls the page of a list of these.
pub(super) const PAGE_OF: &str = "Page_";

/// By name what utoipa writes out in full for every list: readers and generated clients see one
/// type.
pub(super) fn refer_to_items(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let (Some(item), RefOr::T(Schema::Object(page))) = (name.strip_prefix(PAGE_OF), schema)
        else {
            continue;
        };
        if let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items") {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

/// Names the sorts of a list after its items, and says how its pages follow each other.
pub(super) fn describe(operation: &mut Operation, components: &mut Components) {
    let Some(page) = page_of(operation) else {
        return;
    };
    let name = format!("{}Sort", names::name(page.trim_start_matches(PAGE_OF)));
    let parameters = operation.parameters.iter_mut().flatten();
    for parameter in parameters {
        if let RefOr::T(Parameter {
            name: parameter,
            schema: Some(schema),
            ..
        }) = parameter
            && parameter == "sort"
        {
            let reference = Ref::from_schema_name(&name).into();
            let sorts = with_names(std::mem::replace(schema, reference));
            components.schemas.insert(name.clone(), sorts);
        }
    }
    let pages = json!({
        "style": "cursor",
        "request": { "limit": "limit", "cursor": "cursor" },
        "response": { "items": "items", "cursor": "next" },
    });
    operation.extensions = Some(Extensions::from_iter([("x-pagination", pages)]));
}

/// The name of the schema of the list's page.
fn page_of(operation: &Operation) -> Option<String> {
    let RefOr::T(response) = operation.responses.responses.get("200")? else {
        return None;
    };
    let RefOr::T(content) = response.content.get("application/json")? else {
        return None;
    };
    let Some(RefOr::Ref(reference)) = &content.schema else {
        return None;
    };
    let name = reference.ref_location.rsplit('/').next()?;
    name.starts_with(PAGE_OF).then(|| name.to_owned())
}

/// Generators cannot make a name of `-created_at`.
fn with_names(mut schema: RefOr<Schema>) -> RefOr<Schema> {
    if let RefOr::T(Schema::Object(sorts)) = &mut schema {
        let values = sorts.enum_values.iter().flatten();
        let names: Vec<String> = values
            .filter_map(|value| value.as_str())
            .map(|value| match value.strip_prefix('-') {
                Some(name) => format!("{name}_desc"),
                None => format!("{value}_asc"),
            })
            .collect();
        sorts.extensions = Some(Extensions::from_iter([("x-enum-varnames", names)]));
    }
    schema
}
