//! Accounts: registration, what it refuses, and changes to one's own.

use super::*;

async fn register(app: &TestApp, body: Value) -> Answer {
    app.post_json("/api/v1/users", body.to_string()).await
}

#[tokio::test]
async fn registration_makes_an_account_once() {
    let app = app(&[]).await;
    let body = json!({ "email": "Ann@Example.com", "username": "Ann", "password": PASSWORD, "name": " Ann ", "profile": { "team": 7 } });
    let answer = register(&app, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let me = answer.json();
    let id = me["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/users/{id}"));
    assert!(answer.header("etag").starts_with('"'));
    assert_eq!(
        (&me["email"], &me["username"], &me["name"], &me["admin"]),
        (
            &json!("Ann@Example.com"),
            &json!("Ann"),
            &json!("Ann"),
            &json!(false)
        )
    );
    assert_eq!(me["profile"], json!({ "team": 7 }));
    assert!(!answer.text().contains("password") && !answer.text().contains("argon2"));

    let taken = [
        json!({ "email": "ann@example.com", "password": PASSWORD }),
        json!({ "email": "ａｎｎ@EXAMPLE.com", "password": PASSWORD }),
        json!({ "email": "b@example.com", "username": "aNN", "password": PASSWORD }),
        json!({ "email": "c@example.com", "username": "Ａｎｎ", "password": PASSWORD }),
    ];
    for body in taken {
        let answer = register(&app, body.clone()).await;
        assert_eq!(answer.status, 409, "{body}: {}", answer.text());
        assert_eq!(answer.problem(), "conflict");
    }

    let bearer = Pair::of(&by_password(&app, "ann", PASSWORD).await).bearer();
    let seen = get_as(&app, answer.header("location"), &bearer)
        .await
        .json();
    assert_eq!(seen, json!({ "id": id, "username": "Ann", "name": "Ann" }));
}

#[tokio::test]
async fn a_profile_comes_back_as_it_was_sent() {
    let app = app(&[]).await;
    let profile = r#"{"n":[1.7976931348623157e308,5e-324,-0.1,9007199254740993,18446744073709551615],"t":"\ud83d\ude00"}"#;
    let body =
        format!(r#"{{"email":"ann@example.com","password":"{PASSWORD}","profile":{profile}}}"#);
    let answer = app.post_json("/api/v1/users", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let sent: Value = serde_json::from_str(profile).unwrap();
    assert_eq!(answer.json()["profile"], sent);
    let bearer = Pair::of(&by_password(&app, "ann@example.com", PASSWORD).await).bearer();
    let read = get_as(&app, "/api/v1/me", &bearer).await;
    assert_eq!(read.json()["profile"], sent);
}

#[tokio::test]
async fn a_patch_merges_into_the_profile_at_every_depth() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let patch = async |profile: Value| {
        let headers = [PATCH, ("authorization", bearer.as_str())];
        let body = json!({ "profile": profile }).to_string().into();
        let answer = app.send(Method::PATCH, "/api/v1/me", &headers, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["profile"].take()
    };
    let first =
        json!({ "phone": "1", "home": { "city": "Kiel", "street": "Weg" }, "tags": [1, 2] });
    assert_eq!(patch(first.clone()).await, first);
    assert_eq!(patch(json!({})).await, first);
    assert_eq!(
        patch(json!({ "phone": null })).await,
        json!({ "home": { "city": "Kiel", "street": "Weg" }, "tags": [1, 2] })
    );
    assert_eq!(
        patch(json!({ "home": { "street": null, "no": 7, "of": { "x": null } }, "tags": [null] }))
            .await,
        json!({ "home": { "city": "Kiel", "no": 7, "of": {} }, "tags": [null] })
    );
    let read = get_as(&app, "/api/v1/me", &bearer).await.json();
    assert_eq!(
        read["profile"],
        json!({ "home": { "city": "Kiel", "no": 7, "of": {} }, "tags": [null] })
    );
    assert_eq!(patch(json!(null)).await, json!({}));
    // Two at once, neither of which undoes the other.
    let both = tokio::join!(patch(json!({ "a": 1 })), patch(json!({ "b": 2 })));
    assert_ne!(both.0, both.1);
    let read = get_as(&app, "/api/v1/me", &bearer).await.json();
    assert_eq!(read["profile"], json!({ "a": 1, "b": 2 }));
}

#[tokio::test]
async fn audit_l8_a_profile_is_bounded_as_a_whole() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let patch = async |profile: Value| {
        let headers = [PATCH, ("authorization", bearer.as_str())];
        let body = json!({ "profile": profile }).to_string().into();
        app.send(Method::PATCH, "/api/v1/me", &headers, body).await
    };
    let half = "x".repeat(5_000);
    assert_eq!(patch(json!({ "a": half })).await.status, 200);
    let deep = (0..16).fold(json!(1), |inner, _| json!({ "a": inner }));
    for (profile, code) in [
        (json!({ "b": half }), "too-large"),
        (json!({ "b": deep }), "too-deep"),
    ] {
        let refused = patch(profile.clone()).await;
        assert_eq!(refused.problem(), "validation-failed");
        let error = &refused.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/profile"), &json!(code))
        );
        let body = json!({ "email": "b@example.com", "password": PASSWORD, "profile": { "x": profile, "y": half } });
        let refused = register(&app, body).await;
        assert_eq!(
            refused.json()["errors"][0]["code"],
            *code,
            "{}",
            refused.text()
        );
    }
    assert_eq!(patch(json!({ "a": null, "b": half })).await.status, 200);
    // What is longer was kept before there was a bound: it is read, the rest can be changed, and it
    // can be made shorter.
    let session = app.database.session().await;
    let old = format!(
        "UPDATE users SET profile = jsonb_build_object('a', repeat('x', 100000), 'b', 1) WHERE id = '{}'",
        ann.id
    );
    session.batch_execute(&old).await.unwrap();
    let read = get_as(&app, "/api/v1/me", &bearer).await;
    assert!(read.text().len() > 100_000);
    let headers = [PATCH, ("authorization", bearer.as_str())];
    let body = json!({ "name": "Ann" }).to_string().into();
    assert_eq!(
        app.send(Method::PATCH, "/api/v1/me", &headers, body)
            .await
            .status,
        200
    );
    assert_eq!(patch(json!({ "c": 1 })).await.status, 422);
    assert_eq!(
        patch(json!({ "a": null })).await.json()["profile"],
        json!({ "b": 1 })
    );
    Pair::of(&by_password(&app, "ann", PASSWORD).await);
}

/// Names that look like another's, or like nothing.
#[tokio::test]
async fn audit_l2_names_that_deceive_are_refused() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let patch = async |body: Value| {
        let headers = [PATCH, ("authorization", bearer.as_str())];
        app.send(
            Method::PATCH,
            "/api/v1/me",
            &headers,
            body.to_string().into(),
        )
        .await
    };
    for username in [
        "\u{3164}\u{3164}",
        "adm\u{3164}in114",
        "\u{115f}\u{115f}",
        "admin\u{345}",
        "admin\u{ffa0}",
        "\u{430}dmin1",
        "аnn",
    ] {
        let refused = patch(json!({ "username": username })).await;
        assert_eq!(
            refused.json()["errors"][0]["pointer"],
            "/username",
            "{username:?}"
        );
        let body = json!({ "email": "b@example.com", "username": username, "password": PASSWORD });
        assert_eq!(register(&app, body).await.status, 422, "{username:?}");
    }
    for hidden in [
        '\u{61c}',
        '\u{ad}',
        '\u{e0041}',
        '\u{3164}',
        '\u{200b}',
        '\u{2800}',
        '\u{fffa}',
    ] {
        let refused = patch(json!({ "name": format!("Ann{hidden}") })).await;
        assert_eq!(
            refused.json()["errors"][0]["pointer"],
            "/name",
            "{hidden:?}"
        );
    }
    for username in ["анна1", "東京タワー", "김철수", "jürgen_2"] {
        let taken = patch(json!({ "username": username, "name": "Ann Müller — Анна 😀" })).await;
        assert_eq!(taken.status, 200, "{username}: {}", taken.text());
    }
    // Who has such a name keeps it, signs in with it and changes the rest.
    let session = app.database.session().await;
    let old = format!(
        "UPDATE users SET username = 'аdmin1', username_key = 'аdmin1' WHERE id = '{}'",
        ann.id
    );
    session.batch_execute(&old).await.unwrap();
    Pair::of(&by_password(&app, "аdmin1", PASSWORD).await);
    let kept = patch(json!({ "name": "Ann" })).await;
    assert_eq!(kept.json()["username"], "аdmin1");
}

#[tokio::test]
async fn registration_says_what_is_wrong_and_takes_nothing_else() {
    let app = app(&[]).await;
    let long = "p".repeat(1_025);
    let cases = [
        (json!({ "password": "short12" }), "/password"),
        (json!({ "password": long }), "/password"),
        (json!({ "password": "password" }), "/password"),
        (json!({ "password": "PassWord1" }), "/password"),
        (json!({ "email": "nobody" }), "/email"),
        (json!({ "email": "a b@example.com" }), "/email"),
        (json!({ "email": "a@b@example.com" }), "/email"),
        (json!({ "email": "a@example..com" }), "/email"),
        (json!({ "email": "@example.com" }), "/email"),
        (json!({ "email": "a\u{202e}@example.com" }), "/email"),
        (json!({ "email": 7 }), "/email"),
        (json!({ "username": "a@b" }), "/username"),
        (json!({ "username": "a:b" }), "/username"),
        (json!({ "username": "x" }), "/username"),
        (
            json!({ "username": "0192f0c1-2345-7000-8000-000000000000" }),
            "/username",
        ),
        (json!({ "name": "a\u{7}" }), "/name"),
        (json!({ "profile": [] }), "/profile"),
        (json!({ "is_admin": true }), "/is_admin"),
        (json!({ "admin": true }), "/admin"),
        (
            json!({ "id": "0192f0c1-2345-7000-8000-000000000000" }),
            "/id",
        ),
        (json!({ "password_hash": "x" }), "/password_hash"),
        (json!({ "is_disabled": false }), "/is_disabled"),
        (json!({ "version": 9 }), "/version"),
    ];
    for (change, pointer) in cases {
        let mut body = json!({ "email": "ann@example.com", "password": PASSWORD });
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = register(&app, body).await;
        assert_eq!(answer.status, 422, "{change}: {}", answer.text());
        assert_eq!(answer.problem(), "validation-failed");
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            *pointer,
            "{change}: {}",
            answer.text()
        );
    }
    for length in [8, 1_024] {
        let body = json!({ "email": format!("a{length}@example.com"), "password": "ü".repeat(length / 2) });
        assert_eq!(register(&app, body).await.status, 201);
    }
}

#[tokio::test]
async fn changes_to_oneself_are_conditional_and_null_clears() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    Person::register(&app, "bob").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let before = get_as(&app, "/api/v1/me", &bearer).await;
    let etag = before.header("etag").to_owned();
    let patch = async |etag: Option<&str>, body: Value| {
        let mut headers = vec![PATCH, ("authorization", bearer.as_str())];
        headers.extend(etag.map(|etag| ("if-match", etag)));
        app.send(
            Method::PATCH,
            "/api/v1/me",
            &headers,
            body.to_string().into(),
        )
        .await
    };
    let changed = patch(
        Some(&etag),
        json!({ "name": "Ann", "profile": { "a": { "b": 1 } } }),
    )
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_ne!(changed.header("etag"), etag);
    assert_eq!(changed.json()["name"], "Ann");
    let stale = patch(Some(&etag), json!({ "name": "Eve" })).await;
    assert_eq!(stale.problem(), "precondition-failed");
    let now = get_as(&app, "/api/v1/me", &bearer).await;
    assert_eq!(
        (&now.body, now.header("etag")),
        (&changed.body, changed.header("etag"))
    );

    let cleared = patch(None, json!({ "name": null, "username": null }))
        .await
        .json();
    assert_eq!(
        (&cleared["name"], &cleared["username"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        patch(None, json!({ "username": "BOB" })).await.problem(),
        "conflict"
    );
    for member in [
        "admin",
        "is_admin",
        "id",
        "password",
        "password_hash",
        "version",
    ] {
        let answer = patch(None, json!({ member: "x" })).await;
        assert_eq!(answer.status, 422, "{member}: {}", answer.text());
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            format!("/{member}"),
            "{}",
            answer.text()
        );
    }
    let not_modified = app
        .send(
            Method::GET,
            "/api/v1/me",
            &[
                ("authorization", &bearer),
                (
                    "if-none-match",
                    get_as(&app, "/api/v1/me", &bearer).await.header("etag"),
                ),
            ],
            Body::empty(),
        )
        .await;
    assert_eq!(not_modified.status, 304);
}

#[tokio::test]
async fn a_new_email_needs_the_password_and_keeps_the_sessions() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    Person::register(&app, "bob").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let patch = async |body: Value, etag: &str| {
        let headers = [
            PATCH,
            ("authorization", bearer.as_str()),
            ("if-match", etag),
        ];
        let body = body.to_string().into();
        app.send(Method::PATCH, "/api/v1/me", &headers, body).await
    };
    let email = "New@example.com";
    let refused = [
        (json!({ "email": email }), 422, "/current_password"),
        (
            json!({ "email": email, "current_password": null }),
            422,
            "/current_password",
        ),
        (
            json!({ "email": email, "current_password": "wrong password" }),
            422,
            "/current_password",
        ),
        (
            json!({ "email": "nobody", "current_password": PASSWORD }),
            422,
            "/email",
        ),
        (
            json!({ "email": null, "current_password": PASSWORD }),
            422,
            "/email",
        ),
        (json!({ "email": 7 }), 422, "/email"),
    ];
    for (body, status, pointer) in refused {
        let answer = patch(body.clone(), "*").await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let wanted = |email: &str| json!({ "email": email, "current_password": PASSWORD });
    let taken = patch(wanted("BOB@example.com"), "*").await;
    assert_eq!(taken.problem(), "conflict");
    let stale = patch(wanted(email), "\"99\"").await;
    assert_eq!(stale.problem(), "precondition-failed");
    let unchanged = get_as(&app, "/api/v1/me", &bearer).await;
    assert_eq!(unchanged.json()["email"], ann.email.as_str());

    let changed = patch(wanted(email), unchanged.header("etag")).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.json()["email"], email);
    assert!(!changed.text().contains(PASSWORD));
    assert_ne!(changed.header("etag"), unchanged.header("etag"));
    assert_eq!(me(&app, &bearer).await, 200);
    Pair::of(&by_password(&app, "new@EXAMPLE.com", PASSWORD).await);
    assert_eq!(by_password(&app, &ann.email, PASSWORD).await.status, 400);
    // One's own, written differently, is not taken; and the one that was given up is free.
    assert_eq!(patch(wanted("new@example.com"), "*").await.status, 200);
    let freed = json!({ "email": ann.email, "password": PASSWORD });
    assert_eq!(register(&app, freed).await.status, 201);
    let session = app.database.session().await;
    let audited = "SELECT count(*) FROM audit_events WHERE action = $1 AND actor_id::text = $2 AND target_id = actor_id";
    for (action, times) in [("user.email_changed", 2_i64), ("user.password_refused", 1)] {
        let row = session.query_one(audited, &[&action, &ann.id]).await;
        assert_eq!(row.unwrap().get::<_, i64>(0), times, "{action}");
    }
}
