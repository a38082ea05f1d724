//! What holds for all operations alike: tags and conditions on what is one thing, pages where there
//! are many, keys on what makes something.

use super::*;

/// The others are facts about two things, end what has no versions, or are made while they are
/// read.
const WITHOUT_VERSIONS: [&str; 12] = [
    "GET /api/v1/datasets/{id}/imports/{import}/rejected",
    "GET /api/v1/models/{name}/stats",
    "PATCH /api/v1/me/notifications/{id}",
    "PUT /api/v1/me/preferences/{type}",
    "PUT /api/v1/posts/{id}/vote",
    "DELETE /api/v1/posts/{id}/vote",
    "DELETE /api/v1/me/sessions",
    "DELETE /api/v1/me/sessions/{id}",
    "DELETE /api/v1/users/{id}/sessions",
    "DELETE /api/v1/me/identities/{id}",
    "DELETE /api/v1/users/{id}/identities/{identity}",
    "GET /api/v1/version",
];

#[tokio::test]
async fn what_is_one_thing_has_a_tag_and_is_changed_on_its_condition() {
    let stage = Stage::new().await;
    let (mut tags, mut conditions) = (0, 0);
    for call in CALLS {
        let (method, path) = call.operation.split_once(' ').unwrap();
        if !path.starts_with("/api/v1/") || WITHOUT_VERSIONS.contains(&call.operation) {
            continue;
        }
        let world = stage.permitted(call).await;
        match method {
            "GET" => {
                let (_, answer) = attempt(&stage, call, &world, &[]).await;
                if items(&answer).is_some() {
                    continue;
                }
                let tag = answer.header("etag");
                assert!(tag.starts_with('"'), "{}: {tag:?}", call.operation);
                let known = attempt(&stage, call, &world, &[("if-none-match", tag)])
                    .await
                    .1;
                assert_eq!(
                    (known.status.as_u16(), known.body.len()),
                    (304, 0),
                    "{}",
                    call.operation
                );
                assert_eq!(known.header("etag"), tag, "{}", call.operation);
                tags += 1;
            }
            "PATCH" | "PUT" | "DELETE" => {
                let late = [("if-match", "\"999999\"")];
                let refused = attempt(&stage, call, &world, &late).await.1;
                assert_eq!(
                    refused.problem(),
                    "precondition-failed",
                    "{}",
                    call.operation
                );
                // The control: without the condition it is done, so nothing was before.
                let done = attempt(&stage, call, &world, &[]).await.1;
                let is_done = done.status.is_success() || done.problem() == "last-owner";
                assert!(is_done, "{}: {}", call.operation, done.text());
                conditions += 1;
            }
            _ => {}
        }
    }
    assert!(tags >= 6 && conditions >= 10, "{tags} {conditions}");
}

#[tokio::test]
async fn every_list_comes_in_pages() {
    let stage = Stage::new().await;
    let document = stage.app.get("/openapi.json").await.json();
    let (mut lists, mut longer) = (0, 0);
    for call in CALLS.iter().filter(|call| call.reads()) {
        let (_, path) = call.operation.split_once(' ').unwrap();
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        let known = |name: &str| {
            parameters
                .into_iter()
                .flatten()
                .any(|it| it["name"] == name)
        };
        // The feed of events has no last page: tests/it/feed walks it.
        if !known("limit") || known("after") {
            continue;
        }
        let world = stage.permitted(call).await;
        let target = fill(path, &world.things);
        let get = async |query: &str| {
            let target = format!("{target}?{query}");
            let who = world.caller.as_ref();
            stage
                .send(who, Method::GET, &target, &[], Body::empty())
                .await
        };
        let page = get("limit=1&count=true").await;
        let body = page.json();
        let operation = call.operation;
        assert!(body["items"].as_array().unwrap().len() <= 1, "{operation}");
        assert!(
            body["count"].is_u64() && body["count_capped"].is_boolean(),
            "{operation}"
        );
        assert_eq!(
            body["next"].is_string(),
            page.header("link").contains("rel=\"next\""),
            "{operation}"
        );
        assert!(
            get("limit=1").await.json()["count"].is_null(),
            "{operation}"
        );
        for wrong in [
            "limit=0",
            "limit=201",
            "sort=no_such",
            "cursor=AAAA",
            "count=1",
        ] {
            assert_eq!(
                get(wrong).await.problem(),
                "invalid-parameter",
                "{operation} {wrong}"
            );
        }
        assert_eq!(
            get("offset=1").await.problem(),
            "unknown-parameter",
            "{operation}"
        );
        if let Some(next) = body["next"].as_str() {
            let next = get(&format!("limit=1&cursor={next}")).await.json();
            assert_ne!(next["items"][0], body["items"][0], "{operation}");
            assert!(next["items"][0].is_object(), "{operation}");
            longer += 1;
        }
        lists += 1;
    }
    assert!(lists >= 8 && longer >= 4, "{lists} {longer}");
}

#[tokio::test]
async fn what_makes_something_is_repeated_with_its_key_and_not_done_again() {
    let stage = Stage::new().await;
    let mut repeated = 0;
    for call in CALLS {
        // Registration has no caller whose key it could be: its email is unique. A new password
        // makes nothing, and the hash of its request has no business in the database. Nor does
        // asking for a mail or for a check make anything.
        let others = [
            "POST /api/v1/users",
            "POST /api/v1/me/password",
            "POST /api/v1/me/email/confirmation",
            "POST /api/v1/models/{name}/versions/{version}/verify",
        ];
        if !call.operation.starts_with("POST /api/v1/") || others.contains(&call.operation) {
            continue;
        }
        let world = stage.permitted(call).await;
        let key = [("idempotency-key", "\"once\"")];
        let first = attempt(&stage, call, &world, &key).await.1;
        assert!(
            first.status.is_success(),
            "{}: {}",
            call.operation,
            first.text()
        );
        let again = attempt(&stage, call, &world, &key).await.1;
        assert_eq!(
            again.header("idempotency-replayed"),
            "true",
            "{}",
            call.operation
        );
        assert_eq!(
            (again.status, again.text()),
            (first.status, first.text()),
            "{}",
            call.operation
        );
        // The control: without the key it is another one.
        let other = attempt(&stage, call, &world, &[]).await.1;
        assert_ne!(
            (other.status, other.text()),
            (first.status, first.text()),
            "{}",
            call.operation
        );
        repeated += 1;
    }
    assert!(repeated >= 3, "{repeated}");
}

/// So that the list above does not outlive what it is about.
#[test]
fn what_has_no_versions_is_there() {
    for operation in WITHOUT_VERSIONS {
        assert!(
            CALLS.iter().any(|call| call.operation == operation),
            "{operation}"
        );
    }
}
