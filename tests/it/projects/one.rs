//! Making, reading, changing and deleting a project.

use http::Method;
use serde_json::{Value, json};

use super::{NOTHING, Person, app, count, id_of, outcome};

#[tokio::test]
async fn a_project_lives_from_its_creation_to_its_deletion() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let body = json!({ "name": "  Übersicht ", "description": "a\nb", "expires_at": "2999-01-02T03:04:05.123456Z", "visibility": "internal" });
    let made = ann.post(&app, "/api/v1/projects", body).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"1\""));
    let project = made.header("location").to_owned();
    let mut shown = made.json();
    for time in ["created_at", "updated_at"] {
        let time = shown[time].take();
        chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
    }
    let expected = json!({
        "id": id_of(&project), "name": "Übersicht", "description": "a\nb", "visibility": "internal",
        "expires_at": "2999-01-02T03:04:05.123456Z", "role": "owner", "created_at": null, "updated_at": null,
        "reminders": ["P30D", "P7D", "P1D"],
    });
    assert_eq!(shown, expected);
    let read = ann.get(&app, &project).await;
    assert_eq!((read.json(), read.header("etag")), (made.json(), "\"1\""));
    let known = ann
        .send(
            &app,
            Method::GET,
            &project,
            &[("if-none-match", "\"1\"")],
            None,
        )
        .await;
    assert_eq!(known.status, 304);

    let changed = ann.patch(&app, &project, json!({ "name": "Other", "expires_at": null, "description": null, "visibility": "private" })).await;
    assert_eq!(
        (changed.status.as_u16(), changed.header("etag")),
        (200, "\"2\"")
    );
    let now = changed.json();
    assert_eq!(
        (
            &now["name"],
            &now["description"],
            &now["expires_at"],
            &now["visibility"]
        ),
        (
            &json!("Other"),
            &Value::Null,
            &Value::Null,
            &json!("private")
        )
    );
    assert!(now["updated_at"].as_str() > now["created_at"].as_str());
    assert_eq!(ann.get(&app, &project).await.json(), now);
    let nothing = ann.patch(&app, &project, json!({})).await.json();
    assert_eq!(
        (&nothing["name"], &nothing["role"]),
        (&json!("Other"), &json!("owner"))
    );

    assert_eq!(
        outcome(&ann.delete(&app, &project).await),
        (204, String::new())
    );
    assert_eq!(
        outcome(&ann.delete(&app, &project).await),
        (404, "not-found".to_owned())
    );
    assert_eq!(
        outcome(&ann.get(&app, &project).await),
        (404, "not-found".to_owned())
    );
    assert_eq!(count(&app, "SELECT count(*) FROM project_members").await, 0);
}

#[tokio::test]
async fn the_least_that_makes_a_project_is_a_name() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let made = ann
        .post(&app, "/api/v1/projects", json!({ "name": "a" }))
        .await
        .json();
    assert_eq!(
        (
            &made["visibility"],
            &made["expires_at"],
            &made["description"]
        ),
        (&json!("private"), &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn what_does_not_fit_is_listed_and_changes_nothing() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "a" })).await;
    let long = "ü".repeat(201);
    let wrong = [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": " \t " }), "/name"),
        (json!({ "name": "a\u{7}b" }), "/name"),
        (json!({ "name": "a\u{0}b" }), "/name"),
        (json!({ "name": long }), "/name"),
        (json!({ "name": format!(" {}", "x".repeat(200)) }), "/name"),
        (json!({ "name": 7 }), "/name"),
        (json!({ "name": null }), "/name"),
        (
            json!({ "name": "a", "description": "x".repeat(10_001) }),
            "/description",
        ),
        (
            json!({ "name": "a", "expires_at": "2020-01-01T00:00:00Z" }),
            "/expires_at",
        ),
        (
            json!({ "name": "a", "expires_at": "+12020-01-01T00:00:00Z" }),
            "/expires_at",
        ),
        (
            json!({ "name": "a", "expires_at": "tomorrow" }),
            "/expires_at",
        ),
        (
            json!({ "name": "a", "visibility": "public" }),
            "/visibility",
        ),
        (json!({ "name": "a", "visibility": null }), "/visibility"),
        (json!({ "name": "a", "titel": "b" }), "/titel"),
    ];
    for (body, pointer) in wrong {
        for answer in [
            ann.post(&app, "/api/v1/projects", body.clone()).await,
            ann.patch(&app, &project, body.clone()).await,
        ] {
            assert_eq!(
                outcome(&answer),
                (422, "validation-failed".to_owned()),
                "{body}"
            );
            let errors = answer.json()["errors"].clone();
            assert_eq!(
                (errors[0]["pointer"].as_str(), errors[1].as_object()),
                (Some(pointer), None),
                "{errors}"
            );
        }
    }
    // The control: at the bounds it fits.
    let fits = json!({ "name": "ü".repeat(200), "description": "x".repeat(10_000), "expires_at": "9999-12-31T23:59:59Z" });
    assert_eq!(ann.patch(&app, &project, fits.clone()).await.status, 200);
    assert_eq!(ann.post(&app, "/api/v1/projects", fits).await.status, 201);
    assert_eq!(
        outcome(&ann.post(&app, "/api/v1/projects", json!({})).await).1,
        "validation-failed"
    );
    assert_eq!(count(&app, "SELECT count(*) FROM projects").await, 2);
}

#[tokio::test]
async fn a_repeated_creation_makes_one_project() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let bob = Person::new(&app, "bob").await;
    let key = [("idempotency-key", "\"k\"")];
    let create = |who: Person, name: &'static str| {
        let app = &app;
        async move {
            who.send(
                app,
                Method::POST,
                "/api/v1/projects",
                &key,
                Some(json!({ "name": name })),
            )
            .await
        }
    };
    let first = create(ann.clone(), "a").await;
    let again = create(ann.clone(), "a").await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (first.status, "true")
    );
    assert_eq!(
        (again.text(), again.header("location"), again.header("etag")),
        (first.text(), first.header("location"), "\"1\"")
    );
    assert_eq!(
        outcome(&create(ann, "b").await),
        (422, "idempotency-key-reused".to_owned())
    );
    // The control: another caller's key is another key.
    assert_eq!(create(bob, "a").await.status, 201);
    assert_eq!(count(&app, "SELECT count(*) FROM projects").await, 2);
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "a" })).await;
    let tag = [("if-match", "\"1\"")];
    let write = |name: &'static str| {
        ann.send(
            &app,
            Method::PATCH,
            &project,
            &tag,
            Some(json!({ "name": name })),
        )
    };
    let answers = [write("b"), write("c"), write("d")];
    let answers = futures_util::future::join_all(answers).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(
            (outcome(lost).1.as_str(), lost.header("etag")),
            ("precondition-failed", "\"2\"")
        );
    }
    assert_eq!(
        ann.get(&app, &project).await.json()["name"],
        won[0].json()["name"]
    );
    let stale = ann.send(&app, Method::DELETE, &project, &tag, None).await;
    assert_eq!(outcome(&stale), (412, "precondition-failed".to_owned()));
    let fresh = ann
        .send(
            &app,
            Method::DELETE,
            &project,
            &[("if-match", "\"2\"")],
            None,
        )
        .await;
    assert_eq!(fresh.status, 204);
    let nowhere = format!("/api/v1/projects/{NOTHING}");
    let missing = ann.send(&app, Method::DELETE, &nowhere, &tag, None).await;
    assert_eq!(outcome(&missing).1, "not-found");
}
