//! The command line: what each subcommand prints and how it ends.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Output, Stdio},
};

use crate::support::{
    database::{TestDatabase, newest_migration},
    process::TempDir,
    service::{PATIENCE, Ports, Service, chartroom, run, run_with, text},
    snapshot,
    wait::until,
};

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The only line on standard error, without who says it.
fn complaint(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim_end()
        .strip_prefix("chartroom: ")
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn help_is_as_committed() {
    let width = ("COLUMNS", "100");
    let ask = async |variables: &[(&str, &str)]| {
        let dir = TempDir::new("help").unwrap();
        let mut command = chartroom(&dir.0);
        // What the tests set shows with its value, which differs from run to run.
        command
            .env_remove("CHARTROOM_KEYS_DIR")
            .arg("--help")
            .envs(variables.iter().copied());
        let output = run(command, PATIENCE).await;
        assert_eq!(code(&output), 0);
        text(&output.stdout)
    };
    let help = ask(&[width]).await;
    snapshot::file(Path::new("tests/it/snapshots/help.txt"), &help);
    let narrow = ask(&[("COLUMNS", "60")]).await;
    assert_ne!(narrow, help);
    assert!(
        narrow.split_whitespace().eq(help.split_whitespace()),
        "only the line ends follow the terminal"
    );
    // A password in the environment of whoever asks for help is not theirs to show.
    let secret = [
        width,
        ("CHARTROOM_DATABASE_PASSWORD", "c4n4ry"),
        ("CHARTROOM_DATABASE_URL", "c4n4ry"),
    ];
    assert_eq!(ask(&secret).await, help);
}

#[tokio::test]
async fn version_and_openapi_print_to_standard_output_alone() {
    let output = run_with(&["--version"], &[]).await;
    assert_eq!(
        text(&output.stdout),
        format!("chartroom {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!((code(&output), output.stderr.len()), (0, 0));

    let output = run_with(
        &["openapi"],
        &[("CHARTROOM_PUBLIC_URL", "https://chartroom.example")],
    )
    .await;
    assert_eq!((code(&output), output.stderr.len()), (0, 0));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        document["openapi"].as_str().unwrap().split('.').next(),
        Some("3")
    );
    assert!(document["paths"]["/api/v1/version"]["get"].is_object());
    assert!(text(&output.stdout).contains("https://chartroom.example"));
    assert!(output.stdout.ends_with(b"}\n"));
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_shows_no_value() {
    for arguments in [
        &["frobnicate"][..],
        &["serve", "--no-such-flag"],
        &["serve", "--database-pasword=c4n4ry"],
        &["serve", "--database-pasword", "c4n4ry"],
        &["migrate"],
        &["migrate", "sideways"],
        &["migrate", "up", "--allow-data-loss"],
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--listen",
            "127.0.0.1:0",
        ],
    ] {
        let output = run_with(arguments, &[]).await;
        let said = text(&output.stderr);
        assert_eq!(code(&output), 2, "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
        assert!(
            said.contains("Usage:") && !said.contains("c4n4ry"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    for arguments in [&["openapi"][..], &["--help"], &["config"]] {
        let dir = TempDir::new("pipe").unwrap();
        let mut command = chartroom(&dir.0);
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
        drop(reader);
        let errors = BufReader::new(child.stderr.take().unwrap());
        let ended = until("its end", PATIENCE, async || child.try_wait().unwrap()).await;
        let said: Vec<String> = errors.lines().map(Result::unwrap).collect();
        assert!(
            ended.unwrap().success() && said.is_empty(),
            "{arguments:?}: {said:?}"
        );
        assert!(!first.is_empty());
    }
    // Nobody reads from the start.
    let dir = TempDir::new("pipe").unwrap();
    let mut shell = std::process::Command::new("sh");
    shell
        .args([
            "-c",
            "\"$0\" openapi 2>err | head -1 >out; cat err",
            env!("CARGO_BIN_EXE_chartroom"),
        ])
        .current_dir(&dir.0)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = run(shell, PATIENCE).await;
    assert_eq!(text(&output.stdout), "");
    assert_eq!(fs::read_to_string(dir.0.join("out")).unwrap(), "{\n");
}

#[tokio::test]
async fn healthcheck_says_ready_not_ready_or_absent() {
    let (dir, ports) = (TempDir::new("health").unwrap(), Ports::reserve());
    let ops = ports.ops.to_string();
    let ask = async || run_with(&["healthcheck", "--ops-listen", &ops], &[]).await;

    let absent = ask().await;
    assert_eq!((code(&absent), absent.stdout.len()), (1, 0));
    assert!(complaint(&absent).contains("does not answer"));

    let empty = TestDatabase::empty().await;
    let service = Service::start(&dir.0, &ports, &[("CHARTROOM_DATABASE_URL", empty.url())]);
    service.wait_unready("migrate up", PATIENCE).await;
    let unready = ask().await;
    assert_eq!(code(&unready), 1);
    assert!(complaint(&unready).contains("chartroom migrate up"));
    drop(service);

    let database = TestDatabase::migrated().await;
    let service = Service::start(
        &dir.0,
        &ports,
        &[("CHARTROOM_DATABASE_URL", database.url())],
    );
    service.wait_ready(PATIENCE).await;
    let ready = ask().await;
    assert_eq!(
        (code(&ready), text(&ready.stdout)),
        (0, "ready\n".to_owned())
    );
    // What listens on every address is asked on this machine's own.
    let everywhere = format!("0.0.0.0:{}", ports.ops.port());
    assert_eq!(
        code(&run_with(&["healthcheck", "--ops-listen", &everywhere], &[]).await),
        0
    );
    drop(service);
}

/// Each run writes it anew, and one without the setting has all kept again.
#[tokio::test]
async fn migrate_up_writes_for_how_long_the_trail_is_kept() {
    let database = TestDatabase::migrated().await;
    let url = database.url();
    let owner = database.session().await;
    let kept = async || -> Option<String> {
        let kept = "SELECT audit_kept_for()::text";
        owner.query_one(kept, &[]).await.unwrap().get(0)
    };
    let up = async |days: Option<&str>| {
        let mut settings = vec![("CHARTROOM_DATABASE_URL", &*url), ("CHARTROOM_LOG", "off")];
        settings.extend(days.map(|days| ("CHARTROOM_AUDIT_KEEP_DAYS", days)));
        run_with(&["migrate", "up"], &settings).await
    };
    assert_eq!(kept().await, None);
    let told = up(Some("400")).await;
    assert_eq!(code(&told), 0, "{}", text(&told.stderr));
    assert!(text(&told.stdout).ends_with("the audit trail is kept for 400 days\n"));
    assert_eq!(kept().await.as_deref(), Some("400 days"));
    for wrong in ["0", "-1", "400d", "36501", "1); DROP TABLE users"] {
        let refused = up(Some(wrong)).await;
        assert_eq!(code(&refused), 78, "{wrong}");
    }
    assert_eq!(kept().await.as_deref(), Some("400 days"));
    assert_eq!(code(&up(None).await), 0);
    assert_eq!(kept().await, None);
}

#[tokio::test]
async fn migrate_goes_up_shows_and_goes_down_only_when_told_twice() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let migrate = async |arguments: &[&str]| {
        let arguments: Vec<&str> = ["migrate"].iter().chain(arguments).copied().collect();
        run_with(
            &arguments,
            &[("CHARTROOM_DATABASE_URL", &url), ("CHARTROOM_LOG", "off")],
        )
        .await
    };
    let newest = newest_migration();

    let status = migrate(&["status"]).await;
    assert_eq!(code(&status), 1);
    assert!(text(&status.stdout).contains(&format!("{newest}  pending\n")));
    assert!(complaint(&status).contains("chartroom migrate up"));

    let up = migrate(&["up"]).await;
    assert_eq!(code(&up), 0, "{}", text(&up.stderr));
    assert!(text(&up.stdout).ends_with(&format!("applied {newest}\n")));
    let again = migrate(&["up"]).await;
    assert_eq!(
        (code(&again), text(&again.stdout)),
        (0, "nothing to do: the schema is up to date\n".to_owned())
    );

    let status = migrate(&["status"]).await;
    assert_eq!((code(&status), status.stderr.len()), (0, 0));
    assert!(
        text(&status.stdout)
            .lines()
            .all(|line| line.ends_with("  applied"))
    );

    let refused = migrate(&["down"]).await;
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("--allow-data-loss"));
    assert_eq!(code(&migrate(&["status"]).await), 0, "nothing was reverted");

    let known = text(&status.stdout).lines().count();
    for left in (0..known).rev() {
        let down = migrate(&["down", "--allow-data-loss"]).await;
        assert_eq!(code(&down), 0, "{}", text(&down.stderr));
        assert!(text(&down.stdout).starts_with("reverted "));
        let status = text(&migrate(&["status"]).await.stdout);
        assert_eq!(status.matches("  applied").count(), left);
    }
    let nothing = migrate(&["down", "--allow-data-loss"]).await;
    assert_eq!(code(&nothing), 1);
    assert!(complaint(&nothing).contains("nothing to revert"));
    assert_eq!(code(&migrate(&["up"]).await), 0);
}
