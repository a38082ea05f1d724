//! A project has an owner as long as it is there, whoever goes and by whatever way.

use std::collections::BTreeMap;
use std::time::Duration;

use chartroom::db::transaction::transaction;
use chartroom::events::Event;
use chartroom::kernel::actor::Actor;
use chartroom::kernel::types::PrincipalId;
use chartroom::schema::principals;
use diesel::QueryDsl as _;
use diesel_async::RunQueryDsl as _;
use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::{PASSWORD, Person, app, count, id_of, outcome, sql};
use crate::support::app::{Answer, TestApp};
use crate::support::wait::until;

const OWNERLESS: &str = "SELECT count(*) FROM projects p WHERE NOT EXISTS (SELECT FROM project_members m WHERE m.project_id = p.id AND m.role = 'owner')";

const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

/// Members who only exist.
async fn extras(app: &TestApp, project: &str, number: usize, role: &str) -> Vec<Uuid> {
    let ids: Vec<Uuid> = (0..number).map(|_| Uuid::now_v7()).collect();
    for id in &ids {
        let project = id_of(project);
        sql(app, &format!("INSERT INTO principals (id, kind) VALUES ('{id}', 'workload'); \
             INSERT INTO project_members (project_id, principal_id, role) VALUES ('{project}', '{id}', '{role}')")).await;
    }
    ids
}

/// As a client does where the service is busy: nothing was done, and it asks again.
async fn insist(deed: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..50 {
        let answer = deed().await;
        if answer.status != 503 {
            return answer;
        }
        assert_eq!(answer.problem(), "overloaded");
    }
    deed().await
}

fn tally<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let (status, code) = outcome(answer);
        *tally
            .entry(if code.is_empty() {
                status.to_string()
            } else {
                code
            })
            .or_insert(0) += 1;
    }
    tally
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let ann_there = format!("{project}/members/ann");
    let refused = (409, "last-owner".to_owned());
    assert_eq!(outcome(&ann.delete(&app, &ann_there).await), refused);
    for role in ["viewer", "editor"] {
        assert_eq!(
            outcome(&ann.put(&app, &ann_there, json!({ "role": role })).await),
            refused
        );
    }
    assert_eq!(
        ann.put(&app, &ann_there, json!({ "role": "owner" }))
            .await
            .status,
        200
    );
    // Others are no owners until they are made ones.
    ann.share(&app, &project, &bob, "editor").await;
    assert_eq!(outcome(&ann.delete(&app, &ann_there).await), refused);
    ann.share(&app, &project, &bob, "owner").await;
    assert_eq!(ann.delete(&app, &ann_there).await.status, 204);
    assert_eq!(
        outcome(
            &bob.put(
                &app,
                &format!("{project}/members/bob"),
                json!({ "role": "viewer" })
            )
            .await
        ),
        refused
    );
    // Nothing of what was refused happened.
    let members = bob.get(&app, &format!("{project}/members")).await.json();
    assert_eq!(
        (
            members["items"].as_array().unwrap().len(),
            &members["items"][0]["role"]
        ),
        (1, &json!("owner"))
    );
    assert_eq!(bob.delete(&app, &project).await.status, 204);
}

#[tokio::test]
async fn an_owner_remains_whoever_removes_whom_at_once() {
    let app = app().await;
    let mut people = Vec::new();
    for name in ["ann", "bob", "cid", "dot"] {
        people.push(Person::new(&app, name).await);
    }
    for round in 0..3 {
        let project = people[0].project(&app, json!({ "name": "p" })).await;
        for other in &people[1..] {
            people[0].share(&app, &project, other, "owner").await;
        }
        let extras = extras(&app, &project, 12, "owner").await;
        // Everybody sends everybody away, in an order of their own, or takes their role.
        let mut deeds = Vec::new();
        for (turn, who) in people.iter().enumerate() {
            let mut targets: Vec<String> = people
                .iter()
                .map(|person| person.id.clone())
                .chain(extras.iter().map(Uuid::to_string))
                .collect();
            let length = targets.len();
            targets.rotate_left((turn * 5 + round) % length);
            if turn % 2 == 1 {
                targets.reverse();
            }
            for (index, target) in targets.into_iter().enumerate() {
                let (app, target) = (&app, format!("{project}/members/{target}"));
                deeds.push(async move {
                    insist(async || match index % 3 {
                        0 => who.put(app, &target, json!({ "role": "viewer" })).await,
                        _ => who.delete(app, &target).await,
                    })
                    .await
                });
            }
        }
        assert!(deeds.len() >= 50);
        let answers = join_all(deeds).await;
        let tally = tally(&answers);
        let known = ["200", "204", "forbidden", "not-found", "last-owner"];
        // A PUT may come after a DELETE and make the member anew.
        assert!(
            tally
                .keys()
                .all(|key| known.contains(&key.as_str()) || key == "201"),
            "{tally:?}"
        );
        assert_eq!(count(&app, OWNERLESS).await, 0, "{tally:?}");
    }
    assert_eq!(count(&app, DEADLOCKS).await, 0);
}

#[tokio::test]
async fn of_fifty_owners_who_leave_at_once_one_stays() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let all = extras(&app, &project, 49, "owner").await;
    let all: Vec<_> = all
        .into_iter()
        .map(|id| id.to_string())
        .chain([ann.id.clone()])
        .collect();
    // By SQL, as the way does not matter: half of them leave, half are demoted, and all take their
    // time before they are done.
    let mut sessions = Vec::new();
    for _ in &all {
        sessions.push(app.database.session().await);
    }
    let leave = all
        .iter()
        .zip(&sessions)
        .enumerate()
        .map(|(index, (id, session))| {
            let there = format!(
                "project_id = '{}' AND principal_id = '{id}'",
                id_of(&project)
            );
            let deed = if index % 2 == 0 {
                format!("DELETE FROM project_members WHERE {there}")
            } else {
                format!("UPDATE project_members SET role = 'viewer' WHERE {there}")
            };
            async move {
                session
                    .batch_execute(&format!("BEGIN; {deed}; SELECT pg_sleep(0.02); COMMIT"))
                    .await
            }
        });
    let refused: Vec<_> = join_all(leave)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_eq!((refused.len(), count(&app, OWNERLESS).await), (1, 0));
    assert_eq!(
        refused[0].as_db_error().unwrap().constraint(),
        Some("project_members_last_owner")
    );
    // The control: it is the trigger that keeps them.
    sql(
        &app,
        "DROP TRIGGER project_members_last_owner ON project_members; DELETE FROM project_members",
    )
    .await;
    assert_eq!(count(&app, OWNERLESS).await, 1);
}

/// What deleting an account comes down to.
async fn forget(app: &TestApp, who: &str) -> (u16, String) {
    let id = PrincipalId(who.parse().unwrap());
    let nobody = Actor::default();
    let gone = transaction(&app.app.db, &nobody, async |tx| {
        let (user, reason) = (id, "a test");
        tx.tell(Event::UserDeleted { user, reason }).await?;
        Ok(diesel::delete(principals::table.find(id))
            .execute(tx.connection())
            .await?)
    });
    match gone.await {
        Ok(rows) => (204, rows.to_string()),
        Err(error) => (
            error.code.status().as_u16(),
            format!("{}: {}", error.code.as_str(), error.detail),
        ),
    }
}

#[tokio::test]
async fn an_account_that_is_an_only_owner_is_not_deleted_and_told_of_what() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let shared = ann.project(&app, json!({ "name": "shared" })).await;
    ann.share(&app, &shared, &bob, "owner").await;
    let visited = bob.project(&app, json!({ "name": "visited" })).await;
    bob.share(&app, &visited, &ann, "viewer").await;
    let alone = ann.project(&app, json!({ "name": "alone" })).await;
    ann.share(&app, &alone, &bob, "editor").await;
    let (status, detail) = forget(&app, &ann.id).await;
    assert!(
        status == 409 && detail.starts_with("last-owner: "),
        "{detail}"
    );
    assert!(
        detail.contains(&format!("\"alone\" ({})", id_of(&alone))),
        "{detail}"
    );
    assert!(
        !detail.contains("shared") && !detail.contains("visited"),
        "{detail}"
    );
    for _ in 0..11 {
        ann.project(&app, json!({ "name": "many" })).await;
    }
    let (_, detail) = forget(&app, &ann.id).await;
    assert!(
        detail.matches("many").count() == 9 && detail.contains(" and more"),
        "{detail}"
    );
    assert_eq!(ann.get(&app, &alone).await.status, 200);
    // The control: once all of them have another owner, it goes.
    sql(&app, "UPDATE project_members SET role = 'owner'").await;
    sql(&app, "DELETE FROM projects WHERE name = 'many'").await;
    assert_eq!(forget(&app, &ann.id).await, (204, "1".to_owned()));
    assert_eq!(count(&app, OWNERLESS).await, 0);
    assert_eq!(bob.get(&app, &alone).await.json()["role"], "owner");
}

#[tokio::test]
async fn nobody_deletes_their_account_from_under_a_project() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "alone" })).await;
    ann.share(&app, &project, &bob, "editor").await;
    let password = json!({ "password": PASSWORD });
    let delete = || {
        ann.send(
            &app,
            Method::DELETE,
            "/api/v1/me",
            &[],
            Some(password.clone()),
        )
    };
    let refused = delete().await;
    assert_eq!(outcome(&refused), (409, "last-owner".to_owned()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains(&format!("\"alone\" ({})", id_of(&project))),
        "{detail}"
    );
    // Nothing of it was done: neither the session has ended nor the account.
    assert_eq!(ann.get(&app, &project).await.status, 200);
    ann.share(&app, &project, &bob, "owner").await;
    assert_eq!(delete().await.status, 204);
    let members = bob.get(&app, &format!("{project}/members")).await.json();
    assert_eq!(members["items"].as_array().unwrap().len(), 1);
    // Who is left can see what has become of the other one.
    let told = bob.get(&app, &format!("{project}/audit")).await.json();
    let newest = &told["items"][0];
    let detail = json!({ "principal": ann.id, "was": "owner", "reason": "deleted_by_user" });
    assert_eq!(
        (&newest["action"], &newest["actor"], &newest["detail"]),
        (&json!("member.removed"), &json!(ann.id), &detail)
    );
}

/// A removal has locked the project when the member's account is deleted: each waits for its turn,
/// and neither for the other.
#[tokio::test]
async fn an_account_that_goes_does_not_meet_its_removal() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "p" })).await;
    let gone = extras(&app, &project, 1, "owner").await[0].to_string();
    let session = app.database.session().await;
    let id = id_of(&project);
    // As `ProjectAccess::to_manage` begins.
    let begin = format!("BEGIN; SELECT FROM projects WHERE id = '{id}' FOR UPDATE");
    session.batch_execute(&begin).await.unwrap();
    let going = async {
        let goes = forget(&app, &gone);
        let removal = async {
            let watch = app.database.session().await;
            let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting = async || {
                let row = watch.query_one(waits, &[]).await.unwrap();
                (row.get::<_, i64>(0) > 0).then_some(())
            };
            until("the deletion waits", Duration::from_secs(20), waiting)
                .await
                .unwrap();
            let remove = format!(
                "DELETE FROM project_members WHERE project_id = '{id}' AND principal_id = '{gone}'; COMMIT"
            );
            session.batch_execute(&remove).await.unwrap();
        };
        futures_util::join!(goes, removal).0
    };
    assert_eq!(going.await, (204, "1".to_owned()));
    assert_eq!(count(&app, DEADLOCKS).await, 0);
}

/// Two accounts that own the same projects, deleted at once and while members change.
#[tokio::test]
async fn accounts_that_go_at_once_leave_one_owner() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    for round in 0..8 {
        let mut projects = Vec::new();
        let pair = [Uuid::now_v7(), Uuid::now_v7()].map(|id| id.to_string());
        for id in &pair {
            sql(
                &app,
                &format!("INSERT INTO principals (id, kind) VALUES ('{id}', 'workload')"),
            )
            .await;
        }
        for _ in 0..4 {
            let project = ann.project(&app, json!({ "name": "p" })).await;
            for id in &pair {
                let target = format!("{project}/members/{id}");
                assert_eq!(
                    ann.put(&app, &target, json!({ "role": "owner" }))
                        .await
                        .status,
                    201
                );
            }
            projects.push(project);
        }
        let leave = projects.iter().rev().flat_map(|project| {
            let (app, ann) = (&app, &ann);
            [&ann.id, &pair[0]].map(|who| {
                let target = format!("{project}/members/{who}");
                async move { insist(async || ann.delete(app, &target).await).await }
            })
        });
        let (leaves, (one, other)) = futures_util::join!(join_all(leave), async {
            futures_util::join!(forget(&app, &pair[0]), forget(&app, &pair[1]))
        });
        let forgotten = [one, other];
        assert!(
            forgotten
                .iter()
                .all(|(status, _)| [204, 409].contains(status)),
            "{round}: {forgotten:?}"
        );
        let tally = tally(&leaves);
        assert!(
            tally
                .keys()
                .all(|key| ["204", "last-owner", "not-found"].contains(&key.as_str())),
            "{round}: {tally:?}"
        );
        assert_eq!(count(&app, OWNERLESS).await, 0, "{round}");
    }
    assert_eq!(count(&app, DEADLOCKS).await, 0);
}
