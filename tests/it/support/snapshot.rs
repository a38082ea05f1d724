//! Files in the repository that a test knows the content of: `CHARTROOM_UPDATE=1` writes them, without it they must match.

use std::path::Path;

pub(crate) fn file(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("CHARTROOM_UPDATE").is_some() {
        std::fs::write(&file, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let different = found
        .lines()
        .zip(expected.lines())
        .position(|(found, expected)| found != expected)
        .unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    let at = |text: &str| text.lines().nth(different).unwrap_or("(end)").to_owned();
    assert!(
        found == expected,
        "{path} is out of date from line {}: it says {:?}, the code says {:?}; CHARTROOM_UPDATE=1 rewrites it",
        different + 1,
        at(&found),
        at(expected)
    );
}

/// The part of a file between two markers, the rest being somebody's prose.
pub(crate) fn part(path: &str, begin: &str, end: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let whole = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = whole.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    self::file(path, &format!("{before}{begin}\n{expected}{end}{after}"));
}
