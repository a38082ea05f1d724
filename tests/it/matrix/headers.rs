//! The headers that the document names, against what operations take and answers carry: both ways.

use std::collections::BTreeSet;

use super::*;

/// Those that belong to single operations, so that their being there says something.
const SENT: [&str; 3] = ["if-match", "if-none-match", "idempotency-key"];
const CARRIED: [&str; 8] = [
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
];
/// What an answer of the documented status has each time, and not only now and then.
const ALWAYS: [&str; 5] = [
    "etag",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "x-request-id",
];

fn names<'a>(values: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    values.map(str::to_lowercase).collect()
}

fn operation<'a>(document: &'a Value, call: &Call) -> &'a Value {
    let (method, path) = call.operation.split_once(' ').unwrap();
    &document["paths"][path][method.to_lowercase()]
}

fn target<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The headers that the document names for an answer of this status.
fn documented(document: &Value, call: &Call, status: &str) -> BTreeSet<String> {
    let response = &operation(document, call)["responses"][status];
    let headers = target(document, response)["headers"].as_object();
    names(headers.into_iter().flatten().map(|(name, _)| name.as_str()))
}

/// What is wrong with the headers of an answer.
fn wrong(document: &Value, call: &Call, answer: &Answer) -> Vec<String> {
    let status = answer.status.as_str();
    let documented = documented(document, call, status);
    let there = names(answer.headers.keys().map(http::HeaderName::as_str));
    let is_failure = answer.status.is_client_error();
    let strays = CARRIED
        .iter()
        .filter(|name| there.contains(**name) && !documented.contains(**name))
        .map(|name| format!("{} {status}: {name} is not documented", call.operation));
    let missing = ALWAYS
        .iter()
        .filter(|name| documented.contains(**name) && !there.contains(**name))
        // Some failures of a status have them.
        .filter(|name| !is_failure || !["etag", "location"].contains(*name))
        .map(|name| format!("{} {status}: {name} is documented", call.operation));
    strays.chain(missing).collect()
}

#[tokio::test]
async fn answers_carry_the_headers_that_the_document_names() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let mut flaws = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for call in CALLS {
        let world = stage.permitted(call).await;
        let mut answers = Vec::new();
        let key = ("idempotency-key", "one");
        answers.push(attempt(&stage, call, &world, &[key]).await.1);
        // Again, which is the same answer, or what comes of it; and with what the first one told.
        answers.push(attempt(&stage, call, &world, &[key]).await.1);
        let tag = answers[0].header("etag").to_owned();
        if call.reads() && !tag.is_empty() {
            let unchanged = attempt(&stage, call, &world, &[("if-none-match", &tag)])
                .await
                .1;
            assert_eq!(unchanged.status, 304, "{}", call.operation);
            answers.push(unchanged);
        }
        answers.push(
            attempt(&stage, call, &world, &[("if-match", "\"none\"")])
                .await
                .1,
        );
        answers.push(
            attempt(&stage, call, &world, &[("if-none-match", "nothing")])
                .await
                .1,
        );
        let nobody = Arc::new(stage.world("anonymous", "-").await);
        answers.push(attempt(&stage, call, &nobody, &[]).await.1);
        if documented(&document, call, "200").contains("link") {
            let (_, path) = call.operation.split_once(' ').unwrap();
            let one = format!("{}?limit=1", fill(path, &world.things));
            let who = world.caller.as_ref();
            let answer = stage.send(who, Method::GET, &one, &[], Body::empty()).await;
            let has_more = !answer.json()["next"].is_null();
            assert_eq!(has_more, !answer.header("link").is_empty(), "{one}");
            answers.push(answer);
        }
        for answer in answers {
            flaws.extend(wrong(&document, call, &answer));
            seen.extend(names(answer.headers.keys().map(http::HeaderName::as_str)));
        }
    }
    assert_eq!(flaws, Vec::<String>::new());
    for name in [
        "etag",
        "idempotency-replayed",
        "link",
        "location",
        "x-request-id",
    ] {
        assert!(seen.contains(name), "no answer had {name}");
    }
}

/// A header that an operation looks at is refused where it cannot be read, and so is one that does
/// not hold.
#[tokio::test]
async fn operations_take_the_headers_that_the_document_names() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let (mut flaws, mut taken) = (Vec::new(), 0);
    for call in CALLS {
        let operation = operation(&document, call);
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<_> = parameters.map(|it| target(&document, it)).collect();
        let in_headers = parameters.iter().filter(|it| it["in"] == "header");
        let documented = names(in_headers.map(|it| it["name"].as_str().unwrap()));
        for name in SENT {
            let world = stage.permitted(call).await;
            let answer = attempt(&stage, call, &world, &[(name, "\"")]).await.1;
            let takes = answer.status == 400 && answer.text().to_lowercase().contains(name);
            if takes != documented.contains(name) {
                flaws.push(format!("{}: {name}: takes {takes}", call.operation));
            }
            taken += usize::from(takes);
        }
        if documented.contains("if-match") {
            let world = stage.permitted(call).await;
            let answer = attempt(&stage, call, &world, &[("if-match", "\"none\"")])
                .await
                .1;
            assert_eq!(
                answer.problem(),
                "precondition-failed",
                "{}",
                call.operation
            );
        }
    }
    assert_eq!(flaws, Vec::<String>::new());
    assert!(taken > 20, "{taken}");
}

#[tokio::test]
async fn a_header_that_only_one_side_knows_is_seen() {
    let stage = Stage::new().await;
    let mut document = stage.app.get("/openapi.json").await.json();
    let call = CALLS
        .iter()
        .find(|call| call.operation == "GET /api/v1/projects/{id}")
        .unwrap();
    let world = stage.permitted(call).await;
    let (_, answer) = attempt(&stage, call, &world, &[]).await;
    assert_eq!(wrong(&document, call, &answer), Vec::<String>::new());
    let place = "/paths/~1api~1v1~1projects~1{id}/get/responses/200/headers";
    let headers = document
        .pointer_mut(place)
        .unwrap()
        .as_object_mut()
        .unwrap();
    headers.remove("ETag");
    headers.insert("Location".to_owned(), json!({}));
    let seen = wrong(&document, call, &answer).join(", ");
    assert!(seen.contains("etag is not documented"), "{seen}");
    assert!(seen.contains("location is documented"), "{seen}");
}
