//! What texts and numbers have to be, what is said where they are not that, and how the document
//! describes it.

use std::fmt;

use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::Wrong;

/// What a text has to be.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// In characters.
    pub min: usize,
    pub max: usize,
    pub no_control: bool,
    pub not_blank: bool,
    /// Spaces around it are not kept. They count for the most there may be, and not for the least.
    pub trimmed: bool,
}

impl TextRule {
    pub const fn new(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            no_control: false,
            not_blank: false,
            trimmed: false,
        }
    }

    pub fn checked(self, text: String) -> Result<String, Wrong> {
        let is_long = text.chars().count() > self.max;
        let text = match self.trimmed && text.trim().len() < text.len() {
            true => text.trim().to_owned(),
            false => text,
        };
        if is_long
            || text.chars().count() < self.min
            || self.not_blank && text.trim().is_empty()
            || self.no_control && text.chars().any(char::is_control)
        {
            return Err(Wrong::invalid(self.expected()));
        }
        Ok(text)
    }

    fn expected(self) -> String {
        let Self { min, max, .. } = self;
        let size = match min {
            0 => format!("at most {}", grouped(max)),
            min => format!("{min} to {}", grouped(max)),
        };
        let besides = match (self.not_blank, self.no_control) {
            (false, false) => "",
            (true, false) => ", not all of them spaces",
            (false, true) => ", none of them a control character",
            (true, true) => ", not all of them spaces and none of them a control character",
        };
        format!("expected {size} characters{besides}")
    }

    /// The pattern follows from the rule. Written by hand, nothing would keep it.
    pub fn described(self) -> ObjectBuilder {
        let pattern = match (self.trimmed, self.not_blank, self.no_control) {
            // What is cut off may be anything.
            (true, ..) | (_, false, false) => None,
            (_, false, true) => Some(r"^[^\x00-\x1f\x7f-\x9f]*$"),
            (_, true, false) => Some(r"\S"),
            (_, true, true) => {
                Some(r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")
            }
        };
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(self.min).filter(|min| *min > 0))
            .max_length(Some(self.max))
            .pattern(pattern)
    }
}

/// What a name has to be that is itself in a path: a few plain characters, and one of two kinds of
/// first.
#[derive(Clone, Copy, Debug)]
pub struct NameRule {
    is_first: fn(&char) -> bool,
    first: &'static str,
    pattern: &'static str,
}

impl NameRule {
    pub const MIN: usize = 1;
    pub const MAX: usize = 100;

    pub const ANY: Self = Self {
        is_first: char::is_ascii_alphanumeric,
        first: "a letter or a digit",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
    };
    /// Never taken for a number.
    pub const WORD: Self = Self {
        is_first: char::is_ascii_alphabetic,
        first: "a letter",
        pattern: "^[A-Za-z][A-Za-z0-9._-]*$",
    };

    pub fn checked(self, text: String) -> Result<String, Wrong> {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_name = (Self::MIN..=Self::MAX).contains(&text.len())
            && text.chars().next().is_some_and(|c| (self.is_first)(&c))
            && text.chars().all(is_inner);
        is_name.then_some(text).ok_or_else(|| {
            let first = self.first;
            Wrong::invalid(format!(
                "expected 1 to 100 letters, digits, `.`, `-` and `_`, of which the first is {first}"
            ))
        })
    }

    pub fn described(self) -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(Self::MIN))
            .max_length(Some(Self::MAX))
            .pattern(Some(self.pattern))
    }
}

/// `10,000` for 10000.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a whole number has to be.
#[derive(Clone, Copy, Debug)]
pub struct NumberRule<T> {
    pub min: T,
    pub max: T,
}

impl<T: Copy + PartialOrd + fmt::Display> NumberRule<T> {
    pub fn checked(self, number: T) -> Result<T, Wrong> {
        if (self.min..=self.max).contains(&number) {
            return Ok(number);
        }
        let Self { min, max } = self;
        Err(Wrong::invalid(format!(
            "expected a whole number from {min} to {max}"
        )))
    }
}
