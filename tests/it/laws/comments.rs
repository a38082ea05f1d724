//! Comments fit on a screen beside another one: no line of one is longer than 100 letters.

use std::path::Path;

use super::layers::sources;

const WIDEST: usize = 100;
/// Made from the database, whose comments it repeats.
const MADE: &str = "src/schema.rs";

/// The numbers of the lines that are too long.
fn wide(source: &str) -> Vec<usize> {
    let lines = source.lines().zip(1..);
    let comments = lines.filter(|(line, _)| line.trim_start().starts_with("//"));
    let wide = comments.filter(|(line, _)| line.chars().count() > WIDEST);
    wide.map(|(_, number)| number).collect()
}

#[test]
fn no_comment_is_wider_than_a_hundred_letters() {
    let roots = ["src", "crates", "tests", "benches"].map(Path::new);
    let files: Vec<_> = roots.into_iter().flat_map(sources).collect();
    assert!(files.len() > 500, "{}", files.len());
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with(MADE)) {
        let lines = wide(&std::fs::read_to_string(file).unwrap());
        found.extend(
            lines
                .iter()
                .map(|line| format!("{}:{line}", file.display())),
        );
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_wide_comment_is_seen() {
    let wide_one = format!("    /// {}", "x".repeat(93));
    let fits = format!("    /// {}", "ä".repeat(92));
    let text = format!(
        "//! One\n{wide_one}\n{fits}\nlet long = \"{}\";",
        "y".repeat(99)
    );
    assert_eq!(wide(&text), [2]);
}
