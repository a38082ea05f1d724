//! `chartroom watch` against a real service.

use std::fs;

use http::Method;

use super::*;
use crate::support::chaos_proxy::{ChaosProxy, Mode, Target};

/// The numbers of the events that were written.
fn numbers(lines: &[String]) -> Vec<i64> {
    let number = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["specversion"], "1.0");
        event["sequence"].as_str().unwrap().parse().unwrap()
    };
    lines.iter().map(number).collect()
}

/// The numbers that a page of the feed has, once there are as many.
async fn paged(place: &Place, token: &str, project: &str, count: usize) -> Vec<i64> {
    let target = format!("/api/v1/events?limit=200&project_id={project}");
    let page = async || {
        let page = place.send(token, Method::GET, &target, Value::Null).await;
        let page = page.json();
        let items = page["items"].as_array().unwrap().iter();
        let numbers = items.map(|item| item["sequence"].as_str().unwrap().parse().unwrap());
        Some(numbers.collect::<Vec<i64>>()).filter(|numbers| numbers.len() >= count)
    };
    until("the page", PATIENCE, page).await.unwrap()
}

#[tokio::test]
async fn it_follows_a_project_over_cuts_and_a_killed_service_without_gap_or_repetition() {
    let mut place = Place::new().await;
    let token = place.token().await;
    let project = place.project(&token, "followed").await;
    let other = place.project(&token, "other").await;
    let settled = paged(&place, &token, &project, 1).await;
    paged(&place, &token, &other, 1).await;
    let proxy = ChaosProxy::start(Target::Tcp(place.ports.public)).await;
    let url = format!("http://{}", proxy.addr);
    let arguments = ["watch", "--project", &project];
    let variables = [("CHARTROOM_URL", url.as_str()), ("CHARTROOM_TOKEN", &token)];
    let watch = Running::start(&place.dir, &arguments, &variables);
    watch.says("connected to", 1).await;

    // Cut off before the first event, which happens while nobody can be reached.
    proxy.set(Mode::Refuse).await;
    proxy.reset_live();
    watch.says("reconnecting", 1).await;
    place.change(&token, &project, "unseen").await;
    place.change(&token, &other, "of no interest").await;
    proxy.set(Mode::Forward).await;
    watch.lines(1).await;

    // Cut off among events.
    for nth in 0..30 {
        if nth == 10 {
            proxy.reset_live();
        }
        place.change(&token, &project, &nth.to_string()).await;
    }
    watch.lines(31).await;

    place.kill_and_start_again().await;
    place.change(&token, &project, "after").await;
    let all = paged(&place, &token, &project, settled.len() + 32).await;
    let whole = async || Some(numbers(&watch.out())).filter(|it| it.last() == all.last());
    let followed = until("the last event", PATIENCE, whole).await.unwrap();
    // A replica may be a moment behind when a stream begins.
    assert!(
        followed.len() >= 32 && all.ends_with(&followed),
        "{followed:?} of {all:?}"
    );
    watch.says("connected to", 4).await;
    let said = watch.err().join("\n");
    assert!(!said.contains(&token) && !said.contains("resync"), "{said}");

    // From the oldest, of one type; and for people.
    let from_the_oldest = ["watch", "--after=0", "--type=chartroom.project.created"];
    let variables = [("CHARTROOM_TOKEN", token.as_str())];
    let watch = place.client(
        &[&from_the_oldest[..], &["-o", "text"]].concat(),
        &variables,
    );
    let lines = watch.lines(2).await;
    for (line, project) in lines.iter().zip([&project, &other]) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        assert!(parts[0].ends_with('Z'), "{line}");
        let subject = format!("projects/{project}");
        assert_eq!(parts[1..], ["chartroom.project.created", &subject]);
    }
}

#[tokio::test]
async fn it_ends_quietly_by_a_signal_and_when_nobody_reads_any_more() {
    let place = Place::new().await;
    let token = place.token().await;
    place.project(&token, "one").await;
    let variables = [("CHARTROOM_TOKEN", token.as_str())];
    for signal in ["INT", "TERM"] {
        let mut watch = place.client(&["watch", "--after=0"], &variables);
        watch.lines(1).await;
        watch.signal(signal);
        assert_eq!(watch.ended().await, Some(0), "{signal}");
        let said = watch.err();
        assert!(said.len() == 1 && said[0].starts_with("chartroom: connected"));
    }
    // Although nothing more happens.
    let mut shell = std::process::Command::new("sh");
    shell
        .args([
            "-c",
            "\"$0\" watch --after=0 2>err | head -1 >out",
            env!("CARGO_BIN_EXE_chartroom"),
        ])
        .current_dir(&place.dir.0)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("CHARTROOM_URL", format!("http://{}", place.ports.public))
        .env("CHARTROOM_TOKEN", &token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = crate::support::service::run(shell, PATIENCE).await;
    assert!(ended.status.success());
    let read = |name: &str| fs::read_to_string(place.dir.0.join(name)).unwrap();
    assert_eq!(read("out").lines().count(), 1);
    assert!(read("out").contains("chartroom.project.created"));
    assert_eq!(read("err").lines().count(), 1, "{}", read("err"));
}

#[tokio::test]
async fn a_token_file_is_read_again_where_a_session_ends() {
    let place = Place::new().await;
    let (first, second) = (place.token().await, place.token().await);
    let project = place.project(&second, "one").await;
    let settled = paged(&place, &second, &project, 1).await;
    let after = settled.last().unwrap().to_string();
    let file = place.dir.0.join("token");
    fs::write(&file, format!("{first}\n")).unwrap();
    let variables = [("CHARTROOM_TOKEN_FILE", file.to_str().unwrap())];
    let mut watch = place.client(&["watch", "--after", &after], &variables);
    watch.says("connected to", 1).await;
    fs::write(&file, format!("{second}\n")).unwrap();
    place
        .send(&first, Method::POST, "/auth/logout", json!({}))
        .await;
    place.change(&second, &project, "heard").await;
    watch.lines(1).await;
    watch.says("connected to", 2).await;

    // A file that still has what is over.
    fs::write(&file, format!("{first}\n")).unwrap();
    place
        .send(&second, Method::POST, "/auth/logout", json!({}))
        .await;
    let third = place.token().await;
    place.change(&third, &project, "unheard").await;
    assert_eq!(watch.ended().await, Some(3), "{:?}", watch.err());
    assert_eq!(watch.out().len(), 1, "{:?}", watch.out());
    let said = watch.err().join("\n");
    assert!(said.contains("401"), "{said}");
    for token in [&first, &second] {
        assert!(!said.contains(token), "{said}");
    }
}

#[tokio::test]
async fn what_the_service_refuses_is_one_line_and_an_exit_code() {
    const CANARY: &str = "c4n4ry";
    let place = Place::new().await;
    let token = place.token().await;
    let nowhere = uuid::Uuid::new_v4().to_string();
    for (arguments, token, code, words) in [
        (&["watch"][..], CANARY, 3, "401"),
        (&["watch", "--project", &nowhere], &token, 4, "404"),
        (&["watch", "--type=x"], &token, 1, "a type of event"),
    ] {
        let mut watch = place.client(arguments, &[("CHARTROOM_TOKEN", token)]);
        assert_eq!(watch.ended().await, Some(code), "{:?}", watch.err());
        watch.says(words, 1).await;
        let (out, err) = (watch.out(), watch.err());
        assert!(out.is_empty() && err.len() == 1, "{out:?} {err:?}");
        assert!(!err[0].contains(token), "{err:?}");
    }
}
