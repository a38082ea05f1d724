//! Every bound that the document states is kept: a value just outside it is refused by name.

use serde_json::{Value, json};

use super::fields::{operation, send};
use super::*;

/// A control character, which no pattern of the document admits.
const UNFIT: &str = "\u{1}unfit";
/// In a path such a character is refused before any pattern is looked at.
const UNFIT_IN_PATH: &str = "un:fit";

/// The schema with what it refers to in its place, and without the null that it may be.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(place) = schema["$ref"].as_str() {
        let target = document.pointer(place.trim_start_matches('#')).unwrap();
        return resolved(document, target);
    }
    let branches = ["allOf", "anyOf", "oneOf"].into_iter();
    let branches = branches.flat_map(|name| schema[name].as_array().into_iter().flatten());
    let mut all = vec![schema];
    for branch in branches {
        all.extend(resolved(document, branch));
    }
    all
}

/// Values just outside what a schema says, each with the word of the schema that it is outside of.
/// The other words still hold where that can be: a text that is too long has no other mistake.
fn outside(document: &Value, schema: &Value) -> Vec<(&'static str, Value)> {
    let mut values = Vec::new();
    for schema in resolved(document, schema) {
        let whole = |word: &str| schema[word].as_i64();
        let size = |word: &str| whole(word).and_then(|size| usize::try_from(size).ok());
        if let Some(least) = whole("minimum") {
            values.push(("minimum", json!(least - 1)));
        }
        if let Some(most) = whole("maximum") {
            values.push(("maximum", json!(most + 1)));
        }
        if let Some(least) = size("minLength").filter(|least| *least > 0) {
            values.push(("minLength", json!("x".repeat(least - 1))));
        }
        if let Some(most) = size("maxLength") {
            let is_email = schema["format"] == "email" || most == 254;
            let text = match is_email {
                true => format!("{}@example.org", "x".repeat(most - 11)),
                false => "x".repeat(most + 1),
            };
            values.push(("maxLength", json!(text)));
        }
        if schema["pattern"].is_string() {
            values.push(("pattern", json!(UNFIT)));
        }
        if schema["enum"].is_array() {
            values.push(("enum", json!("no-such-word")));
        }
        if let Some(least) = size("minItems").filter(|least| *least > 0) {
            values.push(("minItems", json!(vec!["x"; least - 1])));
        }
        if let Some(most) = size("maxItems") {
            values.push(("maxItems", json!(vec!["x"; most + 1])));
        }
    }
    values
}

fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A field of a JSON body is named by its pointer; a parameter and a field of a form are named in
/// the text.
fn names_it(answer: &Answer, name: &str) -> bool {
    let pointer = format!("/{name}");
    match answer.status.as_u16() {
        422 => {
            let body = answer.json();
            let errors = body["errors"].as_array().unwrap();
            errors.iter().any(|error| error["pointer"] == pointer)
        }
        400 => answer.json()["detail"].as_str().unwrap().contains(name),
        _ => false,
    }
}

#[tokio::test]
async fn every_documented_bound_is_kept() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let mut tried = BTreeMap::<&str, usize>::new();
    let mut let_through = Vec::new();
    for call in CALLS {
        let world = stage.permitted(call).await;
        let operation = operation(&document, call);
        let mut look = |what: String, word: &'static str, name: &str, answer: &Answer| {
            *tried.entry(word).or_default() += 1;
            if !names_it(answer, name) {
                let (status, text) = (answer.status.as_u16(), answer.text());
                let_through.push(format!("{} {what} {word}: {status} {text}", call.operation));
            }
        };
        let parameters = operation["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            let parameter = match parameter["$ref"].as_str() {
                Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
                None => parameter,
            };
            let (name, place) = (&parameter["name"], &parameter["in"]);
            let (name, place) = (name.as_str().unwrap(), place.as_str().unwrap());
            for (word, value) in outside(&document, &parameter["schema"]) {
                let text = match word {
                    "pattern" if place == "path" => UNFIT_IN_PATH.to_owned(),
                    _ => as_text(&value),
                };
                let answer = match place {
                    "query" => {
                        let query = serde_urlencoded::to_string([(name, &text)]).unwrap();
                        send(&stage, call, &world, &format!("?{query}"), &Value::Null).await
                    }
                    "path" => {
                        let (method, path) = call.operation.split_once(' ').unwrap();
                        let encoded = serde_urlencoded::to_string([("", &text)]).unwrap();
                        let path = path.replace(&format!("{{{name}}}"), &encoded[1..]);
                        let target = fill(&path, &world.things);
                        let method = method.parse().unwrap();
                        let who = world.caller.as_ref();
                        let json = [("content-type", "application/json")];
                        let (headers, body) = match (call.sends)(&world) {
                            Sent::Json(body) => (&json[..], body.to_string().into()),
                            _ => (&json[..0], Body::empty()),
                        };
                        stage.send(who, method, &target, headers, body).await
                    }
                    // A header's value cannot hold the character; its grammar has tests of its own.
                    "header" => continue,
                    other => panic!("{name} is in {other}"),
                };
                look(format!("?{name}"), word, name, &answer);
            }
        }
        let content = operation["requestBody"]["content"].as_object();
        let Some((kind, content)) = content.and_then(|content| content.iter().next()) else {
            continue;
        };
        let schema = resolved(&document, &content["schema"]);
        let fields = schema.iter().filter_map(|it| it["properties"].as_object());
        for (name, schema) in fields.flatten() {
            for (word, value) in outside(&document, schema) {
                let answer = match (call.sends)(&world) {
                    Sent::Json(mut body) => {
                        body[name] = value;
                        send(&stage, call, &world, "", &body).await
                    }
                    Sent::Form(mut fields) => {
                        fields.retain(|(field, _)| field != name);
                        let field = [(name.as_str(), as_text(&value))];
                        let sent = fields.iter().map(|(name, text)| (*name, text.clone()));
                        let sent: Vec<_> = sent.chain(field).collect();
                        let body = serde_urlencoded::to_string(sent).unwrap();
                        let (method, path) = call.operation.split_once(' ').unwrap();
                        let method = method.parse().unwrap();
                        let headers = [("content-type", kind.as_str())];
                        let who = world.caller.as_ref();
                        stage.send(who, method, path, &headers, body.into()).await
                    }
                    Sent::Nothing | Sent::Query(_) => panic!("{} has a body", call.operation),
                };
                look(format!("/{name}"), word, name, &answer);
            }
        }
    }
    let total: usize = tried.values().sum();
    println!("{total} values outside a documented bound: {tried:?}");
    assert_eq!(let_through, [""; 0]);
    assert!(total > 60, "{total}");
}

/// Control: a bound that nobody keeps would be seen.
#[test]
fn a_value_outside_each_bound_is_made() {
    let document = json!({ "components": { "Word": { "enum": ["a"] } } });
    let schema = json!({
        "minimum": 1, "maximum": 9, "minLength": 1, "maxLength": 3, "pattern": "^a$", "minItems": 1,
        "maxItems": 2, "oneOf": [{ "type": "null" }, { "$ref": "#/components/Word" }],
    });
    let made: BTreeMap<_, _> = outside(&document, &schema).into_iter().collect();
    let expected = json!({
        "minimum": 0, "maximum": 10, "minLength": "", "maxLength": "xxxx", "pattern": UNFIT,
        "minItems": [], "maxItems": ["x", "x", "x"], "enum": "no-such-word",
    });
    assert_eq!(json!(made), expected);
}
