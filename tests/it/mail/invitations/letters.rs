//! The letters: what becomes of them where a mail server is away, or takes none for an address.

use super::*;

impl House {
    async fn letter(&self, path: &str) -> String {
        let read = self.ann.get(&self.app, path).await.json();
        read["letter"].as_str().unwrap().to_owned()
    }
}

/// A server may take a mail and be cut off before it says so: the link in that one is good as well.
#[tokio::test]
async fn each_try_has_a_link_and_all_are_good_until_one_is_used() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    let path = house.invite(GUEST, "viewer").await;
    house.post.server.answers("message", Some("451 not now"));
    let kinds = features::kinds(&house.post.config(), &house.app.app.metrics);
    let worker = Worker::start(&house.app, kinds);
    let tried = "SELECT coalesce(max(failures), 0)::bigint FROM jobs WHERE kind LIKE 'mail.%'";
    let once = async || (house.count(tried).await >= 1).then_some(());
    until("a failure", SOON, once).await.unwrap();
    worker.stop().await;
    assert_eq!(house.letter(&path).await, "waiting");
    house.post.server.answers_as_usual();
    house.sql("UPDATE jobs SET due_at = now()").await;
    house.mails().await;
    assert_eq!(house.letter(&path).await, "sent");
    let all = house.post.server.received();
    assert!(all.len() >= 2);
    let (first, last) = (&all[0], &all[all.len() - 1]);
    assert_eq!(first.header("message-id"), last.header("message-id"));
    assert_ne!(token(first, "invite"), token(last, "invite"));
    let accepted = house.accept_as(&bob, &token(first, "invite")).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert!(is_ended(
        &house.accept_as(&house.ann, &token(last, "invite")).await
    ));
    assert_eq!(
        house.count("SELECT count(*) FROM invitation_links").await,
        0
    );
}

#[tokio::test]
async fn an_address_that_takes_no_mail_is_left_alone_for_a_while() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    let refusal = Some("550 5.1.1 nobody here");
    house.post.server.answers("RCPT", refusal);
    let path = house.invite(GUEST, "viewer").await;
    assert!(house.mails().await.is_empty());
    assert_eq!(house.letter(&path).await, "refused");
    house.post.server.answers_as_usual();
    // Whoever invites it, and however it is written: nobody asks the server again.
    let heard = house.post.server.heard().len();
    let path = house.invite("GUEST@example.org", "viewer").await;
    let project = project_of(&house.app, &bob).await;
    let elsewhere = format!("/api/v1/projects/{project}/invitations");
    let body = json!({ "email": GUEST, "role": "viewer" });
    let made = bob.send(&house.app, Method::POST, &elsewhere, body).await;
    assert_eq!(made.status, 201);
    assert!(house.mails().await.is_empty());
    assert_eq!(house.post.server.heard().len(), heard);
    assert_eq!(house.letter(&path).await, "refused");
    // The control: another address, and the same one a month later.
    house.invite("other@example.org", "viewer").await;
    assert_eq!(house.mails().await.len(), 1);
    let later = "UPDATE refused_addresses SET refused_at = now() - interval '30 days'";
    house.sql(later).await;
    let path = house.invite(GUEST, "viewer").await;
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(house.letter(&path).await, "sent");
    // Who reads the mailbox after all ends it.
    let accepted = json!({ "token": token(&mails[0], "invite"), "password": OTHER });
    assert_eq!(house.accept(accepted).await.status, 200);
    let held = "SELECT count(*) FROM refused_addresses";
    assert_eq!(house.count(held).await, 0);
}

/// What is held against an address that somebody typed is held against no account.
#[tokio::test]
async fn the_mail_of_an_account_goes_on_whatever_becomes_of_an_invitation() {
    let house = House::new().await;
    house.person("bob").await;
    let refusal = Some("550 5.1.1 nobody here");
    house.post.server.answers("RCPT", refusal);
    house.invite("bob@example.com", "viewer").await;
    assert!(house.mails().await.is_empty());
    let paused = "SELECT count(*) FROM users WHERE mail_paused_at IS NOT NULL";
    assert_eq!(house.count(paused).await, 0);
    let held = "SELECT count(*) FROM refused_addresses";
    assert_eq!(house.count(held).await, 1);
    house.post.server.answers_as_usual();
    let reset = json!({ "email": "bob@example.com" }).to_string();
    let reset = house.app.post_json("/auth/password-reset", reset).await;
    assert_eq!(reset.status, 202);
    assert_eq!(house.mails().await.len(), 1);
}
