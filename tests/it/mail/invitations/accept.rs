//! Accepting an invitation: signed in, as a newcomer, many at once, and where accounts are made by
//! invitation alone or not at all.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn whoever_has_the_link_becomes_a_member_once() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    house.invite(GUEST, "editor").await;
    let link = house.link().await;
    // The secret is in the mail and nowhere else.
    for table in [
        "jobs",
        "dead_jobs",
        "invitation_links",
        "project_invitations",
        "audit_events",
        "outbox",
        "idempotent_answers",
    ] {
        let rows = format!("SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t");
        let rows: String = house.session.query_one(&rows, &[]).await.unwrap().get(0);
        assert!(!rows.contains(&link[4..]), "{table}");
    }
    // So that the password has been found good when they come.
    assert_eq!(bob.get(&house.app, "/api/v1/me").await.status, 200);
    let uses = (0..50).map(|_| house.accept_as(&bob, &link));
    let mut taken = 0;
    for answer in join_all(uses).await {
        match outcome(&answer) {
            (200, _) => {
                let expected = json!({
                    "project_id": house.project, "project": "Census <1>", "principal": bob.id,
                    "role": "editor",
                });
                assert_eq!(answer.json(), expected);
                taken += 1;
            }
            (422, _) => assert!(is_ended(&answer), "{}", answer.text()),
            (503, code) => assert!(["overloaded", "database-unavailable"].contains(&&*code)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, 1);
    assert_eq!(house.role("bob").await.as_deref(), Some("editor"));
    let told = house.told().await;
    let actions: Vec<_> = told.iter().map(|(action, _)| action.as_str()).collect();
    let expected = ["invitation.created", "invitation.accepted", "member.added"];
    assert_eq!(actions, expected);
    let invitation = &told[0].1["invitation"];
    let accepted = json!({ "invitation": invitation, "principal": bob.id, "role": "editor" });
    assert_eq!(told[1].1, accepted);
    // As adding a member is told.
    let added = json!({ "principal": bob.id, "role": "editor", "was": null });
    assert_eq!(told[2].1, added);
    // Bob's own address was not the one that was written to.
    let own = "SELECT count(*) FROM users WHERE email_key = 'guest@example.org'";
    assert_eq!(house.count(own).await, 0);
}

#[tokio::test]
async fn a_member_gets_a_higher_role_and_never_a_lower_one() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    let (app, project) = (&house.app, &house.project);
    house.ann.share(app, project, &bob.id, "editor").await;
    for (invited, role) in [
        ("viewer", "editor"),
        ("editor", "editor"),
        ("owner", "owner"),
        ("viewer", "owner"),
    ] {
        let before = house.told().await.len();
        house.invite(GUEST, invited).await;
        let was = house.role("bob").await.unwrap();
        let accepted = house.accept_as(&bob, &house.link().await).await;
        assert_eq!(accepted.json()["role"], role, "{}", accepted.text());
        assert_eq!(house.role("bob").await.as_deref(), Some(role));
        let told = house.told().await.split_off(before);
        assert_eq!(told[1].1["role"], invited);
        match was == role {
            true => assert_eq!(told.len(), 2),
            false => {
                let changed = json!({ "principal": bob.id, "role": role, "was": was });
                assert_eq!(told[2], ("member.changed".to_owned(), changed));
            }
        }
    }
}

/// The link has shown that the address is read, whoever uses it.
#[tokio::test]
async fn an_address_is_confirmed_by_its_own_account_alone() {
    let house = House::new().await;
    let [bob, cid] = [house.person("bob").await, house.person("cid").await];
    house.sql("UPDATE users SET email_verified_at = NULL").await;
    house
        .sql("UPDATE users SET email_verified_at = now() WHERE username = 'ann'")
        .await;
    for (who, state) in [(&cid, "unverified"), (&bob, "ok")] {
        house.invite("BOB@example.com", "viewer").await;
        let accepted = house.accept_as(who, &house.link().await).await;
        assert_eq!(accepted.status, 200, "{}", accepted.text());
        let me = who.get(&house.app, "/api/v1/me").await.json();
        assert_eq!(me["email_state"], state);
    }
}

#[tokio::test]
async fn a_newcomer_makes_an_account_and_is_a_member_at_once() {
    let house = House::new().await;
    let path = house.invite(GUEST, "viewer").await;
    let link = house.link().await;
    // What is refused leaves the link as it is.
    let errors = async |body: Value| {
        let answer = house.accept(body).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        answer.json()["errors"][0].clone()
    };
    let missing = errors(json!({ "token": link })).await;
    assert_eq!(
        (&missing["pointer"], &missing["code"]),
        (&json!("/password"), &json!("missing"))
    );
    let common = errors(json!({ "token": link, "password": "password1" })).await;
    assert_eq!(common["pointer"], "/password");
    let email = json!({ "token": link, "password": OTHER, "email": "own@example.org" });
    assert_eq!(errors(email).await["code"], "unknown-field");
    let taken = json!({ "token": link, "password": OTHER, "username": "ANN" });
    let taken = house.accept(taken).await;
    assert_eq!(taken.problem(), "conflict");
    assert!(taken.text().contains("username"));
    // Somebody signed in makes no account by mistake.
    let target = "/auth/invitations/accept";
    let both = json!({ "token": link, "password": OTHER, "name": "Guest" });
    let both = house.ann.send(&house.app, Method::POST, target, both).await;
    let pointers: Vec<_> = both.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pointer"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(pointers, ["/name", "/password"]);
    // Nor does one whose credentials are no good pass for a newcomer.
    let body = json!({ "token": link, "password": OTHER });
    let stale = house
        .app
        .send_as("Bearer x", Method::POST, target, &[], Some(body))
        .await;
    assert_eq!(stale.status, 401);
    let open = "SELECT count(*) FROM users WHERE email_key = 'guest@example.org'";
    assert_eq!(house.count(open).await, 0);
    assert_eq!(house.ann.get(&house.app, &path).await.status, 200);

    let uses = (0..50).map(|number| {
        let password = format!("{OTHER} {number}");
        let body = json!({
            "token": link, "password": password, "username": format!("guest-{number}"),
            "name": "A guest",
        });
        let house = &house;
        async move { (house.accept(body).await, number) }
    });
    let mut made = Vec::new();
    for (answer, number) in join_all(uses).await {
        match outcome(&answer) {
            (200, _) => made.push((answer.json(), number)),
            (422, _) => assert!(is_ended(&answer), "{}", answer.text()),
            // As it is told whose account is there by then.
            (409, code) => assert_eq!(code, "conflict"),
            (503, code) => assert!(["overloaded", "database-unavailable"].contains(&&*code)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(house.count(open).await, 1);
    let (accepted, number) = &made[0];
    let username = format!("guest-{number}");
    assert_eq!(house.role(&username).await.as_deref(), Some("viewer"));
    let guest = Guest::with(&house, GUEST, &format!("{OTHER} {number}"));
    let me = guest.me().await;
    assert_eq!(
        (
            &me["id"],
            &me["email"],
            &me["username"],
            &me["name"],
            &me["email_state"]
        ),
        (
            &accepted["principal"],
            &json!(GUEST),
            &json!(username),
            &json!("A guest"),
            &json!("ok")
        )
    );
    assert_eq!(me["admin"], false);
    // The account is told as one that registered; no letter asks to confirm the address.
    let told = format!(
        "SELECT count(*) FROM audit_events WHERE target_id = '{0}' AND actor_id = '{0}' \
         AND action IN ('user.registered', 'user.email_verified')",
        me["id"].as_str().unwrap()
    );
    assert_eq!(house.count(&told).await, 2);
    assert!(house.mails().await.is_empty());
}

/// Somebody who signs in with what they chose.
struct Guest<'a> {
    house: &'a House,
    authorization: String,
}

impl<'a> Guest<'a> {
    fn with(house: &'a House, login: &str, password: &str) -> Self {
        use base64::Engine as _;
        let pair = format!("{login}:{password}");
        let pair = base64::prelude::BASE64_STANDARD.encode(pair);
        let authorization = format!("Basic {pair}");
        Self {
            house,
            authorization,
        }
    }

    async fn me(&self) -> Value {
        let (app, me) = (&self.house.app, "/api/v1/me");
        let answer = app.send_as(&self.authorization, Method::GET, me, &[], None);
        let answer = answer.await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

#[tokio::test]
async fn who_has_an_account_is_told_to_sign_in_first() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    house.invite("Bob@example.com", "viewer").await;
    let link = house.link().await;
    for body in [
        json!({ "token": link }),
        json!({ "token": link, "password": OTHER }),
    ] {
        let answer = house.accept(body).await;
        assert_eq!(outcome(&answer), (409, "conflict".to_owned()));
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("sign in"), "{detail}");
    }
    assert_eq!(house.accept_as(&bob, &link).await.status, 200);
}

/// By the settings of three replicas: open, by invitation, closed.
#[tokio::test]
async fn accounts_are_made_as_the_setting_says() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    let mine = house.post.flags.iter().map(String::as_str);
    let mine: Vec<&str> = mine.collect();
    for (setting, registers, joins) in [
        ("open", 201, 200),
        ("invited", 403, 200),
        ("closed", 403, 403),
    ] {
        let setting = format!("--registration={setting}");
        let limits = ["--signin-per-address-burst=1000000", &setting];
        let app = house.app.beside(&[&limits[..], &mine].concat());
        let email = format!("{registers}{joins}@example.org");
        let body = json!({ "email": format!("own-{email}"), "password": OTHER });
        let registered = app.post_json("/api/v1/users", body.to_string()).await;
        assert_eq!(registered.status, registers, "{setting}");
        house.sql("DELETE FROM jobs").await;

        house.invite(&email, "viewer").await;
        let token = house.link().await;
        let target = "/auth/invitations/accept";
        let body = json!({ "token": token, "password": OTHER });
        let joined = app.post_json(target, body.to_string()).await;
        assert_eq!(joined.status, joins, "{setting}: {}", joined.text());
        // Who has an account joins everywhere.
        if joins == 200 {
            house.invite(&email, "viewer").await;
        }
        let token = match joins {
            200 => house.link().await,
            _ => token,
        };
        let body = json!({ "token": token });
        let joined = bob.send(&app, Method::POST, target, body).await;
        assert_eq!(joined.status, 200, "{setting}: {}", joined.text());
    }
}

/// With a key, whoever lost the answer is given it again; without one, the link is gone.
#[tokio::test]
async fn an_acceptance_is_repeated_by_its_key() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    house.invite(GUEST, "editor").await;
    let token = house.link().await;
    let accept = async |key: &str, token: &str| {
        let headers = [("idempotency-key", key)];
        let body = json!({ "token": token });
        let target = "/auth/invitations/accept";
        let bob = &bob.authorization;
        house
            .app
            .send_as(bob, Method::POST, target, &headers, Some(body))
            .await
    };
    let first = accept("\"one\"", &token).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let again = accept("\"one\"", &token).await;
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert!(is_ended(&accept("\"two\"", &token).await));
    let reused = accept("\"one\"", "cri_x").await;
    assert_eq!(outcome(&reused), (422, "idempotency-key-reused".to_owned()));
    let told = house.told().await;
    let accepted = told
        .iter()
        .filter(|(action, _)| action == "invitation.accepted");
    assert_eq!(accepted.count(), 1);
    // Nobody is told of a project that they may not read any more.
    let member = format!("/api/v1/projects/{}/members/{}", house.project, bob.id);
    let gone = house
        .ann
        .send(&house.app, Method::DELETE, &member, Value::Null)
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(accept("\"one\"", &token).await.status, 404);
}
