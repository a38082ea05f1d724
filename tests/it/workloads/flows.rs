//! What a workload may do, and how it is shown.

use super::*;

#[tokio::test]
async fn a_workload_does_in_a_project_what_its_owner_allows() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann", false).await;
    let project = ann.project(&place).await;
    let etl = place.workload("shop", "etl");
    // Fresh, it reads what everybody signed in may read, and that is nothing of this.
    let list = etl.get(&place, "/api/v1/projects").await;
    assert_eq!(
        (list.status.as_u16(), &list.json()["items"]),
        (200, &json!([]))
    );
    assert_eq!(etl.get(&place, &project).await.status, 404);
    let post = json!({ "title": "t", "content": "c", "project_id": id_of(&project) });
    assert_eq!(
        outcome(&etl.post(&place, "/api/v1/posts", post.clone()).await).1,
        "not-found"
    );

    let member = format!("{project}/members/k8s:shop/etl");
    let made = ann.put(&place, &member, json!({ "role": "viewer" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("{project}/members/{id}"));
    assert_eq!(
        outcome(&etl.post(&place, "/api/v1/posts", post.clone()).await).1,
        "forbidden"
    );
    assert_eq!(etl.get(&place, &project).await.json()["role"], "viewer");

    ann.put(&place, &member, json!({ "role": "editor" })).await;
    let written = etl.post(&place, "/api/v1/posts", post).await;
    assert_eq!(written.status, 201, "{}", written.text());
    let author = json!({ "id": id, "username": "k8s:shop/etl", "name": null });
    assert_eq!(written.json()["author"], author);
    let target = written.header("location").to_owned();
    assert_eq!(ann.get(&place, &target).await.json()["author"], author);
    let vote = format!("{target}/vote");
    assert_eq!(etl.put(&place, &vote, json!({})).await.status, 204);
    let voters = ann.get(&place, &format!("{target}/votes")).await.json();
    assert_eq!(voters["items"][0]["username"], "k8s:shop/etl");
    let members = ann.get(&place, &format!("{project}/members")).await.json();
    assert_eq!(members["items"][1]["username"], "k8s:shop/etl");
    assert_eq!(members["items"][1]["name"], Value::Null);

    assert_eq!(ann.delete(&place, &member).await.status, 204);
    assert_eq!(etl.get(&place, &target).await.status, 404);
    assert_eq!(ann.get(&place, &target).await.json()["author"], author);
}

#[tokio::test]
async fn a_member_may_be_named_before_it_exists_and_in_any_spelling_of_the_slash() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann", false).await;
    let project = ann.project(&place).await;
    let of = |name: &str| format!("{project}/members/{name}");
    let made = ann
        .put(&place, &of("k8s:shop%2Fetl"), json!({ "role": "editor" }))
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for name in [
        "k8s:shop/etl",
        "k8s:shop%2fetl",
        "k8s%3Ashop%2Fetl",
        "k8s%3Ashop/etl",
        "k8s:shop/etl/",
        &id,
    ] {
        let read = ann.get(&place, &of(name)).await;
        assert_eq!(
            (read.json(), read.header("etag")),
            (made.json(), "\"1\""),
            "{name}"
        );
    }
    // Its first call finds the principal that the owner has made.
    let etl = place.workload("shop", "etl");
    assert_eq!(etl.get(&place, &project).await.json()["role"], "editor");
    let workloads = "SELECT count(*) FROM workloads JOIN principals USING (id) WHERE kind = 'workload' AND name = 'k8s:shop/etl'";
    assert_eq!(place.number(workloads).await, 1);
    for bad in [
        "k8s:shop",
        "k8s:Shop/etl",
        "k8s:/etl",
        "k8s:shop/",
        "k8s:shop/etl%2Fx",
    ] {
        for answer in [
            ann.put(&place, &of(bad), json!({ "role": "viewer" })).await,
            ann.get(&place, &of(bad)).await,
            ann.delete(&place, &of(bad)).await,
        ] {
            assert_eq!(outcome(&answer), (400, "invalid-parameter".into()), "{bad}");
            assert!(answer.text().contains("k8s:<namespace>/<service account>"));
        }
    }
    // Nobody who may not see the members learns or makes anything.
    let bob = place.person("bob", false).await;
    let answer = bob
        .put(&place, &of("k8s:shop/other"), json!({ "role": "viewer" }))
        .await;
    assert_eq!(outcome(&answer).1, "not-found");
    let other = "SELECT count(*) FROM workloads WHERE name = 'k8s:shop/other'";
    assert_eq!(place.number(other).await, 0);
    assert_eq!(ann.delete(&place, &of("k8s:shop/other")).await.status, 204);
    assert_eq!(place.number(other).await, 0, "no principal to be no member");
}

#[tokio::test]
async fn many_who_need_a_workload_at_once_make_one_principal() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann", false).await;
    let mut projects = Vec::new();
    for _ in 0..8 {
        projects.push(ann.project(&place).await);
    }
    let (ann, owned) = (&ann, &place);
    let named = projects.iter().map(async |project| {
        let target = format!("{project}/members/k8s:shop/etl");
        let made = ann.put(owned, &target, json!({ "role": "viewer" }));
        made.await.status
    });
    let tokens: Vec<Caller> = (0..8).map(|_| place.workload("shop", "etl")).collect();
    let called = tokens.iter().map(|etl| place.outcome(etl));
    let (named, called) = tokio::join!(
        futures_util::future::join_all(named),
        futures_util::future::join_all(called)
    );
    assert!(named.iter().all(|status| *status == 201), "{named:?}");
    assert!(
        called.iter().all(|outcome| *outcome == good()),
        "{called:?}"
    );
    let orphans = "SELECT count(*) FROM principals WHERE kind = 'workload'";
    assert_eq!(place.number(orphans).await, 1);
}

#[tokio::test]
async fn what_is_for_people_is_not_for_workloads() {
    let place = Place::new(&[]).await;
    let etl = place.workload("shop", "etl");
    let nothing = "0192f0c1-2345-7000-8000-000000000000";
    for (method, target) in [
        (Method::GET, "/api/v1/me".to_owned()),
        (Method::PATCH, "/api/v1/me".to_owned()),
        (Method::DELETE, "/api/v1/me".to_owned()),
        (Method::POST, "/api/v1/me/password".to_owned()),
        (Method::GET, "/api/v1/me/sessions".to_owned()),
        (Method::DELETE, "/api/v1/me/sessions".to_owned()),
        (Method::GET, "/api/v1/me/tokens".to_owned()),
        (Method::POST, "/api/v1/me/tokens".to_owned()),
        (Method::POST, "/api/v1/projects".to_owned()),
        (Method::GET, "/api/v1/audit".to_owned()),
        (Method::PATCH, format!("/api/v1/users/{nothing}")),
    ] {
        let body = (method != Method::GET).then(|| json!({}));
        let answer = etl.send(&place, method.clone(), &target, &[], body).await;
        assert_eq!(
            outcome(&answer),
            (403, "forbidden".into()),
            "{method} {target}"
        );
    }
    let alone = etl
        .post(
            &place,
            "/api/v1/posts",
            json!({ "title": "t", "content": "c" }),
        )
        .await;
    assert_eq!(outcome(&alone), (403, "forbidden".into()));
    assert!(alone.text().contains("project_id"));
    for (target, shown) in [("/api/v1/users", 200), ("/api/v1/posts", 200)] {
        assert_eq!(
            etl.get(&place, target).await.status.as_u16(),
            shown,
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_workload_asks_about_the_tokens_of_people() {
    let place = Place::new(&[]).await;
    let etl = place.workload("shop", "etl");
    let form = async |target: &str, caller: Option<&Caller>, fields: &[(&str, &str)]| {
        let authorization = caller.map(|caller| format!("Bearer {}", caller.0));
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(
            authorization
                .iter()
                .map(|it| ("authorization", it.as_str())),
        );
        let body = serde_urlencoded::to_string(fields).unwrap();
        place
            .app
            .send(Method::POST, target, &headers, body.into())
            .await
    };
    let account = json!({ "email": "ann@x.y", "password": "correct horse battery" });
    let made = place
        .app
        .post_json("/api/v1/users", account.to_string())
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let fields = [
        ("grant_type", "password"),
        ("username", "ann@x.y"),
        ("password", "correct horse battery"),
    ];
    let signed_in = form("/auth/token", None, &fields).await.json();
    let ann = Caller(signed_in["access_token"].as_str().unwrap().to_owned());
    let about = form("/auth/introspect", Some(&etl), &[("token", &ann.0)]).await;
    assert_eq!(
        (&about.json()["active"], &about.json()["sub"]),
        (&json!(true), &made.json()["id"]),
        "{}",
        about.text()
    );
    let refused = form("/auth/introspect", Some(&ann), &[("token", &ann.0)]).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn the_workloads_that_the_configuration_names_administer() {
    let place = Place::new(&["--service-accounts-admins=k8s:ops/setup,k8s:ops/other"]).await;
    let setup = place.workload("ops", "setup");
    let ann = place.person("ann", false).await;
    let found = setup.get(&place, "/api/v1/users").await.json();
    let target = format!(
        "/api/v1/users/{}",
        found["items"][0]["id"].as_str().unwrap()
    );
    let promoted = setup
        .send(
            &place,
            Method::PATCH,
            &target,
            &[],
            Some(json!({ "admin": true })),
        )
        .await;
    assert_eq!(promoted.status, 200, "{}", promoted.text());
    assert_eq!(
        place
            .number("SELECT count(*) FROM users WHERE is_admin")
            .await,
        1
    );
    assert_eq!(setup.get(&place, "/api/v1/audit").await.status, 200);
    for other in [place.workload("shop", "setup"), ann] {
        assert_eq!(other.get(&place, "/api/v1/audit").await.status, 403);
    }
}

#[tokio::test]
async fn the_audit_names_the_workload_its_account_and_its_pod() {
    let place = Place::new(&[]).await;
    let (ann, root) = (
        place.person("ann", false).await,
        place.person("root", true).await,
    );
    let project = ann.project(&place).await;
    let owner = format!("{project}/members/k8s:shop/etl");
    ann.put(&place, &owner, json!({ "role": "owner" })).await;
    let etl = place.workload("shop", "etl");
    let other = format!("{project}/members/k8s:shop/report");
    assert_eq!(
        etl.put(&place, &other, json!({ "role": "viewer" }))
            .await
            .status,
        201
    );
    etl.get(&place, "/api/v1/audit").await;
    let events = ann.get(&place, &format!("{project}/audit")).await.json();
    let who = json!({ "name": "k8s:shop/etl", "uid": "uid-of-etl", "pod": "etl-0" });
    let by_etl = &events["items"][0];
    assert_eq!(by_etl["action"], "member.added");
    assert_eq!(
        (&by_etl["detail"]["workload"], &by_etl["detail"]["name"]),
        (&who, &json!("k8s:shop/report"))
    );
    let by_ann = &events["items"][1];
    assert_eq!(
        (&by_ann["detail"]["workload"], &by_ann["detail"]["name"]),
        (&Value::Null, &json!("k8s:shop/etl"))
    );
    let written = async || {
        let target = "/api/v1/audit?action=access.refused";
        let found = root.get(&place, target).await.json();
        found["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|event| event["detail"]["operation"] == "GET /api/v1/audit")
            .cloned()
    };
    let event = until("the refusal", PATIENCE, written).await.unwrap();
    assert_eq!(event["detail"]["workload"], who);
}

/// A workload has no mailbox that it could confirm, and may have a link as anybody may.
#[tokio::test]
async fn a_workload_that_owns_a_project_invites_and_another_accepts() {
    let mail = [
        "--smtp-host=localhost",
        "--mail-from=chartroom@example.com",
        "--public-url=http://localhost",
    ];
    let place = Place::new(&mail).await;
    let ann = place.person("ann", false).await;
    let project = ann.project(&place).await;
    let etl = place.workload("shop", "etl");
    let member = format!("{project}/members/k8s:shop/etl");
    let made = ann.put(&place, &member, json!({ "role": "owner" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let target = format!("{project}/invitations");
    let guest = json!({ "email": "guest@example.org", "role": "viewer" });
    let invited = etl.post(&place, &target, guest.clone()).await;
    assert_eq!(invited.status, 201, "{}", invited.text());
    assert_eq!(invited.json()["invited_by"], made.json()["id"]);
    // The control: a person has a mailbox.
    let refused = ann.post(&place, &target, guest).await;
    assert_eq!(outcome(&refused), (403, "forbidden".to_owned()));

    let token = format!("cri_{}", "A".repeat(43));
    let invitation = invited.json()["id"].as_str().unwrap().to_owned();
    let link = format!("INSERT INTO invitation_links VALUES (sha256('{token}'), '{invitation}')");
    place.sql(&link).await;
    let bot = place.workload("shop", "bot");
    let body = json!({ "token": token });
    let accepted = bot.post(&place, "/auth/invitations/accept", body).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert_eq!(bot.get(&place, &project).await.json()["role"], "viewer");
    let trail = ann.get(&place, &format!("{project}/audit")).await.json();
    let added = &trail["items"][0];
    assert_eq!(added["action"], "member.added");
    assert_eq!(added["detail"]["name"], "k8s:shop/bot");
}
