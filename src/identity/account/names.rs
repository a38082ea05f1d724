//! Emails and usernames: what is taken, and the key by which two that look alike are one.

use unicode_normalization::UnicodeNormalization as _;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::kernel::error::FieldError;
use crate::kernel::text::{deceives, is_of_one_script};

const LONGEST_EMAIL: usize = 254;
const LONGEST_USERNAME: usize = 64;
const LONGEST_NAME: usize = 200;

/// Folded by case and width: NFKC, lower case, and NFKC again, because lower case may decompose.
pub fn key_of(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn wrong(pointer: &str, code: &'static str, detail: &str) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code: code.into(),
        detail: detail.to_owned(),
    }
}

fn is_shown(c: char) -> bool {
    !c.is_control() && !deceives(c)
}

// The patterns of the document are those that every language reads alike: no classes of Unicode, no
// `\u`, no look-ahead. They take more than the functions below, and what they leave out is in their
// descriptions.

/// What [`email`] takes, for the document.
pub fn email_schema() -> Object {
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
        .build()
}

/// What [`username`] takes, and null, for the document.
pub fn username_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
        .pattern(Some(
            r"^[^\x00-\x2c\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x9f]{2,64}$",
        ))
        .examples(["ada.lovelace"])
        .description(Some(
            "2 to 64 letters of one script, digits, dots, hyphens or underscores, and not a UUID. Two that differ only in case or width are the same",
        ))
        .build()
}

/// What [`name`] takes, and null, for the document.
pub fn name_schema() -> Object {
    shown()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
        .description(Some(
            "The name of the person, without characters that are not shown. An empty one means no name",
        ))
        .build()
}

/// What [`label`] takes, for the document.
pub fn label_schema() -> Object {
    shown()
        .schema_type(Type::String)
        .min_length(Some(1))
        .description(Some(
            "What the token is for, without characters that are not shown",
        ))
        .build()
}

fn shown() -> ObjectBuilder {
    ObjectBuilder::new()
        .max_length(Some(LONGEST_NAME))
        .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"))
}

/// An email as it is kept. Only a message to it could prove more than its form.
pub fn email(text: &str) -> Result<String, FieldError> {
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
        return Err(wrong(
            "/email",
            "not-an-email",
            "expected an address such as person@example.com",
        ));
    }
    Ok(text)
}

/// A username as it is kept. It is never mistaken for an email, an id, or the two halves of HTTP
/// Basic.
pub fn username(text: &str) -> Result<String, FieldError> {
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
        return Err(wrong(
            "/username",
            "not-a-username",
            "expected 2 to 64 letters of one script, digits, dots, hyphens or underscores, all of them visible",
        ));
    }
    Ok(text)
}

/// A person's name as it is kept; empty is none.
pub fn name(text: &str) -> Result<Option<String>, FieldError> {
    if text.chars().count() > LONGEST_NAME || !text.chars().all(is_shown) {
        return Err(wrong(
            "/name",
            "not-a-name",
            "expected at most 200 characters, none of them invisible or a control character",
        ));
    }
    let text: String = text.trim().nfc().collect();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// What a person calls a thing of theirs, as it is kept; never empty.
pub fn label(text: &str) -> Result<String, FieldError> {
    name(text)?.ok_or_else(|| wrong("/name", "not-a-name", "expected at least one character"))
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
