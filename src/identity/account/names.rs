//! Emails and usernames: what is taken, and the key by which two that look alike are one.

use unicode_normalization::UnicodeNormalization as _;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::kernel::text::{deceives, is_of_one_script};
use crate::kernel::values::{Wrong, text};

const LONGEST_EMAIL: usize = 254;
const LONGEST_USERNAME: usize = 64;
const LONGEST_NAME: usize = 200;

/// Folded by case and width: NFKC, lower case, and NFKC again, because lower case may decompose.
pub fn key_of(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

text! {
    /// An email as it is kept. Only a message to it could prove more than its form.
    Email = |text| email(&text), email_schema;
}

text! {
    /// A username as it is kept. It is never mistaken for an email, an id, or the two halves of
    /// HTTP Basic.
    Username = |text| username(&text), username_schema;
}

text! {
    /// A person's name as it is kept, which may be empty.
    PersonName = |text| name(&text), name_schema;
}

text! {
    /// What a person calls a thing of theirs, as it is kept; never empty.
    Label = |text| label(&text), label_schema;
}

impl PersonName {
    /// An empty one is no name.
    pub fn or_none(self) -> Option<String> {
        Some(self.into()).filter(|name: &String| !name.is_empty())
    }
}

fn is_shown(c: char) -> bool {
    !c.is_control() && !deceives(c)
}

// The patterns of the document are those that every language reads alike: no classes of Unicode, no
// `\u`, no look-ahead. They take more than the functions below, and what they leave out is in their
// descriptions.

/// What [`email`] takes, for the document.
fn email_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(LONGEST_EMAIL))
        .pattern(Some(concat!(
            r"^[^@\s\x00-\x1f\x7f-\x9f]+@",
            r"[^@.\s\x00-\x1f\x7f-\x9f]+(\.[^@.\s\x00-\x1f\x7f-\x9f]+)*$"
        )))
        .description(Some(
            "An email address without characters that are not shown. Two that differ only in case or width are the same",
        ))
}

/// What [`username`] takes, for the document.
fn username_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(
            r"^[^\x00-\x2c\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x9f]{2,64}$",
        ))
        .examples(["ada.lovelace"])
        .description(Some(
            "2 to 64 letters of one script, digits, dots, hyphens or underscores, and not a UUID. Two that differ only in case or width are the same",
        ))
}

/// What [`name`] takes, for the document.
fn name_schema() -> ObjectBuilder {
    shown().description(Some(
        "The name of the person, without characters that are not shown. An empty one means no name",
    ))
}

/// What [`label`] takes, for the document.
fn label_schema() -> ObjectBuilder {
    shown().min_length(Some(1)).description(Some(
        "What the token is for, without characters that are not shown",
    ))
}

fn shown() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(LONGEST_NAME))
        .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"))
}

pub fn email(text: &str) -> Result<String, Wrong> {
    let text: String = text.nfc().collect();
    let has_form = match text.rsplit_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !local.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !domain.contains("..")
        }
        None => false,
    };
    if !has_form
        || text.len() > LONGEST_EMAIL
        || !text.chars().all(|c| is_shown(c) && !c.is_whitespace())
    {
        return Err(Wrong::new(
            "not-an-email",
            "expected an address such as person@example.com",
        ));
    }
    Ok(text)
}

fn username(text: &str) -> Result<String, Wrong> {
    let text: String = text.nfc().collect();
    let length = text.chars().count();
    let is_plain = text
        .chars()
        .all(|c| matches!(c, '.' | '_' | '-') || c.is_alphanumeric() && !deceives(c));
    if !(2..=LONGEST_USERNAME).contains(&length)
        || !is_plain
        || !is_of_one_script(&text)
        || uuid::Uuid::try_parse(&text).is_ok()
    {
        return Err(Wrong::new(
            "not-a-username",
            "expected 2 to 64 letters of one script, digits, dots, hyphens or underscores, all of them visible",
        ));
    }
    Ok(text)
}

fn name(text: &str) -> Result<String, Wrong> {
    if text.chars().count() > LONGEST_NAME || !text.chars().all(is_shown) {
        return Err(Wrong::new(
            "not-a-name",
            "expected at most 200 characters, none of them invisible or a control character",
        ));
    }
    Ok(text.trim().nfc().collect())
}

fn label(text: &str) -> Result<String, Wrong> {
    let text = name(text)?;
    if text.is_empty() {
        return Err(Wrong::new("not-a-name", "expected at least one character"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_width_make_no_second_key() {
        for (a, b) in [
            ("Ann@Example.com", "ann@EXAMPLE.com"),
            ("ｆｏｏ@x.y", "foo@x.y"),
            ("e\u{301}@x.y", "É@x.y"),
            ("ﬁ@x.y", "FI@x.y"),
            ("K@x.y", "k@x.y"),
        ] {
            assert_eq!(key_of(a), key_of(b));
        }
        assert_ne!(key_of("a@x.y"), key_of("b@x.y"));
    }

    #[test]
    fn emails_and_usernames_have_a_form() {
        for good in ["a@b", "a+b@example.com", "ünï@exämple.com"] {
            email(good).unwrap();
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            " a@b",
            "a@b ",
            "a@b@c",
            "a@.b",
            "a@b..c",
            "a\u{202e}@b",
            "a\n@b",
            &format!("{}@b", "x".repeat(254)),
        ] {
            email(bad).unwrap_err();
        }
        for bad in [
            "",
            "a",
            "a:b",
            "a@b",
            "a b",
            " ab",
            "ab ",
            "a/b",
            "0190163d-8694-739b-aea5-966c26f8ad91",
            &"x".repeat(65),
        ] {
            username(bad).unwrap_err();
        }
        username("ann.o-m_1").unwrap();
    }
}
