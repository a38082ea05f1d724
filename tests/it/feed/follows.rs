//! Streams of the feed: live, resumed, ended by what ends them.

use std::time::Duration;

use axum::body::Body;
use chartroom::kernel::shutdown::Phase;
use http::Request;
use http_body_util::BodyExt as _;

use super::*;
use crate::support::app::outcome;
use crate::support::wait::until;

/// Longer than anything here should take.
const SOON: Duration = Duration::from_secs(20);

/// A message of a stream.
#[derive(Debug)]
struct Message {
    id: Option<i64>,
    event: Option<String>,
    data: Value,
}

/// One who follows.
struct Follow {
    body: Body,
    text: String,
    last: Option<i64>,
}

impl Follow {
    async fn start(app: &TestApp, who: &Person, query: &str, last: Option<i64>) -> Self {
        let answer = Self::answer(app, who, query, last).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert!(!headers.contains_key("content-encoding"));
        Self {
            body: answer.into_body(),
            text: String::new(),
            last,
        }
    }

    async fn answer(
        app: &TestApp,
        who: &Person,
        query: &str,
        last: Option<i64>,
    ) -> http::Response<Body> {
        let mut request = Request::get(format!("/api/v1/events?{query}"))
            .extension(chartroom::server::Peer(([127, 0, 0, 1], 40_000).into()))
            .header("host", "localhost")
            .header("accept", "text/event-stream")
            .header("accept-encoding", "gzip")
            .header("authorization", &who.authorization);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        app.shell.clone().handle(request).await
    }

    /// `None` at the end of the stream.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((text, rest)) = self.text.split_once("\n\n") {
                let (text, rest) = (text.to_owned(), rest.to_owned());
                self.text = rest;
                let member = |name: &str| {
                    let lines = text.lines();
                    let mut values = lines.filter_map(|line| line.strip_prefix(name));
                    values.next().map(str::to_owned)
                };
                let data = member("data: ").unwrap();
                if member("event: ").as_deref() == Some("place") {
                    let place: Value = serde_json::from_str(&data).unwrap();
                    assert_eq!(place["sequence"].as_str(), member("id: ").as_deref());
                    continue;
                }
                let message = Message {
                    id: member("id: ").map(|id| id.parse().unwrap()),
                    event: member("event: "),
                    data: serde_json::from_str(&data).unwrap(),
                };
                self.last = message.id.or(self.last);
                return Some(message);
            }
            let frame = tokio::time::timeout(SOON, self.body.frame());
            let frame = frame.await.unwrap()?;
            let bytes = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn kind(&mut self) -> Option<String> {
        let message = self.next().await?;
        Some(message.data["type"].as_str().unwrap_or_default().to_owned())
    }
}

async fn describe(app: &TestApp, who: &Person, project: &str, text: &str) {
    who.change(app, project, json!({ "description": text }))
        .await;
}

/// The first look of the ring has been.
async fn started(app: &TestApp) {
    let ring = async || {
        app.app
            .ring
            .follow(chartroom::kernel::types::PrincipalId::fresh())
            .ok()
    };
    until("the ring", SOON, ring).await.map(drop).unwrap();
}

#[tokio::test]
async fn what_happens_is_heard_on_every_replica_by_who_may_read_it() {
    let app = app(&[]).await;
    let other = app.beside(&[]);
    started(&app).await;
    started(&other).await;
    let [ann, bob, eve] = [
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "eve").await,
    ];
    let project = ann.project(&app, json!({ "name": "live" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    numbered(&app).await;
    let settled = ann.feed(&app, "").await["next"].as_i64();
    let mut here = Follow::start(&app, &ann, "", settled).await;
    let mut there = Follow::start(&other, &bob, "", settled).await;
    let mut strangers = Follow::start(&other, &eve, "", settled).await;
    let mut some = Follow::start(&app, &ann, "type=chartroom.member.removed", settled).await;
    let began = std::time::Instant::now();
    describe(&app, &ann, &project, "one").await;
    for follow in [&mut here, &mut there] {
        let message = follow.next().await.unwrap();
        assert_eq!(message.data["type"], "chartroom.project.changed");
        let id = message.id.map(|id| id.to_string());
        assert_eq!(message.data["sequence"].as_str(), id.as_deref());
        assert_eq!(message.event, None);
    }
    // By notification, not by a look that comes anyway.
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    // Who is added hears of it, and who is removed of nothing any more.
    ann.share(&app, &project, &eve, "viewer").await;
    assert_eq!(strangers.kind().await.unwrap(), "chartroom.member.added");
    ann.remove(&app, &project, &eve).await;
    describe(&app, &ann, &project, "two").await;
    for want in ["member.added", "member.removed", "project.changed"] {
        for follow in [&mut here, &mut there] {
            assert_eq!(follow.kind().await.unwrap(), format!("chartroom.{want}"));
        }
    }
    ann.share(&app, &project, &eve, "viewer").await;
    assert_eq!(strangers.kind().await.unwrap(), "chartroom.member.added");
    assert_eq!(some.kind().await.unwrap(), "chartroom.member.removed");
}

/// Cut off after each few messages, on one replica and the other.
#[tokio::test]
async fn a_stream_that_is_resumed_loses_nothing_and_doubles_nothing() {
    const CHANGES: i64 = 60;
    let app = app(&[]).await;
    let other = app.beside(&[]);
    started(&app).await;
    started(&other).await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "cuts" })).await;
    numbered(&app).await;
    let (writer, here, id) = (ann.clone(), app.beside(&[]), project.clone());
    let writing = tokio::spawn(async move {
        for nth in 0..CHANGES {
            describe(&here, &writer, &id, &nth.to_string()).await;
        }
    });
    let mut met = Vec::new();
    let mut last = 0;
    let mut cuts = 0;
    while last < CHANGES + 1 {
        let replica = if cuts % 2 == 0 { &app } else { &other };
        let mut follow = Follow::start(replica, &ann, "", Some(last)).await;
        for _ in 0..(1 + cuts % 5) {
            if last == CHANGES + 1 {
                break;
            }
            last = follow.next().await.unwrap().id.unwrap();
            met.push(last);
        }
        cuts += 1;
    }
    writing.await.unwrap();
    assert_eq!(met, (1..=CHANGES + 1).collect::<Vec<_>>());
    assert!(cuts > 10, "{cuts}");
}

#[tokio::test]
async fn who_loses_the_project_or_the_account_loses_the_stream() {
    let app = app(&[]).await;
    started(&app).await;
    let ann = Person::new(&app, "ann").await;
    let bob = Person::new(&app, "bob").await;
    let project = ann.project(&app, json!({ "name": "mine" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    numbered(&app).await;
    let of_project = format!("project_id={project}");
    let settled = ann.feed(&app, "").await["next"].as_i64();
    let mut follow = Follow::start(&app, &bob, &of_project, settled).await;
    describe(&app, &ann, &project, "still").await;
    assert_eq!(follow.kind().await.unwrap(), "chartroom.project.changed");
    ann.remove(&app, &project, &bob).await;
    assert!(follow.next().await.is_none());
    let again = Follow::answer(&app, &bob, &of_project, None).await;
    assert_eq!(again.status(), 404);

    // A new password ends what the old one began.
    let settled = ann.feed(&app, "").await["next"].as_i64();
    let mut follow = Follow::start(&app, &ann, "", settled).await;
    describe(&app, &ann, &project, "more").await;
    assert!(follow.next().await.is_some());
    let body = json!({ "current": PASSWORD, "new": "another good long one" });
    let changed = ann
        .send(&app, Method::POST, "/api/v1/me/password", body)
        .await;
    assert!(changed.status.is_success(), "{}", changed.text());
    let session = app.database.session().await;
    let touch = "INSERT INTO outbox (id, kind, project_id, subject, at, data) \
                 SELECT gen_random_uuid(), 'chartroom.project.changed', id, 's', now(), '{}' FROM projects";
    session.batch_execute(touch).await.unwrap();
    numbered(&app).await;
    assert!(follow.next().await.is_none());
}

#[tokio::test]
async fn a_stream_from_an_event_that_is_gone_says_so_and_goes_on() {
    let app = app(&[]).await;
    started(&app).await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "old" })).await;
    for nth in 0..3 {
        describe(&app, &ann, &project, &nth.to_string()).await;
    }
    numbered(&app).await;
    let session = app.database.session().await;
    session
        .batch_execute("DELETE FROM events WHERE seq <= 2")
        .await
        .unwrap();
    let mut follow = Follow::start(&app, &ann, "", Some(1)).await;
    let message = follow.next().await.unwrap();
    assert_eq!(message.event.as_deref(), Some("resync"));
    assert_eq!(message.data["reason"], "events-expired");
    assert_eq!(follow.next().await.unwrap().id, Some(3));
    assert_eq!(follow.next().await.unwrap().id, Some(4));
    // From the oldest, there is nothing to say.
    let mut follow = Follow::start(&app, &ann, "after=0", None).await;
    assert_eq!(follow.next().await.unwrap().id, Some(3));
    for bad in ["x", "-1", "+1", "1.5", "9223372036854775808"] {
        let answer = app
            .send_as(
                &ann.authorization,
                Method::GET,
                "/api/v1/events",
                &[("accept", "text/event-stream"), ("last-event-id", bad)],
                None,
            )
            .await;
        assert_eq!(outcome(&answer), (400, "invalid-parameter".to_owned()));
    }
}

#[tokio::test]
async fn streams_are_limited_counted_and_ended_by_a_stop() {
    let app = app(&["--max-event-streams=32"]).await;
    started(&app).await;
    let ann = Person::new(&app, "ann").await;
    let gauge = &app.app.metrics.event_streams_in_flight;
    let first = Follow::start(&app, &ann, "", None).await;
    let mut second = Follow::start(&app, &ann, "", None).await;
    assert_eq!(gauge.get(), 2);
    let third = Follow::answer(&app, &ann, "", None).await;
    assert_eq!(third.status(), 503);
    drop(first);
    assert_eq!(gauge.get(), 1);
    // Who stops following aborts nothing.
    let aborted = &app.app.metrics.http_server_streams_total;
    assert_eq!(aborted.with_label_values(&["aborted"]).get(), 0);
    // Pages need none of these permits.
    assert_eq!(ann.get(&app, "/api/v1/events").await.status, 200);
    app.app.shutdown.begin();
    app.app.shutdown.wait_for(Phase::Draining).await;
    assert!(second.next().await.is_none());
    drop(second);
    assert_eq!(gauge.get(), 0);
}
