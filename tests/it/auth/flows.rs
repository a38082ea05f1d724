//! Sign-ins from the first to the last request: every credential, what is refused, and how each is
//! taken back.

use super::*;

type Fields<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn either_name_signs_in_and_every_miss_answers_the_same() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let eve = Person::register(&app, "eve").await;
    eve.disable(&app).await;
    for login in ["ann", "ANN", "ann@example.com", "Ann@EXAMPLE.com", " ann "] {
        let answer = by_password(&app, login, PASSWORD).await;
        let pair = Pair::of(&answer);
        let body = answer.json();
        assert_eq!(
            (&body["token_type"], &body["expires_in"], &body["scope"]),
            (&json!("Bearer"), &json!(1_800), &json!("api"))
        );
        assert_eq!(pair.claim("sub"), ann.id.as_str());
    }
    let misses = [
        ("ann", "wrong password"),
        ("ann", &PASSWORD[1..]),
        ("ann", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("eve", PASSWORD),
        ("eve", "wrong password"),
        (&"n".repeat(5_000), PASSWORD),
    ];
    let mut seen = Vec::new();
    for (login, password) in misses {
        let answer = by_password(&app, login, password).await;
        assert_eq!(answer.status, 400, "{login} {password}: {}", answer.text());
        assert_eq!(answer.problem(), "invalid-grant");
        assert_eq!(answer.json()["error"], "invalid_grant");
        seen.push(apart_from_instance(&answer));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn the_token_endpoint_takes_its_two_grants_only() {
    let app = app(&[]).await;
    let cases: [(Fields<'_>, &str); 6] = [
        (
            &[("grant_type", "client_credentials")],
            "unsupported_grant_type",
        ),
        (&[("grant_type", "")], "unsupported_grant_type"),
        (
            &[("grant_type", "password"), ("username", "ann")],
            "invalid_request",
        ),
        (&[("grant_type", "refresh_token")], "invalid_request"),
        (
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_grant",
        ),
        (&[], "invalid_request"),
    ];
    for (fields, error) in cases {
        let answer = post_form(&app, "/auth/token", fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (400, Some(error)),
            "{fields:?}: {}",
            answer.text()
        );
    }
    let off = super::app(&["--password-grant=false"]).await;
    Person::register(&off, "ann").await;
    let answer = by_password(&off, "ann", PASSWORD).await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn all_credentials_reach_the_same_account() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let (bearer, cookie) = (ann.sign_in(&app).await.bearer(), ann.cookie(&app).await);
    let by_email = basic(&ann.email, PASSWORD);
    let by_name = basic(&ann.username, PASSWORD);
    for (header, value) in [
        ("authorization", &bearer),
        ("authorization", &by_email),
        ("authorization", &by_name),
        ("cookie", &cookie),
    ] {
        for target in ["/api/v1/me", "/api/v1/me/"] {
            let answer = app
                .send(Method::GET, target, &[(header, value)], Body::empty())
                .await;
            assert_eq!(answer.status, 200, "{value}: {}", answer.text());
            assert_eq!(answer.json()["id"], ann.id.as_str());
        }
    }
}

#[tokio::test]
async fn refusals_name_the_ways_in() {
    let app = app(&[]).await;
    let refused = async |headers: &[(&str, &str)]| {
        let answer = app
            .send(Method::GET, "/api/v1/me", headers, Body::empty())
            .await;
        assert_eq!(answer.problem(), "unauthenticated", "{headers:?}");
        apart_from_instance(&answer).2
    };
    let plain = "Bearer realm=\"chartroom\"";
    let invalid = "Bearer realm=\"chartroom\", error=\"invalid_token\"";
    let dialog = "Basic realm=\"chartroom\", charset=\"UTF-8\"";
    assert_eq!(refused(&[]).await, [plain, dialog]);
    assert_eq!(
        refused(&[("sec-fetch-mode", "navigate")]).await,
        [plain, dialog]
    );
    assert_eq!(refused(&[("sec-fetch-mode", "cors")]).await, [plain]);
    let (wrong, nobody) = (basic("nobody", PASSWORD), basic("", ""));
    for credential in ["Bearer x", "Bearer crt_x", &wrong, &nobody] {
        let sent = ("authorization", credential);
        assert_eq!(refused(&[sent]).await, [invalid, dialog], "{credential}");
        assert_eq!(
            refused(&[sent, ("sec-fetch-mode", "cors")]).await,
            [invalid]
        );
    }
    assert_eq!(
        refused(&[("cookie", "__Host-session=x")]).await,
        [invalid, dialog]
    );

    let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    let answer = app
        .send(Method::GET, "/api/v1/me", &two, Body::empty())
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (400, "bad-request")
    );
}

#[tokio::test]
async fn a_new_password_ends_everything_that_the_old_one_began() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let (own, other) = (ann.sign_in(&app).await, ann.sign_in(&app).await);
    let (cookie, old) = (ann.cookie(&app).await, basic("ann", PASSWORD));
    let with_cookie = async || {
        let headers = [("cookie", cookie.as_str())];
        let answer = app
            .send(Method::GET, "/api/v1/me", &headers, Body::empty())
            .await;
        answer.status.as_u16()
    };
    // Each is believed from memory by now.
    assert_eq!(
        (
            me(&app, &other.bearer()).await,
            me(&app, &old).await,
            with_cookie().await
        ),
        (200, 200, 200)
    );
    let change = async |current: &str, new: &str| {
        let headers = [JSON, ("authorization", &own.bearer())];
        let body = json!({ "current": current, "new": new }).to_string();
        app.send(Method::POST, "/api/v1/me/password", &headers, body.into())
            .await
    };
    let new = "a much better one";
    for (current, new, pointer) in [
        ("wrong password", new, "/current"),
        (PASSWORD, "short", "/new"),
    ] {
        let answer = change(current, new).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
    assert_eq!(me(&app, &other.bearer()).await, 200);
    assert_eq!(change(PASSWORD, new).await.status, 204);
    assert_eq!(
        (
            me(&app, &other.bearer()).await,
            me(&app, &old).await,
            with_cookie().await
        ),
        (401, 401, 401)
    );
    assert_eq!(by_refresh(&app, &other.refresh).await.status, 400);
    assert_eq!(by_password(&app, "ann", PASSWORD).await.status, 400);
    assert_eq!(
        (
            me(&app, &own.bearer()).await,
            me(&app, &basic("ann", new)).await
        ),
        (200, 200)
    );
    Pair::of(&by_refresh(&app, &own.refresh).await);
    Pair::of(&by_password(&app, "ann", new).await);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_together() {
    let app = app(&[]).await;
    let (ann, eve) = (
        Person::register(&app, "ann").await,
        Person::register(&app, "eve").await,
    );
    let mut pairs = Vec::new();
    for _ in 0..4 {
        pairs.push(ann.sign_in(&app).await);
    }
    let (own, stranger) = (pairs[0].bearer(), eve.sign_in(&app).await);
    let list = async || {
        get_as(&app, "/api/v1/me/sessions", &own).await.json()["items"]
            .as_array()
            .unwrap()
            .clone()
    };
    let items = list().await;
    let ids: Vec<_> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    let newest_first: Vec<_> = pairs.iter().rev().map(Pair::session).collect();
    assert_eq!(ids, newest_first);
    for item in &items {
        assert_eq!(item["current"], item["id"] == pairs[0].session().as_str());
        assert_eq!(
            (&item["kind"], &item["address"]),
            (&json!("bearer"), &json!("127.0.0.1"))
        );
    }

    let end = async |id: &str, who: &str| {
        let target = format!("/api/v1/me/sessions/{id}");
        send_as(&app, Method::DELETE, &target, who)
            .await
            .status
            .as_u16()
    };
    assert_eq!(end(&pairs[1].session(), &stranger.bearer()).await, 404);
    assert_eq!(me(&app, &pairs[1].bearer()).await, 200);
    assert_eq!(end(&pairs[1].session(), &own).await, 204);
    assert_eq!(end(&pairs[1].session(), &own).await, 404);
    assert_eq!(me(&app, &pairs[1].bearer()).await, 401);
    assert_eq!(list().await.len(), 3);

    assert_eq!(
        send_as(&app, Method::DELETE, "/api/v1/me/sessions", &own)
            .await
            .status,
        204
    );
    assert_eq!(list().await.len(), 1);
    for pair in &pairs[2..] {
        assert_eq!(me(&app, &pair.bearer()).await, 401);
        assert_eq!(by_refresh(&app, &pair.refresh).await.status, 400);
    }
    assert_eq!(me(&app, &stranger.bearer()).await, 200);

    let out = send_as(&app, Method::POST, "/auth/logout", &own).await;
    assert_eq!(out.status, 204);
    assert_eq!(me(&app, &own).await, 401);
    assert_eq!(by_refresh(&app, &pairs[0].refresh).await.status, 400);
    let sessionless = send_as(&app, Method::POST, "/auth/logout", &basic("ann", PASSWORD)).await;
    assert_eq!(sessionless.problem(), "bad-request");
}
