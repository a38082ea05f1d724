//! Files that must equal what the program says. `CHARTROOM_UPDATE=1` writes them instead of
//! comparing.

use std::fs;
use std::path::Path;

/// The whole file.
pub(crate) fn file(path: &Path, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let current = fs::read_to_string(&path).unwrap_or_default();
    if current == expected {
        return;
    }
    assert!(
        std::env::var_os("CHARTROOM_UPDATE").is_some(),
        "{} is not fresh (CHARTROOM_UPDATE=1 writes it): {}",
        path.display(),
        difference(&current, expected)
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, expected).unwrap();
}

/// The part of a file between two markers.
pub(crate) fn between(path: &Path, begin: &str, end: &str, expected: &str) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (before, rest) = text
        .split_once(begin)
        .unwrap_or_else(|| panic!("{} has no line {begin:?}", path.display()));
    let (_, after) = rest
        .split_once(end)
        .unwrap_or_else(|| panic!("{} has no line {end:?}", path.display()));
    file(path, &format!("{before}{begin}{expected}{end}{after}"));
}

fn difference(current: &str, expected: &str) -> String {
    let line = current
        .lines()
        .zip(expected.lines())
        .position(|(a, b)| a != b)
        .unwrap_or_else(|| current.lines().count().min(expected.lines().count()));
    format!(
        "line {}: it says {:?}, it should say {:?}",
        line + 1,
        current.lines().nth(line).unwrap_or(""),
        expected.lines().nth(line).unwrap_or("")
    )
}
