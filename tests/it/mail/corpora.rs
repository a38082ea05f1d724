//! What others write into mails stays where it belongs: no header is made of it, no recipient, and
//! no end of the message.

use super::*;

/// Texts that would be more than a text where they are written as they are.
const INJECTIONS: &[&str] = &[
    "a\r\nBcc: victim@example.com",
    "a\nBcc: victim@example.com",
    "a\rBcc: victim@example.com",
    "a\r\n\r\n<script>body</script>",
    "a\r\n.\r\nMAIL FROM:<x@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\n",
    "a\0b",
    "a\u{85}Bcc: victim@example.com",
    "a\u{2028}Bcc: victim@example.com",
    "a\u{b}\u{c}Bcc: victim@example.com",
    "\r\n a folded line",
    "=?utf-8?q?=0D=0ABcc:_victim@example.com?=",
    "=?utf-8?b?DQpCY2M6IHZpY3RpbUBleGFtcGxlLmNvbQ==?=",
    "%0d%0aBcc:%20victim@example.com",
    "\u{560a}\u{560d}Bcc: victim@example.com",
    "\"><img src=x onerror=alert(1)>",
    "--boundary--\r\n--boundary\r\nContent-Type: text/html\r\n\r\nx",
    "\u{202e}gnp.exe",
];

/// Lines that begin with what would end a message.
const DOTS: &[&str] = &[
    ".",
    "..",
    "...",
    ".\u{e9}",
    ". and more",
    ".hidden",
    "x.",
    "..\u{a0}",
];

const HEADERS: [&str; 8] = [
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Date",
    "Content-Type",
];

#[tokio::test]
async fn no_text_becomes_a_header_a_recipient_or_a_command() {
    let post = Post::new(Tls::None).await;
    let desk = Desk::new(&post).await;
    for (number, text) in (1..).zip(INJECTIONS) {
        let letter = Said {
            subject: (*text).to_owned(),
            text: (*text).to_owned(),
            ..desk.letter()
        };
        // A job's arguments hold no U+0000, as nothing in PostgreSQL does.
        let letter = match text.contains('\0') {
            true => Said {
                subject: text.replace('\0', "\u{1}"),
                text: text.replace('\0', "\u{1}"),
                ..letter
            },
            false => letter,
        };
        desk.send(letter).await;
        desk.done().await;
        let all = post.server.received();
        assert_eq!(all.len(), number, "{text:?}");
        let mail = all.last().unwrap();
        assert_eq!(mail.to, ["ann@example.org"]);
        let mut names: Vec<String> = mail.headers().into_iter().map(|(name, _)| name).collect();
        names.sort();
        let mut want = HEADERS.to_vec();
        want.sort_unstable();
        assert_eq!(names, want, "{text:?}");
        for line in mail.message().split("\r\n") {
            assert!(!line.contains(['\r', '\n']), "{text:?}: {line:?}");
            assert!(line.len() <= 998, "{text:?}");
        }
        let (_, html) = mail.bodies();
        assert!(
            !html.contains("<script") && !html.contains("<img"),
            "{html}"
        );
    }
    let heard = post.server.heard();
    let mails = heard.iter().filter(|word| *word == "MAIL").count();
    assert_eq!(mails, INJECTIONS.len());
    desk.worker.stop().await;
}

/// An address is checked where it is given, and again before anything is made of it.
#[tokio::test]
async fn an_address_that_would_be_more_than_one_is_no_address() {
    let post = Post::new(Tls::None).await;
    let desk = Desk::new(&post).await;
    for email in [
        "ann@example.org>,<victim@example.com",
        "ann@example.org\r\nRCPT TO:<victim@example.com>",
        "ann@example.org, victim@example.com",
        "<ann@example.org>",
        "\"ann\r\n\"@example.org",
        "ann@example.org> NOTIFY=NEVER",
        "ann",
    ] {
        let letter = Said {
            email: email.to_owned(),
            ..desk.letter()
        };
        desk.send(letter).await;
        desk.done().await;
    }
    assert_eq!(desk.counted("refused"), 7);
    assert!(post.server.heard().is_empty());
    // The control: the next one comes.
    desk.send(desk.letter()).await;
    desk.done().await;
    assert_eq!(post.server.received().len(), 1);
    desk.worker.stop().await;
}

/// Letters beyond ASCII are for servers that announce them, which this one does not.
#[tokio::test]
async fn an_address_that_the_server_cannot_take_is_paused_with_the_reason() {
    let post = Post::new(Tls::None).await;
    let desk = Desk::new(&post).await;
    let email = "\u{fc}n\u{ef}@example.org";
    let session = desk.app.database.session().await;
    let rename = format!("UPDATE users SET email = '{email}', email_key = '{email}'");
    session.batch_execute(&rename).await.unwrap();
    let letter = Said {
        email: email.to_owned(),
        ..desk.letter()
    };
    desk.send(letter).await;
    desk.done().await;
    let why = "SELECT mail_paused_reason FROM users";
    let why: Option<String> = session.query_one(why, &[]).await.unwrap().get(0);
    assert_eq!(
        why.as_deref(),
        Some("the mail server takes no address with letters beyond ASCII")
    );
    assert!(post.server.received().is_empty());
    desk.worker.stop().await;
}

#[tokio::test]
async fn a_line_that_begins_with_a_dot_arrives_as_it_was_written() {
    let post = Post::new(Tls::None).await;
    let desk = Desk::new(&post).await;
    let long = format!("{}{}", "x".repeat(75), ".".repeat(200));
    let stops = "every word. ".repeat(60);
    let all = DOTS
        .iter()
        .copied()
        .chain([long.as_str(), stops.trim_end()]);
    let mut stuffed = 0;
    for text in all {
        let letter = Said {
            text: text.to_owned(),
            ..desk.letter()
        };
        desk.send(letter).await;
        desk.done().await;
        let mail = post.one().await;
        let (plain, html) = mail.bodies();
        let plain = plain.trim_end_matches("\r\n");
        assert_eq!(plain, format!("{text}\r\n\r\n- {text}"));
        assert!(html.contains(&format!("<p>{text}</p>")), "{html}");
        let lines = mail.stuffed.split("\r\n");
        let dotted: Vec<&str> = lines.filter(|line| line.starts_with('.')).collect();
        assert!(
            dotted.iter().all(|line| line.starts_with("..")),
            "{dotted:?}"
        );
        stuffed += dotted.len();
    }
    assert!(stuffed >= DOTS.len() - 1, "{stuffed}");
    desk.worker.stop().await;
}
