//! What the console does by mail: invitations, an address that is changed, a registration that is
//! to be confirmed.

use super::*;

const MAIL: [&str; 4] = [
    "--smtp-host=localhost",
    "--smtp-security=none",
    "--mail-from=Chartroom <chartroom@example.com>",
    "--public-url=https://chartroom.example.com",
];
const PASSWORD: &str = "correct horse battery";

impl House {
    async fn with_mail(flags: &[&str]) -> Self {
        let flags = [MAIL.as_slice(), flags].concat();
        Self::on(TestApp::with(&flags, Default::default()).await).await
    }

    async fn count(&self, query: &str) -> i64 {
        self.session.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn settle(&self) {
        self.sql("UPDATE users SET email_verified_at = now(); DELETE FROM jobs")
            .await;
    }
}

#[tokio::test]
async fn an_owner_invites_and_takes_it_back() {
    let house = House::with_mail(&[]).await;
    let ann = house.person("ann", false).await;
    let bob = house.person("bob", false).await;
    let project = house.project(&ann, &[(&bob, "editor")]).await;
    let here = format!("/projects/{project}/invitations");
    let link = format!("href=\"{here}\"");
    assert!(
        house
            .page(&ann, &format!("/projects/{project}"))
            .await
            .contains(&link)
    );
    assert!(
        !house
            .page(&bob, &format!("/projects/{project}"))
            .await
            .contains(&link)
    );
    assert_eq!(house.get(&bob, &here).await.status, 403);

    let empty = house.page(&ann, &here).await;
    assert!(empty.contains("No invitation is open."), "{empty}");
    let key = hidden(&empty, "key");
    let fields = [
        ("key", key.as_str()),
        ("email", "guest@example.org"),
        ("role", "editor"),
        ("expires_at", ""),
    ];
    // Who has not confirmed their own address is told so beside what they typed.
    let refused = house.post(&ann, &here, &fields).await;
    assert_eq!(refused.status, 403);
    let text = refused.text();
    assert!(text.contains("confirm your own address"), "{text}");
    assert!(text.contains("value=\"guest@example.org\""), "{text}");
    house.settle().await;

    // Sent twice, it is one invitation.
    for _ in 0..2 {
        assert_eq!(went(&house.post(&ann, &here, &fields).await), here);
    }
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'mail.invitation.1'";
    assert_eq!(house.count(jobs).await, 1);
    let page = house.page(&ann, &here).await;
    assert!(
        page.contains("guest@example.org") && page.contains("on its way"),
        "{page}"
    );
    let wrong = [("email", "nobody"), ("role", "viewer")];
    let wrong = house.post(&ann, &here, &wrong).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text().contains("aria-invalid=\"true\""),
        "{}",
        wrong.text()
    );

    let (id, etag) = (hidden(&page, "id"), hidden(&page, "etag"));
    let withdraw = |etag: &str| {
        let etag = etag.to_owned();
        let id = id.clone();
        [("do", "withdraw".to_owned()), ("id", id), ("etag", etag)]
    };
    let send = async |fields: [(&str, String); 3]| {
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        house.post(&ann, &here, &fields).await
    };
    assert_eq!(send(withdraw("\"999\"")).await.status, 412);
    assert_eq!(went(&send(withdraw(&etag)).await), here);
    let open = "SELECT count(*) FROM project_invitations";
    assert_eq!(house.count(open).await, 0);

    let german = [("accept-language", "de")];
    let page = house
        .send(&ann, Method::GET, &here, &german, Body::empty())
        .await;
    assert!(page.text().contains("Per Mail einladen"), "{}", page.text());
}

/// Control: where no mail is sent, nobody is shown a way to invite.
#[tokio::test]
async fn without_mail_there_are_no_invitations() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let page = house.page(&ann, &format!("/projects/{project}")).await;
    assert!(!page.contains("/invitations\""), "{page}");
    let here = format!("/projects/{project}/invitations");
    assert_eq!(house.get(&ann, &here).await.status, 404);
}

#[tokio::test]
async fn an_email_is_changed_with_the_password_and_the_former_address_is_told() {
    let house = House::with_mail(&[]).await;
    let ann = house.person("ann", false).await;
    let hash = house.app.app.identity.passwords.hash(PASSWORD.into()).await;
    let hash = hash.unwrap();
    house
        .sql(&format!("UPDATE users SET password_hash = '{hash}'"))
        .await;
    let page = house.page(&ann, "/me/email").await;
    assert!(page.contains("not confirmed"), "{page}");
    let asked = house.post(&ann, "/me/email", &[("do", "confirm")]).await;
    assert_eq!(went(&asked), "/me/email");
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'mail.email_confirm.1'";
    assert_eq!(house.count(jobs).await, 1);
    house.settle().await;

    let page = house.page(&ann, "/me/email").await;
    assert!(page.contains(">confirmed<"), "{page}");
    let etag = hidden(&page, "etag");
    let change = async |password: &str| {
        let fields = [
            ("etag", etag.as_str()),
            ("email", "new@x.y"),
            ("current_password", password),
        ];
        house.post(&ann, "/me/email", &fields).await
    };
    let wrong = change("no password of hers").await;
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    assert!(wrong.text().contains("this is not your password"));
    assert_eq!(went(&change(PASSWORD).await), "/me/email");
    let page = house.page(&ann, "/me/email").await;
    assert!(
        page.contains("new@x.y") && page.contains("not confirmed"),
        "{page}"
    );
    let told = "SELECT count(*) FROM former_addresses WHERE email = 'ann@x.y'";
    assert_eq!(house.count(told).await, 1);
    for kind in ["mail.email_confirm.1", "mail.address_changed.1"] {
        let jobs = format!("SELECT count(*) FROM jobs WHERE kind = '{kind}'");
        assert_eq!(house.count(&jobs).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn a_registration_that_is_to_be_confirmed_is_shown_the_same_for_every_address() {
    let house = House::with_mail(&["--registration=confirmed"]).await;
    house.person("ann", false).await;
    let nobody = Person::default();
    let sign_in = house.page(&nobody, "/sign-in").await;
    assert!(sign_in.contains("/register"), "{sign_in}");
    let mut shown = Vec::new();
    for email in ["ann@x.y", "bob@x.y"] {
        let fields = [("email", email), ("password", PASSWORD)];
        let answer = house.post(&nobody, "/register", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.header("set-cookie").is_empty());
        let text = answer.text();
        assert!(
            text.contains(&format!("Read the mail to {email}")),
            "{text}"
        );
        let main = text.split_once("<main").unwrap().1;
        let main = main.split_once("</main>").unwrap().0;
        shown.push(main.replace(email, ""));
    }
    assert_eq!(shown[0], shown[1]);
    let users = "SELECT count(*) FROM users";
    assert_eq!(house.count(users).await, 1);
}

#[tokio::test]
async fn a_provider_is_unlinked_in_the_console() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    house
        .sql(&format!(
            "INSERT INTO user_identities (issuer, subject, user_id) \
             VALUES ('https://sso.example', 'u-1', '{}')",
            ann.id
        ))
        .await;
    let page = house.page(&ann, "/me").await;
    assert!(page.contains("https://sso.example"), "{page}");
    let id = hidden(&page, "id");
    let unlink = async || {
        house
            .post(&ann, "/me/identities", &[("id", id.as_str())])
            .await
    };
    let refused = unlink().await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.text().contains("has no password"),
        "{}",
        refused.text()
    );
    house.sql("UPDATE users SET password_hash = 'some'").await;
    assert_eq!(went(&unlink().await), "/me");
    let left = "SELECT count(*) FROM user_identities";
    assert_eq!(house.count(left).await, 0);
}
