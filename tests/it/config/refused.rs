//! Row C7: every broken configuration ends the process in time, with one line that names the key
//! and hides the value.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    process::Output,
    time::{Duration, Instant},
};

use super::{
    CANARY,
    table::{CASES, Case},
};
use crate::support::{
    process::TempDir,
    service::{PATIENCE, chartroom, run, text},
};

const PROMISED: Duration = Duration::from_secs(2);
/// A loaded machine is forgiven twice.
const TRIES: usize = 3;

/// The files that cases name in their values.
fn place() -> TempDir {
    let dir = TempDir::new("refused").unwrap();
    for (name, content) in [
        ("empty-c4n4ry", ""),
        ("newline-c4n4ry", "\n"),
        ("words-c4n4ry", "c4n4ry and no more\n"),
        ("broken-url-c4n4ry", "postgres://app:c4n4ry@db:port/app"),
        ("password-c4n4ry", "c4n4ry-password\n"),
        ("env-no-equals-c4n4ry", "CHARTROOM_LOG=info\nc4n4ry\n"),
        ("env-unknown-c4n4ry", "CHARTROOM_LISTN=c4n4ry\n"),
        ("env-broken-c4n4ry", "CHARTROOM_MAX_BODY=c4n4ry\n"),
        (
            "env-broken-list-c4n4ry",
            "CHARTROOM_CORS_ORIGINS=https://a.example,c4n4ry\n",
        ),
        (
            "env-contradiction-c4n4ry",
            "CHARTROOM_DRAIN_DELAY=98765ms\nCHARTROOM_STOP_DEADLINE=98764ms\n",
        ),
    ] {
        fs::write(dir.0.join(name), content).unwrap();
    }
    fs::write(
        dir.0.join("env-binary-c4n4ry"),
        b"CHARTROOM_LOG=\xff\xfec4n4ry\n",
    )
    .unwrap();
    fs::create_dir(dir.0.join("folder-c4n4ry")).unwrap();
    dir
}

async fn refusal(dir: &TempDir, flags: &[&str], variables: &[(OsString, OsString)]) -> Output {
    for attempt in 1.. {
        let mut command = chartroom(&dir.0);
        command
            .arg("serve")
            .args(flags)
            .envs(variables.iter().cloned());
        let began = Instant::now();
        let output = run(command, PATIENCE).await;
        let took = began.elapsed();
        if took <= PROMISED {
            return output;
        }
        assert!(attempt < TRIES, "took {took:?}");
    }
    unreachable!()
}

/// What is wrong with the answer to a broken configuration, if anything is.
fn flaws(output: &Output, key: &str, hint: &str, values: &[&str]) -> Vec<String> {
    let said = text(&output.stderr);
    let mut flaws = Vec::new();
    let mut demand = |holds: bool, what: String| {
        if !holds {
            flaws.push(what);
        }
    };
    demand(
        output.status.code() == Some(78),
        format!("it ended with {}", output.status),
    );
    demand(
        said.lines().count() == 1 && said.ends_with('\n'),
        "it is not one line".to_owned(),
    );
    demand(
        said.starts_with("chartroom: "),
        "it does not say who speaks".to_owned(),
    );
    demand(said.contains(key), format!("it does not name {key}"));
    demand(said.contains(hint), format!("it does not say {hint:?}"));
    demand(
        output.stdout.is_empty(),
        "something is on standard output".to_owned(),
    );
    for value in values
        .iter()
        .filter(|value| value.trim().len() > 3)
        .chain([&CANARY])
    {
        demand(
            !said.contains(value.trim()),
            format!("it shows the value {value:?}"),
        );
    }
    if !flaws.is_empty() {
        flaws.push(said);
    }
    flaws
}

#[tokio::test]
async fn every_broken_configuration_is_refused_in_one_line() {
    assert!(CASES.len() >= 45, "{} cases", CASES.len());
    let dir = place();
    let mut wrong = Vec::new();
    for Case {
        flags,
        variables,
        key,
        hint,
    } in CASES
    {
        let set: Vec<(OsString, OsString)> = variables
            .iter()
            .map(|(key, value)| (format!("CHARTROOM_{key}").into(), value.into()))
            .collect();
        let output = refusal(&dir, flags, &set).await;
        let values: Vec<&str> = variables
            .iter()
            .map(|(_, value)| *value)
            .chain(flags.iter().copied().filter(|flag| !flag.starts_with("--")))
            .collect();
        let flaws = flaws(&output, &format!("CHARTROOM_{key}"), hint, &values);
        if !flaws.is_empty() {
            wrong.push(format!("{flags:?} {variables:?}: {flaws:#?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CASES.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn names_and_values_that_are_no_plain_text_are_refused_in_one_line_too() {
    let dir = place();
    let bytes = OsString::from_vec(b"info\xff-c4n4ry".to_vec());
    for (name, value, hint) in [
        ("CHARTROOM_LOG", bytes.clone(), "UTF-8"),
        ("CHARTROOM_DATABASE_URL", bytes, "UTF-8"),
        (
            "CHARTROOM_LIS\nTEN",
            CANARY.into(),
            "did you mean CHARTROOM_LISTEN?",
        ),
    ] {
        let output = refusal(&dir, &[], &[(name.into(), value)]).await;
        let key = name.split('\n').next().unwrap();
        assert_eq!(flaws(&output, key, hint, &[]), [""; 0]);
    }
}

#[tokio::test]
async fn the_same_harness_lets_a_good_configuration_pass_and_sees_a_value_that_is_shown() {
    let dir = place();
    let mut command = chartroom(&dir.0);
    command.arg("config").envs([
        ("CHARTROOM_DATABASE_HOST", "db.example"),
        ("CHARTROOM_DATABASE_PASSWORD_FILE", "password-c4n4ry"),
        ("CHARTROOM_LOG", "info,chartroom=debug"),
    ]);
    let mut output = run(command, PATIENCE).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty());
    // What it prints shows the name of the file: had that been an error, the harness would object.
    output.stderr = output.stdout.clone();
    let flaws = flaws(&output, "CHARTROOM_NONE", "nothing", &[]);
    assert!(flaws.len() >= 6, "{flaws:#?}");
}
