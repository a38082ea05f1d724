//! What a mail says, and the message that is made of it: text and HTML, from one list of parts.

use std::fmt::Write as _;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::wire::Failure;
use crate::config::MailServer;
use crate::kernel::text::deceives;
use crate::kernel::types::PrincipalId;

/// A longer subject is cut by those who show it.
const LONGEST_SUBJECT: usize = 150;

/// To whom a mail goes.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// `None` where somebody else has given the address, which may be of no account.
    pub user: Option<PrincipalId>,
    pub email: String,
}

/// A piece of what a mail says. The texts are plain: what others wrote into them is written into
/// each form as that form needs it.
#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    Link { label: &'static str, url: String },
    List(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub to: Recipient,
    pub subject: String,
    pub parts: Vec<Part>,
    /// Where a POST stops mails of this kind (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// The message as it goes over the wire.
pub(super) fn compose(server: &MailServer, mail: &Mail, id: &str) -> Result<Message, Failure> {
    let to: Address = mail.to.email.parse().map_err(|_invalid| {
        Failure::Address("mail cannot be sent to an address of this form".to_owned())
    })?;
    let mut message = Message::builder()
        .from(server.from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject(&mail.subject))
        .message_id(Some(id.to_owned()))
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(url) = &mail.unsubscribe {
        message = message
            .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
            .raw_header(header(
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click",
            ));
    }
    let parts = MultiPart::alternative()
        .singlepart(SinglePart::plain(text(&mail.parts)))
        .singlepart(SinglePart::html(html(&mail.parts)));
    let composed = message.multipart(parts);
    composed.map_err(|error| Failure::Passing(format!("the mail cannot be written: {error}")))
}

/// One that is ASCII without line ends already.
fn header(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::dangerous_new_pre_encoded(name, value.to_owned(), value.to_owned())
}

/// On one line, whatever it is made of.
fn on_one_line(text: &str) -> String {
    let shown = text.chars().map(|c| match c.is_control() || deceives(c) {
        true => ' ',
        false => c,
    });
    shown.collect()
}

fn subject(text: &str) -> String {
    let line = on_one_line(text);
    let cut: String = line.chars().take(LONGEST_SUBJECT).collect();
    match cut.len() < line.len() {
        true => format!("{cut}\u{2026}"),
        false => cut,
    }
}

fn text(parts: &[Part]) -> String {
    let paragraphs = parts.iter().map(|part| match part {
        Part::Text(text) => on_one_line(text),
        Part::Link { label, url } => format!("{label}:\r\n{url}"),
        Part::List(items) => {
            let items = items.iter().map(|item| format!("- {}", on_one_line(item)));
            items.collect::<Vec<_>>().join("\r\n")
        }
    });
    let mut text = paragraphs.collect::<Vec<_>>().join("\r\n\r\n");
    text.push_str("\r\n");
    text
}

fn html(parts: &[Part]) -> String {
    let mut html = String::from("<!doctype html>\r\n<html lang=\"en\"><body>\r\n");
    for part in parts {
        // Writing to a text does not fail.
        let _ = match part {
            Part::Text(text) => write!(html, "<p>{}</p>\r\n", escaped(&on_one_line(text))),
            Part::Link { label, url } => {
                let url = escaped(url);
                write!(html, "<p><a href=\"{url}\">{}</a></p>\r\n", escaped(label))
            }
            Part::List(items) => {
                let items = items.iter().map(|item| escaped(&on_one_line(item)));
                let items: String = items.map(|item| format!("<li>{item}</li>\r\n")).collect();
                write!(html, "<ul>\r\n{items}</ul>\r\n")
            }
        };
    }
    html.push_str("</body></html>\r\n");
    html
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_in_both_forms() {
        let parts = [
            Part::Text("<script>alert('a & b')</script>\r\nBcc: x@y".to_owned()),
            Part::List(vec!["a\u{202e}b\nc".to_owned(), "\"quoted\"".to_owned()]),
            Part::Link {
                label: "Open",
                url: "https://a.example/?x=1&y=\"2\"".to_owned(),
            },
        ];
        assert_eq!(
            text(&parts),
            "<script>alert('a & b')</script>  Bcc: x@y\r\n\r\n- a b c\r\n- \"quoted\"\r\n\r\n\
             Open:\r\nhttps://a.example/?x=1&y=\"2\"\r\n"
        );
        let html = html(&parts);
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;a &amp; b&#39;)"));
        assert!(html.contains("<li>a b c</li>"));
        assert!(html.contains("href=\"https://a.example/?x=1&amp;y=&quot;2&quot;\""));
    }

    #[test]
    fn a_subject_is_one_short_line() {
        assert_eq!(subject("a\r\nBcc: b@c"), "a  Bcc: b@c");
        let long = subject(&"\u{e9}".repeat(1_000));
        assert_eq!(long.chars().count(), LONGEST_SUBJECT + 1);
    }
}
