//! The library that the tests of models run with.

use std::io::Write as _;
use std::path::PathBuf;

/// From `CHARTROOM_ONNXRUNTIME`. Without it a test is skipped with a word, or fails where
/// `CHARTROOM_TEST_REQUIRE` names `onnxruntime`, as CI does.
pub(crate) fn library() -> Option<PathBuf> {
    let found = std::env::var_os("CHARTROOM_ONNXRUNTIME").map(PathBuf::from);
    if found.is_none() {
        let required = std::env::var("CHARTROOM_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split([',', ' ']).any(|name| name == "onnxruntime"),
            "CHARTROOM_ONNXRUNTIME is not set, but CHARTROOM_TEST_REQUIRE asks for the library"
        );
        let test = std::thread::current();
        let test = test.name().unwrap_or("a test");
        // Not `eprintln!`: the test runner keeps to itself what a passing test prints that way.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test}: no CHARTROOM_ONNXRUNTIME"
        );
    }
    found
}
