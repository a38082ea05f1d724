//! Reading, changing and deleting one post, by its version.

use super::*;

#[tokio::test]
async fn a_post_is_created_shown_changed_and_deleted() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let created = ann
        .create(&place, json!({ "title": "One", "content": "Text" }))
        .await;
    assert_eq!(created.status, 201, "{}", created.text());
    let post = created.header("location").to_owned();
    let read = ann.get(&place, &post).await;
    assert_eq!(read.json(), created.json());
    assert_eq!(read.header("etag"), created.header("etag"));
    let mut body = read.json();
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(post, format!("/api/v1/posts/{id}"));
    assert_eq!(body["created_at"], body["updated_at"]);
    for name in ["id", "created_at", "updated_at"] {
        body[name].take();
    }
    let author = json!({ "id": ann.id, "username": "ann", "name": "The ann" });
    assert_eq!(
        body,
        json!({
            "id": null, "project_id": null, "title": "One", "content": "Text", "published": true, "author": author,
            "votes": 0, "voted": false, "role": "owner", "created_at": null, "updated_at": null
        })
    );
    // The whole body of a PUT is a patch.
    for (patch, title, content, published) in [
        (json!({ "title": "Two" }), "Two", "Text", true),
        (json!({ "content": "" }), "Two", "", true),
        (json!({}), "Two", "", true),
        (
            json!({ "title": "3", "content": "c", "published": false }),
            "3",
            "c",
            false,
        ),
    ] {
        let changed = ann.patch(&place, &post, patch.clone()).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let body = changed.json();
        assert_eq!(
            (&body["title"], &body["content"], &body["published"]),
            (&json!(title), &json!(content), &json!(published)),
            "{patch}"
        );
        let read = ann.get(&place, &post).await;
        assert_eq!(
            (read.json(), read.header("etag")),
            (body, changed.header("etag"))
        );
    }
    assert!(
        ann.get(&place, &post)
            .await
            .header("etag")
            .starts_with("\"5-")
    );
    assert_eq!(ann.delete(&place, &post).await.status, 204);
    for answer in [
        ann.get(&place, &post).await,
        ann.delete(&place, &post).await,
    ] {
        assert_eq!(answer.problem(), "not-found");
    }
}

#[tokio::test]
async fn a_vote_changes_the_tag_and_fails_no_edit() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let post = ann.post(&place, json!({})).await;
    let first = ann.get(&place, &post).await.header("etag").to_owned();
    assert_eq!(bob.vote(&place, &post).await.status, 204);
    let known = [("if-none-match", first.as_str())];
    let again = ann.send(&place, Method::GET, &post, &known, None).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["votes"]),
        (200, &json!(1))
    );
    let second = again.header("etag").to_owned();
    assert_ne!(first, second);
    let known = [("if-none-match", second.as_str())];
    let same = ann.send(&place, Method::GET, &post, &known, None).await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    // For another reader it is another representation.
    assert_ne!(bob.get(&place, &post).await.header("etag"), second);
    let held = [("if-match", first.as_str())];
    let body = Some(json!({ "title": "Edited" }));
    let edited = ann
        .send(&place, Method::PATCH, &post, &held, body.clone())
        .await;
    assert_eq!(edited.status, 200, "{}", edited.text());
    let late = ann.send(&place, Method::PATCH, &post, &held, body).await;
    assert_eq!(late.problem(), "precondition-failed");
    assert_eq!(late.header("etag"), edited.header("etag"));
    for condition in [
        ("if-match", "\"9\""),
        ("if-none-match", "*"),
        ("if-match", "W/\"2\""),
    ] {
        let kept = ann
            .send(&place, Method::DELETE, &post, &[condition], None)
            .await;
        assert_eq!(kept.problem(), "precondition-failed", "{condition:?}");
    }
    let gone = ann
        .send(
            &place,
            Method::DELETE,
            &post,
            &[("if-match", "\"2\"")],
            None,
        )
        .await;
    assert_eq!(gone.status, 204);
}

#[tokio::test]
async fn of_two_writers_who_read_the_same_one_is_told() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let post = ann.post(&place, json!({})).await;
    for round in 1..=10 {
        let tag = ann.get(&place, &post).await.header("etag").to_owned();
        let write = async |title: &str| {
            let held = [("if-match", tag.as_str())];
            let body = json!({ "title": format!("{title} {round}") });
            ann.send(&place, Method::PATCH, &post, &held, Some(body))
                .await
        };
        let (a, b) = tokio::join!(write("a"), write("b"));
        let (won, lost) = if a.status == 200 { (a, b) } else { (b, a) };
        assert_eq!(won.status, 200, "{}", won.text());
        assert_eq!(lost.problem(), "precondition-failed");
        assert_eq!(lost.header("etag"), won.header("etag"));
        assert_eq!(ann.get(&place, &post).await.json(), won.json());
    }
    // The control: without the condition both get through, one after the other.
    let (a, b) = tokio::join!(
        ann.patch(&place, &post, json!({ "title": "a" })),
        ann.patch(&place, &post, json!({ "content": "b" }))
    );
    assert_eq!((a.status.as_u16(), b.status.as_u16()), (200, 200));
    let body = ann.get(&place, &post).await;
    assert_eq!(
        (&body.json()["title"], &body.json()["content"]),
        (&json!("a"), &json!("b"))
    );
    assert!(body.header("etag").starts_with("\"13-"));
}

#[tokio::test]
async fn a_repeated_creation_with_its_key_makes_one_post() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let body = || Some(json!({ "title": "t", "content": "c" }));
    let key = [("idempotency-key", "\"k\"")];
    let create = async || {
        ann.send(&place, Method::POST, "/api/v1/posts", &key, body())
            .await
    };
    let first = create().await;
    let again = create().await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(
        (again.json(), again.header("etag")),
        (first.json(), first.header("etag"))
    );
    let other = Some(json!({ "title": "other", "content": "c" }));
    let other = ann
        .send(&place, Method::POST, "/api/v1/posts", &key, other)
        .await;
    assert_eq!(other.problem(), "idempotency-key-reused");
    assert_eq!(place.number("SELECT count(*) FROM posts").await, 1);
    // A refusal under a key leaves nothing either.
    let body = Some(json!({ "title": "t", "content": "c", "project_id": NOTHING }));
    let key = [("idempotency-key", "\"l\"")];
    let refused = ann
        .send(&place, Method::POST, "/api/v1/posts", &key, body)
        .await;
    assert_eq!(refused.problem(), "not-found");
}
