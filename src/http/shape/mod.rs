//! Lists everything that keeps a JSON value from fitting its documented schema. Serde stops at the first mistake; people want them all.

mod scalar;
#[cfg(test)]
mod tests;

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, Schema, SchemaType, Type};

use super::json::{child, mistake};
use crate::error::{FieldError, MOST_FIELD_ERRORS};

/// Deeper nesting than any request type has; references and alternatives count too.
const DEEPEST: usize = 64;

/// Schemas by name, for references between them.
pub type Named = Vec<(String, RefOr<Schema>)>;

/// Every mistake of shape: unknown, missing, mistyped and impossible members. Empty where the schema is content.
pub fn mistakes(value: &Value, schema: &RefOr<Schema>, named: &Named) -> Vec<FieldError> {
    let mut found = Vec::new();
    walk(value, schema, named, "", DEEPEST, &mut found);
    found
}

fn walk(
    value: &Value,
    schema: &RefOr<Schema>,
    named: &Named,
    pointer: &str,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    // One more than is listed, so that the list can say that there are more.
    if found.len() > MOST_FIELD_ERRORS {
        return;
    }
    let schema = match schema {
        RefOr::T(schema) => schema,
        RefOr::Ref(reference) => match named
            .iter()
            .find(|(name, _)| reference.ref_location.rsplit('/').next() == Some(name))
        {
            Some((_, target)) => return walk(value, target, named, pointer, depth, found),
            None => return,
        },
    };
    match schema {
        Schema::Object(object) => walk_object(value, object, named, pointer, depth, found),
        Schema::Array(array) if allows(&array.schema_type, value) => {
            let (Value::Array(items), ArrayItems::RefOrSchema(of)) = (value, &array.items) else {
                return;
            };
            for (index, item) in items.iter().enumerate() {
                walk(item, of, named, &format!("{pointer}/{index}"), depth, found);
            }
        }
        Schema::Array(array) => found.push(wrong_type(pointer, &array.schema_type)),
        Schema::AllOf(all) => together(value, &all.items, named, pointer, depth, found),
        Schema::OneOf(one) => alternatives(value, &one.items, named, pointer, depth, found),
        Schema::AnyOf(any) => alternatives(value, &any.items, named, pointer, depth, found),
        _ => {}
    }
}

/// A member that one part does not know is another part's, unless none knows it.
fn together(
    value: &Value,
    items: &[RefOr<Schema>],
    named: &Named,
    pointer: &str,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let mut all = Vec::new();
    for item in items {
        walk(value, item, named, pointer, depth, &mut all);
    }
    let is_unknown = |it: &FieldError| it.code == "unknown-field";
    let unknown_to_all = |it: &FieldError| {
        let times = all
            .iter()
            .filter(|other| is_unknown(other) && other.pointer == it.pointer);
        times.count() == items.len()
    };
    found.extend(
        all.iter()
            .filter(|it| !is_unknown(it) || unknown_to_all(it))
            .cloned(),
    );
}

/// With alternatives, the mistakes of the one that comes closest are the useful ones: of the right type, with the right tag.
fn alternatives(
    value: &Value,
    items: &[RefOr<Schema>],
    named: &Named,
    pointer: &str,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let tries: Vec<Vec<FieldError>> = items
        .iter()
        .map(|item| {
            let mut mistakes = Vec::new();
            walk(value, item, named, pointer, depth, &mut mistakes);
            mistakes
        })
        .collect();
    let is_of_other_type = |mistakes: &Vec<FieldError>| {
        mistakes
            .iter()
            .any(|it| it.code == "wrong-type" && it.pointer == pointer)
    };
    if tries.iter().all(is_of_other_type) {
        let expected: Vec<&str> = tries
            .iter()
            .flatten()
            .filter_map(|it| it.detail.strip_prefix("expected "))
            .collect();
        found.push(mistake(
            pointer,
            "wrong-type",
            format!("expected {}", expected.join(" or ")),
        ));
        return;
    }
    let distance = |mistakes: &Vec<FieldError>| {
        let tags = mistakes
            .iter()
            .filter(|it| it.code == "unknown-value")
            .count();
        (is_of_other_type(mistakes), tags, mistakes.len())
    };
    found.extend(tries.into_iter().min_by_key(distance).unwrap_or_default());
}

fn walk_object(
    value: &Value,
    object: &Object,
    named: &Named,
    pointer: &str,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    if !allows(&object.schema_type, value) {
        found.push(wrong_type(pointer, &object.schema_type));
        return;
    }
    if let Some(allowed) = &object.enum_values
        && !allowed.contains(value)
    {
        let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        found.push(mistake(
            pointer,
            "unknown-value",
            format!("expected one of {}", list.join(", ")),
        ));
    }
    if let Some(detail) = scalar::mistake(value, object) {
        found.push(mistake(pointer, "invalid-value", detail));
    }
    let Value::Object(members) = value else {
        return;
    };
    for name in object
        .required
        .iter()
        .filter(|name| !members.contains_key(*name))
    {
        found.push(mistake(
            &child(pointer, name),
            "missing",
            "this member is required",
        ));
    }
    for (name, member) in members {
        match (
            object.properties.get(name),
            object.additional_properties.as_deref(),
        ) {
            (Some(schema), _) | (None, Some(AdditionalProperties::RefOr(schema))) => {
                walk(member, schema, named, &child(pointer, name), depth, found);
            }
            (None, Some(AdditionalProperties::FreeForm(true))) => {}
            (None, None) if object.properties.is_empty() => {}
            // Request types deny unknown members, but not every kind of type says so in its schema.
            (None, _) => {
                if found.len() > MOST_FIELD_ERRORS {
                    return;
                }
                let known: Vec<&str> = object.properties.keys().map(String::as_str).collect();
                found.push(mistake(
                    &child(pointer, name),
                    "unknown-field",
                    format!("there is no such member; there are {}", known.join(", ")),
                ));
            }
        }
    }
}

fn allows(schema_type: &SchemaType, value: &Value) -> bool {
    match schema_type {
        SchemaType::Type(one) => fits(one, value),
        SchemaType::Array(several) => several.iter().any(|one| fits(one, value)),
        SchemaType::AnyValue => true,
    }
}

fn fits(schema_type: &Type, value: &Value) -> bool {
    match schema_type {
        Type::Object => value.is_object(),
        Type::Array => value.is_array(),
        Type::String => value.is_string(),
        Type::Integer => value.is_i64() || value.is_u64(),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::Null => value.is_null(),
    }
}

fn wrong_type(pointer: &str, schema_type: &SchemaType) -> FieldError {
    let name = |one: &Type| match one {
        Type::Object => "an object",
        Type::Array => "an array",
        Type::String => "a text",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Boolean => "true or false",
        Type::Null => "null",
    };
    let expected = match schema_type {
        SchemaType::Type(one) => name(one).to_owned(),
        SchemaType::Array(several) => several.iter().map(name).collect::<Vec<_>>().join(" or "),
        SchemaType::AnyValue => "another value".to_owned(),
    };
    mistake(pointer, "wrong-type", format!("expected {expected}"))
}
