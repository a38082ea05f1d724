//! The help of the nouns as it is committed, and where each half of `user` is.

use std::path::Path;

use super::*;
use crate::support::service::{run, text};
use crate::support::snapshot;

async fn help(arguments: &[&str]) -> String {
    let dir = TempDir::new("help").unwrap();
    let mut command = chartroom(&dir.0);
    command.args(arguments).env("COLUMNS", "100");
    let ended = run(command, PATIENCE).await;
    assert_eq!(
        (ended.status.code(), text(&ended.stderr)),
        (Some(0), String::new()),
        "{arguments:?}"
    );
    text(&ended.stdout)
}

#[tokio::test]
async fn help_of_the_nouns_is_as_committed() {
    let mut whole = String::new();
    for arguments in [
        &["login"][..],
        &["context"],
        &["project"],
        &["project", "ls"],
        &["project", "create"],
        &["project", "edit"],
        &["member"],
        &["post"],
        &["dataset"],
        &["dataset", "export"],
        &["model"],
        &["model", "predict"],
        &["notification"],
        &["token"],
        &["user"],
        &["job"],
        &["audit"],
        &["api"],
        &["open"],
    ] {
        let said = help(&[arguments, &["--help"]].concat()).await;
        assert!(!said.contains("CHARTROOM_LISTEN"), "{said}");
        whole.push_str(&format!(
            "$ chartroom {} --help\n{said}\n",
            arguments.join(" ")
        ));
    }
    snapshot::file(Path::new("tests/it/snapshots/help-client.txt"), &whole);
}

#[tokio::test]
async fn both_halves_of_user_are_there() {
    for arguments in [&["user", "--help"][..], &["help", "user"]] {
        let over_http = help(arguments).await;
        assert!(
            over_http.contains("\n  ls ") && over_http.contains("create-admin"),
            "{over_http}"
        );
    }
    for arguments in [
        &["user", "create-admin", "--help"][..],
        &["help", "user", "create-admin"],
    ] {
        let on_the_database = help(arguments).await;
        assert!(on_the_database.contains("<EMAIL>"), "{on_the_database}");
    }
}
