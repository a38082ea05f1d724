//! Types that the API's document describes have names of their own: of two with the same name it
//! would describe one and mean both, without a word.

use std::collections::BTreeMap;
use std::path::Path;

use super::layers::sources;

/// The name after `struct`, `enum` or, in `words!`, at the beginning of the line.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = line
        .strip_prefix("pub struct ")
        .or_else(|| line.strip_prefix("pub enum "))
        .or_else(|| line.strip_prefix("pub(super) struct "))
        .or_else(|| line.strip_prefix("struct "))
        .or_else(|| line.strip_prefix("enum "))?;
    rest.split(|c: char| !c.is_alphanumeric()).next()
}

/// The names that the types of a source have in the document.
fn names(source: &str) -> Vec<String> {
    let (mut names, mut is_described, mut other, mut is_words) = (Vec::new(), false, None, false);
    for line in source.lines() {
        let text = line.trim();
        if text.starts_with("#[derive(") || text.starts_with("Clone,") {
            is_described |= text.contains("ToSchema");
        }
        if let Some(rest) = text.strip_prefix("#[schema(as = ") {
            other = rest.split([')', ',']).next().map(str::to_owned);
        }
        if text == "words! {" {
            is_words = true;
        } else if is_words && text.ends_with('{') && text.starts_with(char::is_uppercase) {
            names.push(text.trim_end_matches(" {").to_owned());
            is_words = false;
        }
        if let Some(name) = declared(line) {
            if is_described {
                names.push(other.take().unwrap_or_else(|| name.to_owned()));
            }
            (is_described, other) = (false, None);
        }
    }
    names
}

fn doubled<'a>(all: impl IntoIterator<Item = (&'a str, String)>) -> Vec<String> {
    let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (file, name) in all {
        by_name.entry(name).or_default().push(file);
    }
    let twice = by_name.into_iter().filter(|(_, files)| files.len() > 1);
    twice
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect()
}

#[test]
fn no_two_types_of_the_document_share_a_name() {
    let files = sources(Path::new("src"));
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    let all: Vec<_> = texts
        .iter()
        .flat_map(|(file, text)| {
            names(text)
                .into_iter()
                .map(move |name| (file.as_str(), name))
        })
        .collect();
    assert!(all.len() > 60, "{}", all.len());
    assert_eq!(doubled(all), Vec::<String>::new());
}

#[test]
fn a_name_that_is_there_twice_is_seen() {
    let one = "words! {\n    /// What\n    Mode {\n        A = \"a\",\n";
    let other = "#[derive(Serialize, ToSchema)]\n#[schema(as = Thing)]\npub struct ThingBody {\n#[derive(Clone)]\npub struct Mode {\n";
    assert_eq!(names(one), ["Mode"]);
    assert_eq!(names(other), ["Thing"]);
    let more = "#[derive(Debug, ToSchema)]\npub enum Mode {\n";
    let all = [("a", one), ("b", more)];
    let all = all
        .into_iter()
        .flat_map(|(file, text)| names(text).into_iter().map(move |name| (file, name)));
    assert_eq!(doubled(all), ["Mode: a, b"]);
}
