//! What the command line does to keys and accounts.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Output, Stdio},
};

use axum::body::Body;
use http::{Method, StatusCode};

use crate::support::{
    app::{Answer, TestApp},
    process::TempDir,
    service::{PATIENCE, chartroom, run, run_with, text},
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const PASSWORD: &str = "a long way to the sea";

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The one line of a failure.
fn complaint(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!((code(output), said.lines().count()), (1, 1), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// `chartroom user ...` on the application's database, with `input` on standard input.
async fn user(app: &TestApp, arguments: &[&str], input: &str) -> Output {
    let dir = TempDir::new("user").unwrap();
    fs::write(dir.0.join("input"), input).unwrap();
    let mut command = chartroom(&dir.0);
    command
        .arg("user")
        .args(arguments)
        .env("CHARTROOM_DATABASE_URL", app.database.url())
        .stdin(Stdio::from(fs::File::open(dir.0.join("input")).unwrap()));
    run(command, PATIENCE).await
}

async fn sign_in(app: &TestApp, password: &str) -> Answer {
    let form = format!(
        "grant_type=password&username=ada@example.org&password={}",
        password.replace(' ', "+")
    );
    app.send(Method::POST, "/auth/token", &[FORM], Body::from(form))
        .await
}

async fn me(app: &TestApp, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    app.send(Method::GET, "/api/v1/me", &headers, Body::empty())
        .await
}

async fn refresh(app: &TestApp, tokens: &Answer) -> StatusCode {
    let form = format!(
        "grant_type=refresh_token&refresh_token={}",
        tokens.json()["refresh_token"].as_str().unwrap()
    );
    app.send(Method::POST, "/auth/token", &[FORM], Body::from(form))
        .await
        .status
}

async fn deeds(app: &TestApp) -> Vec<String> {
    let rows = app
        .database
        .session()
        .await
        .query(
            "SELECT action FROM audit_events WHERE action LIKE 'user.%' ORDER BY at, id",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn an_administrator_is_made_once_and_signs_in() {
    let app = TestApp::new().await;
    let create = ["create-admin", " ada@example.org"];
    for (password, reason) in [("short", "at least 8 bytes"), ("password1", "most common")] {
        assert!(complaint(&user(&app, &create, password).await).contains(reason));
    }
    assert!(complaint(&user(&app, &["create-admin", "ada"], PASSWORD).await).contains("expected"));

    let made = user(&app, &create, &format!("{PASSWORD}\n")).await;
    assert_eq!(code(&made), 0, "{}", text(&made.stderr));
    assert!(text(&made.stdout).starts_with("created administrator ada@example.org ("));
    let again = user(&app, &["create-admin", "ADA@example.org"], PASSWORD).await;
    assert!(complaint(&again).contains("there is an account with the email"));
    assert_eq!(deeds(&app).await, ["user.created"]);

    let tokens = sign_in(&app, PASSWORD).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text());
    let account = me(&app, tokens.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(account.json()["admin"], true);
}

#[tokio::test]
async fn a_password_from_a_file_replaces_the_one_before_and_ends_every_session() {
    let app = TestApp::new().await;
    user(&app, &["create-admin", "ada@example.org"], PASSWORD).await;
    let tokens = sign_in(&app, PASSWORD).await;

    let dir = TempDir::new("password").unwrap();
    let file = dir.0.join("new");
    let reset = [
        "reset-password",
        "ada@example.org",
        "--password-file",
        file.to_str().unwrap(),
    ];
    assert!(complaint(&user(&app, &reset, "").await).contains("--password-file: cannot read"));
    fs::write(&file, "another way to the sea\n").unwrap();
    for ended in [1, 0] {
        let output = user(&app, &reset, "").await;
        assert_eq!(
            text(&output.stdout),
            format!("new password for ada@example.org; sessions ended: {ended}\n")
        );
    }
    assert_eq!(sign_in(&app, PASSWORD).await.problem(), "invalid-grant");
    assert_eq!(refresh(&app, &tokens).await, StatusCode::BAD_REQUEST);
    let tokens = sign_in(&app, "another way to the sea").await;
    assert_eq!(refresh(&app, &tokens).await, StatusCode::OK);
}

#[tokio::test]
async fn a_disabled_account_is_shut_out_however_often_it_is_disabled() {
    let app = TestApp::new().await;
    user(&app, &["create-admin", "ada@example.org"], PASSWORD).await;
    let tokens = sign_in(&app, PASSWORD).await;
    let nobody = user(&app, &["disable", "bob@example.org"], "").await;
    assert!(complaint(&nobody).contains("there is no account with the email bob@example.org"));
    for ended in [1, 0] {
        let output = user(&app, &["disable", "ada@example.org"], "").await;
        assert_eq!(
            text(&output.stdout),
            format!("disabled ada@example.org; sessions ended: {ended}\n")
        );
    }
    assert_eq!(refresh(&app, &tokens).await, StatusCode::BAD_REQUEST);
    assert_eq!(sign_in(&app, PASSWORD).await.problem(), "invalid-grant");
    let revoked = app.database.session().await;
    let revoked = revoked
        .query_one(
            "SELECT count(*) FROM revocations r JOIN users u ON u.id = r.subject",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(revoked.get::<_, i64>(0), 2);
    assert_eq!(deeds(&app).await, ["user.created", "user.disabled"]);
}

#[tokio::test]
async fn a_key_is_made_where_it_is_asked_for_and_only_when_needed() {
    let dir = TempDir::new("keys").unwrap();
    let keys = dir.0.join("keys");
    let generate = async |flags: &[&str]| {
        let arguments: Vec<&str> = ["keys", "generate", "--keys-dir", keys.to_str().unwrap()]
            .iter()
            .chain(flags)
            .copied()
            .collect();
        run_with(&arguments, &[]).await
    };
    let mode = |output: &Output| {
        let file = text(&output.stdout);
        fs::metadata(file.trim_end()).unwrap().permissions().mode() & 0o777
    };
    // One that signs only later is none that can be used.
    let later = generate(&["--delay", "5m"]).await;
    assert_eq!((code(&later), mode(&later)), (0, 0o600));
    let now = generate(&["--if-none", "--group-readable"]).await;
    assert_eq!((code(&now), mode(&now)), (0, 0o640));
    let kept = generate(&["--if-none"]).await;
    assert!(text(&kept.stdout).starts_with("nothing to do: "));
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 2);

    // What cannot be used is not made up for silently.
    fs::write(keys.join("broken.pem"), "").unwrap();
    assert!(complaint(&generate(&["--if-none"]).await).contains("broken.pem"));

    let mut command = chartroom(&dir.0);
    command
        .args(["keys", "generate"])
        .env("CHARTROOM_DATABASE_HOST", "db.invalid")
        .env_remove("CHARTROOM_KEYS_DIR");
    let output = run(command, PATIENCE).await;
    assert_eq!(code(&output), 78);
    assert!(text(&output.stderr).starts_with("chartroom: CHARTROOM_KEYS_DIR: "));

    let mut command = chartroom(&dir.0);
    command
        .args(["keys", "generate"])
        .env_remove("CHARTROOM_KEYS_DIR");
    let output = run(command, PATIENCE).await;
    assert!(text(&output.stdout).starts_with("./.chartroom/keys/"));
}
