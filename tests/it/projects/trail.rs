//! What an owner is told of what happened to a project.

use serde_json::{Value, json};

use super::{Person, app, count, id_of, outcome};

#[tokio::test]
async fn what_happened_to_a_project_is_told_newest_first() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let other = ann.project(&app, json!({ "name": "other" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    ann.share(&app, &project, &bob, "owner").await;
    let id = [("x-request-id", "the-request")];
    bob.send(
        &app,
        http::Method::PATCH,
        &project,
        &id,
        Some(json!({ "name": "q", "expires_at": null })),
    )
    .await;
    bob.delete(&app, &format!("{project}/members/ann")).await;
    bob.delete(&app, &format!("{project}/members/ann")).await;
    assert_eq!(
        outcome(&bob.delete(&app, &format!("{project}/members/bob")).await).1,
        "last-owner"
    );
    let audit = format!("{project}/audit");
    let page = bob.get(&app, &audit).await.json();
    let told: Vec<Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            assert!(
                event["at"].is_string() && event["request_id"].is_string(),
                "{event}"
            );
            assert!(event["address"].is_null(), "{event}");
            json!([event["action"], event["actor"], event["detail"]])
        })
        .collect();
    let expected = [
        json!(["member.removed", bob.id, { "principal": ann.id, "was": "owner" }]),
        json!(["project.changed", bob.id, { "changed": ["name", "expires_at"] }]),
        json!(["member.changed", ann.id, { "principal": bob.id, "role": "owner", "was": "viewer" }]),
        json!(["member.added", ann.id, { "principal": bob.id, "role": "viewer", "was": null }]),
        json!(["project.created", ann.id, { "name": "p" }]),
    ];
    assert_eq!(told, expected);
    assert_eq!(page["items"][1]["request_id"], "the-request");
    let some = async |query: &str| {
        bob.get(&app, &format!("{audit}{query}")).await.json()["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(some("?action=member.added").await, 1);
    assert_eq!(some(&format!("?actor={}", ann.id)).await, 3);
    assert_eq!(some("?at__gte=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(
        outcome(
            &bob.get(&app, &format!("{audit}?at__gte=-200000-01-01T00:00:00Z"))
                .await
        )
        .1,
        "invalid-parameter"
    );
    let first = bob.get(&app, &format!("{audit}?limit=3")).await.json();
    let rest = bob
        .get(
            &app,
            &format!("{audit}?limit=3&cursor={}", first["next"].as_str().unwrap()),
        )
        .await
        .json();
    assert_eq!(
        (
            first["items"].as_array().unwrap().len(),
            rest["items"].as_array().unwrap().len()
        ),
        (3, 2)
    );
    // A cursor of one project's trail is not good for another's.
    let stolen = format!(
        "{other}/audit?limit=3&cursor={}",
        first["next"].as_str().unwrap()
    );
    assert_eq!(
        outcome(&ann.get(&app, &stolen).await).1,
        "invalid-parameter"
    );

    // The trail outlives the project.
    bob.delete(&app, &project).await;
    assert_eq!(bob.get(&app, &audit).await.status, 404);
    let kept = format!(
        "SELECT count(*) FROM audit_events WHERE target_id = '{}'",
        id_of(&project)
    );
    assert_eq!(count(&app, &kept).await, 6);
}
