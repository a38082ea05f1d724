//! What the commands write, in each format, and how they end.

use super::*;
use crate::support::service::{run, text};

#[tokio::test]
async fn every_format_writes_the_same_things() {
    let desk = Desk::new().await;
    desk.done(&["project", "create", "Census, \"2020\""]).await;
    let id = desk
        .done(&["project", "create", "日本", "--description", "two\nlines"])
        .await;
    let id = id.trim_end();
    desk.done(&["post", "create", "--title", "T", "--content", "c"])
        .await;
    desk.done(&["token", "create", "ci"]).await;
    // What goes nowhere near a terminal has neither tabs nor colours, whatever the variables.
    let clean = |text: &str| !text.contains(['\u{1b}', '\t']);
    for noun in [
        "project",
        "post",
        "dataset",
        "model",
        "token",
        "user",
        "notification",
    ] {
        for format in ["table", "wide", "json", "yaml", "jsonl", "csv", "name"] {
            let variables = [
                ("CHARTROOM_URL", desk.url()),
                ("CHARTROOM_TOKEN", desk.token.clone()),
                ("TERM", "xterm-256color".to_owned()),
                ("CLICOLOR_FORCE", "1".to_owned()),
            ];
            let said = desk.run(&[noun, "ls", "-o", format], &variables, "").await;
            assert_eq!(
                (said.code, said.err.as_str()),
                (0, ""),
                "{noun} {format}: {said:?}"
            );
            assert!(clean(&said.out), "{noun} {format}: {said:?}");
        }
        let all = desk.ask(&[noun, "ls", "-o", "json"]).await.json();
        let all = all.as_array().unwrap().clone();
        let lines = desk.done(&[noun, "ls", "-o", "jsonl"]).await;
        let lines: Vec<Value> = lines
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        let yaml = desk.done(&[noun, "ls", "-o", "yaml"]).await;
        let yaml: Vec<Value> = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!((&lines, &yaml), (&all, &all), "{noun}");
        let table = desk.done(&[noun, "ls"]).await;
        assert_eq!(table.lines().count(), all.len() + 1, "{table}");
    }
    let table = desk.done(&["project", "ls", "--sort", "created_at"]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[1].starts_with("Census, \"2020\"  owner"), "{table}");
    // Each of the two characters is as wide as two letters.
    assert!(lines[2].starts_with("日本            owner"), "{table}");
    let csv = desk
        .done(&["project", "ls", "--sort", "created_at", "-o", "csv"])
        .await;
    assert!(
        csv.contains("\n\"Census, \"\"2020\"\"\",owner,private,,"),
        "{csv}"
    );
    let one = desk.done(&["project", "get", id]).await;
    assert!(one.starts_with("NAME         日本\n"), "{one}");
    assert!(
        one.contains("DESCRIPTION  two\n             lines\n"),
        "{one}"
    );
}

#[tokio::test]
async fn pages_are_followed_as_far_as_they_are_wanted() {
    let desk = Desk::new().await;
    let user = "SELECT id FROM users WHERE username = 'ann'";
    let insert = format!(
        "INSERT INTO projects (id, name, visibility) SELECT gen_random_uuid(), 'p' || n, 'private' \
         FROM generate_series(1, 205) n; \
         INSERT INTO project_members (project_id, principal_id, role) \
         SELECT id, ({user}), 'owner' FROM projects"
    );
    let session = desk.place.database.session().await;
    session.batch_execute(&insert).await.unwrap();
    for (arguments, count, has_more) in [
        (&[][..], 50, true),
        (&["--limit", "3"], 3, true),
        (&["--limit", "202"], 202, true),
        (&["--limit", "205"], 205, false),
        (&["--all"], 205, false),
    ] {
        let said = desk
            .ask(&[&["project", "ls", "-o", "name"], arguments].concat())
            .await;
        let mut ids: Vec<&str> = said.out.lines().collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(
            (said.code, ids.len()),
            (0, count),
            "{arguments:?}: {said:?}"
        );
        assert_eq!(
            said.err.contains("--all"),
            has_more,
            "{arguments:?}: {said:?}"
        );
    }
    assert_eq!(desk.ask(&["project", "ls", "--limit", "0"]).await.code, 2);
    assert_eq!(
        desk.ask(&["project", "ls", "--limit", "1", "--all"])
            .await
            .code,
        2
    );
}

#[tokio::test]
async fn how_a_command_ends_says_what_to_do() {
    let desk = Desk::new().await;
    desk.done(&["project", "create", "P"]).await;
    for (arguments, code, words) in [
        (
            &["project", "ls", "--role", "king"][..],
            2,
            "possible values",
        ),
        (&["project", "ls", "--sort", "size"], 1, "sort"),
        (&["project", "frobnicate"], 2, "unrecognized"),
        (&["project"], 2, "Usage"),
        (
            &["project", "get", "00000000-0000-0000-0000-000000000000"],
            4,
            "404",
        ),
        (&["project", "create", ""], 1, " /name: "),
        (&["member", "add", "P", "ann"], 5, "412"),
        (
            &["dataset", "create", "x", "--project", "P", "--columns", "x"],
            2,
            "--columns: expected JSON",
        ),
        (&["dataset", "head", "P/none"], 4, "no dataset"),
        (&["model", "predict", "none", "--row", "1"], 4, "404"),
        (&["open", "user", "ann"], 2, "one page"),
    ] {
        let said = desk.ask(arguments).await;
        assert_eq!(
            (said.code, said.out.as_str()),
            (code, ""),
            "{arguments:?}: {said:?}"
        );
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
    let nowhere = [
        ("CHARTROOM_URL", "http://127.0.0.1:1".to_owned()),
        ("CHARTROOM_TOKEN", "c4n4ry".to_owned()),
    ];
    let away = desk.run(&["project", "ls"], &nowhere, "").await;
    assert_eq!(away.code, 6, "{away:?}");
    let wrong = [
        ("CHARTROOM_URL", desk.url()),
        ("CHARTROOM_TOKEN", "c4n4ry".to_owned()),
    ];
    let wrong = desk.run(&["project", "ls"], &wrong, "").await;
    assert_eq!((wrong.code, wrong.err.lines().count()), (3, 1), "{wrong:?}");
    assert!(!format!("{away:?}{wrong:?}").contains("c4n4ry"));
}

#[tokio::test]
async fn no_text_of_others_controls_a_terminal() {
    const HOSTILE: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J";
    let desk = Desk::new().await;
    let id = desk
        .done(&[
            "post",
            "create",
            "--title",
            "T",
            "--content",
            &format!("a\n{HOSTILE}"),
        ])
        .await;
    desk.done(&["project", "create", "P"]).await;
    let columns = "[{\"name\": \"text\", \"type\": \"text\"}]";
    desk.done(&[
        "dataset",
        "create",
        "d",
        "--project",
        "P",
        "--columns",
        columns,
    ])
    .await;
    let dataset = desk.done(&["dataset", "get", "d", "-o", "name"]).await;
    let target = format!("datasets/{}/records", dataset.trim_end());
    let record = json!({ "text": HOSTILE }).to_string();
    desk.done(&["api", "POST", &target, "--data", &record])
        .await;
    let mut seen = 0;
    for arguments in [
        &["post", "get", id.trim_end()][..],
        &["dataset", "head", "d"],
    ] {
        for format in ["table", "wide", "json", "yaml", "jsonl", "name"] {
            let said = desk.done(&[arguments, &["-o", format]].concat()).await;
            let hostile = said.contains(|c: char| c.is_control() && c != '\n');
            assert!(!hostile, "{arguments:?} {format}: {said:?}");
            seen += usize::from(said.contains("red"));
        }
    }
    assert_eq!(seen, 10, "all but the names show it");
    // A file has it as it is.
    let csv = desk.done(&["dataset", "head", "d", "-o", "csv"]).await;
    assert!(csv.contains(HOSTILE), "{csv:?}");
    let refused = desk.ask(&["post", "get", HOSTILE]).await;
    assert_eq!(refused.code, 4);
    assert!(
        !refused.err.contains(['\u{1b}', '\u{9b}', '\u{7}']),
        "{refused:?}"
    );
}

#[tokio::test]
async fn any_operation_can_be_asked() {
    let desk = Desk::new().await;
    let made = desk
        .ask(&["api", "post", "projects", "--data", "{\"name\": \"x\"}"])
        .await
        .json();
    let path = format!("/api/v1/projects/{}", made["id"].as_str().unwrap());
    let stale = [
        "api",
        "PATCH",
        &path,
        "--data",
        "-",
        "-H",
        "If-Match: \"nope\"",
    ];
    let variables = [
        ("CHARTROOM_URL", desk.url()),
        ("CHARTROOM_TOKEN", desk.token.clone()),
    ];
    let refused = desk.run(&stale, &variables, "{\"name\": \"y\"}").await;
    assert_eq!(refused.code, 5, "{refused:?}");
    assert_eq!(refused.json()["code"], "precondition-failed");
    let changed = desk.run(&stale[..5], &variables, "{\"name\": \"y\"}").await;
    assert_eq!(changed.json()["name"], "y");
    std::fs::write(desk.place.dir.0.join("body"), "{\"name\": \"z\"}").unwrap();
    let changed = desk.ask(&["api", "PATCH", &path, "--data", "@body"]).await;
    assert_eq!(changed.json()["name"], "z");
    assert_eq!(desk.ask(&["api", "GET", "/api/v1/nothing"]).await.code, 4);
    assert_eq!(
        desk.ask(&["api", "GET", "projects", "-H", "nonsense"])
            .await
            .code,
        2
    );
    let url = desk.done(&["open", "project", "z"]).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(url, format!("{}/projects/{id}\n", desk.url()));
}

#[tokio::test]
async fn it_ends_quietly_when_nobody_reads() {
    let desk = Desk::new().await;
    desk.done(&["sample", "-o", "json"]).await;
    for line in [
        "\"$0\" dataset rows income --all -o jsonl 2>err | head -1 >out",
        "\"$0\" dataset export income 2>err | head -1 >out",
        "\"$0\" dataset export income 2>err | true; echo x >out",
    ] {
        let mut shell = std::process::Command::new("bash");
        shell
            .args([
                "-o",
                "pipefail",
                "-c",
                line,
                env!("CARGO_BIN_EXE_chartroom"),
            ])
            .current_dir(&desk.place.dir.0)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CHARTROOM_URL", desk.url())
            .env("CHARTROOM_TOKEN", &desk.token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ended = run(shell, PATIENCE).await;
        let read = |name: &str| std::fs::read_to_string(desk.place.dir.0.join(name)).unwrap();
        assert!(
            ended.status.success(),
            "{line}: {} {}",
            text(&ended.stderr),
            read("err")
        );
        assert_eq!(
            (read("out").lines().count(), read("err")),
            (1, String::new()),
            "{line}"
        );
    }
}
