//! One key, one effect, one answer.

use axum::body::Body;
use http::{Method, StatusCode};

use super::things::{app, caller};
use crate::support::app::{Answer, TestApp};

pub(super) async fn create(app: &TestApp, headers: &[(&str, &str)], title: &str) -> Answer {
    let kind = [("content-type", "application/json")];
    let headers: Vec<_> = kind.iter().chain(headers).copied().collect();
    let body = serde_json::json!({ "title": title }).to_string();
    app.send(Method::POST, "/things", &headers, Body::from(body))
        .await
}

pub(super) async fn count(session: &tokio_postgres::Client, of: &str) -> i64 {
    session
        .query_one(&format!("SELECT count(*) FROM {of}"), &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    let key = [("x-caller", who.as_str()), ("idempotency-key", "\"k\"")];
    let first = create(&app, &key, "a").await;
    assert_eq!(
        (first.status, first.header("idempotency-replayed")),
        (StatusCode::CREATED, "")
    );
    // The key without its quotes is the same key.
    for key in [key, [key[0], ("idempotency-key", "k")]] {
        let again = create(&app, &key, "a").await;
        assert_eq!(
            (again.status, again.header("idempotency-replayed")),
            (StatusCode::CREATED, "true")
        );
        for name in ["location", "etag", "content-type", "cache-control"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        assert_eq!(again.body, first.body);
    }
    assert_eq!(count(&session, "things").await, 1);
    // Another principal has keys of its own, and nobody's key is no key.
    let other = caller(&session).await;
    let others = create(&app, &[("x-caller", &other), ("idempotency-key", "k")], "a").await;
    assert_ne!(others.body, first.body);
    create(&app, &[("idempotency-key", "k")], "a").await;
    create(&app, &[("idempotency-key", "k")], "a").await;
    assert_eq!(count(&session, "things").await, 4);
}

#[tokio::test]
async fn fifty_at_once_are_one() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    for round in 0..5 {
        let key = format!("round-{round}");
        // Slow enough for the others to meet it, and in flight for longer than the wait for a
        // connection.
        let headers = [
            ("x-caller", who.as_str()),
            ("idempotency-key", key.as_str()),
        ];
        let answers = (0..50).map(|_| create(&app, &headers, "slow0.1"));
        let answers = futures_util::future::join_all(answers).await;
        let first = &answers[0];
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        assert!(
            answers
                .iter()
                .all(|answer| answer.status == first.status && answer.body == first.body)
        );
        let replayed = answers
            .iter()
            .filter(|answer| answer.header("idempotency-replayed") == "true");
        assert_eq!(replayed.count(), 49);
        assert_eq!(count(&session, "things").await, round + 1);
    }
}

/// Others find free connections while many repetitions of one slow request wait for it.
#[tokio::test]
async fn repetitions_hold_no_connections() {
    let (app, who) = app(&["--database-connections=3"]).await;
    let headers = [("x-caller", who.as_str()), ("idempotency-key", "k")];
    let slow = create(&app, &headers, "slow2.6");
    let waiting = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        futures_util::future::join_all((0..12).map(|_| create(&app, &headers, "slow2.6"))).await
    };
    let others = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        for _ in 0..20 {
            let answer = create(&app, &[], "b").await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        }
    };
    let (slow, waiting, ()) = tokio::join!(slow, waiting, others);
    assert_eq!(slow.status, StatusCode::CREATED);
    for answer in &waiting {
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert_eq!(
            (answer.problem().as_str(), answer.header("retry-after")),
            ("request-in-flight", "1")
        );
    }
    assert_eq!(create(&app, &headers, "slow2.6").await.body, slow.body);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    let key = [("x-caller", who.as_str()), ("idempotency-key", "k")];
    create(&app, &key, "a").await;
    let other = create(&app, &key, "b").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.problem(), "idempotency-key-reused");
    assert_eq!(count(&session, "things").await, 1);
    for unusable in ["", "\"a", "a b", &"k".repeat(256)] {
        let key = [key[0], ("idempotency-key", unusable)];
        assert_eq!(
            create(&app, &key, "a").await.problem(),
            "bad-request",
            "{unusable}"
        );
    }
    assert_eq!(count(&session, "things").await, 1);
}

/// A refusal has changed nothing, so nothing of it is kept: the key is free for the corrected
/// request.
#[tokio::test]
async fn a_refusal_is_rolled_back_and_not_kept() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    let key = [("x-caller", who.as_str()), ("idempotency-key", "k")];
    assert_eq!(create(&app, &key, "forbidden").await.problem(), "conflict");
    // A query that fails for no reason of the caller's is a 500, and not kept either.
    session
        .batch_execute("ALTER TABLE things RENAME TO gone")
        .await
        .unwrap();
    assert_eq!(create(&app, &key, "a").await.problem(), "internal");
    session
        .batch_execute("ALTER TABLE gone RENAME TO things")
        .await
        .unwrap();
    assert_eq!(count(&session, "idempotent_answers").await, 0);
    assert_eq!(create(&app, &key, "a").await.status, StatusCode::CREATED);
    assert_eq!(
        create(&app, &key, "a").await.header("idempotency-replayed"),
        "true"
    );
}

#[tokio::test]
async fn an_answer_too_large_to_keep_still_happened_once() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    let key = [("x-caller", who.as_str()), ("idempotency-key", "k")];
    let large = "x".repeat(64 << 10);
    let first = create(&app, &key, &large).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = create(&app, &key, &large).await;
    assert_eq!(
        (again.status, again.problem().as_str()),
        (StatusCode::CONFLICT, "conflict")
    );
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(count(&session, "things").await, 1);
}

#[tokio::test]
async fn answers_are_kept_for_a_day_and_purged_in_batches() {
    let (app, who) = app(&[]).await;
    let session = app.database.session().await;
    let purge = async || {
        let purged = chartroom::http::answer::idempotency::purge(&app.app.db).await;
        purged.unwrap()
    };
    for key in ["a", "b", "c"] {
        create(
            &app,
            &[("x-caller", who.as_str()), ("idempotency-key", key)],
            "a",
        )
        .await;
    }
    let day = "SELECT count(*) FROM idempotent_answers WHERE expires_at BETWEEN now() + interval '23:59' AND now() + interval '24:00'";
    assert_eq!(
        session.query_one(day, &[]).await.unwrap().get::<_, i64>(0),
        3
    );
    assert_eq!(purge().await, 0);
    let age = "UPDATE idempotent_answers SET expires_at = now() - interval '1 second'";
    session.batch_execute(age).await.unwrap();
    // Expired is expired, purged or not; the key is as new, for another request too.
    let key = [("x-caller", who.as_str()), ("idempotency-key", "a")];
    let anew = create(&app, &key, "b").await;
    assert_eq!(
        (anew.status, anew.header("idempotency-replayed")),
        (StatusCode::CREATED, "")
    );
    assert_eq!(create(&app, &key, "b").await.body, anew.body);
    // More than fits into one batch.
    let many = "INSERT INTO idempotent_answers (principal_id, key, fingerprint, status, headers, expires_at) \
                SELECT principal_id, 'many' || n, fingerprint, status, headers, now() FROM idempotent_answers, generate_series(1, 1500) n WHERE key = 'a'";
    session.batch_execute(many).await.unwrap();
    assert_eq!((purge().await, purge().await), (1_502, 0));
    assert_eq!(
        create(&app, &key, "b").await.header("idempotency-replayed"),
        "true"
    );
}
