//! Posts, datasets, models and administration by the command line, against a real service.

use std::fs;

use super::*;
use crate::support::model_runner::ModelRunner;

#[tokio::test]
async fn posts_are_written_voted_for_and_found_by_their_title() {
    let desk = Desk::new().await;
    fs::write(desk.place.dir.0.join("text.md"), "# Hello\n\nworld\n").unwrap();
    let id = desk
        .done(&[
            "post",
            "create",
            "--title",
            "A day at \"sea\"",
            "--file",
            "text.md",
        ])
        .await;
    let shown = desk.done(&["post", "get", "A day at \"sea\""]).await;
    assert!(
        shown.contains("CONTENT    # Hello\n\n           world\n"),
        "{shown}"
    );
    let neither = desk.ask(&["post", "create", "--title", "x"]).await;
    assert_eq!(neither.code, 2, "{neither:?}");
    let id = id.trim_end();
    desk.done(&["post", "vote", id]).await;
    assert_eq!(
        desk.done(&["post", "votes", id, "-o", "name"]).await,
        "ann\n"
    );
    desk.done(&["post", "vote", id, "--back"]).await;
    assert_eq!(desk.done(&["post", "votes", id, "-o", "name"]).await, "");
    let draft = [
        "post",
        "create",
        "--title",
        "d",
        "--content",
        "-",
        "--draft",
        "-o",
        "json",
    ];
    assert_eq!(desk.ask(&draft).await.json()["published"], false);
    let found = desk
        .done(&["post", "ls", "--search", "sea", "-o", "name"])
        .await;
    assert_eq!(found.trim_end(), id);
}

#[tokio::test]
async fn datasets_are_loaded_asked_compared_and_exported() {
    let desk = Desk::new().await;
    desk.done(&["sample", "-o", "json"]).await;
    let listed = desk.done(&["dataset", "ls"]).await;
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["income", "280", "2", "owner"], "{listed}");
    let head = desk
        .done(&["dataset", "head", "income", "--lines", "3"])
        .await;
    assert_eq!(head.lines().count(), 4);
    let first: Vec<&str> = head.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(first[..4], ["rid", "race", "age_range", "year"], "{head}");
    let rows = [
        "dataset",
        "rows",
        "Sample/income",
        "--where",
        "race=Asian",
        "--where",
        "year__gte=2018",
    ];
    let shown = desk
        .ask(&[&rows[..], &["--all", "-o", "jsonl"]].concat())
        .await;
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{shown:?}");
    let all = shown.out.lines().count();
    assert!(all > 2, "{all}");
    let some = desk
        .ask(&[&rows[..], &["--limit", "2", "--select", "year,race"]].concat())
        .await;
    assert_eq!(some.out.lines().count(), 3, "{some:?}");
    assert!(some.err.contains("--all"), "{some:?}");
    let quiet = desk
        .ask(&[&rows[..], &["--limit", "2", "-q"]].concat())
        .await;
    assert_eq!(quiet.err, "");

    let versions = desk
        .done(&["dataset", "versions", "income", "-o", "name"])
        .await;
    assert_eq!(versions, "2\n1\n");
    let profile = desk.done(&["dataset", "profile", "income"]).await;
    assert!(
        profile.lines().any(|line| line.starts_with("race ")),
        "{profile}"
    );
    let compare = [
        "dataset",
        "compare",
        "income",
        "--by",
        "race",
        "--groups",
        "White,Asian",
        "--measures",
        "male_income_2019",
        "--period",
        "year",
        "--at",
        "2019",
        "--base",
        "2009",
        "--where",
        "age_range__covers=28",
        "-o",
        "csv",
    ];
    let compared = desk.done(&compare).await;
    let asian = compared
        .lines()
        .find(|line| line.contains(",Asian,"))
        .unwrap();
    assert!(
        asian.starts_with("male_income_2019,Asian,52128.0,"),
        "{compared}"
    );
    let diff = desk.done(&[
        "dataset", "diff", "income", "--from", "1", "--limit", "5", "-o", "name",
    ]);
    assert_eq!(diff.await.lines().count(), 5);

    let path = |name: &str| desk.place.dir.0.join(name);
    desk.done(&["dataset", "export", "income", "out.csv"]).await;
    let file = fs::read_to_string(path("out.csv")).unwrap();
    assert_eq!(file.lines().count(), 281);
    let piped = desk.done(&["dataset", "export", "income"]).await;
    assert_eq!(piped, file);
    desk.done(&["dataset", "export", "income", "out.parquet"])
        .await;
    assert!(fs::read(path("out.parquet")).unwrap().starts_with(b"PAR1"));
    assert_eq!(
        desk.ask(&["dataset", "export", "income", "out.txt"])
            .await
            .code,
        2
    );
    let wrong = desk
        .ask(&[
            "dataset",
            "export",
            "income",
            "no.csv",
            "--where",
            "nofield=1",
        ])
        .await;
    assert_eq!(wrong.code, 1, "{wrong:?}");
    let left = fs::read_dir(&desk.place.dir.0).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        left.into_iter()
            .all(|name| !name.ends_with(".part") && name != "no.csv")
    );
}

#[tokio::test]
async fn models_are_pushed_moved_asked_and_led_back() {
    let runner = ModelRunner::start();
    let setting = format!("unix:{}", runner.path.display());
    let desk = Desk::at(Place::with(&[("CHARTROOM_MODELS_RUNNER", &setting)]).await).await;
    desk.done(&["project", "create", "P"]).await;
    let name = desk
        .done(&["model", "create", "churn", "--project", "P"])
        .await;
    assert_eq!(name, "churn\n");
    for (file, factor) in [("one.onnx", 2), ("two.onnx", 3)] {
        let text = format!("{{\"factor\": {factor}}}");
        fs::write(desk.place.dir.0.join(file), text).unwrap();
    }
    fs::write(
        desk.place.dir.0.join("bad.onnx"),
        "{\"problem\": \"no\\u001b\"}",
    )
    .unwrap();
    assert_eq!(
        desk.done(&["model", "push", "one.onnx", "--model", "churn"])
            .await,
        "1\n"
    );
    assert_eq!(
        desk.done(&["model", "push", "two.onnx", "--model", "churn"])
            .await,
        "2\n"
    );
    let bad = desk
        .ask(&["model", "push", "bad.onnx", "--model", "churn"])
        .await;
    assert_eq!((bad.code, bad.out.as_str()), (1, "3\n"), "{bad:?}");
    assert!(bad.err.contains("cannot be used: no\\u{1b}"), "{bad:?}");

    desk.done(&[
        "model",
        "alias",
        "churn",
        "production",
        "1",
        "--reason",
        "first",
    ])
    .await;
    let predict = ["model", "predict", "churn", "--row"];
    let asked = desk
        .done(&[&predict[..], &["{\"x\": [1, 2]}"]].concat())
        .await;
    assert_eq!(asked, "y\n2.0,4.0\n");
    desk.done(&["model", "alias", "churn", "production", "2"])
        .await;
    fs::write(desk.place.dir.0.join("rows"), "[1, 2]\n[3, 4]\n").unwrap();
    // The process that answers hears of a move within a second.
    let by_two = async || {
        let asked = ["model", "predict", "churn", "--file", "rows", "-o", "json"];
        let answer = desk.ask(&asked).await.json();
        (answer["model_version"] == "2").then_some(answer)
    };
    let answer = until("the second version", PATIENCE, by_two).await.unwrap();
    assert_eq!(answer["outputs"][0]["data"][3], json!(12.0));
    let unknown = desk
        .ask(&[&predict[..], &["{\"z\": [1, 2]}"]].concat())
        .await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown.err.contains("the inputs of the model are x"),
        "{unknown:?}"
    );

    desk.done(&["model", "back", "churn", "--reason", "worse"])
        .await;
    let history = desk.done(&["model", "history", "churn", "-o", "csv"]).await;
    let moves: Vec<&str> = history.lines().skip(1).collect();
    assert_eq!(moves.len(), 3, "{history}");
    assert!(
        moves[0].starts_with("production,\"{\"\"1\"\":1}\",,"),
        "{history}"
    );
    let weights = [
        "model",
        "alias",
        "churn",
        "canary",
        "1=90,2=10",
        "-o",
        "json",
    ];
    assert_eq!(
        desk.ask(&weights).await.json()["weights"],
        json!({ "1": 90, "2": 10 })
    );
    assert_eq!(
        desk.ask(&["model", "alias", "churn", "x", "latest"])
            .await
            .code,
        2
    );
    desk.done(&["dataset", "create", "answers", "--project", "P"])
        .await;
    let share = ["--share", "0.05"];
    let keep = ["model", "keep", "churn", "--in", "answers"];
    desk.done(&[&keep[..], &share].concat()).await;
    let log = desk.ask(&["model", "log", "churn", "-o", "json"]).await;
    assert_eq!(log.json()["share"], 0.05);
    let refused = desk.ask(&[&keep[..], &["--share", "2"]].concat()).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    desk.done(&["model", "keep-none", "churn"]).await;
    assert_eq!(desk.ask(&["model", "log", "churn"]).await.code, 4);
    // An alias leads there.
    assert_eq!(desk.ask(&["model", "rm", "churn"]).await.code, 5);
}

#[tokio::test]
async fn what_one_is_told_is_read_and_administration_asks_for_an_administrator() {
    let desk = Desk::new().await;
    let secret = desk.done(&["token", "create", "ci"]).await;
    assert!(secret.starts_with("crt_") && secret.lines().count() == 1);
    let shown = desk.done(&["token", "get", "ci", "-o", "json"]).await;
    assert!(!shown.contains(secret.trim_end()));
    let as_token = [
        ("CHARTROOM_URL", desk.url()),
        ("CHARTROOM_TOKEN", secret.trim_end().to_owned()),
    ];
    let read = desk.run(&["project", "ls"], &as_token, "").await;
    assert_eq!(read.code, 0, "{read:?}");
    for arguments in [&["project", "create", "x"][..], &["token", "ls"]] {
        let refused = desk.run(arguments, &as_token, "").await;
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(!refused.err.contains(secret.trim_end()));
    }
    desk.done(&["token", "rm", "ci"]).await;
    assert_eq!(desk.ask(&["token", "get", "ci"]).await.code, 4);

    for arguments in [
        &["audit", "ls"][..],
        &["job", "ls"],
        &["user", "edit", "ann", "--set", "admin=true"],
    ] {
        assert_eq!(desk.ask(arguments).await.code, 3, "{arguments:?}");
    }
    let session = desk.place.database.session().await;
    session
        .batch_execute("UPDATE users SET is_admin = true")
        .await
        .unwrap();
    let admin = Desk {
        token: desk.place.token().await,
        place: desk.place,
    };
    let audit = admin.done(&["audit", "ls", "--limit", "3"]).await;
    assert!(
        audit.starts_with("AT ") && audit.lines().count() == 4,
        "{audit}"
    );
    admin.done(&["job", "ls", "-o", "json"]).await;
    let last = admin
        .ask(&["user", "edit", "ann", "--set", "disabled=true"])
        .await;
    assert_eq!(last.code, 5, "the only administrator: {last:?}");

    let project = admin
        .done(&[
            "project",
            "create",
            "Ours",
            "--expires",
            "2999-01-01T00:00:00Z",
        ])
        .await;
    let insert = format!(
        "INSERT INTO notifications (user_id, event_id, kind, project_id, subject, data, at, in_app) \
         SELECT id, gen_random_uuid(), 'chartroom.member.changed', '{0}', 'projects/{0}', '{{}}', now(), true FROM users",
        project.trim_end()
    );
    session.batch_execute(&insert).await.unwrap();
    let unread = ["notification", "ls", "--unread", "-o", "name"];
    let id = admin.done(&unread).await;
    admin.done(&["notification", "read", id.trim_end()]).await;
    assert_eq!(admin.done(&unread).await, "");
    let ours = admin
        .done(&["audit", "ls", "--project", "Ours", "-o", "csv"])
        .await;
    assert!(ours.contains(",project.created,"), "{ours}");
}
