//! Configuration as a process sees it: what is refused, where values come from, what is never
//! shown.

mod refused;
mod table;

use std::{fs, path::Path};

use crate::support::{
    process::TempDir,
    service::{PATIENCE, chartroom, run, run_with, text},
};

/// Flags, variables, the key they set, where its value then comes from.
type Setting<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str, &'a str);

const CANARY: &str = "c4n4ry";

/// The row of one key in the table of `chartroom config`: value and origin.
fn row(table: &str, key: &str) -> (String, String) {
    let line = table
        .lines()
        .find(|line| line.split_whitespace().next() == Some(key))
        .unwrap_or_else(|| panic!("no {key} in {table}"));
    let mut columns = line.split_once(' ').unwrap().1.trim().splitn(2, "  ");
    let value = columns.next().unwrap().to_owned();
    (value, columns.next().unwrap().trim().to_owned())
}

async fn shown(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = chartroom(dir);
    command
        .arg("config")
        .args(arguments)
        .envs(variables.iter().copied());
    let output = run(command, PATIENCE).await;
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    text(&output.stdout)
}

#[tokio::test]
async fn a_flag_wins_over_a_variable_over_the_env_file_over_the_default() {
    let dir = TempDir::new("config").unwrap();
    fs::write(
        dir.0.join("settings"),
        "# a comment\n\nexport CHARTROOM_MAX_BODY=2MiB\nCHARTROOM_MAX_IN_FLIGHT='3'\nCHARTROOM_MAX_CONNECTIONS=\"4\"\n\
         CHARTROOM_CORS_ORIGINS=https://a.example,https://b.example\n",
    )
    .unwrap();
    let table = shown(
        &dir.0,
        &["--max-body", "7MiB"],
        &[
            ("CHARTROOM_ENV_FILE", "settings"),
            ("CHARTROOM_MAX_BODY", "5MiB"),
            ("CHARTROOM_MAX_IN_FLIGHT", "6"),
        ],
    )
    .await;
    for (key, value, origin) in [
        ("CHARTROOM_MAX_BODY", "7MiB", "flag"),
        ("CHARTROOM_MAX_IN_FLIGHT", "6", "environment"),
        ("CHARTROOM_MAX_CONNECTIONS", "4", "env file"),
        ("CHARTROOM_REQUEST_DEADLINE", "5s", "default"),
        ("CHARTROOM_OTLP_ENDPOINT", "-", "not set"),
        ("CHARTROOM_LISTEN", "127.0.0.1:8080", "default"),
        (
            "CHARTROOM_CORS_ORIGINS",
            "https://a.example,https://b.example",
            "env file",
        ),
    ] {
        assert_eq!(row(&table, key), (value.to_owned(), origin.to_owned()));
    }
}

#[tokio::test]
async fn lists_in_the_env_file_are_lists_and_its_values_reach_the_program() {
    let dir = TempDir::new("config").unwrap();
    fs::write(
        dir.0.join("settings"),
        "CHARTROOM_CORS_ORIGINS=https://a.example,broken\n",
    )
    .unwrap();
    let mut command = chartroom(&dir.0);
    command.args(["config", "--env-file", "settings"]);
    let output = run(command, PATIENCE).await;
    assert_eq!(output.status.code(), Some(78));

    fs::write(
        dir.0.join("settings"),
        "CHARTROOM_PUBLIC_URL=https://file.example\n",
    )
    .unwrap();
    let mut command = chartroom(&dir.0);
    command.args(["openapi", "--env-file=settings"]);
    let output = run(command, PATIENCE).await;
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        document["servers"]
            .to_string()
            .contains("https://file.example"),
        "{}",
        document["servers"]
    );
}

#[tokio::test]
async fn secrets_are_masked_wherever_they_come_from() {
    let dir = TempDir::new("config").unwrap();
    let url = format!("postgres://app:{CANARY}@db.example/app");
    fs::write(
        dir.0.join("settings"),
        format!("CHARTROOM_DATABASE_URL={url}\n"),
    )
    .unwrap();
    fs::write(dir.0.join("secret"), &url).unwrap();
    fs::write(dir.0.join("password"), CANARY).unwrap();
    let host = ("CHARTROOM_DATABASE_HOST", "db.example");
    let read_host = ("CHARTROOM_DATABASE_READ_HOST", "ro.example");
    let cases: [Setting<'_>; 7] = [
        (
            &["--database-url", &url],
            &[],
            "CHARTROOM_DATABASE_URL",
            "flag",
        ),
        (
            &[],
            &[("CHARTROOM_DATABASE_URL", &url)],
            "CHARTROOM_DATABASE_URL",
            "environment",
        ),
        (
            &["--env-file", "settings"],
            &[],
            "CHARTROOM_DATABASE_URL",
            "env file",
        ),
        (
            &["--database-password", CANARY],
            &[host],
            "CHARTROOM_DATABASE_PASSWORD",
            "flag",
        ),
        (
            &[],
            &[
                host,
                read_host,
                ("CHARTROOM_DATABASE_READ_PASSWORD", CANARY),
            ],
            "CHARTROOM_DATABASE_READ_PASSWORD",
            "environment",
        ),
        (
            &["--smtp-password", CANARY],
            &[
                ("CHARTROOM_SMTP_HOST", "mail.example"),
                ("CHARTROOM_SMTP_USER", "room"),
                ("CHARTROOM_MAIL_FROM", "room@example.com"),
                ("CHARTROOM_PUBLIC_URL", "https://example.com"),
            ],
            "CHARTROOM_SMTP_PASSWORD",
            "flag",
        ),
        (
            &["--database-read-url", &url],
            &[host],
            "CHARTROOM_DATABASE_READ_URL",
            "flag",
        ),
    ];
    for (arguments, variables, key, origin) in cases {
        let table = shown(&dir.0, arguments, variables).await;
        assert!(!table.contains(CANARY), "{table}");
        assert_eq!(row(&table, key), ("********".to_owned(), origin.to_owned()));
    }
    // Of a secret in a file the path is shown, never what it holds.
    for (key, file) in [
        ("CHARTROOM_DATABASE_URL_FILE", "secret"),
        ("CHARTROOM_DATABASE_PASSWORD_FILE", "password"),
    ] {
        let with_host = [host, (key, file)];
        let alone = [(key, file)];
        let variables: &[_] = if file == "secret" { &alone } else { &with_host };
        let table = shown(&dir.0, &[], variables).await;
        assert!(!table.contains(CANARY), "{table}");
        assert_eq!(row(&table, key).0, file);
    }
}

#[tokio::test]
async fn what_kubernetes_says_about_services_is_no_setting() {
    let links = [
        ("CHARTROOM_PORT", "tcp://10.0.0.1:80"),
        ("CHARTROOM_SERVICE_HOST", "10.0.0.1"),
        ("CHARTROOM_SERVICE_PORT", "80"),
        ("CHARTROOM_SERVICE_PORT_HTTP", "80"),
        ("CHARTROOM_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("CHARTROOM_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("CHARTROOM_PORT_80_TCP_PORT", "80"),
        ("CHARTROOM_PORT_80_TCP_PROTO", "tcp"),
        ("CHARTROOM_PG_RW_SERVICE_HOST", "10.0.0.2"),
        ("CHARTROOM_PG_RW_PORT", "tcp://10.0.0.2:5432"),
        ("CHARTROOM_PG_RW_PORT_5432_TCP_ADDR", "10.0.0.2"),
        // A Service called `chartroom-database` collides with a setting's name.
        ("CHARTROOM_DATABASE_PORT", "tcp://10.0.0.3:5432"),
        ("CHARTROOM_DATABASE_SERVICE_HOST", "10.0.0.3"),
        ("CHARTROOM_DATABASE_READ_PORT", "tcp://10.0.0.4:5432"),
    ];
    let output = run_with(&["config"], &links).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        row(&text(&output.stdout), "CHARTROOM_DATABASE_PORT").0,
        "-",
        "a link is not a value either"
    );
}
