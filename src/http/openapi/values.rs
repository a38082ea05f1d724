//! Value types in the document: written out where they stand, as the texts and numbers that they
//! are to a client. A schema of its own for each would be a type in every generated client.

use serde_json::{Map, Value, json};

use super::names::SCHEMAS;
use crate::kernel::values::{MARK, ambiguous};

pub(super) fn write_out(document: &mut Value) -> anyhow::Result<()> {
    if let Some(name) = ambiguous() {
        anyhow::bail!("two value types are called {name}: rename one of them");
    }
    let mut types = Map::new();
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        let marked =
            |(name, schema): (&String, &Value)| schema.get(MARK).is_some().then(|| name.clone());
        let names: Vec<String> = schemas.iter().filter_map(marked).collect();
        types.extend(names.iter().filter_map(|name| schemas.remove_entry(name)));
    }
    write_out_in(document, &types);
    Ok(())
}

fn write_out_in(value: &mut Value, types: &Map<String, Value>) {
    match value {
        Value::Object(members) => {
            members.remove(MARK);
            if let Some(mut schema) = or_null(members, types) {
                members.remove("oneOf");
                if let Some(plain) = schema.remove("type") {
                    schema.insert("type".to_owned(), json!([plain, "null"]));
                }
                put_under(members, schema);
            }
            if let Some(schema) = referred(members, types) {
                members.remove("$ref");
                put_under(members, schema);
            }
            members.values_mut().for_each(|it| write_out_in(it, types));
        }
        Value::Array(items) => items.iter_mut().for_each(|it| write_out_in(it, types)),
        _ => {}
    }
}

/// The schema of the type that is referred to, with what is said beside the reference.
fn referred(
    members: &Map<String, Value>,
    types: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let reference = members.get("$ref")?.as_str()?;
    let mut schema = types
        .get(reference.strip_prefix(SCHEMAS)?)?
        .as_object()?
        .clone();
    schema.remove(MARK);
    let beside = members.iter().filter(|(name, _)| *name != "$ref");
    schema.extend(beside.map(|(name, value)| (name.clone(), value.clone())));
    Some(schema)
}

/// The same where it is that type or null: one list of types reads better than two alternatives.
fn or_null(members: &Map<String, Value>, types: &Map<String, Value>) -> Option<Map<String, Value>> {
    match members.get("oneOf")?.as_array()?.as_slice() {
        [Value::Object(one), null] if *null == json!({ "type": "null" }) => referred(one, types),
        _ => None,
    }
}

/// What is said at the place itself, such as a description, counts.
fn put_under(members: &mut Map<String, Value>, schema: Map<String, Value>) {
    for (name, value) in schema {
        members.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_type_is_written_out_where_it_stands() {
        let title = json!({
            "type": "string", "description": "A title", "maxLength": 9, MARK: "posts::Title",
        });
        let reference = json!({ "$ref": "#/components/schemas/Title" });
        let other = json!({ "oneOf": [{ "$ref": "#/components/schemas/Id" }, { "type": "null" }] });
        let mut document = json!({
            "components": { "schemas": {
                "Title": title,
                "Id": { "type": "string" },
                "Post": { "properties": {
                    "title": reference,
                    "subtitle": { "$ref": "#/components/schemas/Title", "description": "More" },
                    "note": { "oneOf": [reference, { "type": "null" }] },
                    "titles": { "items": reference },
                    "id": other,
                } },
            } },
            "parameters": [{ "schema": title }],
        });
        write_out(&mut document).unwrap();
        let title = json!({ "type": "string", "description": "A title", "maxLength": 9 });
        let expected = json!({
            "components": { "schemas": {
                "Id": { "type": "string" },
                "Post": { "properties": {
                    "title": title,
                    "subtitle": { "type": "string", "description": "More", "maxLength": 9 },
                    "note": {
                        "type": ["string", "null"], "description": "A title", "maxLength": 9,
                    },
                    "titles": { "items": title },
                    "id": other,
                } },
            } },
            "parameters": [{ "schema": title }],
        });
        assert_eq!(document, expected);
    }
}
