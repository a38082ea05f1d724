//! That nobody writes to the world by inviting it.

use super::*;

#[tokio::test]
async fn a_project_has_so_many_open_invitations() {
    let house = House::new().await;
    let fill = format!(
        "INSERT INTO project_invitations (id, project_id, email, email_key, role, invited_by, \
             expires_at) SELECT gen_random_uuid(), '{}', n || '@x', n || '@x', 'viewer', '{}', \
             now() + interval '1 day' FROM generate_series(1, 99) AS n",
        house.project, house.ann.id
    );
    house.sql(&fill).await;
    house.invite(GUEST, "viewer").await;
    let more = house
        .invite_by(&house.ann, "more@example.org", "viewer")
        .await;
    assert_eq!(outcome(&more), (409, "conflict".to_owned()));
    // Replaced, there are no more than before; and what was refused has replaced nothing.
    house.invite(GUEST, "editor").await;
    let all = "SELECT count(*) FROM project_invitations";
    assert_eq!(house.count(all).await, 100);
    assert_eq!(house.mails().await.len(), 1);
    // One that has ended leaves room.
    house
        .sql("UPDATE project_invitations SET expires_at = now() WHERE email = '1@x'")
        .await;
    house.invite("more@example.org", "viewer").await;
}

#[tokio::test]
async fn one_caller_and_one_address_have_limits() {
    let house = House::new().await;
    let [bob, cid] = [house.person("bob").await, house.person("cid").await];
    for owner in [&bob, &cid] {
        let (app, project) = (&house.app, &house.project);
        house.ann.share(app, project, &owner.id, "owner").await;
    }
    let refused = async |by: &Person, policy: &str| {
        let refused = house.invite_by(by, "Guest@example.org", "viewer").await;
        assert_eq!(refused.problem(), "too-many-requests");
        assert_eq!(refused.header("ratelimit-policy"), policy);
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=17_280).contains(&wait), "{wait}");
    };
    // By one caller to one address, half of ten a day at once; by all to one, half of twenty.
    for by in [&house.ann, &bob] {
        for _ in 0..5 {
            assert_eq!(house.invite_by(by, GUEST, "viewer").await.status, 201);
        }
        refused(by, "\"invitation-address\";q=10;w=86400").await;
    }
    refused(&cid, "\"invitation-address\";q=20;w=86400").await;
    // By one caller, wherever to, half of a hundred.
    let mut sent = 0;
    let refused = loop {
        let email = format!("{sent}@example.org");
        let answer = house.invite_by(&house.ann, &email, "viewer").await;
        if answer.status != 201 {
            break answer;
        }
        sent += 1;
        assert!(sent < 60, "no limit");
    };
    // Six of them were counted before.
    assert!((44..=45).contains(&sent), "{sent}");
    assert_eq!(refused.problem(), "too-many-requests");
    let policy = refused.header("ratelimit-policy");
    assert_eq!(policy, "\"invitation\";q=100;w=86400");
    // Another caller has their own, and those who may not invite use nothing up.
    assert_eq!(
        house
            .invite_by(&bob, "b@example.org", "viewer")
            .await
            .status,
        201
    );
    let eve = house.person("eve").await;
    assert_eq!(eve.get(&house.app, "/api/v1/me").await.status, 200);
    let buckets = "SELECT count(*) FROM attempt_buckets";
    let before = house.count(buckets).await;
    let stranger = house.invite_by(&eve, "new@example.org", "viewer").await;
    assert_eq!(stranger.status, 404);
    assert_eq!(house.count(buckets).await, before);
}

#[tokio::test]
async fn who_has_not_confirmed_an_address_invites_nobody() {
    let house = House::new().await;
    house.sql("UPDATE users SET email_verified_at = NULL").await;
    let refused = house.invite_by(&house.ann, GUEST, "viewer").await;
    assert_eq!(outcome(&refused), (403, "forbidden".to_owned()));
    assert!(refused.text().contains("confirm your own address"));
    assert!(house.mails().await.is_empty());
    house
        .sql("UPDATE users SET email_verified_at = now()")
        .await;
    house.invite(GUEST, "viewer").await;
}

#[tokio::test]
async fn an_invitation_ends_within_seven_days() {
    let house = House::new().await;
    let post = async |time: chrono::DateTime<chrono::Utc>| {
        let body = json!({ "email": GUEST, "role": "viewer", "expires_at": time });
        let target = house.invitations();
        house
            .ann
            .send(&house.app, Method::POST, &target, body)
            .await
    };
    let (now, minute) = (chrono::Utc::now(), chrono::TimeDelta::minutes(1));
    let week = chrono::TimeDelta::days(7);
    for (time, status) in [
        (now - minute, 422),
        (now + week + minute, 422),
        (now + week - minute, 201),
        (now + minute, 201),
    ] {
        let answer = post(time).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 422 {
            assert_eq!(answer.json()["errors"][0]["pointer"], "/expires_at");
        }
    }
    for wrong in ["admin", ""] {
        let answer = house.invite_by(&house.ann, GUEST, wrong).await;
        assert_eq!(answer.json()["errors"][0]["pointer"], "/role");
    }
    let answer = house.invite_by(&house.ann, "nobody", "viewer").await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/email");
}

#[tokio::test]
async fn without_a_mail_server_there_are_no_invitations() {
    let app = TestApp::with(&["--registration=open"], Default::default()).await;
    let ann = Person::new(&app, "ann").await;
    let project = project_of(&app, &ann).await;
    let target = format!("/api/v1/projects/{project}/invitations");
    let body = json!({ "email": GUEST, "role": "viewer" });
    let answer = ann.send(&app, Method::POST, &target, body).await;
    assert_eq!(outcome(&answer), (404, "mail-off".to_owned()));
    let body = json!({ "token": "x" }).to_string();
    let answer = app.post_json("/auth/invitations/accept", body).await;
    assert_eq!(outcome(&answer), (404, "mail-off".to_owned()));
    assert_eq!(ann.get(&app, &target).await.json()["items"], json!([]));
}
