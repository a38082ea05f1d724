//! What ends an invitation, and when its row goes.

use chartroom::mail::address;
use chartroom::projects::invitations;

use super::*;

/// An invitation does not outlive the right to give it, nor what it is about, nor its time.
#[tokio::test]
async fn a_link_ends_with_its_time_its_project_and_the_right_to_invite() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    let cid = house.person("cid").await;
    // Bob invites; Ann owns the project too, so that he may stop owning it.
    let link = async || {
        let (app, project) = (&house.app, &house.project);
        house
            .sql("UPDATE users SET is_disabled = false; DELETE FROM attempt_buckets")
            .await;
        house.ann.share(app, project, &bob.id, "owner").await;
        let made = house.invite_by(&bob, GUEST, "viewer").await;
        assert_eq!(made.status, 201, "{}", made.text());
        house.link().await
    };
    let members = format!("/api/v1/projects/{}/members", house.project);
    let (project, me) = (format!("/api/v1/projects/{}", house.project), &bob.id);
    let open = "SELECT count(*) FROM project_invitations WHERE expires_at > now()";

    // The control.
    let token = link().await;
    assert_eq!(house.accept_as(&cid, &token).await.status, 200);

    let by_ann = async |method: Method, target: &str, body: Value| {
        let answer = house.ann.send(&house.app, method, target, body).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    };
    let demoted = json!({ "role": "editor" });
    for (number, end) in [
        "time", "demoted", "removed", "disabled", "deleted", "project",
    ]
    .into_iter()
    .enumerate()
    {
        let token = link().await;
        assert_eq!(house.count(open).await, 1, "{end}");
        let member = format!("{members}/{me}");
        match end {
            "time" => {
                let earlier = "UPDATE project_invitations SET \
                               expires_at = expires_at - interval '7 days'";
                house.sql(earlier).await;
            }
            "demoted" => by_ann(Method::PUT, &member, demoted.clone()).await,
            "removed" => by_ann(Method::DELETE, &member, Value::Null).await,
            "disabled" => {
                let disable = format!("UPDATE users SET is_disabled = true WHERE id = '{me}'");
                house.sql(&disable).await;
            }
            "deleted" => {
                // Another one of his, so that he can be asked again.
                let delete = format!("DELETE FROM project_members WHERE principal_id = '{me}'");
                house.sql(&delete).await;
            }
            _ => by_ann(Method::DELETE, &project, Value::Null).await,
        }
        assert_eq!(house.count(open).await, 0, "{end}");
        let signed_in = house.accept_as(&cid, &token).await;
        assert!(is_ended(&signed_in), "{end}: {}", signed_in.text());
        let newcomer = house
            .accept(json!({ "token": token, "password": OTHER }))
            .await;
        assert!(is_ended(&newcomer), "{end}: {}", newcomer.text());
        // Whoever gets the right back has not got the invitations back.
        if number < 5 {
            house.sql("UPDATE users SET is_disabled = false").await;
            house
                .ann
                .share(&house.app, &house.project, me, "owner")
                .await;
            assert!(is_ended(&house.accept_as(&cid, &token).await), "{end}");
        }
    }
    let account = "SELECT count(*) FROM users WHERE email_key = 'guest@example.org'";
    assert_eq!(house.count(account).await, 0);
}

#[tokio::test]
async fn an_account_takes_its_invitations_along() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    house
        .ann
        .share(&house.app, &house.project, &bob.id, "owner")
        .await;
    assert_eq!(house.invite_by(&bob, GUEST, "viewer").await.status, 201);
    let token = house.link().await;
    let password = json!({ "password": PASSWORD });
    let gone = bob.send(&house.app, Method::DELETE, "/api/v1/me", password);
    assert_eq!(gone.await.status, 204);
    assert!(is_ended(&house.accept_as(&house.ann, &token).await));
    let left = "SELECT count(*) FROM invitation_links";
    assert_eq!(house.count(left).await, 0);
}

/// Withdrawing and accepting at once: one of them is first, and the other finds nothing.
#[tokio::test]
async fn a_right_that_is_taken_away_meanwhile_is_gone() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    let cid = house.person("cid").await;
    for _ in 0..10 {
        house.sql("DELETE FROM attempt_buckets").await;
        house
            .ann
            .share(&house.app, &house.project, &bob.id, "owner")
            .await;
        assert_eq!(house.invite_by(&bob, GUEST, "owner").await.status, 201);
        let token = house.link().await;
        let member = format!("/api/v1/projects/{}/members/{}", house.project, bob.id);
        let demote = json!({ "role": "viewer" });
        let (demoted, accepted) = futures_util::join!(
            house.ann.send(&house.app, Method::PUT, &member, demote),
            house.accept_as(&cid, &token),
        );
        assert_eq!(demoted.status, 200, "{}", demoted.text());
        let joined = house.role("cid").await;
        match accepted.status.as_u16() {
            200 => assert_eq!(joined.as_deref(), Some("owner")),
            _ => assert!(
                is_ended(&accepted) && joined.is_none(),
                "{}",
                accepted.text()
            ),
        }
        let left = "SELECT count(*) FROM project_invitations";
        assert_eq!(house.count(left).await, 0);
        let target = format!("/api/v1/projects/{}/members/cid", house.project);
        house
            .ann
            .send(&house.app, Method::DELETE, &target, Value::Null)
            .await;
    }
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(house.count(deadlocks).await, 0);
}

#[tokio::test]
async fn what_was_never_a_link_is_a_guess_that_counts() {
    let house = House::new().await;
    let mine = house.post.flags.iter().map(String::as_str);
    let limits = [
        "--signin-per-address-burst=3",
        "--signin-per-address-per-minute=1",
    ];
    let app = house
        .app
        .beside(&limits.into_iter().chain(mine).collect::<Vec<_>>());
    let mut seen = Vec::new();
    for _ in 0..5 {
        let body = json!({ "token": format!("cri_{}", "A".repeat(43)), "password": OTHER });
        let answer = app.post_json("/auth/invitations/accept", body.to_string());
        seen.push(answer.await.status.as_u16());
    }
    assert_eq!(seen[..3], [422; 3]);
    assert!(seen.contains(&429), "{seen:?}");
}

#[tokio::test]
async fn the_sweep_removes_what_has_ended_and_leaves_the_rest() {
    let house = House::new().await;
    house.invite(GUEST, "viewer").await;
    let path = house.invite("other@example.org", "viewer").await;
    house.link_count(2).await;
    let old = "UPDATE project_invitations SET expires_at = now() WHERE email = 'guest@example.org'; \
               INSERT INTO refused_addresses VALUES ('\\x01', now() - interval '31 days'), \
               ('\\x02', now() - interval '29 days')";
    house.sql(old).await;
    let db = &house.app.app.db;
    assert_eq!(invitations::purge(db).await.unwrap(), 1);
    assert_eq!(invitations::purge(db).await.unwrap(), 0);
    assert_eq!(address::purge(db).await.unwrap(), 1);
    assert_eq!(
        house.count("SELECT count(*) FROM invitation_links").await,
        1
    );
    let held = "SELECT count(*) FROM refused_addresses WHERE hash = '\\x02'";
    assert_eq!(house.count(held).await, 1);
    assert_eq!(house.ann.get(&house.app, &path).await.status, 200);
    // A process does both by itself, once a minute.
    let kinds = features::kinds(&house.post.config(), &house.app.app.metrics);
    let worker = Worker::start(&house.app, kinds);
    let periods = "SELECT count(DISTINCT name) FROM periods WHERE name IN \
                   ('invitations.purge.1', 'refused_addresses.purge.1')";
    let both = async || (house.count(periods).await == 2).then_some(());
    until("both sweeps", SOON, both).await.unwrap();
    worker.stop().await;
}

/// The end of its time is told as every other end is.
#[tokio::test]
async fn an_invitation_that_nobody_used_is_told_when_it_goes() {
    let house = House::new().await;
    house.invite(GUEST, "viewer").await;
    house.invite("other@example.org", "viewer").await;
    let earlier = "UPDATE project_invitations SET expires_at = now() - interval '1 minute'";
    house.sql(earlier).await;
    // One that is replaced after its time has not been withdrawn by that.
    house.invite(GUEST, "viewer").await;
    let db = &house.app.app.db;
    assert_eq!(invitations::purge(db).await.unwrap(), 1);
    assert_eq!(invitations::purge(db).await.unwrap(), 0);
    let told = house.told().await;
    let id = |number: usize| &told[number].1["invitation"];
    let actions: Vec<&str> = told.iter().map(|(action, _)| action.as_str()).collect();
    let (made, ended) = ("invitation.created", "invitation.expired");
    assert_eq!(actions, [made, made, ended, made, ended]);
    assert_eq!((id(2), id(4)), (id(0), id(1)));
    let fed = "SELECT (SELECT count(*) FROM outbox WHERE kind = 'chartroom.invitation.expired') \
               + (SELECT count(*) FROM events WHERE kind = 'chartroom.invitation.expired')";
    assert_eq!(house.count(fed).await, 2);
}

impl House {
    async fn link_count(&self, number: usize) {
        assert_eq!(self.mails().await.len(), number);
        let links = "SELECT count(*) FROM invitation_links";
        assert_eq!(self.count(links).await, i64::try_from(number).unwrap());
    }
}
