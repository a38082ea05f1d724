//! The shape of the document: OpenAPI 3.1, every operation named and described, every reference
//! kept.

use std::collections::BTreeSet;

use serde_json::Value;

use super::printed;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// All that is wrong with a document; the tests' own routes go through it too.
fn flaws(document: &Value) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut complain = |is_wrong: bool, what: String| flaws.extend(is_wrong.then_some(what));
    let version = document["openapi"].as_str().unwrap_or_default();
    complain(
        !version.starts_with("3.1."),
        format!("openapi is {version:?}"),
    );
    for member in ["title", "version", "description"] {
        complain(
            document["info"][member].as_str().is_none_or(str::is_empty),
            format!("info has no {member}"),
        );
    }
    let mut tags = BTreeSet::new();
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap();
        tags.insert(name);
        complain(
            is_empty(&tag["description"]),
            format!("the tag {name} has no description"),
        );
    }
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        complain(
            !path.starts_with('/') || path.ends_with('/'),
            format!("{path} is no path"),
        );
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            complain(
                !METHODS.contains(&method.as_str()),
                format!("{name}: no method"),
            );
            let id = operation["operationId"].as_str().unwrap_or_default();
            let verb = id.split_once('_').map(|(verb, _)| verb);
            complain(
                verb.is_none(),
                format!("{name}: the operationId {id:?} is no verb_resource"),
            );
            let is_read = ["get", "list"].iter().any(|it| verb == Some(*it));
            complain(
                is_read != (method == "get"),
                format!("{name}: {id} is another kind of operation"),
            );
            complain(!ids.insert(id.to_owned()), format!("{name}: {id} is taken"));
            complain(
                operation["tags"]
                    .as_array()
                    .is_none_or(|tags| tags.len() != 1),
                format!("{name}: not one tag"),
            );
            for tag in operation["tags"].as_array().into_iter().flatten() {
                complain(
                    !tags.contains(tag.as_str().unwrap()),
                    format!("{name}: the tag {tag} is not in TAGS of src/http/openapi"),
                );
            }
            complain(
                is_empty(&operation["summary"]),
                format!("{name}: no summary"),
            );
            complain(
                is_empty(&operation["description"]),
                format!(
                    "{name}: no description: it is the second paragraph of the handler's comment"
                ),
            );
            for (status, response) in operation["responses"].as_object().unwrap() {
                complain(
                    is_empty(&target(document, response)["description"]),
                    format!("{name}: {status} has no description"),
                );
            }
            for scheme in operation["security"].as_array().into_iter().flatten() {
                for scope in scheme["oauth2"].as_array().into_iter().flatten() {
                    let flows = &document["components"]["securitySchemes"]["oauth2"]["flows"];
                    complain(
                        is_empty(&flows["password"]["scopes"][scope.as_str().unwrap()]),
                        format!("{name}: the scope {scope} is not declared"),
                    );
                }
            }
            let responses = operation["responses"].as_object().unwrap();
            let success = |status: &String| status.starts_with('2') || status.starts_with('3');
            complain(
                !responses.keys().any(success),
                format!("{name}: no success"),
            );
            complain(
                responses.contains_key("default"),
                format!("{name}: leaves its statuses open"),
            );
            // OAuth's endpoints have their own form (RFC 6749, 5.2).
            let oauth = ["/auth/token", "/auth/revoke", "/auth/introspect"];
            let is_inference = path == "/v2" || path.starts_with("/v2/");
            let form = match oauth.contains(&path.as_str()) {
                true => "OAuthProblem",
                false if is_inference => "InferenceProblem",
                false => "Problem",
            };
            let is_public = operation["security"]
                .as_array()
                .is_none_or(|required| required.is_empty());
            // Nobody counts the questions to models.
            let always = ["400", "414", "429", "431", "500", "503"]
                .into_iter()
                .filter(|status| !(is_inference && *status == "429"));
            let caller = ["401", "404"].into_iter().filter(|_| !is_public);
            for status in always.chain(caller) {
                complain(
                    responses.get(status).is_none_or(|it| {
                        it["$ref"] != format!("#/components/responses/{form}{status}")
                    }),
                    format!("{name}: no problem {status}"),
                );
            }
            let described: BTreeSet<_> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|it| target(document, it))
                .inspect(|it| {
                    complain(
                        is_empty(&it["description"]),
                        format!("{name}: {} has no description", it["name"]),
                    )
                })
                .filter(|it| it["in"] == "path")
                .map(|it| it["name"].as_str().unwrap().to_owned())
                .collect();
            let named: BTreeSet<_> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .map(str::to_owned)
                .collect();
            complain(
                described != named,
                format!("{name}: describes {described:?}, the path has {named:?}"),
            );
            // RFC 6749 has forms ignore what they do not know, and clients of the inference
            // protocol send more than it says.
            let forms = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"];
            for body in references(&operation["requestBody"])
                .into_iter()
                .filter(|_| forms.is_null() && !is_inference)
            {
                complain(
                    document.pointer(&body).is_some_and(|schema| {
                        schema["properties"].is_object() && schema["additionalProperties"] != false
                    }),
                    format!("{name}: {body} takes members that it does not know"),
                );
            }
        }
    }
    let used = references(document);
    for reference in &used {
        complain(
            document.pointer(reference).is_none(),
            format!("{reference} leads nowhere"),
        );
    }
    for kind in ["schemas", "responses", "parameters", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            complain(
                !used.contains(&format!("/components/{kind}/{name}")),
                format!("nothing uses {name} of the {kind}"),
            );
        }
    }
    for pattern in patterns(document) {
        complain(
            ["(?", r"\p", r"\P", r"\u"]
                .iter()
                .any(|part| pattern.contains(part)),
            format!("{pattern} is not read alike in every language"),
        );
    }
    flaws
}

fn is_empty(text: &Value) -> bool {
    text.as_str().is_none_or(str::is_empty)
}

/// What stands at the reference, or here.
fn target<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(&Value::Null),
        None => value,
    }
}

fn patterns(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("pattern").and_then(Value::as_str);
            members.values().flat_map(patterns).chain(own).collect()
        }
        Value::Array(items) => items.iter().flat_map(patterns).collect(),
        _ => Vec::new(),
    }
}

/// Every `$ref` below a value, as a pointer into the document.
fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(members) => {
            let own = members
                .get("$ref")
                .and_then(Value::as_str)
                .map(|it| it.trim_start_matches('#').to_owned());
            members.values().flat_map(references).chain(own).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn the_document_is_whole() {
    let document: Value = serde_json::from_str(&printed()).unwrap();
    assert_eq!(flaws(&document), Vec::<String>::new());
}

#[test]
fn each_flaw_is_seen() {
    let whole: Value = serde_json::from_str(&printed()).unwrap();
    let spoil = |pointer: &str, value: Value| {
        let mut document = whole.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name.replace("~1", "/")] = value;
        flaws(&document).join("\n")
    };
    let get = "/paths/~1api~1v1~1version/get";
    let table = [
        ("/openapi".to_owned(), "3.0.3".into(), "openapi is"),
        (
            format!("{get}/operationId"),
            "version".into(),
            "no verb_resource",
        ),
        (
            format!("{get}/operationId"),
            "create_version".into(),
            "another kind",
        ),
        (format!("{get}/tags"), Value::Null, "not one tag"),
        (
            format!("{get}/responses"),
            serde_json::json!({"default": {}}),
            "no success",
        ),
        (
            format!("{get}/responses/400"),
            Value::Null,
            "no problem 400",
        ),
        (
            format!("{get}/responses/default"),
            serde_json::json!({}),
            "leaves its statuses open",
        ),
        (
            format!("{get}/security"),
            serde_json::json!([{"bearer": []}]),
            "no problem 401",
        ),
        (
            format!("{get}/parameters"),
            serde_json::json!([{"name": "id", "in": "path"}]),
            "describes",
        ),
        (
            format!("{get}/requestBody"),
            serde_json::json!({"$ref": "#/components/schemas/Version"}),
            "does not know",
        ),
        (
            format!("{get}/requestBody"),
            serde_json::json!({"$ref": "#/components/schemas/Nothing"}),
            "leads nowhere",
        ),
        (
            "/components/schemas/Unused".to_owned(),
            serde_json::json!({}),
            "nothing uses",
        ),
        (
            "/components/headers/Unused".to_owned(),
            serde_json::json!({}),
            "nothing uses",
        ),
        (format!("{get}/description"), Value::Null, "no description"),
        (
            format!("{get}/responses/200/description"),
            "".into(),
            "200 has no description",
        ),
        (
            "/components/responses/Problem400/description".to_owned(),
            "".into(),
            "400 has no description",
        ),
        (
            format!("{get}/tags"),
            serde_json::json!(["new"]),
            "is not in TAGS",
        ),
        (
            "/tags/0/description".to_owned(),
            "".into(),
            "has no description",
        ),
        (
            format!("{get}/security"),
            serde_json::json!([{"oauth2": ["everything"]}]),
            "is not declared",
        ),
        (
            "/components/schemas/PostId/pattern".to_owned(),
            r"^\p{L}$".into(),
            "not read alike",
        ),
    ];
    for (pointer, value, complaint) in table {
        let seen = spoil(&pointer, value);
        assert!(seen.contains(complaint), "{pointer}: {seen}");
    }
}
