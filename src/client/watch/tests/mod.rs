//! Following against listeners that say what a test writes for them.

mod stage;

use stage::{Out, STREAM, Turn, cloud_event, event, plainly, ran, refusal, run, stream};

use super::*;
use crate::config::{ClientSettings, Secret};

#[tokio::test]
async fn where_a_stream_ends_or_breaks_the_next_one_goes_on() {
    let cut = format!("{}id: 4\ndata: {{\"cu", event(3));
    let broken = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                  transfer-encoding: chunked\r\n\r\n5\r\nid: 9";
    let turns = vec![
        // Before the first event, the place is known already.
        stream("retry: 20\n\n:\n\nid: 1\n\n"),
        stream(&format!("id: 1\n\n{}", event(2))),
        stream(&cut),
        Turn(broken.to_owned(), false),
        stream(&format!("{}{}", event(4), event(5))),
    ];
    let ran = ran(4, turns).await;
    ran.ended.as_ref().unwrap();
    let expected: Vec<String> = (2..6).map(|n| format!("{}\n", cloud_event(n))).collect();
    assert_eq!(ran.lines, expected);
    // The sixth connection finds that nobody reads its first event.
    assert_eq!(
        ran.headers("last-event-id"),
        [None, Some("1"), Some("2"), Some("3"), Some("3"), Some("5")]
    );
    let accepted = vec![Some("text/event-stream"); 6];
    assert_eq!(ran.headers("accept"), accepted);
    assert_eq!(ran.requests[0][0], "GET /api/v1/events HTTP/1.1");
}

#[tokio::test]
async fn what_is_asked_for_is_in_the_request() {
    let arguments = Watch {
        project: Some(Uuid::nil()),
        kind: Some("a&b".to_owned()),
        after: Some(7),
        output: Some(Format::Text),
    };
    let turns = vec![stream(&format!("{}{}", event(8), event(9)))];
    let ran = run(Secret::Value("t".into()), arguments, Out::reading(1), turns).await;
    ran.ended.as_ref().unwrap();
    assert_eq!(
        ran.requests[0][0],
        "GET /api/v1/events?project_id=00000000-0000-0000-0000-000000000000&type=a%26b HTTP/1.1"
    );
    assert_eq!(ran.headers("last-event-id"), [Some("7")]);
    assert_eq!(
        ran.lines,
        ["2026-01-01T00:00:00Z  chartroom.project.changed   projects/8\n"]
    );
}

#[tokio::test]
async fn a_silent_stream_counts_as_broken() {
    let silent = Turn(format!("{STREAM}{}", event(1)), true);
    let ran = ran(1, vec![silent, stream(&event(2))]).await;
    ran.ended.as_ref().unwrap();
    assert_eq!(ran.lines.len(), 1);
    assert_eq!(ran.headers("last-event-id"), [None, Some("1")]);
}

#[tokio::test]
async fn what_is_gone_is_passed_over() {
    let resync = format!(
        "event: resync\ndata: {{\"reason\":\"events-expired\"}}\n\n{}",
        event(7)
    );
    let gone = || refusal("410 Gone", "", "");
    let ran = ran(1, vec![stream(&event(1)), gone(), stream(&resync)]).await;
    ran.ended.as_ref().unwrap();
    assert_eq!(
        ran.headers("last-event-id"),
        [None, Some("1"), Some("0")],
        "{:?}",
        ran.lines
    );
    // A service that has not even the oldest is none.
    let ended = self::ran(1, vec![gone()]).await.ended.unwrap_err();
    assert_eq!(ended.exit_code(), 4);
}

#[tokio::test]
async fn a_service_that_is_away_is_waited_for() {
    let began = Instant::now();
    let away = || refusal("503 Service Unavailable", "retry-after: 1\r\n", "");
    let turns = vec![
        stream(&event(1)),
        away(),
        refusal("502 Bad Gateway", "", "<html>"),
        refusal("429 Too Many Requests", "", ""),
        Turn(String::new(), false),
        stream(&event(2)),
    ];
    let ran = ran(
        2,
        [turns, vec![stream(&event(3))]]
            .into_iter()
            .flatten()
            .collect(),
    )
    .await;
    ran.ended.as_ref().unwrap();
    assert_eq!(ran.lines.len(), 2);
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn before_the_first_stream_it_gives_up_in_time() {
    let began = Instant::now();
    let away = refusal(
        "503 Service Unavailable",
        "",
        r#"{"detail":"the database is away"}"#,
    );
    let ran = ran(1, vec![away]).await;
    let ended = ran.ended.as_ref().unwrap_err();
    assert_eq!(ended.exit_code(), 6);
    assert!(
        ended
            .to_string()
            .ends_with("503 Service Unavailable: the database is away")
    );
    assert!(ran.requests.len() > 2 && began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_refusal_ends_it() {
    let long = format!(
        "{STREAM}data: {}",
        "a".repeat(super::super::sse::MOST_BYTES)
    );
    for (answer, code, words) in [
        (refusal("401 Unauthorized", "", "{}"), 3, "401"),
        (
            refusal("403 Forbidden", "", r#"{"detail":"no\nentry\u001b[2J"}"#),
            3,
            "403 Forbidden: no\\nentry\\u{1b}[2J",
        ),
        (refusal("404 Not Found", "", "<html>"), 4, "404"),
        (refusal("400 Bad Request", "", "{}"), 1, "400"),
        (
            refusal("307 Temporary Redirect", "location: /\r\n", ""),
            1,
            "307",
        ),
        (
            refusal("200 OK", "content-type: text/html\r\n", "hi"),
            1,
            "is this the URL",
        ),
        (stream("data: words\n\n"), 1, "no CloudEvent"),
        (stream("data: {}\n\n"), 1, "no CloudEvent"),
        (Turn(long, false), 1, "longer than"),
    ] {
        // Also after a stream that was good.
        for before in [None, Some(stream(&event(1)))] {
            let Turn(text, is_open) = &answer;
            let answer = Turn(text.clone(), *is_open);
            let turns = before.into_iter().chain([answer]).collect();
            let ended = ran(9, turns).await.ended.unwrap_err();
            let said = ended.to_string();
            assert_eq!(ended.exit_code(), code, "{said}");
            assert!(said.contains(words), "{said}");
            assert!(
                !said.contains(char::is_control) && !said.contains("c4n4ry"),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_file_is_read_for_each_connection_and_may_be_away_for_a_moment() {
    let folder = std::env::temp_dir().join(format!("chartroom-watch-{}", Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("token");
    let token = || Secret::File(file.clone());
    let turns = || vec![stream(&event(1)), stream(&event(2))];
    let missing = run(token(), plainly(), Out::reading(1), turns()).await;
    let said = missing.ended.unwrap_err();
    assert_eq!((said.exit_code(), missing.requests.len()), (2, 0), "{said}");

    std::fs::write(&file, "first\n").unwrap();
    let mut out = Out::reading(1);
    out.replaced = Some(file.clone());
    let ran = run(token(), plainly(), out, turns()).await;
    ran.ended.as_ref().unwrap();
    assert_eq!(
        ran.headers("authorization"),
        [Some("Bearer first"), Some("Bearer second")]
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn waits_grow_to_a_bound_and_heed_the_service_to_a_bound() {
    let site = Site::new(ClientSettings {
        url: "http://localhost".to_owned(),
        token: Secret::Value("t".into()),
    });
    let watching = Watching::new(site, plainly(), PATIENCE, io::sink());
    for (failures, most) in [(0, 0.5), (1, 1.0), (4, 8.0), (6, 30.0), (u32::MAX, 30.0)] {
        for _ in 0..50 {
            let wait = watching.wait(failures, None).as_secs_f64();
            assert!((most / 2.0..=most).contains(&wait), "{failures}: {wait}");
        }
    }
    for (asked, expected) in [(7, 7), (299, 299), (86_400, 300)] {
        let wait = watching.wait(0, Some(Duration::from_secs(asked)));
        assert_eq!(wait, Duration::from_secs(expected));
    }
}

#[test]
fn json_stays_on_one_line() {
    let spread = "{\"type\":\"a\",\n\"subject\":\"b\",\"time\":\"c\",\"n\":1.0}";
    assert_eq!(
        line(spread, Format::Json).unwrap(),
        "{\"type\":\"a\", \"subject\":\"b\",\"time\":\"c\",\"n\":1.0}\n"
    );
    let forged = r#"{"type":"a\u001b[2J","subject":"b\nc","time":"d"}"#;
    let line = line(forged, Format::Text).unwrap();
    assert_eq!(
        line.trim_end().matches(char::is_control).count(),
        0,
        "{line}"
    );
}
