//! What a repetition under an `Idempotency-Key` is answered to who lost the project.

use super::*;

#[tokio::test]
async fn audit_l7_a_repetition_shows_nothing_of_a_project_that_was_lost() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let repeat = async |who: &Person, target: &str, body: &Value| {
        let key = [("idempotency-key", "k")];
        who.send(&place, Method::POST, target, &key, Some(body.clone()))
            .await
    };
    let seen = |answer: &Answer| {
        let replayed = answer.header("idempotency-replayed") == "true";
        (answer.status.as_u16(), replayed)
    };
    let role = async |project: &str, sql: &str| {
        place
            .sql(&sql.replace(
                "ROW",
                &format!("project_id = '{project}' AND principal_id = '{}'", bob.id),
            ))
            .await;
    };
    let mine = json!({ "name": "Mine" });
    let made = repeat(&bob, "/api/v1/projects", &mine).await.json();
    let founded = made["id"].as_str().unwrap();
    assert_eq!(
        seen(&repeat(&bob, "/api/v1/projects", &mine).await),
        (201, true)
    );
    role(founded, &format!("INSERT INTO project_members (project_id, principal_id, role) VALUES ('{founded}', '{}', 'owner'); \
        DELETE FROM project_members WHERE ROW", ann.id)).await;
    let lost = repeat(&bob, "/api/v1/projects", &mine).await;
    assert_eq!(lost.problem(), "not-found");

    for (visibility, again) in [("private", None), ("internal", Some((201, true)))] {
        place.sql("DELETE FROM idempotent_answers").await;
        let project = place
            .project(visibility, &[(&ann, "owner"), (&bob, "editor")])
            .await;
        let body = json!({ "title": "A", "content": "b", "project_id": project });
        assert_eq!(
            seen(&repeat(&bob, "/api/v1/posts", &body).await),
            (201, false)
        );
        assert_eq!(
            seen(&repeat(&bob, "/api/v1/posts", &body).await),
            (201, true)
        );
        // Who can still read it is answered as before.
        role(
            &project,
            "UPDATE project_members SET role = 'viewer' WHERE ROW",
        )
        .await;
        assert_eq!(
            seen(&repeat(&bob, "/api/v1/posts", &body).await),
            (201, true)
        );
        role(&project, "DELETE FROM project_members WHERE ROW").await;
        let lost = repeat(&bob, "/api/v1/posts", &body).await;
        match again {
            Some(again) => assert_eq!(seen(&lost), again),
            None => assert_eq!(lost.problem(), "not-found"),
        }
        // Another request under the key is still told that it is one.
        let other = repeat(
            &bob,
            "/api/v1/posts",
            &json!({ "title": "B", "content": "b" }),
        )
        .await;
        assert_eq!(other.problem(), "idempotency-key-reused");
        role(&project, &format!("INSERT INTO project_members (project_id, principal_id, role) VALUES ('{project}', '{}', 'viewer')", bob.id)).await;
        assert_eq!(
            seen(&repeat(&bob, "/api/v1/posts", &body).await),
            (201, true)
        );
        assert_eq!(
            place
                .number(&format!(
                    "SELECT count(*) FROM posts WHERE project_id = '{project}'"
                ))
                .await,
            1
        );
    }
}
