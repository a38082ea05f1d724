//! What a client needs, and what it does not: no setting of a service, and no database.

use std::process::Output;

use super::*;
use crate::support::service::{run, text};

const URL: (&str, &str) = ("CHARTROOM_URL", "http://127.0.0.1:1");
const TOKEN: (&str, &str) = ("CHARTROOM_TOKEN", "c4n4ry");

/// A run in an empty folder, in which it leaves nothing.
async fn ask(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let dir = TempDir::new("usage").unwrap();
    let mut command = chartroom(&dir.0);
    command.args(arguments).envs(variables.iter().copied());
    let Output {
        status,
        stdout,
        stderr,
    } = run(command, PATIENCE).await;
    assert_eq!(std::fs::read_dir(&dir.0).unwrap().count(), 0);
    (status.code(), text(&stdout), text(&stderr))
}

#[tokio::test]
async fn what_is_missing_is_one_line_and_exit_code_2() {
    for (variables, expected) in [
        (&[TOKEN][..], "CHARTROOM_URL: expected the URL"),
        (&[URL], "CHARTROOM_TOKEN: expected a token"),
        (
            &[("CHARTROOM_URL", "c4n4ry"), TOKEN],
            "CHARTROOM_URL: expected an origin",
        ),
        (
            &[URL, ("CHARTROOM_TOKEN", "c4n4ry c4n4ry")],
            "CHARTROOM_TOKEN: expected a token",
        ),
        (
            &[URL, ("CHARTROOM_TOKEN_FILE", "missing")],
            "the token file missing: cannot read the file",
        ),
        (
            &[URL, TOKEN, ("CHARTROOM_TOKEN_FILE", "missing")],
            "CHARTROOM_TOKEN: contradicts CHARTROOM_TOKEN_FILE",
        ),
    ] {
        let (code, out, err) = ask(&["watch"], variables).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.starts_with(&format!("chartroom: {expected}")), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(!err.contains("c4n4ry"), "{err}");
    }
    for arguments in [
        &["watch", "--project", "x"][..],
        &["watch", "--after", "-1"],
        &["watch", "--output", "yaml"],
        &["watch", "--listen", "127.0.0.1:0"],
        &["watch", "more"],
        &["--listen", "127.0.0.1:0", "watch"],
    ] {
        let (code, out, err) = ask(arguments, &[URL, TOKEN]).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
    }
}

#[tokio::test]
async fn settings_of_a_service_and_of_a_client_do_not_disturb_each_other() {
    let broken = [
        ("CHARTROOM_LISTEN", "nonsense"),
        ("CHARTROOM_DATABASE_URL", "nonsense"),
        ("CHARTROOM_ENV_FILE", "missing"),
    ];
    let (code, _, err) = ask(&["watch"], &broken).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(err.starts_with("chartroom: CHARTROOM_URL"), "{err}");

    let both = [URL, TOKEN, ("CHARTROOM_TOKEN_FILE", "x")];
    let (code, out, err) = ask(&["config"], &both).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(!out.contains("c4n4ry"));

    // A name that is misspelt is one that is not there.
    for arguments in [&["watch"][..], &["config"]] {
        let (code, _, err) = ask(arguments, &[("CHARTROOM_TOKN", "c4n4ry")]).await;
        assert_eq!(code, Some(78));
        assert!(err.contains("did you mean CHARTROOM_TOKEN?"), "{err}");
        assert!(!err.contains("c4n4ry"), "{err}");
    }
}

#[tokio::test]
async fn help_has_what_a_client_needs_and_no_more() {
    for arguments in [&["watch", "--help"][..], &["help", "watch"]] {
        let (code, out, err) = ask(arguments, &[TOKEN]).await;
        assert_eq!((code, err.as_str()), (Some(0), ""));
        for word in [
            "--project",
            "--type",
            "--after",
            "--output",
            "CHARTROOM_TOKEN_FILE",
        ] {
            assert!(out.contains(word), "{word}: {out}");
        }
        assert!(
            !out.contains("CHARTROOM_LISTEN") && !out.contains("c4n4ry"),
            "{out}"
        );
    }
}
