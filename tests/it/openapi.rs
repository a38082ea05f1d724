//! The OpenAPI document: what the repository holds, what the program prints and what the service serves are one, and whole.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use axum::body::Body;
use chartroom::error::Code;
use http::Method;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::snapshot;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_chartroom"))
        .arg("openapi")
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_repository_holds_what_the_program_prints() {
    snapshot::file(Path::new("openapi.json"), &printed());
}

#[tokio::test]
async fn the_service_serves_the_same_under_its_own_address() {
    let app = TestApp::with(&["--public-url=https://chartroom.test"], Default::default()).await;
    let answer = app.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let mut served = answer.json();
    assert_eq!(served["servers"][0]["url"], "https://chartroom.test");
    let mut printed: Value = serde_json::from_str(&printed()).unwrap();
    served["servers"].take();
    printed["servers"].take();
    assert_eq!(served, printed);
}

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
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"]
                ["schema"]["$ref"];
            complain(
                problem != "#/components/schemas/Problem",
                format!("{name}: no problem"),
            );
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
            for body in references(&operation["requestBody"]) {
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
            format!("{get}/responses/default"),
            Value::Null,
            "no problem",
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

#[tokio::test]
async fn every_route_takes_the_methods_it_documents_and_no_other() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled: String = path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    "/018f0000-0000-7000-8000-000000000000".to_owned()
                } else {
                    format!("/{part}")
                }
            })
            .skip(1)
            .collect();
        let mut documented: BTreeSet<&str> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        if documented.contains("get") {
            documented.insert("head");
        }
        for method in METHODS.into_iter().chain(["trace", "brew"]) {
            let upper = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = app.send(upper, &filled, &[], Body::empty()).await;
            let name = format!("{method} {filled}");
            assert!(
                !answer.status.is_server_error(),
                "{name}: {}",
                answer.status
            );
            assert_eq!(
                answer.status.as_u16() != 405,
                documented.contains(method),
                "{name}: {}",
                answer.status
            );
            match answer.status.as_u16() {
                405 => {
                    let allowed: BTreeSet<_> = answer
                        .header("allow")
                        .split(',')
                        .map(|it| it.trim().to_lowercase())
                        .collect();
                    assert_eq!(
                        allowed,
                        documented.iter().map(|it| (*it).to_owned()).collect(),
                        "{name}"
                    );
                    assert_eq!(answer.problem(), "method-not-allowed", "{name}");
                }
                status if status < 400 => {
                    let read = if method == "head" { "get" } else { method };
                    assert!(
                        item[read]["responses"][status.to_string()].is_object(),
                        "{name}: {status} is not documented"
                    );
                }
                _ if method != "head" => assert!(!answer.problem().is_empty()),
                _ => {}
            }
            // What is not documented is not taken.
            if documented.contains(method) && method != "head" {
                let answer = app
                    .send(
                        method.to_uppercase().parse().unwrap(),
                        &format!("{filled}?no-such-parameter=1"),
                        &[],
                        Body::empty(),
                    )
                    .await;
                assert_eq!(answer.problem(), "unknown-parameter", "{name}");
            }
        }
    }
}

#[test]
fn the_table_of_codes_in_the_handbook_is_the_codes() {
    let mut table = String::from("| `code` | Status | Meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let help = code.help().split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(
            table,
            "| `{}` | {} | {help} |",
            code.as_str(),
            code.status().as_u16()
        )
        .unwrap();
    }
    snapshot::between(
        Path::new("docs/API.md"),
        "<!-- codes: generated, see tests/it/openapi.rs -->\n",
        "<!-- /codes -->",
        &table,
    );
}

#[tokio::test]
async fn every_code_has_its_page() {
    let app = TestApp::new().await;
    let all = app.get("/errors").await;
    assert_eq!(all.header("content-type"), "text/html; charset=utf-8");
    for code in Code::ALL {
        let page = app.get(&format!("/errors/{}", code.as_str())).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        for page in [page.text(), all.text()] {
            assert!(
                page.contains(code.title())
                    && page.contains(&format!("({})", code.status().as_u16())),
                "{code:?}"
            );
        }
    }
    assert_eq!(app.get("/errors/%3Cscript%3E").await.problem(), "not-found");
}
