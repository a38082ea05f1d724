//! The end of an account: nothing that it signed in with is good afterwards, and the trace stays.

use std::time::Duration;

use super::*;
use crate::support::wait::until;

async fn delete(app: &TestApp, headers: &[(&str, &str)], password: &str) -> Answer {
    let headers = [&[JSON], headers].concat();
    let body = json!({ "password": password }).to_string();
    app.send(Method::DELETE, "/api/v1/me", &headers, body.into())
        .await
}

#[tokio::test]
async fn a_deleted_account_has_no_way_in_left() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let eve = Person::register(&app, "eve").await;
    let (own, other) = (ann.sign_in(&app).await, ann.sign_in(&app).await);
    let (cookie, stranger) = (ann.cookie(&app).await, eve.sign_in(&app).await);
    let (read, write) = (
        ann.api_token(&app, "read").await,
        ann.api_token(&app, "write").await,
    );
    let (by_email, by_name) = (basic(&ann.email, PASSWORD), basic("ann", PASSWORD));
    let by_token = basic("ann", read.strip_prefix("Bearer ").unwrap());
    let (own_access, other_access) = (own.bearer(), other.bearer());
    let ways = [
        ("authorization", own_access.as_str()),
        ("authorization", &other_access),
        ("authorization", &read),
        ("authorization", &write),
        ("authorization", &by_token),
        ("authorization", &by_email),
        ("authorization", &by_name),
        ("cookie", &cookie),
    ];
    let statuses = async || {
        let mut statuses = Vec::new();
        for way in ways {
            let answer = app
                .send(Method::GET, "/api/v1/me", &[way], Body::empty())
                .await;
            statuses.push(answer.status.as_u16());
        }
        statuses
    };
    // Each is believed from memory by now.
    assert_eq!(statuses().await, [200; 8]);

    let with_own = ("authorization", own_access.as_str());
    let refused = [
        (vec![], PASSWORD, 401, "unauthenticated"),
        (vec![("cookie", &*cookie)], PASSWORD, 403, "forbidden"),
        (vec![with_own], "wrong password", 422, "validation-failed"),
        (
            vec![with_own, ("if-match", "\"99\"")],
            PASSWORD,
            412,
            "precondition-failed",
        ),
    ];
    for (headers, password, status, problem) in refused {
        let answer = delete(&app, &headers, password).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.problem(), problem);
    }
    let answer = delete(&app, &[with_own], "wrong password").await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/password");
    let none = send_as(&app, Method::DELETE, "/api/v1/me", &own_access).await;
    assert_eq!(none.problem(), "unsupported-media-type");
    assert_eq!(statuses().await, [200; 8]);

    let deleted = delete(&app, &[with_own], PASSWORD).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    assert!(
        deleted
            .header("set-cookie")
            .starts_with("__Host-session=; Path=/; Max-Age=0;")
    );
    assert_eq!(statuses().await, [401; 8]);
    for pair in [&own, &other] {
        assert_eq!(by_refresh(&app, &pair.refresh).await.status, 400);
    }
    for login in ["ann", &ann.email] {
        assert_eq!(by_password(&app, login, PASSWORD).await.status, 400);
    }
    assert_eq!(delete(&app, &[with_own], PASSWORD).await.status, 401);
    let place = format!("/api/v1/users/{}", ann.id);
    let gone = get_as(&app, &place, &stranger.bearer()).await;
    assert_eq!(gone.problem(), "not-found");

    // The name is free again, and who takes it has nothing of the other's but a password that
    // happens to be the same.
    let again = Person::register(&app, "ann").await;
    assert_ne!(again.id, ann.id);
    let expected = [401, 401, 401, 401, 401, 200, 200, 401];
    assert_eq!(statuses().await, expected);
}

#[tokio::test]
async fn the_trace_outlives_the_account_and_the_rest_goes_with_it() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let eve = Person::register(&app, "eve").await;
    for person in [&ann, &eve] {
        person.sign_in(&app).await;
        person.api_token(&app, "read").await;
    }
    let session = app.database.session().await;
    let rows = async |of: &str| -> i64 {
        let statement = format!("SELECT count(*) FROM {of}");
        session.query_one(&statement, &[]).await.unwrap().get(0)
    };
    let audited = format!("audit_events WHERE actor_id = '{}'", ann.id);
    let before = rows(&audited).await;
    assert!(before > 0);
    let by_password = basic("ann", PASSWORD);
    let who = [("authorization", by_password.as_str())];
    assert_eq!(delete(&app, &who, "wrong password").await.status, 422);
    assert_eq!(delete(&app, &who, PASSWORD).await.status, 204);
    // The refused attempt, the session that ended, and the deletion.
    assert_eq!(rows(&audited).await, before + 3);
    let told = format!(
        "{audited} AND action = 'user.deleted' AND target_id = '{}' AND address = '127.0.0.1' AND request_id IS NOT NULL AND detail->>'reason' = 'deleted_by_user'",
        ann.id
    );
    assert_eq!(rows(&told).await, 1);
    for (table, column) in [
        ("principals", "id"),
        ("users", "id"),
        ("sessions", "user_id"),
        ("api_tokens", "user_id"),
    ] {
        let of = |id: &str| format!("{table} WHERE {column} = '{id}'");
        assert_eq!(rows(&of(&ann.id)).await, 0, "{table}");
        assert_eq!(rows(&of(&eve.id)).await, 1, "{table}");
    }
}

/// Asks a replica until it refuses all of them; what it believes is from its own memory.
async fn refused_soon(replica: &TestApp, ways: &[&str]) {
    until("refused", Duration::from_secs(10), async || {
        for way in ways {
            if me(replica, way).await != 401 {
                return None;
            }
        }
        Some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn another_replica_refuses_what_ended_here() {
    let app = app(&[]).await;
    let replica = app.beside(&[]);
    let ann = Person::register(&app, "ann").await;
    let eve = Person::register(&app, "eve").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let (ended, other) = (
        ann.api_token(&app, "read").await,
        ann.api_token(&app, "read").await,
    );
    let by_password = basic("ann", PASSWORD);
    let strangers = eve.api_token(&app, "read").await;
    let all = [&*bearer, &ended, &other, &by_password, &strangers];
    for way in all {
        assert_eq!(me(&replica, way).await, 200);
    }
    let list = get_as(&app, "/api/v1/me/tokens", &bearer).await.json();
    // The older one.
    let id = list["items"][1]["id"].as_str().unwrap();
    let place = format!("/api/v1/me/tokens/{id}");
    let answer = send_as(&app, Method::DELETE, &place, &bearer).await;
    assert_eq!(answer.status, 204);
    refused_soon(&replica, &[&ended]).await;
    assert_eq!(me(&replica, &other).await, 200);

    let who = [("authorization", bearer.as_str())];
    assert_eq!(delete(&app, &who, PASSWORD).await.status, 204);
    refused_soon(&replica, &[&bearer, &other, &by_password]).await;
    assert_eq!(me(&replica, &strangers).await, 200);
}

/// A session or a token that is being made at the same time is either ended with the rest or not
/// made.
#[tokio::test]
async fn what_is_made_during_the_deletion_is_not_good_after_it() {
    let app = app(&[]).await;
    for round in 0..10 {
        let ann = Person::register(&app, &format!("ann{round}")).await;
        let by_password = basic(&ann.email, PASSWORD);
        let who = [("authorization", by_password.as_str())];
        assert_eq!(me(&app, &by_password).await, 200);
        let token = async {
            let headers = [JSON, who[0]];
            let body = json!({ "name": "a", "access": "read" }).to_string();
            app.send(Method::POST, "/api/v1/me/tokens", &headers, body.into())
                .await
        };
        let sign_in = super::by_password(&app, &ann.email, PASSWORD);
        let (deleted, token, sign_in) = tokio::join!(delete(&app, &who, PASSWORD), token, sign_in);
        assert_eq!(deleted.status, 204, "{}", deleted.text());
        if token.status == 201 {
            let secret = token.json()["secret"].as_str().unwrap().to_owned();
            assert_eq!(me(&app, &format!("Bearer {secret}")).await, 401);
        }
        if sign_in.status == 200 {
            let pair = Pair::of(&sign_in);
            assert_eq!(me(&app, &pair.bearer()).await, 401);
            assert_eq!(by_refresh(&app, &pair.refresh).await.status, 400);
        }
        assert_eq!(me(&app, &by_password).await, 401);
    }
}

#[tokio::test]
async fn guesses_of_the_password_count_as_sign_ins_wherever_they_are_made() {
    let flags = ["--signin-per-pair-burst=3", "--signin-per-pair-per-hour=1"];
    let app = TestApp::with(&flags, Default::default()).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let email = async || {
        let headers = [PATCH, ("authorization", bearer.as_str())];
        let body = json!({ "email": "new@example.com", "current_password": "wrong password" });
        let body = body.to_string().into();
        app.send(Method::PATCH, "/api/v1/me", &headers, body).await
    };
    let who = [("authorization", bearer.as_str())];
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(delete(&app, &who, "wrong password").await.status.as_u16());
        seen.push(email().await.status.as_u16());
    }
    assert_eq!(seen, [422, 422, 422, 429, 429, 429]);
    let limited = delete(&app, &who, PASSWORD).await;
    assert_eq!(limited.problem(), "too-many-requests");
    assert!(!limited.header("retry-after").is_empty());
    assert_eq!(me(&app, &bearer).await, 200);
}
