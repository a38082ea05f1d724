//! The names of schemas, of which generators make the names of types.
//!
//! What an answer shows is a `ProjectBody` in our code, beside the `Project` that is a row, and
//! utoipa calls a list of them `Page_ProjectBody`. Clients read `Project` and `ProjectPage`.

use anyhow::ensure;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use super::lists::PAGE_OF;
use super::values;

pub(super) const SCHEMAS: &str = "#/components/schemas/";

pub(super) fn name(ours: &str) -> String {
    let (item, list) = match ours.strip_prefix(PAGE_OF) {
        Some(item) => (item, "Page"),
        None => (ours, ""),
    };
    format!("{}{list}", item.strip_suffix("Body").unwrap_or(item))
}

/// The document with readable names, wherever they stand in it.
pub(super) fn readable(document: &OpenApi) -> anyhow::Result<OpenApi> {
    let mut document = serde_json::to_value(document)?;
    values::write_out(&mut document)?;
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        let mut renamed = Map::new();
        for (ours, schema) in std::mem::take(schemas) {
            let name = name(&ours);
            ensure!(
                !renamed.contains_key(&name),
                "two schemas are called {name}, one of them {ours} in the code: rename a type"
            );
            renamed.insert(name, schema);
        }
        *schemas = renamed;
    }
    refer(&mut document);
    Ok(serde_json::from_value(document)?)
}

fn refer(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                match value {
                    Value::String(reference) if member == "$ref" => {
                        if let Some(ours) = reference.strip_prefix(SCHEMAS) {
                            *reference = format!("{SCHEMAS}{}", name(ours));
                        }
                    }
                    value => refer(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refer),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_things_and_of_pages_of_things() {
        let table = [
            ("ProjectBody", "Project"),
            ("Page_ProjectBody", "ProjectPage"),
            ("Page_AuditEvent", "AuditEventPage"),
            ("CreateProject", "CreateProject"),
        ];
        for (ours, theirs) in table {
            assert_eq!(name(ours), theirs);
        }
    }

    #[test]
    fn two_types_of_one_name_are_a_mistake() {
        let document = serde_json::json!({
            "openapi": "3.1.0", "info": { "title": "", "version": "" }, "paths": {},
            "components": { "schemas": { "Thing": { "type": "object" }, "ThingBody": { "type": "object" } } },
        });
        let document: OpenApi = serde_json::from_value(document).unwrap();
        let error = readable(&document).err().unwrap().to_string();
        assert!(error.contains("two schemas are called Thing"), "{error}");
    }
}
