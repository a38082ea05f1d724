//! Jobs over HTTP: for administrators all of them, for others their own.

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::support::app::{Answer, outcome};

/// A caller who exists.
struct Caller {
    id: Uuid,
    bearer: String,
}

async fn caller(queue: &Queue, is_admin: bool) -> Caller {
    let (id, session) = (Uuid::now_v7(), SessionId::fresh());
    queue
        .sql(&format!(
            "INSERT INTO principals (id, kind) VALUES ('{id}', 'user'); \
             INSERT INTO users (id, email, email_key, username, username_key, password_hash, \
             is_admin) \
                 VALUES ('{id}', '{id}@x.org', '{id}@x.org', '{id}', '{id}', '-', {is_admin}); \
             INSERT INTO sessions (id, user_id, kind, idle_ends_at, ends_at) \
                 VALUES ('{session}', '{id}', 'bearer', now() + interval '1 hour', now() + \
                 interval '1 hour')"
        ))
        .await;
    let tokens = &queue.app.app.identity.tokens;
    let token = tokens.issue(PrincipalId(id), session, is_admin, chrono::Utc::now(), 600);
    Caller {
        id,
        bearer: format!("Bearer {}", token.unwrap()),
    }
}

impl Caller {
    async fn send(&self, queue: &Queue, method: Method, path: &str) -> Answer {
        let target = format!("/api/v1/jobs{path}");
        queue
            .app
            .send(
                method,
                &target,
                &[("authorization", &self.bearer)],
                Body::empty(),
            )
            .await
    }

    async fn get(&self, queue: &Queue, path: &str) -> Value {
        let answer = self.send(queue, Method::GET, path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

/// One in each state, the running one first: their ids.
async fn one_of_each(queue: &Queue, owner: Uuid) -> [i64; 4] {
    let mut connection = queue.connection().await;
    let note = |n| NewJob::of(&Note { n }).owned_by(owner);
    let dead = queue.enqueue(note(1)).await.unwrap();
    let hold = claimed(&mut connection, 1).await.remove(0).hold();
    let error = Some("the reason of it");
    chartroom::jobs::hold::bury(&mut connection, hold, error, "it failed too often")
        .await
        .unwrap();
    let running = queue.enqueue(note(2)).await.unwrap();
    claimed(&mut connection, 1).await;
    let ready = queue.enqueue(note(3)).await.unwrap();
    let later = queue.enqueue(note(4).after(LEASE)).await.unwrap();
    [running, ready, later, dead]
}

#[tokio::test]
async fn administrators_list_jobs_by_state_and_kind() {
    let queue = Queue::new().await;
    let root = caller(&queue, true).await;
    let [running, ready, later, dead] = one_of_each(&queue, root.id).await;
    queue.enqueue(NewJob::of(&Gated { n: 5 })).await.unwrap();
    let ids = |page: Value| -> Vec<i64> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_i64().unwrap()).collect()
    };
    for (state, id) in [("running", running), ("scheduled", later), ("dead", dead)] {
        let page = root.get(&queue, &format!("?state={state}")).await;
        assert_eq!(page["items"][0]["state"], state);
        assert_eq!(ids(page), [id], "{state}");
    }
    let page = root.get(&queue, "?state=ready&kind=test.note.1").await;
    assert_eq!(ids(page), [ready]);
    assert_eq!(ids(root.get(&queue, "?kind=nothing.1").await), [0; 0]);
    let all = root.get(&queue, "?count=true").await;
    assert_eq!(all["count"], 5);
    let all = ids(all);
    assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
    // Page by page, the same.
    let (mut walked, mut path) = (Vec::new(), "?limit=2&sort=id".to_owned());
    loop {
        let page = root.get(&queue, &path).await;
        let next = page["next"].as_str().map(str::to_owned);
        walked.extend(ids(page));
        match next {
            Some(cursor) => path = format!("?limit=2&sort=id&cursor={cursor}"),
            None => break,
        }
    }
    walked.reverse();
    assert_eq!(walked, all);
    let refused = root.send(&queue, Method::GET, "?state=done").await;
    assert_eq!(outcome(&refused), (400, "invalid-parameter".to_owned()));
}

#[tokio::test]
async fn one_job_is_shown_to_its_owner_and_to_nobody_else() {
    let queue = Queue::new().await;
    let [root, ann, bob] = [
        caller(&queue, true).await,
        caller(&queue, false).await,
        caller(&queue, false).await,
    ];
    let [running, .., dead] = one_of_each(&queue, ann.id).await;
    let path = format!("/{dead}");
    let shown = root.get(&queue, &path).await;
    assert_eq!(shown["last_error"], "the reason of it");
    let hers = ann.get(&queue, &path).await;
    assert_eq!(hers["last_error"], Value::Null, "what went wrong inside");
    assert_eq!(
        (
            &hers["state"],
            &hers["args"],
            &hers["lane"],
            &hers["failures"]
        ),
        (
            &json!("dead"),
            &json!({ "n": 1 }),
            &json!("normal"),
            &json!(1)
        )
    );
    let missing = format!("/{}", i64::MAX);
    for (method, tail) in [
        (Method::GET, ""),
        (Method::POST, "/retry"),
        (Method::DELETE, ""),
    ] {
        let his = bob
            .send(&queue, method.clone(), &format!("{path}{tail}"))
            .await;
        let none = bob.send(&queue, method, &format!("{missing}{tail}")).await;
        assert_eq!(outcome(&his), (404, "not-found".to_owned()));
        assert_eq!(his.json()["detail"], none.json()["detail"]);
    }
    // No more than their own: neither the list, nor by the list's filters.
    assert_eq!(ann.send(&queue, Method::GET, "").await.status, 403);
    assert_eq!(
        ann.get(&queue, &format!("/{running}")).await["state"],
        "running"
    );
}

#[tokio::test]
async fn a_dead_job_is_sent_back_and_only_a_dead_one() {
    let queue = Queue::new().await;
    let root = caller(&queue, true).await;
    let [running, ready, later, dead] = one_of_each(&queue, root.id).await;
    for id in [running, ready, later] {
        let answer = root
            .send(&queue, Method::POST, &format!("/{id}/retry"))
            .await;
        assert_eq!(outcome(&answer), (409, "conflict".to_owned()));
    }
    let answer = root
        .send(&queue, Method::POST, &format!("/{dead}/retry"))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("location"), format!("/api/v1/jobs/{dead}"));
    let job = answer.json();
    assert_eq!((&job["id"], &job["state"]), (&json!(dead), &json!("ready")));
    assert_eq!((&job["failures"], &job["claims"]), (&json!(0), &json!(2)));
    assert_eq!(queue.number("SELECT count(*) FROM dead_jobs").await, 0);
    // Where another has its key, both stay where they are.
    queue.sql("DELETE FROM jobs").await;
    let keyed = |n| NewJob::of(&Note { n }).unique("key");
    let first = queue.enqueue(keyed(1)).await.unwrap();
    let hold = claimed(&mut queue.connection().await, 1)
        .await
        .remove(0)
        .hold();
    chartroom::jobs::hold::bury(&mut queue.connection().await, hold, None, "no")
        .await
        .unwrap();
    queue.enqueue(keyed(2)).await.unwrap();
    let answer = root
        .send(&queue, Method::POST, &format!("/{first}/retry"))
        .await;
    assert_eq!(outcome(&answer), (409, "conflict".to_owned()));
    assert_eq!(queue.number("SELECT count(*) FROM dead_jobs").await, 1);
    let told = "SELECT count(*) FROM audit_events WHERE action = 'job.retried'";
    assert_eq!(queue.number(told).await, 1);
}

#[tokio::test]
async fn cancelling_removes_what_waits_and_tells_what_runs() {
    let queue = Queue::new().await;
    let root = caller(&queue, true).await;
    let [running, ready, later, dead] = one_of_each(&queue, root.id).await;
    for id in [running, ready, later, dead] {
        let answer = root.send(&queue, Method::DELETE, &format!("/{id}")).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    for id in [ready, later, dead] {
        assert_eq!(
            root.send(&queue, Method::GET, &format!("/{id}"))
                .await
                .status,
            404
        );
    }
    let job = root.get(&queue, &format!("/{running}")).await;
    assert_eq!(
        (&job["state"], &job["cancelled"]),
        (&json!("running"), &json!(true))
    );
    let told = "SELECT count(*) FROM audit_events WHERE action = 'job.cancelled'";
    assert_eq!(queue.number(told).await, 4);
}

/// The runner hears of it before it looks by itself.
#[tokio::test]
async fn a_retry_wakes_the_runner() {
    let queue = Queue::new().await;
    let root = caller(&queue, true).await;
    let [.., dead] = one_of_each(&queue, root.id).await;
    let wake = queue.app.app.job_wake.clone();
    root.send(&queue, Method::POST, &format!("/{dead}/retry"))
        .await;
    tokio::time::timeout(EVENTUALLY, wake.notified())
        .await
        .unwrap();
}
