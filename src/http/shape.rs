//! Lists everything that keeps a JSON value from fitting its documented schema. Serde stops at the first mistake; people want them all.

use std::borrow::Cow;

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, Schema, SchemaType, Type};

use crate::error::FieldError;

/// Deeper nesting than any request type has.
const DEEPEST: usize = 32;

/// Schemas by name, for references between them.
pub type Named = Vec<(String, RefOr<Schema>)>;

/// Every mistake of shape: unknown, missing and mistyped members. Empty where the schema is content.
pub fn mistakes(value: &Value, schema: &RefOr<Schema>, named: &Named) -> Vec<FieldError> {
    let mut found = Vec::new();
    walk(
        value,
        schema,
        named,
        &mut String::new(),
        DEEPEST,
        &mut found,
    );
    found
}

fn mistake(pointer: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code: Cow::Borrowed(code),
        detail: detail.into(),
    }
}

fn walk(
    value: &Value,
    schema: &RefOr<Schema>,
    named: &Named,
    pointer: &mut String,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
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
                let length = pointer.len();
                pointer.push_str(&format!("/{index}"));
                walk(item, of, named, pointer, depth, found);
                pointer.truncate(length);
            }
        }
        Schema::Array(array) => found.push(wrong_type(pointer, &array.schema_type)),
        Schema::AllOf(all) => all
            .items
            .iter()
            .for_each(|item| walk(value, item, named, pointer, depth, found)),
        Schema::OneOf(one) => alternatives(value, &one.items, named, pointer, depth, found),
        Schema::AnyOf(any) => alternatives(value, &any.items, named, pointer, depth, found),
        _ => {}
    }
}

/// With alternatives, the mistakes of the one that comes closest are the useful ones.
fn alternatives(
    value: &Value,
    items: &[RefOr<Schema>],
    named: &Named,
    pointer: &mut String,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let tries = items.iter().map(|item| {
        let mut mistakes = Vec::new();
        walk(value, item, named, pointer, depth, &mut mistakes);
        mistakes
    });
    found.extend(tries.min_by_key(Vec::len).unwrap_or_default());
}

fn walk_object(
    value: &Value,
    object: &Object,
    named: &Named,
    pointer: &mut String,
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
    let Value::Object(members) = value else {
        return;
    };
    for name in object
        .required
        .iter()
        .filter(|name| !members.contains_key(*name))
    {
        found.push(mistake(
            &joined(pointer, name),
            "missing",
            "this member is required",
        ));
    }
    for (name, member) in members {
        let length = pointer.len();
        let path = joined(pointer, name);
        match (
            object.properties.get(name),
            object.additional_properties.as_deref(),
        ) {
            (Some(schema), _) | (None, Some(AdditionalProperties::RefOr(schema))) => {
                *pointer = path;
                walk(member, schema, named, pointer, depth, found);
                pointer.truncate(length);
            }
            (None, Some(AdditionalProperties::FreeForm(true))) => {}
            (None, _) => {
                let known: Vec<&str> = object.properties.keys().map(String::as_str).collect();
                found.push(mistake(
                    &path,
                    "unknown-field",
                    format!("there is no such member; there are {}", known.join(", ")),
                ));
            }
        }
    }
}

fn joined(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
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

/// Pointers to every text with a NUL character in it, which PostgreSQL cannot store.
pub fn nul_texts(value: &Value) -> Vec<FieldError> {
    fn visit(value: &Value, pointer: &str, found: &mut Vec<FieldError>) {
        let nul = |pointer: &str| {
            mistake(
                pointer,
                "nul-character",
                "the character U+0000 is not allowed",
            )
        };
        match value {
            Value::String(text) if text.contains('\0') => found.push(nul(pointer)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| visit(item, &format!("{pointer}/{index}"), found)),
            Value::Object(members) => {
                for (name, member) in members {
                    if name.contains('\0') {
                        found.push(nul(pointer));
                    }
                    visit(member, &joined(pointer, name), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(value, "", &mut found);
    found
}
