//! What the audit trail tells of posts.

use super::*;

/// The events of a project's trail about posts, the oldest first, without what differs from run to
/// run.
async fn events(place: &Place, who: &Person, target: &str) -> Vec<Value> {
    let answer = who.get(place, target).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.json();
    let mut events = page["items"].as_array().unwrap().clone();
    events.retain(|event| event["action"].as_str().unwrap().starts_with("post."));
    events.reverse();
    events
}

#[tokio::test]
async fn audit_l3_changing_or_deleting_anothers_post_is_told() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let project = place
        .project("private", &[(&ann, "owner"), (&bob, "editor")])
        .await;
    let trail = format!("/api/v1/projects/{project}/audit");
    let post = ann.post(&place, json!({ "project_id": project })).await;
    let id = post.rsplit('/').next().unwrap();
    // One's own, what is refused and what has another version leave nothing.
    ann.patch(&place, &post, json!({ "title": "Mine" })).await;
    let stale = [("if-match", "\"1\"")];
    let body = Some(json!({ "title": "Stale" }));
    let kept = bob.send(&place, Method::PATCH, &post, &stale, body).await;
    assert_eq!(kept.status, 412);
    assert_eq!(events(&place, &ann, &trail).await, [Value::Null; 0]);

    let body = Some(json!({ "title": "Theirs", "published": false }));
    let named = [("x-request-id", "0192f0c1-2345-7000-8000-00000000aaaa")];
    let changed = bob.send(&place, Method::PATCH, &post, &named, body).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let deleted = bob.delete(&place, &post).await;
    assert_eq!(deleted.status, 204);
    let told = events(&place, &ann, &trail).await;
    let expected = [
        (
            "post.changed",
            &changed,
            json!({ "post": id, "author": ann.id, "changed": ["title", "published"] }),
        ),
        (
            "post.deleted",
            &deleted,
            json!({ "post": id, "author": ann.id }),
        ),
    ];
    assert_eq!(told.len(), expected.len());
    for (event, (action, answer, detail)) in told.iter().zip(expected) {
        assert_eq!(event["action"], action);
        assert_eq!(event["actor"], bob.id);
        assert_eq!(event["request_id"], answer.header("x-request-id"));
        assert_eq!(event["detail"], detail);
    }
    // The instance's trail has the same.
    let all = "SELECT count(*) FROM audit_events WHERE action ~ '^post\\.'";
    assert_eq!(place.number(all).await, 2);
    // A post whose author is gone is nobody's own.
    let post = ann.post(&place, json!({ "project_id": project })).await;
    place.sql("UPDATE posts SET author_id = NULL").await;
    assert_eq!(bob.delete(&place, &post).await.status, 204);
    let told = events(&place, &ann, &trail).await;
    assert_eq!(told.last().unwrap()["detail"]["author"], Value::Null);
}
