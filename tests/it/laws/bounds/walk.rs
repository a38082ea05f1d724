//! The bounds of an operation, each with the way to its place, and a value put in that place.

use serde_json::{Map, Value, json};

/// The words of a schema that exclude values.
const WORDS: [&str; 11] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "enum",
    "format",
];
const EITHER: [&str; 3] = ["allOf", "anyOf", "oneOf"];

#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Query(&'a str),
    Path(&'a str),
    Header(&'a str),
    /// With its content type.
    Body(&'a str),
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    /// A member, and the schema of what it is a member of.
    Member(&'a str, &'a Value),
    Item(&'a Value),
}

pub(super) struct Bound<'a> {
    pub place: Place<'a>,
    pub steps: Vec<Step<'a>>,
    pub word: &'static str,
    pub says: &'a Value,
    pub schema: &'a Value,
}

impl Bound<'_> {
    pub(super) fn pointer(&self) -> String {
        let step = |step: &Step<'_>| match step {
            Step::Member(name, _) => format!("/{name}"),
            Step::Item(_) => "/0".to_owned(),
        };
        self.steps.iter().map(step).collect()
    }

    pub(super) fn name(&self) -> String {
        match self.place {
            Place::Query(name) => format!("?{name}"),
            Place::Path(name) => format!("{{{name}}}"),
            Place::Header(name) => name.to_owned(),
            Place::Body(_) => self.pointer(),
        }
    }
}

fn resolved<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    while let Some(place) = value["$ref"].as_str() {
        value = document.pointer(place.trim_start_matches('#')).unwrap();
    }
    value
}

pub(super) fn bounds_of<'a>(document: &'a Value, operation: &'a Value) -> Vec<Bound<'a>> {
    let mut bounds = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter);
        let name = parameter["name"].as_str().unwrap();
        let place = match parameter["in"].as_str().unwrap() {
            "query" => Place::Query(name),
            "path" => Place::Path(name),
            "header" => Place::Header(name),
            other => panic!("{name} is in {other}"),
        };
        walk(
            document,
            &parameter["schema"],
            place,
            &mut Vec::new(),
            &mut bounds,
        );
    }
    let content = operation["requestBody"]["content"].as_object();
    for (kind, content) in content.into_iter().flatten() {
        let (place, mut steps) = (Place::Body(kind), Vec::new());
        walk(document, &content["schema"], place, &mut steps, &mut bounds);
    }
    bounds
}

fn walk<'a>(
    document: &'a Value,
    schema: &'a Value,
    place: Place<'a>,
    steps: &mut Vec<Step<'a>>,
    bounds: &mut Vec<Bound<'a>>,
) {
    assert!(steps.len() < 16, "a schema is in itself: {schema}");
    let schema = resolved(document, schema);
    bounds.extend(WORDS.iter().filter_map(|word| {
        let says = schema.get(*word)?;
        Some(Bound {
            place,
            steps: steps.clone(),
            word,
            says,
            schema,
        })
    }));
    for branch in EITHER
        .iter()
        .flat_map(|name| schema[*name].as_array())
        .flatten()
    {
        walk(document, branch, place, steps, bounds);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        steps.push(Step::Member(name, schema));
        walk(document, member, place, steps, bounds);
        steps.pop();
    }
    for (step, inner) in [
        (Step::Item(schema), &schema["items"]),
        (Step::Member("any", schema), &schema["additionalProperties"]),
    ] {
        if inner.is_object() {
            steps.push(step);
            walk(document, inner, place, steps, bounds);
            steps.pop();
        }
    }
}

/// How many such words an operation's parameters and bodies have, however deep and under whatever
/// name.
pub(super) fn words_of(document: &Value, operation: &Value) -> usize {
    count(document, &operation["parameters"]) + count(document, &operation["requestBody"])
}

fn count(document: &Value, value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count(document, item)).sum(),
        Value::Object(members) => {
            let inner = members.iter().map(|(name, value)| match name.as_str() {
                "$ref" => count(document, resolved(document, &json!({ "$ref": value }))),
                // Names of our own, which may be any word.
                "properties" => {
                    let members = value.as_object().unwrap().values();
                    members.map(|member| count(document, member)).sum()
                }
                "example" | "examples" | "default" | "enum" => 0,
                _ => count(document, value),
            });
            let words = members.keys().filter(|name| WORDS.contains(&name.as_str()));
            inner.sum::<usize>() + words.count()
        }
        _ => 0,
    }
}

/// Puts a value where the steps lead. What is missing on the way is made as its schema asks.
pub(super) fn put(document: &Value, steps: &[Step<'_>], whole: &mut Value, value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *whole = value;
        return;
    };
    match step {
        Step::Member(name, schema) => {
            if !whole.is_object() {
                *whole = sample(document, schema);
            }
            let members = whole.as_object_mut().unwrap();
            let member = members.entry((*name).to_owned()).or_insert(Value::Null);
            put(document, rest, member, value);
        }
        Step::Item(schema) => {
            if whole.as_array().is_none_or(Vec::is_empty) {
                *whole = json!([sample(document, &schema["items"])]);
            }
            put(document, rest, &mut whole[0], value);
        }
    }
}

/// A value that a schema asks for, with no more in it than has to be.
fn sample(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if let Some(one) = schema["enum"].as_array() {
        return one[0].clone();
    }
    let branch = EITHER.iter().find_map(|name| schema[*name].as_array());
    if let Some(branch) = branch {
        return sample(document, &branch[0]);
    }
    // Of several types, the first is what it is where it is not null.
    let kind = schema["type"].as_str();
    match kind.or(schema["type"][0].as_str()) {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") => json!([sample(document, &schema["items"])]),
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let names = required.map(|name| name.as_str().unwrap());
            let member = |name: &str| sample(document, &schema["properties"][name]);
            let members: Map<_, _> = names.map(|name| (name.to_owned(), member(name))).collect();
            Value::Object(members)
        }
        _ => match schema["format"].as_str() {
            Some("uuid") => json!("0190163d-8694-739b-aea5-966c26f8ad91"),
            Some("date-time") => json!("9999-01-01T00:00:00Z"),
            _ => json!(
                "x".repeat(
                    schema["minLength"]
                        .as_u64()
                        .unwrap_or(1)
                        .try_into()
                        .unwrap()
                )
            ),
        },
    }
}

#[test]
fn a_value_is_put_deep_into_a_body_that_lacks_the_way() {
    let document = json!({ "components": { "Column": {
        "type": "object", "required": ["kind", "id"], "properties": {
            "kind": { "enum": ["int", "text"] }, "id": { "type": "string", "format": "uuid" },
            "name": { "oneOf": [{ "type": "null" }, { "type": "string", "maxLength": 4 }] },
        },
    } } });
    let operation = json!({ "requestBody": { "content": { "application/json": { "schema": {
        "type": "object", "properties": { "columns": {
            "type": "array", "maxItems": 7, "items": { "$ref": "#/components/Column" },
        } },
    } } } } });
    let bounds = bounds_of(&document, &operation);
    let said: Vec<_> = bounds
        .iter()
        .map(|it| format!("{} {}", it.pointer(), it.word))
        .collect();
    let expected = [
        "/columns maxItems",
        "/columns/0/id format",
        "/columns/0/kind enum",
        "/columns/0/name maxLength",
    ];
    assert_eq!(said, expected);
    assert_eq!(words_of(&document, &operation), 4);
    let mut body = json!({});
    put(&document, &bounds[3].steps, &mut body, json!("long!"));
    let id = "0190163d-8694-739b-aea5-966c26f8ad91";
    let column = json!({ "kind": "int", "id": id, "name": "long!" });
    assert_eq!(body, json!({ "columns": [column] }));
}
