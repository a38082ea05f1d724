//! `chartroom dataset` against a real service.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Output;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::support::is_long;
use crate::support::service::{run, text};
use crate::support::snapshot;

/// A place, a token there, and a project that is called `census`.
struct Clerk {
    place: Place,
    token: String,
    project: String,
}

impl Clerk {
    async fn new() -> Self {
        let place = Place::new().await;
        let token = place.token().await;
        let project = place.project(&token, "census").await;
        Self {
            place,
            token,
            project,
        }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.place.dir.0.join(name), bytes).unwrap();
    }

    /// Runs `dataset import` to its end: its exit code, and what it writes and says.
    async fn import(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = chartroom(&self.place.dir.0);
        command
            .args([&["dataset", "import"], arguments].concat())
            .env(
                "CHARTROOM_URL",
                format!("http://{}", self.place.ports.public),
            )
            .env("CHARTROOM_TOKEN", &self.token);
        let Output {
            status,
            stdout,
            stderr,
        } = run(command, PATIENCE).await;
        let said = text(&stderr);
        assert!(!said.contains(&self.token), "{said}");
        (status.code().unwrap(), text(&stdout), said)
    }

    async fn get(&self, target: &str) -> Value {
        let answer = self
            .place
            .send(&self.token, Method::GET, target, Value::Null);
        answer.await.json()
    }

    /// The dataset of this name.
    async fn dataset(&self, name: &str) -> Value {
        let target = format!("/api/v1/datasets?project_id={}&name={name}", self.project);
        self.get(&target).await["items"][0].clone()
    }
}

#[tokio::test]
async fn help_is_as_committed() {
    let dir = TempDir::new("help").unwrap();
    let mut command = chartroom(&dir.0);
    command
        .args(["dataset", "import", "--help"])
        .env("COLUMNS", "100");
    let output = run(command, PATIENCE).await;
    assert_eq!(output.status.code(), Some(0));
    let path = Path::new("tests/it/snapshots/dataset-import.txt");
    snapshot::file(path, &text(&output.stdout));
}

#[tokio::test]
async fn a_file_is_loaded_by_the_names_of_its_project_and_dataset() {
    let desk = Clerk::new().await;
    desk.file("a.csv", "n,word\n1,a\n2,b\n");
    let (code, out, err) = desk.import(&["a.csv", "--dataset", "census/income"]).await;
    assert_eq!((code, out.as_str()), (4, ""), "{err}");
    assert!(err.contains("--create makes it"), "{err}");
    let create = [
        "a.csv",
        "--dataset",
        "census/income",
        "--create",
        "-o",
        "text",
    ];
    let (code, out, err) = desk.import(&create).await;
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = "loaded 2 records as version 1\n\n\
                    column  field  type\nn       n      int\nword    word   text\n";
    assert_eq!(out, expected);

    // Packed, by the id of the project; and what is packed is told from its name.
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(b"word\tn\nc\t3\n").unwrap();
    desk.file("b.tsv.gz", packed.finish().unwrap());
    let by_id = format!("{}/income", desk.project);
    let (code, out, err) = desk.import(&["b.tsv.gz", "--dataset", &by_id]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    let import: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&import["state"], &import["version"]),
        (&json!("ready"), &json!(2))
    );

    // Options reach the service, by the id of the dataset.
    let income = desk.dataset("income").await;
    let id = income["id"].as_str().unwrap();
    desk.file("c.txt", "a title\n9;x\n");
    let options = [
        "--skip-rows=1",
        "--columns=n,word",
        "--delimiter=;",
        "--mode=replace",
    ];
    let message = ["--message", "all new"];
    let rest = ["c.txt", "--dataset", id, "--follow"];
    let (code, _, err) = desk.import(&[&rest[..], &options, &message].concat()).await;
    assert_eq!((code, err.as_str()), (0, ""));
    let versions = desk.get(&format!("/api/v1/datasets/{id}/versions")).await;
    assert_eq!(versions["items"][0]["message"], "all new");
    assert_eq!(versions["items"][0]["rows"], 1);

    // Twice with the same key is once.
    let again = ["a.csv", "--dataset", id, "--idempotency-key", "monday"];
    for _ in 0..2 {
        let (code, _, err) = desk.import(&again).await;
        assert_eq!((code, err.as_str()), (0, ""));
    }
    assert_eq!(desk.dataset("income").await["rows"], 3);
}

#[tokio::test]
async fn what_cannot_be_taken_is_a_table_and_exit_code_1() {
    let desk = Clerk::new().await;
    desk.file("a.csv", "n\n1\n");
    let name = ["--dataset", "census/n"];
    assert_eq!(
        desk.import(&[&["a.csv", "--create"], &name[..]].concat())
            .await
            .0,
        0
    );
    desk.file("b.csv", "n\n1\nx\n\"\u{1b}[2J\"\n");
    let checks = [&["b.csv", "--dry-run", "-o", "text"], &name[..]].concat();
    let (code, out, err) = desk.import(&checks).await;
    let expected = "nothing was loaded; 2 records cannot be taken\n\n\
                    row  line  column  code        value\n\
                    3    3     n       not-an-int  x\n\
                    4    4     n       not-an-int  \\u{1b}[2J\n";
    assert_eq!((code, out.as_str()), (1, expected), "{err}");
    assert!(
        err.starts_with("chartroom: refused: 2 of 3 records"),
        "{err}"
    );

    // The service gives up on it long before all of it was sent.
    desk.file("c.csv", format!("n\n{}", "x\n".repeat(16 << 20)));
    let (code, out, err) = desk.import(&[&["c.csv"], &name[..]].concat()).await;
    assert_eq!(code, 1, "{err}");
    let import: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(import["errors"].as_array().unwrap().len(), 1_000);
    assert!(err.contains("the first 1000 mistakes"), "{err}");

    // What the service says of an option, and what it says of a caller.
    let wrong = [&["a.csv", "--skip-if", "("], &name[..]].concat();
    let (code, _, err) = desk.import(&wrong).await;
    assert_eq!(code, 1);
    assert!(err.contains("400 Bad Request: skip_if: "), "{err}");
    let unknown = uuid::Uuid::new_v4().to_string();
    let (code, _, err) = desk.import(&["a.csv", "--dataset", &unknown]).await;
    assert_eq!(code, 4, "{err}");
}

#[tokio::test]
async fn what_is_named_twice_or_not_at_all_is_said() {
    let desk = Clerk::new().await;
    let other = desk.place.project(&desk.token, "census").await;
    desk.file("a.csv", "n\n1\n");
    let (code, out, err) = desk.import(&["a.csv", "--dataset", "census/n"]).await;
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains(&other) && err.contains(&desk.project), "{err}");
    for (arguments, expected, part) in [
        (
            &["a.csv", "--dataset", "nobody/n"][..],
            4,
            "none of your projects",
        ),
        (&["a.csv", "--dataset", "n"], 2, "PROJECT/NAME"),
        (&["missing.csv", "--dataset", "census/n"], 2, "missing.csv"),
        (&["a.what", "--dataset", "census/n"], 2, "--type"),
        (&["-", "--dataset", "census/n"], 2, "standard input"),
        (&["a.csv"], 2, "--dataset"),
    ] {
        let (code, out, err) = desk.import(arguments).await;
        assert_eq!((code, out.as_str()), (expected, ""), "{err}");
        assert!(err.contains(part), "{err}");
    }
}

#[tokio::test]
async fn standard_input_is_sent_as_it_comes_and_a_signal_stops_the_import() {
    let desk = Clerk::new().await;
    let url = format!("http://{}", desk.place.ports.public);
    let variables = [
        ("CHARTROOM_URL", url.as_str()),
        ("CHARTROOM_TOKEN", &desk.token),
    ];
    let arguments = [
        "dataset",
        "import",
        "-",
        "--type=csv",
        "--dataset=census/n",
        "--create",
    ];
    let start = || {
        let dir = &desk.place.dir;
        Running::reading(Stdio::piped(), dir, &arguments, &variables)
    };
    let mut whole = start();
    let mut input = whole.child.stdin.take().unwrap();
    input.write_all(b"n\n1\n2\n").unwrap();
    drop(input);
    assert_eq!(whole.ended().await, Some(0), "{:?}", whole.err());
    assert_eq!(desk.dataset("n").await["rows"], 2);

    let id = desk.dataset("n").await["id"].as_str().unwrap().to_owned();
    let imports = format!("/api/v1/datasets/{id}/imports?limit=1");
    for signal in ["INT", "TERM"] {
        let mut stopped = start();
        let mut input = stopped.child.stdin.take().unwrap();
        input.write_all(b"n\n").unwrap();
        input.write_all(&b"3\n".repeat(400 << 10)).unwrap();
        let begun = async || {
            let import = desk.get(&imports).await["items"][0].clone();
            (import["state"] == "receiving").then_some(())
        };
        until("the import", PATIENCE, begun).await.unwrap();
        stopped.signal(signal);
        assert_eq!(stopped.ended().await, Some(1), "{:?}", stopped.err());
        stopped
            .says("the import was cancelled; nothing was loaded", 1)
            .await;
        assert_eq!(desk.get(&imports).await["items"][0]["state"], "cancelled");
        drop(input);
    }
    assert_eq!(desk.dataset("n").await["rows"], 2);
}

/// `CHARTROOM_TEST_LONG=1` sends 1 GiB.
#[tokio::test]
async fn an_import_that_is_cut_off_and_repeated_with_its_key_loads_once() {
    let desk = Clerk::new().await;
    let parts = if is_long() { 1_024 } else { 8 };
    // A mebibyte of records.
    let part = "1234567\n".repeat(128 << 10).into_bytes();
    let url = format!("http://{}", desk.place.ports.public);
    let variables = [
        ("CHARTROOM_URL", url.as_str()),
        ("CHARTROOM_TOKEN", &desk.token),
    ];
    for (signal, key) in [("KILL", "monday"), ("INT", "tuesday")] {
        let target = format!("--dataset=census/{key}");
        let key = format!("--idempotency-key={key}");
        let arguments = [
            "dataset",
            "import",
            "-",
            "--type=csv",
            "--create",
            "--follow",
            &target,
            &key,
        ];
        let start = || {
            let mut running =
                Running::reading(Stdio::piped(), &desk.place.dir, &arguments, &variables);
            let mut input = running.child.stdin.take().unwrap();
            input.write_all(b"n\n").unwrap();
            (running, input)
        };
        let (mut cut, mut input) = start();
        for _ in 0..parts / 2 {
            input.write_all(&part).unwrap();
        }
        let name = target.split('/').next_back().unwrap();
        let import = async || {
            let id = desk.dataset(name).await["id"].as_str()?.to_owned();
            let imports = format!("/api/v1/datasets/{id}/imports?limit=1");
            Some(desk.get(&imports).await["items"][0].clone())
        };
        let begun = async || (import().await?["bytes"].as_u64()? > 0).then_some(());
        until("the import", PATIENCE, begun).await.unwrap();
        cut.signal(signal);
        cut.ended().await;
        drop(input);
        let ended = async || import().await?["ended_at"].is_string().then_some(());
        until("the end of the import", PATIENCE, ended)
            .await
            .unwrap();
        assert_eq!(desk.dataset(name).await["rows"], 0);
        for _ in 0..2 {
            let (mut whole, mut input) = start();
            // The service may know before the end that it has them.
            for _ in 0..parts {
                if input.write_all(&part).is_err() {
                    break;
                }
            }
            drop(input);
            assert_eq!(whole.ended().await, Some(0), "{:?}", whole.err());
            let dataset = desk.dataset(name).await;
            assert_eq!(dataset["rows"], parts * (128 << 10));
            assert_eq!(dataset["version"], 1);
        }
    }
}
