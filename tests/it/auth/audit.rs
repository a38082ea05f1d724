//! The trail: every sign-in, every refusal and every act of an administrator, readable by
//! administrators and by nobody changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chartroom::events::trail::{MOST, Trail};
use chartroom::kernel::origin::Origin;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::kernel::types::PrincipalId;
use uuid::Uuid;

use super::admins::{admin, patch_user};
use super::*;
use crate::support::wait::until;

/// Several rounds of the writer.
const WRITTEN: Duration = Duration::from_secs(30);

async fn events(app: &TestApp, who: &str, query: &str) -> Vec<Value> {
    let answer = get_as(app, &format!("/api/v1/audit?limit=200&{query}"), who).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

/// Events with this action, once there are as many.
async fn written(app: &TestApp, who: &str, action: &str, count: usize) -> Vec<Value> {
    let query = format!("action={action}");
    let seen = async || Some(events(app, who, &query).await).filter(|found| found.len() >= count);
    until(action, WRITTEN, seen).await.unwrap()
}

#[tokio::test]
async fn every_act_of_an_administrator_and_every_sign_in_is_told() {
    let app = app(&[]).await;
    let (root, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let pair = ann.sign_in(&app).await;
    ann.cookie(&app).await;
    send_as(&app, Method::POST, "/auth/logout", &pair.bearer()).await;
    by_password(&app, "ann", "a wrong password").await;
    assert_eq!(me(&app, &basic("ann", PASSWORD)).await, 200);
    let target = format!("/api/v1/users/{}", ann.id);
    for body in [
        json!({ "admin": true }),
        json!({ "admin": false }),
        json!({ "disabled": true }),
        json!({ "disabled": false }),
    ] {
        assert_eq!(patch_user(&app, &bearer, &ann.id, body).await.status, 200);
    }
    // What changes nothing tells nothing.
    patch_user(&app, &bearer, &ann.id, json!({ "disabled": false })).await;
    send_as(&app, Method::DELETE, &format!("{target}/sessions"), &bearer).await;
    let deleted = send_as(&app, Method::DELETE, &target, &bearer).await;
    assert_eq!(deleted.status, 204);

    let told = events(&app, &bearer, &format!("target={}", ann.id)).await;
    let acts: Vec<_> = told
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .filter(|action| !action.starts_with("sign_in."))
        .collect();
    assert_eq!(
        acts,
        [
            "user.deleted",
            "user.signed_out",
            "user.enabled",
            "user.disabled",
            "user.demoted",
            "user.promoted",
            "session.ended",
            "user.registered"
        ]
    );
    for event in &told[..6] {
        assert_eq!(event["actor"], json!(root.id), "{event}");
        assert_eq!(event["address"], "127.0.0.1");
    }
    assert_eq!(told[0]["request_id"], deleted.header("x-request-id"));

    let own = events(&app, &bearer, &format!("actor={}", ann.id)).await;
    let own: BTreeSet<_> = own
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    for action in ["user.registered", "session.started", "session.ended"] {
        assert!(own.contains(action), "{action} is not among {own:?}");
    }
    // A password that was good for a request by itself, which comes a little later.
    let used = written(&app, &bearer, "sign_in.password_used", 1).await;
    assert_eq!(used[0]["actor"], json!(ann.id));
}

#[tokio::test]
async fn the_trail_is_read_in_pages_by_administrators_alone() {
    let app = app(&[]).await;
    let (root, bearer) = admin(&app, "root").await;
    for n in 0..5 {
        Person::register(&app, &format!("user{n}")).await;
    }
    assert_eq!(app.get("/api/v1/audit").await.status, 401);
    let other = Person::register(&app, "other").await.sign_in(&app).await;
    assert_eq!(
        get_as(&app, "/api/v1/audit", &other.bearer())
            .await
            .problem(),
        "forbidden"
    );

    let whole = events(&app, &bearer, "").await;
    let ids: Vec<_> = whole
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert!(ids.len() >= 9 && ids.is_sorted_by(|a, b| a > b), "{ids:?}");
    let mut walked = Vec::new();
    let mut target = "/api/v1/audit?limit=2".to_owned();
    loop {
        let answer = get_as(&app, &target, &bearer).await;
        let page = answer.json();
        walked.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(answer.header("link").contains(next));
        target = format!("/api/v1/audit?limit=2&cursor={next}");
    }
    assert_eq!(walked, whole);

    let by_root = events(&app, &bearer, &format!("actor={}", root.id)).await;
    assert!(!by_root.is_empty() && by_root.iter().all(|event| event["actor"] == json!(root.id)));
    let registered = events(&app, &bearer, "action=user.registered").await;
    assert_eq!(registered.len(), 7);
    let both = format!("action=user.registered&target={}", root.id);
    assert_eq!(events(&app, &bearer, &both).await.len(), 1);
    assert_eq!(
        events(&app, &bearer, "action=user.registere").await,
        [Value::Null; 0]
    );
    let middle = registered[3]["at"].as_str().unwrap();
    let since = events(
        &app,
        &bearer,
        &format!("action=user.registered&at__gte={middle}"),
    )
    .await;
    assert_eq!(since, registered[..4]);

    for query in [
        "actor=root",
        "target=1",
        "at__gte=yesterday",
        "at__gte=-262143-01-01T00:00:00Z",
        "sort=at",
        "limit=201",
        "cursor=x",
        "actor=",
    ] {
        let answer = get_as(&app, &format!("/api/v1/audit?{query}"), &bearer).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (400, "invalid-parameter"),
            "{query}"
        );
    }
    let answer = get_as(&app, "/api/v1/audit?at=x", &bearer).await;
    assert_eq!(answer.problem(), "unknown-parameter");
}

/// One row for each attempt that the limits admitted, none for those they did not.
#[tokio::test]
async fn failed_sign_ins_are_told_without_what_was_typed() {
    let app = TestApp::new().await;
    let ann = Person::register(&app, "ann").await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(
            by_password(&app, "ann", "wrong-horse")
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429]);
    by_password(&app, "my-own-password", "wrong-horse").await;
    let session = app.database.session().await;
    let refused = "SELECT target_id, row_to_json(e)::text FROM audit_events e WHERE action = 'sign_in.refused' ORDER BY id";
    let rows = session.query(refused, &[]).await.unwrap();
    let targets: Vec<Option<Uuid>> = rows.iter().map(|row| row.get(0)).collect();
    let known = Some(ann.id.parse().unwrap());
    assert_eq!(targets, [known, known, known, known, known, None]);
    for row in &rows {
        let text: String = row.get(1);
        assert!(text.contains("127.0.0.1") && !text.contains("horse") && !text.contains("my-own"));
    }
}

#[tokio::test]
async fn refusals_are_told_once_with_their_count() {
    let app = app(&[]).await;
    let (_, bearer) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let who = ann.sign_in(&app).await.bearer();
    let target = format!("/api/v1/users/{}", ann.id);
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let answer = send_as(&app, Method::DELETE, &target, &who).await;
        assert_eq!(answer.status, 403);
        ids.insert(answer.header("x-request-id").to_owned());
    }
    // A refusal that a handler gave, and not the door.
    let cookie = ann.cookie(&app).await;
    let foreign = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    let answer = app.send(Method::POST, "/auth/logout", &foreign, Body::empty());
    assert_eq!(answer.await.status, 403);
    let counted = async || {
        let told = events(&app, &bearer, "action=access.refused").await;
        let counts = told
            .iter()
            .map(|event| event["detail"]["count"].as_u64().unwrap());
        Some(told.clone()).filter(|_| counts.sum::<u64>() == 21)
    };
    let told = until("all refusals", WRITTEN, counted).await.unwrap();
    assert!(told.len() <= 4, "{told:?}");
    let first = told
        .iter()
        .find(|event| event["detail"]["operation"] == "DELETE /api/v1/users/{id}")
        .unwrap();
    assert_eq!(first["actor"], json!(ann.id));
    assert_eq!(first["detail"]["reason"], "this is for administrators");
    assert!(ids.contains(first["request_id"].as_str().unwrap()));
}

/// A trail beside the one of the service, written until the stop.
fn writing(app: &TestApp, shutdown: &Shutdown) -> Arc<Trail> {
    let trail = Arc::new(Trail::new(app.app.metrics.clone()));
    let (writer, db) = (trail.clone(), app.app.db.clone());
    let closing = shutdown.wait_for(chartroom::kernel::shutdown::Phase::Closing);
    shutdown.spawn("audit trail", async move {
        writer.write(&db, closing).await;
        Ok(())
    });
    trail
}

#[tokio::test]
async fn a_flood_of_refusals_is_bounded_and_what_is_lost_is_counted() {
    let app = app(&[]).await;
    let shutdown = Shutdown::new(Timings {
        drain_delay: Duration::ZERO,
        hard_deadline: Duration::from_secs(20),
    });
    let metrics = app.app.metrics.clone();
    let trail = writing(&app, &shutdown);
    // Without a pause, so that the writer cannot come in between.
    let method = Method::GET;
    let refuse = |who| trail.refused(who, &method, "/flood", Origin::default(), "no");
    for _ in 0..MOST + 10 {
        refuse(PrincipalId::fresh());
    }
    assert_eq!(metrics.audit_events_dropped_total.get(), 10);
    // A stop writes what is there, and nothing after it.
    shutdown.begin();
    tokio::time::timeout(
        WRITTEN,
        shutdown.wait_for(chartroom::kernel::shutdown::Phase::Stopped),
    )
    .await
    .unwrap();
    let count = "SELECT count(*) FROM audit_events WHERE detail->>'operation' = 'GET /flood'";
    let session = app.database.session().await;
    let kept: i64 = session.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(kept, i64::try_from(MOST).unwrap());
    refuse(PrincipalId::fresh());
    assert_eq!(metrics.audit_events_dropped_total.get(), 11);
}

/// Three hundred accounts that are refused at sixteen operations each, and then somebody else.
#[tokio::test]
async fn audit_l12_a_flood_by_some_leaves_no_other_out() {
    let app = app(&[]).await;
    let shutdown = Shutdown::new(Timings {
        drain_delay: Duration::ZERO,
        hard_deadline: Duration::from_secs(60),
    });
    let metrics = app.app.metrics.clone();
    let trail = writing(&app, &shutdown);
    let get = Method::GET;
    let refuse = |who, operation: &str| {
        trail.refused(who, &get, operation, Origin::default(), "no");
    };
    let many: Vec<_> = (0..300).map(|_| PrincipalId::fresh()).collect();
    for _ in 0..2 {
        for who in &many {
            for operation in 0..16 {
                refuse(*who, &format!("/{operation}"));
            }
        }
    }
    let quiet = PrincipalId::fresh();
    refuse(quiet, "/quiet");
    trail.used_password(quiet, Origin::default());
    assert_eq!(metrics.audit_events_dropped_total.get(), 0);
    shutdown.begin();
    let stopped = shutdown.wait_for(chartroom::kernel::shutdown::Phase::Stopped);
    tokio::time::timeout(WRITTEN, stopped).await.unwrap();
    let session = app.database.session().await;
    let told = async |who: PrincipalId| -> Vec<(String, Option<String>, i64)> {
        let told = "SELECT action, detail->>'operation', (detail->>'count')::bigint FROM audit_events \
                    WHERE actor_id = $1 ORDER BY action, detail->>'operation'";
        let rows = session.query(told, &[&who.0]).await.unwrap();
        let row = |row: &tokio_postgres::Row| (row.get(0), row.get(1), row.get(2));
        rows.iter().map(row).collect()
    };
    let refused = |operation: &str| ("access.refused".to_owned(), Some(operation.to_owned()), 1);
    let password = ("sign_in.password_used".to_owned(), None, 1);
    assert_eq!(told(quiet).await, [refused("GET /quiet"), password]);
    // Nothing of the others is lost either: their share is told one by one, and the rest as a
    // number.
    for (who, most) in [(many[0], 8), (many[299], 8)] {
        let told = told(who).await;
        assert!((2..=most + 1).contains(&told.len()), "{told:?}");
        assert_eq!(told.iter().map(|(.., count)| count).sum::<i64>(), 32);
        assert_eq!(told.last().unwrap().1, None);
    }
    let rows = session
        .query_one("SELECT count(*) FROM audit_events", &[])
        .await;
    let rows: i64 = rows.unwrap().get(0);
    assert!(rows <= i64::try_from(MOST).unwrap(), "{rows}");
}

#[tokio::test]
async fn nobody_changes_what_was_told() {
    let app = app(&[]).await;
    Person::register(&app, "ann").await;
    let session = app.database.session().await;
    for sql in [
        "UPDATE audit_events SET action = 'nothing'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
    ] {
        let error = session.batch_execute(sql).await.unwrap_err();
        let said = error.as_db_error().unwrap().message();
        assert_eq!(said, "audit_events is append-only", "{sql}");
    }
    let count = "SELECT count(*) FROM audit_events";
    let told: i64 = session.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(told, 1);
}
