//! Making, changing and removing members, and leaving.

use http::Method;
use serde_json::{Value, json};

use super::{NOTHING, Person, app, outcome, sql};

#[tokio::test]
async fn a_member_is_made_changed_and_removed() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let target = format!("{project}/members/BOB");
    let made = ann.put(&app, &target, json!({ "role": "viewer" })).await;
    assert_eq!(
        (made.status.as_u16(), made.header("etag")),
        (201, "\"1\""),
        "{}",
        made.text()
    );
    assert_eq!(
        made.header("location"),
        format!("{project}/members/{}", bob.id)
    );
    let mut shown = made.json();
    assert!(shown["since"].take().is_string());
    assert_eq!(
        shown,
        json!({ "id": bob.id, "username": "bob", "name": null, "role": "viewer", "since": null })
    );
    for named in ["bob", "Bob", &bob.id] {
        let read = bob.get(&app, &format!("{project}/members/{named}")).await;
        assert_eq!(
            (read.json(), read.header("etag")),
            (made.json(), "\"1\""),
            "{named}"
        );
    }
    // The same again changes nothing.
    let version = ann.get(&app, &project).await.header("etag").to_owned();
    let same = ann.put(&app, &target, json!({ "role": "viewer" })).await;
    assert_eq!((same.status.as_u16(), same.header("etag")), (200, "\"1\""));
    assert_eq!(ann.get(&app, &project).await.header("etag"), version);
    let changed = ann.put(&app, &target, json!({ "role": "editor" })).await;
    assert_eq!(
        (
            changed.status.as_u16(),
            changed.header("etag"),
            &changed.json()["role"]
        ),
        (200, "\"2\"", &json!("editor"))
    );
    assert_eq!(changed.json()["since"], made.json()["since"]);
    assert_eq!(bob.get(&app, &project).await.json()["role"], "editor");
    for _ in 0..2 {
        assert_eq!(ann.delete(&app, &target).await.status, 204);
    }
    assert_eq!(outcome(&ann.get(&app, &target).await).1, "not-found");
    assert_eq!(bob.get(&app, &project).await.status, 404);
}

#[tokio::test]
async fn the_members_are_listed_by_when_they_came() {
    let app = app().await;
    let (ann, bob, cid) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "cid").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    ann.share(&app, &project, &cid, "viewer").await;
    ann.share(&app, &project, &bob, "editor").await;
    let other = ann.project(&app, json!({ "name": "q" })).await;
    let of = |page: Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["username"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = format!("{project}/members");
    for (query, expected) in [
        ("", vec!["ann", "cid", "bob"]),
        ("?sort=-since", vec!["bob", "cid", "ann"]),
        ("?role=viewer", vec!["cid"]),
        ("?role=owner&limit=1", vec!["ann"]),
    ] {
        assert_eq!(
            of(cid.get(&app, &format!("{list}{query}")).await.json()),
            expected,
            "{query}"
        );
    }
    assert_eq!(
        of(ann.get(&app, &format!("{other}/members")).await.json()),
        ["ann"]
    );
    let first = ann.get(&app, &format!("{list}?limit=2&count=true")).await;
    assert_eq!(
        (&first.json()["count"], first.header("link").is_empty()),
        (&json!(3), false)
    );
    let next = first.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(
        of(ann
            .get(&app, &format!("{list}?limit=2&cursor={next}&count=true"))
            .await
            .json()),
        ["bob"]
    );
}

#[tokio::test]
async fn a_member_can_leave_but_not_send_others_away() {
    let app = app().await;
    let (ann, bob, cid) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "cid").await,
    );
    let project = ann
        .project(&app, json!({ "name": "p", "visibility": "internal" }))
        .await;
    ann.share(&app, &project, &bob, "viewer").await;
    ann.share(&app, &project, &cid, "editor").await;
    let member = |named: &str| format!("{project}/members/{named}");
    for named in ["ann", &cid.id, "nobody-at-all", NOTHING] {
        assert_eq!(
            outcome(&bob.delete(&app, &member(named)).await),
            (403, "forbidden".to_owned()),
            "{named}"
        );
    }
    // Nobody rises by themselves.
    assert_eq!(
        outcome(
            &cid.put(&app, &member("cid"), json!({ "role": "owner" }))
                .await
        ),
        (403, "forbidden".to_owned())
    );
    assert_eq!(bob.delete(&app, &member("bob")).await.status, 204);
    assert_eq!(cid.delete(&app, &member(&cid.id)).await.status, 204);
    assert_eq!(cid.get(&app, &project).await.json()["role"], Value::Null);
    assert_eq!(ann.delete(&app, &member("nobody-at-all")).await.status, 204);
}

#[tokio::test]
async fn only_who_there_is_can_be_a_member() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let member = |named: &str| format!("{project}/members/{named}");
    for named in [
        "nobody-at-all",
        NOTHING,
        "bob@example.com",
        "'",
        "%25",
        "b_b",
    ] {
        let answer = ann
            .put(&app, &member(named), json!({ "role": "viewer" }))
            .await;
        assert_eq!(outcome(&answer), (404, "not-found".to_owned()), "{named}");
    }
    for named in ["team%2Fjob", "team:job"] {
        let answer = ann
            .put(&app, &member(named), json!({ "role": "viewer" }))
            .await;
        let refused = (400, "invalid-parameter".to_owned());
        assert_eq!(outcome(&answer), refused, "{named}");
    }
    for body in [
        json!({}),
        json!({ "role": "admin" }),
        json!({ "role": null }),
        json!({ "role": "owner", "version": 7 }),
    ] {
        assert_eq!(
            outcome(&ann.put(&app, &member("bob"), body).await),
            (422, "validation-failed".to_owned())
        );
    }
    // A principal may be without a name.
    sql(
        &app,
        &format!("INSERT INTO principals (id, kind) VALUES ('{NOTHING}', 'workload')"),
    )
    .await;
    let workload = ann
        .put(&app, &member(NOTHING), json!({ "role": "viewer" }))
        .await
        .json();
    assert_eq!(
        (&workload["id"], &workload["username"]),
        (&json!(NOTHING), &Value::Null)
    );
    // Somebody who may not sign in now is a member all the same.
    ann.share(&app, &project, &bob, "owner").await;
    sql(
        &app,
        "UPDATE users SET is_disabled = true WHERE username = 'bob'",
    )
    .await;
    assert_eq!(ann.get(&app, &member("bob")).await.json()["role"], "owner");
}

#[tokio::test]
async fn a_membership_is_written_on_its_conditions() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let target = format!("{project}/members/bob");
    let put = |role: &'static str, header: &'static str, value: &'static str| {
        let (app, ann, target) = (&app, &ann, &target);
        async move {
            ann.send(
                app,
                Method::PUT,
                target,
                &[(header, value)],
                Some(json!({ "role": role })),
            )
            .await
            .status
            .as_u16()
        }
    };
    assert_eq!(put("viewer", "if-match", "*").await, 412);
    assert_eq!(put("viewer", "if-none-match", "*").await, 201);
    assert_eq!(put("editor", "if-none-match", "*").await, 412);
    assert_eq!(put("editor", "if-match", "\"1\"").await, 200);
    assert_eq!(put("owner", "if-match", "\"1\"").await, 412);
    let racing = futures_util::future::join_all([
        put("owner", "if-match", "\"2\""),
        put("viewer", "if-match", "\"2\""),
    ])
    .await;
    assert!(racing.contains(&200) && racing.contains(&412), "{racing:?}");
    let stale = ann
        .send(
            &app,
            Method::DELETE,
            &target,
            &[("if-match", "\"1\"")],
            None,
        )
        .await;
    assert_eq!(stale.status, 412);
    let fresh = ann
        .send(
            &app,
            Method::DELETE,
            &target,
            &[("if-match", "\"3\"")],
            None,
        )
        .await;
    assert_eq!(fresh.status, 204);
    assert_eq!(bob.get(&app, &project).await.status, 404);
    assert_eq!(
        ann.send(
            &app,
            Method::GET,
            &format!("{project}/members/ann"),
            &[("if-none-match", "\"1\"")],
            None
        )
        .await
        .status,
        304
    );
}
