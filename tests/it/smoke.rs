//! `chartroom smoke` against a real service: what it says, what it leaves behind, how it fails.

use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service, chartroom, run, text};

async fn smoke(ports: &Ports, more: &[&str]) -> (i32, String, String) {
    let dir = TempDir::new("smoke").unwrap();
    let mut command = chartroom(&dir.0);
    command
        .arg("smoke")
        .arg(format!("--url=http://{}", ports.public))
        .arg(format!("--ops-url=http://{}", ports.ops))
        .args(more);
    let output = run(command, PATIENCE).await;
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

async fn service(dir: &TempDir, ports: &Ports, registration: &str) -> (Service, TestDatabase) {
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let service = Service::start(
        &dir.0,
        ports,
        &[
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_REGISTRATION", registration),
        ],
    );
    service.wait_ready(PATIENCE).await;
    (service, database)
}

async fn count(database: &TestDatabase, table: &str) -> i64 {
    let question = format!("SELECT count(*) FROM {table}");
    let session = database.session().await;
    session.query_one(&question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_good_installation_passes_and_keeps_nothing() {
    let (dir, ports) = (TempDir::new("smoke").unwrap(), Ports::reserve());
    let (_service, database) = service(&dir, &ports, "open").await;
    let (code, said, complaint) = smoke(&ports, &[]).await;
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "ok: it is ready",
            "ok: it describes itself",
            "ok: it shows its metrics",
            "ok: signing in",
            "ok: writing a post, voting, reading it, deleting it",
            "ok: signing out",
            "ok: the account is deleted",
        ]
    );
    for table in ["posts", "post_votes", "users"] {
        assert_eq!(count(&database, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn where_nobody_may_register_it_says_what_it_skipped_unless_it_has_an_account() {
    let (dir, ports) = (TempDir::new("smoke").unwrap(), Ports::reserve());
    let (_service, database) = service(&dir, &ports, "closed").await;
    let (code, said, _) = smoke(&ports, &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("skipped: signing in, posting and voting"),
        "{said}"
    );

    let (email, password) = (dir.0.join("email"), dir.0.join("password"));
    std::fs::write(&email, "smoke@example.org\n").unwrap();
    std::fs::write(&password, "a password for smoke\n").unwrap();
    let mut command = chartroom(&dir.0);
    command
        .args([
            "user",
            "create-admin",
            "smoke@example.org",
            "--password-file",
        ])
        .arg(&password)
        .env("CHARTROOM_DATABASE_URL", database.url());
    assert_eq!(run(command, PATIENCE).await.status.code(), Some(0));
    let files = [
        format!("--email-file={}", email.display()),
        format!("--password-file={}", password.display()),
    ];
    let (code, said, complaint) = smoke(&ports, &files.each_ref().map(String::as_str)).await;
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    assert!(
        said.ends_with("ok: signing out\n"),
        "an account that it was given stays: {said}"
    );
    assert_eq!(count(&database, "users").await, 1);
    std::fs::write(&password, "another password").unwrap();
    let (code, _, complaint) = smoke(&ports, &files.each_ref().map(String::as_str)).await;
    assert_eq!(code, 1);
    assert!(
        complaint.contains("POST http://") && complaint.contains("invalid_grant"),
        "{complaint}"
    );
}

#[tokio::test]
async fn what_does_not_answer_is_named_in_one_line() {
    let ports = Ports::reserve();
    let (code, said, complaint) = smoke(&ports, &[]).await;
    assert_eq!((code, said.as_str()), (1, ""));
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(
        complaint.contains(&format!("GET http://{}/readyz was not answered", ports.ops)),
        "{complaint}"
    );
}
