//! Every bound that the document states is kept: a value just outside it, sent to its operation in
//! an otherwise good request, is refused, and the refusal names what was wrong.

mod outside;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use serde_json::{Value, json};

use crate::matrix::{CALLS, Call, Sent, Stage, World, fill};
use crate::support::app::Answer;
use outside::{Outside, outside};
use walk::{Bound, Place, bounds_of, put, words_of};

const FORM: &str = "application/x-www-form-urlencoded";

/// What no value is outside of: a word, what it says, and why.
const NOT_TRIED: &[(&str, &str, &str)] = &[
    (
        "format",
        "password",
        "it says how to show a text, and admits every one",
    ),
    ("format", "double", "every number of JSON is one"),
];

/// What became of the bounds of a document.
#[derive(Default)]
struct Found {
    tried: BTreeMap<String, usize>,
    not_tried: BTreeMap<(String, String), usize>,
    /// Values that were taken, or refused without a word of what was wrong.
    let_through: Vec<String>,
}

impl Found {
    fn total(&self) -> usize {
        self.tried.values().chain(self.not_tried.values()).sum()
    }
}

fn operation<'a>(document: &'a Value, call: &Call) -> &'a Value {
    let (method, path) = call.operation.split_once(' ').unwrap();
    &document["paths"][path][method.to_lowercase()]
}

fn as_text(value: &Value) -> String {
    let text = value.as_str();
    text.map_or_else(|| value.to_string(), str::to_owned)
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The call of the matrix with one value in the place of a good one.
async fn send(
    stage: &Stage,
    call: &Call,
    world: &World,
    document: &Value,
    bound: &Bound<'_>,
    value: &Value,
) -> Answer {
    let (method, path) = call.operation.split_once(' ').unwrap();
    let (mut path, mut query) = (path.to_owned(), String::new());
    let (mut headers, mut body) = (Vec::new(), None);
    match (call.sends)(world) {
        Sent::Nothing => {}
        Sent::Query(sent) => query = format!("?{sent}"),
        Sent::Json(sent) => body = Some(("application/json", sent)),
        Sent::Csv(sent) => body = Some(("text/csv", json!(sent))),
        Sent::Bytes(sent) => {
            let sent = String::from_utf8_lossy(sent);
            body = Some(("application/octet-stream", json!(sent)));
        }
        Sent::Form(fields) => body = Some((FORM, fields.into_iter().collect())),
    }
    let text = as_text(value);
    match bound.place {
        Place::Query(name) => query = format!("?{name}={}", encoded(&text)),
        Place::Header(name) => headers.push((name, text)),
        Place::Path(name) => path = path.replace(&format!("{{{name}}}"), &encoded(&text)),
        Place::Body(kind) => {
            let (_, mut whole) = body.unwrap_or((kind, json!({})));
            put(document, &bound.steps, &mut whole, value.clone());
            body = Some((kind, whole));
        }
    }
    let body = match body {
        None => Body::empty(),
        Some((kind, whole)) => {
            headers.push(("content-type", kind.to_owned()));
            match kind {
                FORM => {
                    let fields = whole.as_object().unwrap().iter();
                    let fields: Vec<_> = fields.map(|(name, it)| (name, as_text(it))).collect();
                    serde_urlencoded::to_string(fields).unwrap().into()
                }
                "text/csv" => as_text(&whole).into(),
                _ => whole.to_string().into(),
            }
        }
    };
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, it)| (*name, it.as_str()))
        .collect();
    let target = format!("{}{query}", fill(&path, &world.things));
    let who = world.caller.as_ref();
    stage
        .send(who, method.parse().unwrap(), &target, &headers, body)
        .await
}

/// A member of a JSON body is named by its pointer, and everything else by name in the text. A path
/// that cannot be is of nothing.
fn names_it(answer: &Answer, bound: &Bound<'_>) -> bool {
    let says = |name: &str| {
        let detail = answer.json()["detail"].as_str().unwrap().to_lowercase();
        detail.contains(&name.to_lowercase())
    };
    match (bound.place, answer.status.as_u16()) {
        (Place::Body(FORM), 400) => says(bound.pointer().trim_start_matches('/')),
        (Place::Body(_), 422) => {
            let body = answer.json();
            let mut errors = body["errors"].as_array().unwrap().iter();
            errors.any(|error| error["pointer"] == bound.pointer())
        }
        (Place::Query(name) | Place::Header(name) | Place::Path(name), 400) => says(name),
        (Place::Path(_), 404) => true,
        _ => false,
    }
}

/// Tries all bounds of these calls.
async fn attempt(stage: &Stage, document: &Value, calls: &[&Call]) -> Found {
    let mut found = Found::default();
    for call in calls {
        let operation = operation(document, call);
        for bound in bounds_of(document, operation) {
            let Bound { word, says, .. } = &bound;
            let value = match outside(&bound) {
                Outside::Value(value) => value,
                Outside::Nothing => {
                    let what = ((*word).to_owned(), as_text(says));
                    *found.not_tried.entry(what).or_default() += 1;
                    continue;
                }
            };
            let world = stage.permitted(call).await;
            let answer = send(stage, call, &world, document, &bound, &value).await;
            *found.tried.entry((*word).to_owned()).or_default() += 1;
            if !names_it(&answer, &bound) {
                let (status, text) = (answer.status.as_u16(), answer.text());
                let (place, sent) = (bound.name(), as_text(&value));
                let sent: String = sent.chars().take(40).collect();
                found.let_through.push(format!(
                    "{} {place} {word}: {sent:?} is answered {status} {text}",
                    call.operation
                ));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_documented_bound_is_kept() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let calls: Vec<_> = CALLS.iter().collect();
    let found = attempt(&stage, &document, &calls).await;
    let Found {
        tried,
        not_tried,
        let_through,
    } = &found;
    let number: usize = tried.values().sum();
    println!("{number} values outside of a documented bound: {tried:?}");
    println!("not tried: {not_tried:?}");
    assert_eq!(*let_through, [""; 0]);
    let allowed = NOT_TRIED.iter().map(|(word, says, _)| (*word, *says));
    let left_out = not_tried
        .keys()
        .map(|(word, says)| (word.as_str(), says.as_str()));
    assert_eq!(
        left_out.collect::<BTreeSet<_>>(),
        allowed.collect::<BTreeSet<_>>(),
        "what no value is outside of stands in NOT_TRIED, with the reason"
    );
    // Counted by another walk, so that what this one does not reach is missed.
    let paths = document["paths"].as_object().unwrap();
    let operations = paths
        .values()
        .flat_map(|item| item.as_object().unwrap().values());
    let stated: usize = operations
        .map(|operation| words_of(&document, operation))
        .sum();
    assert_eq!(found.total(), stated);
    assert!(number > 150, "{number}");
}

/// Control: a bound that the service does not know of is reported, wherever it stands.
#[tokio::test]
async fn a_bound_that_nobody_keeps_is_seen() {
    let stage = Stage::new().await;
    let mut document = stage.app.get("/openapi.json").await.json();
    let schemas = &mut document["components"]["schemas"];
    schemas["CreateProject"]["properties"]["description"]["maxLength"] = json!(5);
    schemas["CreateProject"]["properties"]["name"]["maxLength"] = json!(2_000);
    schemas["UpdateMe"]["properties"]["profile"] = json!({
        "type": "object",
        "properties": { "ages": { "type": "array", "items": { "type": "integer", "maximum": 9 } } },
    });
    let parameters = &mut document["paths"]["/api/v1/projects"]["get"]["parameters"];
    let parameters = parameters.as_array_mut().unwrap();
    let name = parameters.iter_mut().find(|it| it["name"] == "name");
    name.unwrap()["schema"]["minLength"] = json!(3);
    let names = [
        "POST /api/v1/projects",
        "GET /api/v1/projects",
        "PATCH /api/v1/me",
    ];
    let calls = CALLS.iter().filter(|call| names.contains(&call.operation));
    let calls: Vec<_> = calls.collect();
    let found = attempt(&stage, &document, &calls).await;
    let operations = calls.iter().map(|call| operation(&document, call));
    let stated: usize = operations
        .map(|operation| words_of(&document, operation))
        .sum();
    assert_eq!(found.total(), stated);
    let short = |line: &String| line.split(':').next().unwrap().to_owned();
    let seen: BTreeSet<_> = found.let_through.iter().map(short).collect();
    // The name that is longer than the service takes is refused, so that bound is no lie.
    let expected = [
        "GET /api/v1/projects ?name minLength",
        "PATCH /api/v1/me /profile/ages/0 maximum",
        "POST /api/v1/projects /description maxLength",
    ];
    assert_eq!(seen, expected.map(str::to_owned).into());
}
