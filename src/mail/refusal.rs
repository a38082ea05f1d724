//! What the refusal of a mail blames: the address, the letter, or neither. Only what is sure to be
//! refused again is held against one of them; anything else is tried again, because a person can
//! mend it here or there, and then no mail is lost.

/// How far a mail had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Sender,
    Recipient,
    Data,
    /// The server has read the letter, and did not read it before.
    Message,
}

impl Step {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sender => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Message => "the message",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    Address,
    Letter,
    /// This service, its sender, the mail server, or what was only so today.
    Neither,
}

/// Reads the answer's code, and the extended one (RFC 3463) that its words begin with.
pub(super) fn blame(step: Step, code: &str, words: &str) -> Blame {
    if !code.starts_with('5') || matches!(step, Step::Sender | Step::Data) {
        return Blame::Neither;
    }
    let is_read = step == Step::Message;
    match extended(words) {
        // Such codes say no more than the first digit of the other.
        None | Some((5, 0, _)) => plain(is_read, code, words),
        // They are about the sender.
        Some((5, 1, 7 | 8)) => Blame::Neither,
        // The letter is too long: for the mailbox, for the server.
        Some((5, 2, 3) | (5, 3, 4)) if is_read => Blame::Letter,
        Some((5, 2, 3)) => Blame::Neither,
        Some((5, 1 | 2, _)) => Blame::Address,
        // The sender's domain is not set up as it should be (RFC 7372), or sends too much.
        Some((5, 7, 20..=29)) => Blame::Neither,
        Some((5, 6 | 7, _)) if is_read => Blame::Letter,
        Some(_) => Blame::Neither,
    }
}

fn extended(words: &str) -> Option<(u16, u16, u16)> {
    let first = words.split_whitespace().next()?;
    let mut parts = first.split('.').map(|part| part.parse().ok());
    let code = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(code)
}

/// Without an extended code: the codes of RFC 5321 (4.2.3, 4.3.2), and the word for what a server
/// says that does not know this service.
fn plain(is_read: bool, code: &str, words: &str) -> Blame {
    match (is_read, code) {
        (true, "550" | "552" | "554") => Blame::Letter,
        (false, "550" | "551" | "553") if !words.to_ascii_lowercase().contains("relay") => {
            Blame::Address
        }
        _ => Blame::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::Blame::{Address, Letter, Neither};
    use super::*;

    /// What is blamed at RCPT TO, and once the letter was read.
    #[test]
    fn an_answer_blames_what_will_be_refused_again() {
        for (code, words, at_recipient, at_message) in [
            ("550", "5.1.1 no such user", Address, Address),
            ("550", "5.1.2 no such system", Address, Address),
            ("554", "5.1.1 no such user", Address, Address),
            ("556", "5.1.10 takes no mail", Address, Address),
            ("550", "5.2.1 mailbox disabled", Address, Address),
            ("552", "5.2.2 mailbox full", Address, Address),
            ("550", "5.1.7 bad sender's address", Neither, Neither),
            ("550", "5.1.8 bad sender's system", Neither, Neither),
            ("552", "5.2.3 too long for it", Neither, Letter),
            ("552", "5.3.4 message too big", Neither, Letter),
            ("554", "5.3.0 system trouble", Neither, Neither),
            ("550", "5.4.1 no answer from host", Neither, Neither),
            ("503", "5.5.1 bad sequence", Neither, Neither),
            ("550", "5.6.1 content refused", Neither, Letter),
            ("550", "5.7.1 relaying denied", Neither, Letter),
            ("530", "5.7.0 authentication required", Neither, Letter),
            ("550", "5.7.26 fails DMARC", Neither, Neither),
            ("550", "5.7.28 too many mails", Neither, Neither),
            // What says no more than that it is for good.
            ("550", "5.0.0 no", Address, Letter),
            ("550", "no such user here", Address, Letter),
            ("550", "", Address, Letter),
            ("550", "5.1.x", Address, Letter),
            ("550", "5.7.1.9 an address", Address, Letter),
            ("550", "relay not permitted", Neither, Letter),
            ("551", "user not local", Address, Neither),
            ("553", "mailbox name not allowed", Address, Neither),
            ("552", "too much mail data", Neither, Letter),
            ("554", "transaction failed", Neither, Letter),
            ("503", "bad sequence", Neither, Neither),
            // For now.
            ("450", "mailbox busy", Neither, Neither),
            ("450", "5.1.1 no such user", Neither, Neither),
            ("550", "4.7.1 come later", Neither, Neither),
        ] {
            let found = [Step::Recipient, Step::Message].map(|step| blame(step, code, words));
            assert_eq!(found, [at_recipient, at_message], "{code} {words}");
            for step in [Step::Sender, Step::Data] {
                assert_eq!(blame(step, code, words), Neither, "{code} {words}");
            }
        }
    }
}
