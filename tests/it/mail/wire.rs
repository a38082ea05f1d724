//! What a mail server is told, and what becomes of a mail that it does not take.

use super::*;

const PASSWORD: &str = "not-a-secret-but-kept";

#[tokio::test]
async fn a_mail_goes_by_both_ways_of_tls_with_a_private_authority_and_a_login() {
    for tls in [Tls::Later, Tls::AtOnce] {
        let post = Post::new(tls).await.with("--smtp-user=room");
        let file = post.file("password", &format!("{PASSWORD}\n"));
        let post = post.with(format!("--smtp-password-file={}", file.display()));
        post.server.takes_login("room", PASSWORD);
        let desk = Desk::new(&post).await;
        let unsubscribe = format!("{PUBLIC_URL}/mail/unsubscribe?token=abc");
        let letter = Said {
            unsubscribe: Some(unsubscribe.clone()),
            ..desk.letter()
        };
        desk.send(letter).await;
        desk.done().await;
        let mail = post.one().await;
        assert!(mail.is_encrypted);
        assert_eq!(mail.user.as_deref(), Some("room"));
        assert_eq!(mail.from, "chartroom@example.com");
        assert_eq!(mail.to, ["ann@example.org"]);
        assert_eq!(mail.header("from"), FROM);
        assert_eq!(mail.header("to"), "ann@example.org");
        assert_eq!(mail.header("subject"), "Hello");
        assert_eq!(mail.header("auto-submitted"), "auto-generated");
        let one_click = (
            mail.header("list-unsubscribe"),
            mail.header("list-unsubscribe-post"),
        );
        let want = (
            format!("<{unsubscribe}>"),
            "List-Unsubscribe=One-Click".to_owned(),
        );
        assert_eq!(one_click, want);
        assert!(
            mail.header("message-id")
                .ends_with("@chartroom.example.com>")
        );
        mail.header("date");
        let (text, html) = mail.bodies();
        assert_eq!(text.trim_end(), "How are you?\r\n\r\n- How are you?");
        assert!(html.contains("<p>How are you?</p>"), "{html}");
        assert_eq!(desk.counted("sent"), 1);
        desk.worker.stop().await;
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_until_there_is_a_right_one() {
    for tls in [Tls::Later, Tls::AtOnce] {
        let post = Post::new(tls).await;
        post.server.presents(post.authority.certify("mail.example"));
        let desk = Desk::new(&post).await;
        desk.send(desk.letter()).await;
        let failure = desk.failure().await;
        assert!(
            failure.contains("TLS with the mail server failed"),
            "{failure}"
        );
        assert!(failure.contains("not valid for name"), "{failure}");
        assert!(!post.server.heard().iter().any(|word| word == "MAIL"));
        assert!(desk.counted("failed") > 0);
        // Of another authority it is refused as well.
        let others = Authority::new("others");
        post.server.presents(others.certify("localhost"));
        let unknown = async || desk.failure().await.contains("UnknownIssuer").then_some(());
        until("the other refusal", SOON, unknown).await.unwrap();
        post.server.presents(post.authority.certify("localhost"));
        desk.done().await;
        assert_eq!(post.server.received().len(), 1);
        desk.worker.stop().await;
    }
}

#[tokio::test]
async fn a_refused_login_is_tried_again_and_told_without_the_password() {
    let post = Post::new(Tls::Later).await.with("--smtp-user=room");
    let post = post.with("--smtp-password=wrong-for-a-while");
    post.server.takes_login("room", PASSWORD);
    let desk = Desk::new(&post).await;
    desk.send(desk.letter()).await;
    let failure = desk.failure().await;
    assert_eq!(
        failure,
        "the mail server refused the user and the password (535)"
    );
    post.server.takes_login("room", "wrong-for-a-while");
    desk.done().await;
    assert_eq!(post.server.received().len(), 1);
    desk.worker.stop().await;
}

#[tokio::test]
async fn what_a_server_refuses_for_now_is_tried_again_at_each_step() {
    let post = Post::new(Tls::Later).await;
    let desk = Desk::new(&post).await;
    for step in [
        "greeting", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "message",
    ] {
        let before = post.server.received().len();
        post.server.answers(step, Some("451 4.3.0 not now"));
        desk.send(desk.letter()).await;
        let failure = desk.failure().await;
        assert!(failure.ends_with("451 4.3.0 not now"), "{step}: {failure}");
        post.server.answers_as_usual();
        desk.done().await;
        // What was refused after it had come was received by the test alone.
        let came = post.server.received().len() - before;
        assert_eq!(came, if step == "message" { 2 } else { 1 }, "{step}");
    }
    let paused = "SELECT count(*) FROM users WHERE mail_paused_at IS NOT NULL";
    assert_eq!(desk.count(paused).await, 0);
    desk.worker.stop().await;
}

#[tokio::test]
async fn a_mail_that_may_have_come_has_the_same_id_when_it_comes_again() {
    let post = Post::new(Tls::AtOnce).await;
    let desk = Desk::new(&post).await;
    post.server.answers("message", None);
    desk.send(desk.letter()).await;
    desk.failure().await;
    post.server.answers_as_usual();
    desk.done().await;
    desk.send(desk.letter()).await;
    desk.done().await;
    let ids: Vec<String> = post
        .server
        .received()
        .iter()
        .map(|mail| mail.header("message-id"))
        .collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
    desk.worker.stop().await;
}

#[tokio::test]
async fn an_address_that_gets_no_mail_is_paused_and_any_other_refusal_is_not_held_against_it() {
    let post = Post::new(Tls::Later).await;
    let desk = Desk::new(&post).await;
    post.server
        .answers("RCPT", Some("550 5.7.1 relaying denied"));
    desk.send(desk.letter()).await;
    let failure = desk.failure().await;
    assert_eq!(
        failure,
        "the mail server answered RCPT TO with 550 5.7.1 relaying denied"
    );
    let paused = "SELECT count(*) FROM users WHERE mail_paused_at IS NOT NULL";
    assert_eq!(desk.count(paused).await, 0);
    post.server
        .answers("RCPT", Some("550 5.1.1 no such\u{1b}[2J user"));
    desk.done().await;
    assert_eq!(desk.count(paused).await, 1);
    assert!(post.server.received().is_empty());
    assert_eq!((desk.counted("refused"), desk.counted("sent")), (1, 0));
    let session = desk.app.database.session().await;
    let why = "SELECT mail_paused_reason, version, (SELECT count(*) FROM audit_events \
               WHERE action = 'user.mail_paused') FROM users";
    let row = session.query_one(why, &[]).await.unwrap();
    let reason: String = row.get(0);
    assert_eq!(
        reason,
        "the mail server answered RCPT TO with 550 5.1.1 no such [2J user"
    );
    assert_eq!((row.get::<_, i64>(1), row.get::<_, i64>(2)), (2, 1));
    // Another address is unknown again, whoever changes it.
    let other = "UPDATE users SET email = 'ann@example.net', email_key = 'ann@example.net'";
    session.batch_execute(other).await.unwrap();
    assert_eq!(desk.count(paused).await, 0);
    desk.worker.stop().await;
}

/// The job is dead at once, with the server's words, and the address stays good for others.
#[tokio::test]
async fn a_letter_that_is_refused_for_good_is_parked_at_once_and_no_other_is() {
    let post = Post::new(Tls::Later).await;
    let desk = Desk::new(&post).await;
    let dead = "SELECT count(*) FROM dead_jobs WHERE kind = 'mail.said.1'";
    let refusals = [
        "554 5.7.1 looks like spam",
        "550 5.6.1 no such media",
        "552 5.3.4 too big",
        "554 no",
    ];
    for (number, words) in (1..).zip(refusals) {
        post.server.answers("message", Some(words));
        desk.send(desk.letter()).await;
        let parked = async || (desk.count(dead).await == number).then_some(());
        until("the dead job", SOON, parked).await.unwrap();
    }
    assert_eq!((desk.counted("unfit"), desk.counted("failed")), (4, 0));
    let session = desk.app.database.session().await;
    let rows = "SELECT reason, last_error, failures FROM dead_jobs ORDER BY id";
    for (row, words) in session.query(rows, &[]).await.unwrap().iter().zip(refusals) {
        let [reason, error] = [0, 1].map(|column| row.get::<_, String>(column));
        assert_eq!(reason, "another try would fail as well");
        assert_eq!(
            error,
            format!("the mail server answered the message with {words}")
        );
        assert_eq!(row.get::<_, i32>(2), 1);
    }
    let paused = "SELECT count(*) FROM users WHERE mail_paused_at IS NOT NULL";
    assert_eq!(desk.count(paused).await, 0);
    assert_eq!(post.server.received().len(), refusals.len());

    // What the sender's domain lacks is mended by somebody, and the letter comes after all.
    post.server
        .answers("message", Some("550 5.7.26 fails DMARC"));
    desk.send(desk.letter()).await;
    let failure = desk.failure().await;
    assert!(failure.ends_with("550 5.7.26 fails DMARC"), "{failure}");
    post.server.answers_as_usual();
    desk.done().await;
    assert_eq!(desk.counted("sent"), 1);
    assert_eq!(desk.count(dead).await, 4);
    desk.worker.stop().await;
}

#[tokio::test]
async fn nothing_is_said_in_clear_where_tls_is_wanted() {
    let post = Post::new(Tls::Later).await.with("--smtp-user=room");
    let post = post.with("--smtp-password=secret");
    post.server.takes_login("room", "secret");
    post.server.offers_no_tls();
    let desk = Desk::new(&post).await;
    desk.send(desk.letter()).await;
    assert_eq!(desk.failure().await, "the mail server offers no STARTTLS");
    assert!(post.server.heard().iter().all(|word| word == "EHLO"));
    desk.worker.stop().await;

    // Words that were slipped in before TLS are not taken for answers after it.
    let post = Post::new(Tls::Later).await;
    post.server
        .slips("250-here\r\n250 AUTH PLAIN\r\n235 welcome\r\n");
    let desk = Desk::new(&post).await;
    desk.send(desk.letter()).await;
    let failure = desk.failure().await;
    assert!(
        failure.starts_with("TLS with the mail server failed"),
        "{failure}"
    );
    post.server.slips("");
    desk.done().await;
    desk.worker.stop().await;
}

#[tokio::test]
async fn a_server_that_keeps_silent_or_never_ends_costs_its_time_and_no_more() {
    let post = Post::new(Tls::None).await;
    let desk = Desk::new(&post).await;
    let endless = format!("220 {}", "x".repeat(1_000_000));
    post.server.answers("greeting", Some(&endless));
    desk.send(desk.letter()).await;
    let failure = desk.failure().await;
    assert!(failure.contains("says too much"), "{failure}");
    post.server.answers("greeting", Some("220-and so on"));
    let silent = async || {
        let failure = desk.failure().await;
        (failure == "the mail server did not take the mail within 3 s").then_some(())
    };
    until("the end of its time", SOON, silent).await.unwrap();
    post.server.answers_as_usual();
    desk.done().await;
    assert_eq!(post.server.received().len(), 1);
    assert!(!post.one().await.is_encrypted);
    desk.worker.stop().await;
}
