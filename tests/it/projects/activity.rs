//! A person reads what their own account did, and nothing of others.

use http::Method;
use serde_json::{Value, json};

use super::{Person, app};
use crate::support::app::TestApp;

const PATH: &str = "/api/v1/me/activity";

async fn actions(who: &Person, app: &TestApp, query: &str) -> Vec<String> {
    let page = who.get(app, &format!("{PATH}{query}")).await.json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|event| event["action"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn everybody_sees_what_their_own_account_did() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    ann.share(&app, &project, &bob, "editor").await;
    let id = [("x-request-id", "the-request")];
    let patch = Some(json!({ "name": "Bob" }));
    bob.send(&app, Method::PATCH, "/api/v1/me", &id, patch)
        .await;

    let newest = bob.get(&app, PATH).await.json()["items"][0].clone();
    assert_eq!(newest["action"], "user.changed");
    assert_eq!(newest["target"], Value::from(bob.id.clone()));
    assert_eq!(newest["request_id"], "the-request");
    assert_eq!(newest["address"], "127.0.0.1");

    // What was done to bob is ann's, and bob's is not among hers.
    let (anns, bobs) = (actions(&ann, &app, "").await, actions(&bob, &app, "").await);
    assert_eq!(anns[..2], ["member.added", "project.created"]);
    assert!(
        !bobs.iter().any(|action| action == "member.added"),
        "{bobs:?}"
    );
    assert!(
        !anns.iter().any(|action| action == "user.changed"),
        "{anns:?}"
    );

    let one = actions(&ann, &app, "?action=project.created").await;
    assert_eq!(one, ["project.created"]);
    let none = actions(&ann, &app, "?at__gte=2999-01-01T00:00:00Z").await;
    assert!(none.is_empty(), "{none:?}");
    let first = ann.get(&app, &format!("{PATH}?limit=1")).await.json();
    assert_eq!(first["items"][0]["action"], "member.added");
    let next = first["next"].as_str().unwrap();
    let second = format!("{PATH}?limit=1&cursor={next}");
    let second = ann.get(&app, &second).await.json();
    assert_eq!(second["items"][0]["action"], "project.created");
}
