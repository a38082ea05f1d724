//! The shape of the document: OpenAPI 3.1, every operation named and described, every reference kept.

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
            complain(
                operation["summary"].as_str().is_none_or(str::is_empty),
                format!("{name}: no summary"),
            );
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
            let form = if oauth.contains(&path.as_str()) {
                "OAuthProblem"
            } else {
                "Problem"
            };
            let is_public = operation["security"]
                .as_array()
                .is_none_or(|required| required.is_empty());
            let always = ["400", "414", "429", "431", "500", "503"];
            let caller = ["401", "404"].into_iter().filter(|_| !is_public);
            for status in always.into_iter().chain(caller) {
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
                .inspect(|it| {
                    complain(
                        it["description"].as_str().is_none_or(str::is_empty),
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
            // RFC 6749 has forms ignore what they do not know.
            let forms = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"];
            for body in references(&operation["requestBody"])
                .into_iter()
                .filter(|_| forms.is_null())
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
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        complain(
            !used.contains(&format!("/components/schemas/{name}")),
            format!("nothing uses the schema {name}"),
        );
    }
    flaws
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
    ];
    for (pointer, value, complaint) in table {
        let seen = spoil(&pointer, value);
        assert!(seen.contains(complaint), "{pointer}: {seen}");
    }
}
