//! A project that has expired: it is read, extended, shared and deleted, and nothing else.

use std::time::Duration;

use chartroom::db::transaction::transaction;
use chartroom::kernel::actor::Actor;
use chartroom::kernel::types::{PrincipalId, ProjectId};
use chartroom::projects::access::{Editor, ProjectAccess};
use serde_json::json;

use super::{Person, app, expire, id_of, outcome};
use crate::support::wait::until;

#[tokio::test]
async fn an_expired_project_is_read_and_extended_and_given_up() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    expire(&app, &project).await;
    assert_eq!(ann.get(&app, &project).await.status, 200);
    let refused = (409, "project-expired".to_owned());
    for change in [
        json!({ "name": "q" }),
        json!({ "description": "d" }),
        json!({ "visibility": "internal" }),
        json!({}),
    ] {
        assert_eq!(outcome(&ann.patch(&app, &project, change).await), refused);
    }
    assert_eq!(ann.get(&app, &project).await.json()["name"], "p");
    // Its end cannot be put off into the past.
    let past = ann
        .patch(
            &app,
            &project,
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
        )
        .await;
    assert_eq!(outcome(&past).1, "validation-failed");
    ann.share(&app, &project, &bob, "viewer").await;
    let bobs = format!("{project}/members/bob");
    assert_eq!(
        outcome(&bob.patch(&app, &project, json!({ "name": "q" })).await).1,
        "forbidden"
    );
    assert_eq!(ann.delete(&app, &bobs).await.status, 204);
    let longer = json!({ "name": "q", "expires_at": "2999-01-01T00:00:00Z" });
    assert_eq!(ann.patch(&app, &project, longer).await.json()["name"], "q");
    assert_eq!(
        ann.patch(&app, &project, json!({ "name": "r" }))
            .await
            .status,
        200
    );
    expire(&app, &project).await;
    assert_eq!(
        ann.patch(&app, &project, json!({ "expires_at": null }))
            .await
            .status,
        200
    );
    expire(&app, &project).await;
    assert_eq!(ann.delete(&app, &project).await.status, 204);
}

/// What other features go through to write in a project.
#[tokio::test]
async fn nothing_is_written_into_an_expired_project() {
    let app = app().await;
    let (ann, bob, eve) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "eve").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    let id = ProjectId(id_of(&project).parse().unwrap());
    let nobody = Actor::default();
    let write = async |who: &Person| {
        let who = PrincipalId(who.id.parse().unwrap());
        let access = transaction(&app.app.db, &nobody, async |connection| {
            ProjectAccess::<Editor>::to_write(connection, who, id).await
        });
        match access.await {
            Ok(access) => access.project.name,
            Err(error) => error.code.as_str().to_owned(),
        }
    };
    let all = async || [write(&ann).await, write(&bob).await, write(&eve).await];
    assert_eq!(all().await, ["p", "forbidden", "not-found"]);
    expire(&app, &project).await;
    assert_eq!(all().await, ["project-expired", "forbidden", "not-found"]);
    ann.patch(
        &app,
        &project,
        json!({ "expires_at": null, "visibility": "internal" }),
    )
    .await;
    assert_eq!(all().await, ["p", "forbidden", "forbidden"]);
}

/// Whoever writes and whoever takes the right to it away are told apart by who came first.
#[tokio::test]
async fn a_write_waits_for_a_removal_and_then_is_refused() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let id = ProjectId(id_of(&project).parse().unwrap());
    let who = PrincipalId(bob.id.parse().unwrap());
    let membership = format!(
        "project_id = '{}' AND principal_id = '{who}'",
        id_of(&project)
    );
    for (deed, expected) in [
        (
            format!("DELETE FROM project_members WHERE {membership}"),
            "not-found",
        ),
        (
            format!("UPDATE project_members SET role = 'viewer' WHERE {membership}"),
            "forbidden",
        ),
        (
            format!("UPDATE projects SET expires_at = now() WHERE id = '{id}'"),
            "project-expired",
        ),
        (
            format!("DELETE FROM projects WHERE id = '{id}'"),
            "not-found",
        ),
    ] {
        ann.share(&app, &project, &bob, "editor").await;
        let session = app.database.session().await;
        session
            .batch_execute(&format!("BEGIN; {deed}"))
            .await
            .unwrap();
        let (shared, database) = (app.app.clone(), app.database.session().await);
        let write = tokio::spawn(async move {
            let nobody = Actor::default();
            let access = transaction(&shared.db, &nobody, async |connection| {
                ProjectAccess::<Editor>::to_write(connection, who, id).await
            });
            access
                .await
                .map_or_else(|error| error.code.as_str(), |_| "written")
        });
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = async || {
            let row = database.query_one(waits, &[]).await.unwrap();
            (row.get::<_, i64>(0) > 0).then_some(())
        };
        until("the write waits", Duration::from_secs(20), waiting)
            .await
            .unwrap();
        session.batch_execute("COMMIT").await.unwrap();
        assert_eq!(write.await.unwrap(), expected, "{deed}");
    }
}
