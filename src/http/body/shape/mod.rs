//! Lists everything that keeps a JSON value from fitting its documented schema. Serde stops at the
//! first mistake; people want them all.

mod scalar;
#[cfg(test)]
mod tests;

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, Array, ArrayItems, Object, Schema, SchemaType, Type,
};

use super::json::Path;
use crate::kernel::error::{FieldError, MOST_FIELD_ERRORS};
use crate::kernel::values;

/// Deeper nesting than any request type has; references and alternatives count too.
const DEEPEST: usize = 64;

/// Schemas by name, for references between them.
type Named = Vec<(String, RefOr<Schema>)>;

/// What a type looks like in the document.
pub struct Shape {
    schema: RefOr<Schema>,
    named: Named,
}

impl Shape {
    pub fn of<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let schema = T::schema();
        Self { schema, named }
    }

    /// Every mistake of shape: unknown, missing, mistyped and impossible members. Empty where the
    /// schema is content.
    pub fn mistakes(&self, value: &Value) -> Vec<FieldError> {
        let mut found = Vec::new();
        let (schema, named) = (&self.schema, &self.named);
        walk(value, schema, named, Path::Root, DEEPEST, &mut found);
        found
    }

    /// What is wrong with a member of that name, if the whole is an object that has none.
    pub fn unknown(&self, name: &str) -> Option<String> {
        match resolved(&self.schema, &self.named)? {
            Schema::Object(object) if matches!(member(object, name), Member::Unknown) => {
                Some(no_such_member(object))
            }
            _ => None,
        }
    }
}

/// References may lead to references.
fn resolved<'a>(mut schema: &'a RefOr<Schema>, named: &'a Named) -> Option<&'a Schema> {
    for _ in 0..DEEPEST {
        let reference = match schema {
            RefOr::T(schema) => return Some(schema),
            RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
        };
        let is_meant = |(name, _): &&(String, _)| reference == Some(name.as_str());
        schema = named.iter().find(is_meant).map(|(_, schema)| schema)?;
    }
    None
}

/// One more than is listed, so that the list can say that there are more.
fn is_over(found: &[FieldError]) -> bool {
    found.len() > MOST_FIELD_ERRORS
}

fn walk(
    value: &Value,
    schema: &RefOr<Schema>,
    named: &Named,
    path: Path<'_>,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    if is_over(found) {
        return;
    }
    let Some(schema) = resolved(schema, named) else {
        return;
    };
    match schema {
        Schema::Object(object) => walk_object(value, object, named, path, depth, found),
        Schema::Array(array) if allows(&array.schema_type, value) => {
            let (Value::Array(items), ArrayItems::RefOrSchema(of)) = (value, &array.items) else {
                return;
            };
            if let Some(detail) = count_mistake(items.len(), array) {
                found.push(path.mistake("invalid-value", detail));
            }
            for (index, item) in items.iter().enumerate() {
                if is_over(found) {
                    return;
                }
                walk(item, of, named, Path::Item(&path, index), depth, found);
            }
        }
        Schema::Array(array) => found.push(wrong_type(path, &array.schema_type)),
        Schema::AllOf(all) => together(value, &all.items, named, path, depth, found),
        Schema::OneOf(one) => alternatives(value, &one.items, named, path, depth, found),
        Schema::AnyOf(any) => alternatives(value, &any.items, named, path, depth, found),
        _ => {}
    }
}

/// What is wrong with how many items there are.
fn count_mistake(count: usize, array: &Array) -> Option<String> {
    let most = array.max_items.filter(|most| count > *most);
    let least = array.min_items.filter(|least| count < *least);
    most.map(|most| format!("expected at most {most} items"))
        .or(least.map(|least| format!("expected at least {least} items")))
}

/// A member that one part does not know is another part's, unless none knows it.
fn together(
    value: &Value,
    items: &[RefOr<Schema>],
    named: &Named,
    path: Path<'_>,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let mut all = Vec::new();
    for item in items {
        walk(value, item, named, path, depth, &mut all);
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

/// With alternatives, the mistakes of the one that comes closest are the useful ones: of the right
/// type, with the right tag.
fn alternatives(
    value: &Value,
    items: &[RefOr<Schema>],
    named: &Named,
    path: Path<'_>,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    let tries: Vec<Vec<FieldError>> = items
        .iter()
        .map(|item| {
            let mut mistakes = Vec::new();
            walk(value, item, named, path, depth, &mut mistakes);
            mistakes
        })
        .collect();
    if tries.iter().any(Vec::is_empty) {
        return;
    }
    let pointer = path.pointer();
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
        let expected = format!("expected {}", expected.join(" or "));
        found.push(path.mistake("wrong-type", expected));
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
    path: Path<'_>,
    depth: usize,
    found: &mut Vec<FieldError>,
) {
    if !allows(&object.schema_type, value) {
        found.push(wrong_type(path, &object.schema_type));
        return;
    }
    if let Some(allowed) = &object.enum_values
        && !allowed.contains(value)
    {
        let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let expected = format!("expected one of {}", list.join(", "));
        found.push(path.mistake("unknown-value", expected));
    }
    // The rule of a value type has words of its own for what the schema says of it, too.
    if let Err(wrong) = values::judge(object, value) {
        found.push(path.mistake(wrong.code, wrong.detail));
    } else if let Some(detail) = scalar::mistake(value, object) {
        found.push(path.mistake("invalid-value", detail));
    }
    let Value::Object(members) = value else {
        return;
    };
    for name in object
        .required
        .iter()
        .filter(|name| !members.contains_key(*name))
    {
        found.push(Path::Member(&path, name).mistake("missing", "this member is required"));
    }
    for (name, value) in members {
        if is_over(found) {
            return;
        }
        let path = Path::Member(&path, name);
        match member(object, name) {
            Member::Of(schema) => walk(value, schema, named, path, depth, found),
            Member::Any => {}
            Member::Unknown => found.push(path.mistake("unknown-field", no_such_member(object))),
        }
    }
}

enum Member<'a> {
    Of(&'a RefOr<Schema>),
    Any,
    Unknown,
}

fn member<'a>(object: &'a Object, name: &str) -> Member<'a> {
    match (
        object.properties.get(name),
        object.additional_properties.as_deref(),
    ) {
        (Some(schema), _) | (None, Some(AdditionalProperties::RefOr(schema))) => Member::Of(schema),
        (None, Some(AdditionalProperties::FreeForm(true))) => Member::Any,
        (None, None) if object.properties.is_empty() => Member::Any,
        // Request types deny unknown members, but not every kind of type says so in its schema.
        (None, _) => Member::Unknown,
    }
}

fn no_such_member(object: &Object) -> String {
    let known: Vec<&str> = object.properties.keys().map(String::as_str).collect();
    format!("there is no such member; there are {}", known.join(", "))
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

fn wrong_type(path: Path<'_>, schema_type: &SchemaType) -> FieldError {
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
    path.mistake("wrong-type", format!("expected {expected}"))
}
