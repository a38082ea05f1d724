//! What owners do with invitations, and what nobody else does or learns.

use super::*;

#[tokio::test]
async fn an_owner_invites_looks_and_withdraws() {
    let house = House::new().await;
    let made = house
        .invite_by(&house.ann, "Guest@example.org", "editor")
        .await;
    let mut body = made.json();
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"1\""));
    let times = ["created_at", "expires_at"].map(|time| {
        let time = body[time].take();
        let time: chrono::DateTime<chrono::Utc> = time.as_str().unwrap().parse().unwrap();
        time
    });
    assert_eq!(times[1] - times[0], chrono::TimeDelta::days(7));
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        body,
        json!({
            "id": id, "email": "Guest@example.org", "role": "editor", "invited_by": house.ann.id,
            "letter": "waiting", "created_at": null, "expires_at": null,
        })
    );
    let path = format!("{}/{id}", house.invitations());
    assert_eq!(made.header("location"), path);

    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["Guest@example.org"]);
    let subject = "Invitation to the project \"Census <1>\"";
    assert_eq!(mails[0].header("subject"), subject);
    let (text, html) = mails[0].bodies();
    let said = "ann invites you to the project \"Census <1>\" at https://chartroom.example.com, as \
                editor.";
    assert!(text.starts_with(said), "{text}");
    assert!(html.contains("&quot;Census &lt;1&gt;&quot;"), "{html}");
    // What became of the letter is another version.
    let read = house.ann.get(&house.app, &path).await;
    assert_eq!(read.json()["letter"], "sent");
    assert_eq!(read.header("etag"), "\"2\"");

    // The same address again, however it is written: the newest counts, and the old link ends.
    let old = token(&mails[0], "invite");
    let newer = house.invite("GUEST@example.org", "viewer").await;
    let other = house.invite("other@example.org", "owner").await;
    assert_eq!(
        house.ann.get(&house.app, &path).await.problem(),
        "not-found"
    );
    let listed = house.ann.get(&house.app, &house.invitations()).await.json();
    let listed: Vec<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["role"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ["owner", "viewer"]);
    assert!(is_ended(&house.accept_as(&house.ann, &old).await));

    // Withdrawn before its letter is written: no letter.
    let deleted = |path: &str| {
        let (house, path) = (&house, path.to_owned());
        async move {
            let method = Method::DELETE;
            house.ann.send(&house.app, method, &path, Value::Null).await
        }
    };
    assert_eq!(deleted(&other).await.status, 204);
    assert_eq!(deleted(&other).await.problem(), "not-found");
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["GUEST@example.org"]);
    assert_eq!(deleted(&newer).await.status, 204);
    let link = token(&mails[0], "invite");
    assert!(is_ended(&house.accept_as(&house.ann, &link).await));

    let told = house.told().await;
    let actions: Vec<_> = told.iter().map(|(action, _)| action.as_str()).collect();
    let (created, withdrawn) = ("invitation.created", "invitation.withdrawn");
    assert_eq!(
        actions,
        [created, withdrawn, created, created, withdrawn, withdrawn]
    );
    assert_eq!(told[0].1, json!({ "invitation": id, "role": "editor" }));
    assert_eq!(told[1].1, json!({ "invitation": id, "reason": "replaced" }));
    assert_eq!(told[5].1["reason"], "deleted");
    // The members follow it, and are told no address.
    let page = house.ann.get(&house.app, "/api/v1/events?after=0").await;
    assert_eq!(page.status, 200);
    crate::notifications::numbered_with(&house.app, &[]).await;
    let page = house.ann.get(&house.app, "/api/v1/events?after=0").await;
    let text = page.text();
    assert!(text.contains("chartroom.invitation.withdrawn"), "{text}");
    assert!(!text.contains("example.org"), "{text}");
    let trail = format!("/api/v1/projects/{}/audit", house.project);
    let trail = house.ann.get(&house.app, &trail).await.text();
    assert!(trail.contains(created) && !trail.contains("example.org"));
}

#[tokio::test]
async fn who_is_no_owner_neither_invites_nor_sees_who_is_invited() {
    let house = House::new().await;
    let path = house.invite(GUEST, "viewer").await;
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'mail.invitation.1'";
    for role in ["viewer", "editor", "none"] {
        let who = house.person(&format!("a-{role}")).await;
        if role != "none" {
            let (app, project) = (&house.app, &house.project);
            house.ann.share(app, project, &who.id, role).await;
        }
        let expected = match role {
            "none" => (404, "not-found".to_owned()),
            _ => (403, "forbidden".to_owned()),
        };
        let invited = house.invite_by(&who, "own@example.org", "owner").await;
        assert_eq!(outcome(&invited), expected, "{role}");
        for (method, target) in [
            (Method::GET, house.invitations()),
            (Method::GET, path.clone()),
            (Method::DELETE, path.clone()),
        ] {
            let answer = who.send(&house.app, method, &target, Value::Null).await;
            assert_eq!(outcome(&answer), expected, "{role} {target}");
        }
    }
    assert_eq!(house.count(jobs).await, 1);
    // Of another project's, an owner there sees nothing either.
    let bob = house.person("bob").await;
    let project = project_of(&house.app, &bob).await;
    let id = path.rsplit('/').next().unwrap();
    let elsewhere = format!("/api/v1/projects/{project}/invitations/{id}");
    for method in [Method::GET, Method::DELETE] {
        let answer = bob.send(&house.app, method, &elsewhere, Value::Null).await;
        assert_eq!(answer.problem(), "not-found");
    }
    assert_eq!(house.ann.get(&house.app, &path).await.status, 200);
}

/// What an owner is answered, apart from what the invitation is itself.
fn telling(answer: &Answer, email: &str) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.json();
    let id = body["id"].as_str().unwrap().to_owned();
    for own in ["id", "email", "created_at", "expires_at"] {
        assert!(body[own].take().is_string());
    }
    let (status, headers, _) = answer.telling();
    let headers = headers.into_iter().map(|(name, value)| {
        let value = value.replace(&id, "-").replace(email, "-");
        (name, value)
    });
    (status, headers.collect(), body)
}

/// An account, a member's, a disabled one, one whose mail is paused, and nobody's: the same answer,
/// the same job, the same letter.
#[tokio::test]
async fn nothing_says_whether_an_address_has_an_account() {
    let house = House::new().await;
    for name in ["known", "comes", "gones", "paused"] {
        house.person(name).await;
    }
    let known = house.person("knew").await;
    let (app, project) = (&house.app, &house.project);
    house.ann.share(app, project, &known.id, "viewer").await;
    house
        .sql(
            "UPDATE users SET is_disabled = true WHERE username = 'gones'; \
             UPDATE users SET mail_paused_at = now() WHERE username = 'paused'",
        )
        .await;
    let mut seen = Vec::new();
    for name in ["ghost", "known", "knew", "gones", "paused"] {
        let email = format!("{name}@example.com");
        let made = house.invite_by(&house.ann, &email, "editor").await;
        let mut told = telling(&made, &email);
        // As long as the address is.
        told.1.retain(|(header, _)| header != "content-length");
        let job = "SELECT count(*) FROM jobs WHERE kind LIKE 'mail.%'";
        assert_eq!(house.count(job).await, 1, "{name}");
        let mails = house.mails().await;
        assert_eq!(mails.len(), 1, "{name}");
        let path = made.header("location").to_owned();
        let read = house.ann.get(&house.app, &path).await;
        let (text, _) = mails[0].bodies();
        let until = text.split("good until").next().unwrap().to_owned();
        let secret = token(&mails[0], "invite");
        let text = until.replace(&secret, "-");
        seen.push((told, telling(&read, &email).2, text));
    }
    for other in &seen[1..] {
        assert_eq!(*other, seen[0]);
    }
    assert_eq!(seen[0].0.0, 201);
}
