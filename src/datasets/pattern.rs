//! Regular expressions of callers. They are matched in a time that grows with the text alone, and
//! take a bounded part of the memory.

use regex::{Regex, RegexBuilder};

/// In characters.
pub const LONGEST_PATTERN: usize = 1_000;
/// The compiled form of a pattern takes at most so much memory.
const LARGEST_PATTERN: usize = 256 << 10;

/// The pattern, or what would be one.
pub fn compile(text: &str) -> Result<Regex, String> {
    if text.chars().count() > LONGEST_PATTERN {
        return Err(format!(
            "expected a pattern of at most {LONGEST_PATTERN} characters"
        ));
    }
    let mut builder = RegexBuilder::new(text);
    builder
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN);
    builder.build().map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!("expected a regular expression: {last}")
    })
}

/// The same for texts that match as a whole.
pub fn compile_whole(text: &str) -> Result<Regex, String> {
    // Alone, so that none of its parentheses closes what stands around it.
    compile(text)?;
    let whole = format!(r"\A(?:{text})\z");
    let mut builder = RegexBuilder::new(&whole);
    builder
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN);
    builder.build().map_err(|_error| {
        "expected a regular expression that ends without a comment and takes less memory".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_for_the_whole_text_matches_no_part_of_it() {
        let pattern = compile_whole("[A-Z]{2}|none").unwrap();
        for (text, is_match) in [
            ("DE", true),
            ("none", true),
            ("DEU", false),
            ("xDE", false),
            ("DE\n", false),
            ("", false),
        ] {
            assert_eq!(pattern.is_match(text), is_match, "{text:?}");
        }
        let folded = compile_whole("(?i)de").unwrap();
        assert!(folded.is_match("De") && !folded.is_match("Dee"));
    }

    #[test]
    fn what_takes_too_much_or_is_none_is_refused() {
        for bad in [
            "(",
            "a)|(?:b",
            "(a{1000}){1000}",
            "(?x)a # b",
            "(?=a)b",
            r"(a)\1",
            &"a".repeat(1_001),
        ] {
            let wrong = compile_whole(bad).unwrap_err();
            assert!(wrong.starts_with("expected "), "{wrong}");
        }
    }
}
