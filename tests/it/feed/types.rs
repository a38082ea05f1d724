//! The types of events: in the documentation, in the API's document, and as they are told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use chartroom::events::Event;

use super::*;
use crate::support::snapshot::between;

#[test]
fn the_documentation_lists_every_type() {
    let mut table = String::from("| type | when | `data` |\n|---|---|---|\n");
    for kind in Event::kinds() {
        let data = serde_json::to_value(&kind.data).unwrap();
        let members = data["properties"].as_object().unwrap();
        let members: Vec<String> = members.keys().map(|name| format!("`{name}`")).collect();
        let (name, text, members) = (kind.name, kind.description, members.join(", "));
        writeln!(table, "| `{name}` | {text} | {members} |").unwrap();
    }
    between(
        Path::new("docs/EVENTS.md"),
        "<!-- types: generated, see tests/it/feed/types.rs -->\n",
        "<!-- /types -->",
        &table,
    );
}

#[tokio::test]
async fn the_document_says_what_a_receiver_is_sent() {
    let app = app(&[]).await;
    let document = app.get("/openapi.json").await.json();
    let webhooks = document["webhooks"].as_object().unwrap();
    let known: BTreeSet<&str> = Event::kinds().iter().map(|kind| kind.name).collect();
    assert!(known.iter().all(|name| Event::is_kind(name)) && !Event::is_kind("chartroom.nothing"));
    let listed: BTreeSet<&str> = webhooks.keys().map(String::as_str).collect();
    assert_eq!(listed, known);
    // What is told has no member that the document does not list.
    let ann = Person::new(&app, "ann").await;
    let bob = Person::new(&app, "bob").await;
    let project = ann.project(&app, json!({ "name": "types" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    ann.share(&app, &project, &bob, "editor").await;
    ann.remove(&app, &project, &bob).await;
    ann.change(&app, &project, json!({ "name": "types too" }))
        .await;
    let page = ann.feed(&app, "").await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    for item in items {
        let kind = item["type"].as_str().unwrap();
        let body = &webhooks[kind]["post"]["requestBody"]["content"];
        let schema = &body["application/cloudevents+json"]["schema"]["allOf"];
        let properties = &schema[1]["properties"];
        assert_eq!(properties["type"]["enum"], json!([kind]));
        let data = item["data"].as_object().unwrap();
        let members = &properties["data"]["properties"];
        for (name, _) in data {
            assert!(members[name].is_object(), "{kind} {name}");
        }
        let required = properties["data"]["required"].as_array();
        for name in required.into_iter().flatten() {
            assert!(data.contains_key(name.as_str().unwrap()), "{kind} {name}");
        }
    }
}
