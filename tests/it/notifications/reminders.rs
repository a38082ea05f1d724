//! A project reminds its owners and editors of its end: once each time, whatever dies meanwhile.

use std::time::Duration;

use chartroom::jobs::runner::{Runner, Timing};
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::task::JoinHandle;

use super::*;
use crate::support::app::config;
use crate::support::wait::until;

const SOON: Duration = Duration::from_secs(30);

/// One that does jobs, until it is stopped.
struct Worker {
    shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Worker {
    fn start(app: &TestApp) -> Self {
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: Duration::from_secs(10),
        });
        let runner = Runner::new(
            app.app.db.clone(),
            features::kinds(&config(&[]), &app.app.metrics).into(),
            app.app.metrics.clone(),
            app.app.job_wake.clone(),
            Timing {
                lease: Duration::from_secs(2),
                poll: Duration::from_millis(100),
                at_once: 8,
            },
        );
        let stopping = shutdown.clone();
        let running = tokio::spawn(async move { runner.run(&stopping).await });
        Self { shutdown, running }
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.running.await.unwrap();
    }
}

fn at(time: DateTime<Utc>) -> Value {
    json!(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

async fn due(app: &TestApp, project: &str) -> Option<DateTime<Utc>> {
    let session = app.database.session().await;
    let query = "SELECT due_at FROM jobs WHERE kind = 'project.remind.1' AND unique_key = $1";
    let row = session.query_opt(query, &[&project]).await.unwrap();
    row.map(|row| row.get(0))
}

/// Waits until they have been told as much, and a while longer.
async fn told(app: &TestApp, who: &Person, want: &[&str]) -> Vec<Value> {
    let enough = async || {
        let told = who.told(app, "").await;
        (told.len() >= want.len()).then_some(())
    };
    until("what is told", SOON, enough).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let told = who.told(app, "").await;
    assert_eq!(types(&told), want);
    told
}

#[tokio::test]
async fn owners_and_editors_are_reminded_and_told_of_the_end_and_of_more_time() {
    let app = app().await;
    let [ann, bob, eve] = [
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "eve").await,
    ];
    let end = Utc::now() + TimeDelta::seconds(5);
    let new =
        json!({ "name": "short", "expires_at": at(end), "reminders": ["PT1H", "P7D", "PT3S"] });
    let project = ann.project(&app, new).await;
    assert_eq!(project["reminders"], json!(["P7D", "PT1H", "PT3S"]));
    let id = project["id"].as_str().unwrap();
    ann.share(&app, id, &bob.id, "editor").await;
    ann.share(&app, id, &eve.id, "viewer").await;
    let worker = Worker::start(&app);
    // Of those that are past when the project is made, the last is told at once.
    let want = [
        "chartroom.project.expired",
        "chartroom.project.expiring",
        "chartroom.project.expiring",
    ];
    let all = told(&app, &ann, &want).await;
    assert_eq!(all[2]["data"]["before"], "PT1H");
    assert_eq!(all[1]["data"]["before"], "PT3S");
    assert_eq!(all[0]["data"]["name"], "short");
    assert_eq!(all[0]["actor"], Value::Null);
    let when = |it: &Value| -> DateTime<Utc> { it["at"].as_str().unwrap().parse().unwrap() };
    assert!(when(&all[0]) >= end && when(&all[1]) < end);
    assert_eq!(bob.told(&app, "").await.len(), 4);
    assert_eq!(types(&eve.told(&app, "").await), ["chartroom.member.added"]);
    assert_eq!(due(&app, id).await, None);

    // More time is told to the others, and begins anew.
    let later = Utc::now() + TimeDelta::days(60);
    ann.change(&app, id, json!({ "expires_at": at(later) }))
        .await;
    assert_eq!(
        types(&bob.told(&app, "").await)[0],
        "chartroom.project.extended"
    );
    assert_eq!(ann.told(&app, "").await.len(), 3);
    let next = due(&app, id).await.unwrap();
    assert_eq!((later - next).num_days(), 7);
    worker.stop().await;
}

#[tokio::test]
async fn the_job_follows_the_end_in_the_transaction_that_moves_it() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "moves" })).await;
    let id = project["id"].as_str().unwrap();
    assert_eq!(project["reminders"], json!(["P30D", "P7D", "P1D"]));
    assert_eq!(due(&app, id).await, None);
    let end = Utc::now() + TimeDelta::days(100);
    ann.change(&app, id, json!({ "expires_at": at(end) })).await;
    let days = |due: Option<DateTime<Utc>>| due.map(|due| (end - due).num_days());
    assert_eq!(days(due(&app, id).await), Some(30));
    ann.change(&app, id, json!({ "reminders": ["P40D"] })).await;
    assert_eq!(days(due(&app, id).await), Some(40));
    ann.change(&app, id, json!({ "reminders": [] })).await;
    assert_eq!(days(due(&app, id).await), Some(0));
    ann.change(&app, id, json!({ "expires_at": null })).await;
    assert_eq!(due(&app, id).await, None);

    // What cannot be a reminder is refused by its place.
    for (wrong, pointer) in [
        (json!(["P1D", "P1M"]), "/reminders/1"),
        (json!(["7 days"]), "/reminders/0"),
        (json!([1]), "/reminders/0"),
        (json!("P1D"), "/reminders"),
        (json!(vec!["P1D"; 11]), "/reminders"),
    ] {
        let target = format!("/api/v1/projects/{id}");
        let body = json!({ "reminders": wrong });
        let answer = ann.send(&app, Method::PATCH, &target, body).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            pointer,
            "{}",
            answer.text()
        );
    }
}

/// A release that does not know of the job moves the end alone.
#[tokio::test]
async fn a_job_that_finds_another_end_follows_it() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let soon = Utc::now() + TimeDelta::seconds(1);
    let new = json!({ "name": "stale", "expires_at": at(soon), "reminders": [] });
    let project = ann.project(&app, new).await;
    let id = project["id"].as_str().unwrap();
    let session = app.database.session().await;
    let later = "UPDATE projects SET expires_at = now() + interval '20 days'";
    session.batch_execute(later).await.unwrap();
    let worker = Worker::start(&app);
    let followed = async || {
        let due = due(&app, id).await?;
        (due > Utc::now() + TimeDelta::days(19)).then_some(())
    };
    until("the job", SOON, followed).await.unwrap();
    assert!(ann.told(&app, "").await.is_empty());
    // Gone with its project.
    ann.send(
        &app,
        Method::DELETE,
        &format!("/api/v1/projects/{id}"),
        Value::Null,
    )
    .await;
    let at_once = "UPDATE jobs SET due_at = now() WHERE kind = 'project.remind.1'";
    session.batch_execute(at_once).await.unwrap();
    let gone = async || due(&app, id).await.is_none().then_some(());
    until("the end of the job", SOON, gone).await.unwrap();
    worker.stop().await;
    let dead = "SELECT count(*) FROM dead_jobs";
    let dead: i64 = session.query_one(dead, &[]).await.unwrap().get(0);
    assert_eq!(dead, 0);
}

/// Two hundred at once, three workers, of which each is stopped and replaced meanwhile.
#[tokio::test]
async fn every_reminder_comes_once() {
    const PROJECTS: i64 = 200;
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let session = app.database.session().await;
    let projects = format!(
        "WITH made AS (INSERT INTO projects (id, name, expires_at) \
             SELECT gen_random_uuid(), 'p' || nth, now() + interval '3 hours' \
             FROM generate_series(1, {PROJECTS}) AS nth RETURNING id, expires_at), \
         owned AS (INSERT INTO project_members (project_id, principal_id, role) \
             SELECT id, '{}', 'owner' FROM made) \
         INSERT INTO jobs (kind, lane, max_failures, args, unique_key, owner) \
         SELECT 'project.remind.1', 1, 10, \
             jsonb_build_object('project', id, 'expires_at', expires_at, 'told', NULL), id, id FROM made",
        ann.id
    );
    session.batch_execute(&projects).await.unwrap();
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&app)).collect();
    for nth in 0..6 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let old = std::mem::replace(&mut workers[nth % 3], Worker::start(&app));
        // Killed, not asked to end: what it had comes again when its lease has run out.
        old.running.abort();
    }
    let all = async || {
        numbered(&app).await;
        let count = "SELECT count(*) FROM notifications";
        let count: i64 = session.query_one(count, &[]).await.unwrap().get(0);
        (count >= PROJECTS).then_some(count)
    };
    assert_eq!(until("all reminders", SOON, all).await.unwrap(), PROJECTS);
    tokio::time::sleep(Duration::from_secs(3)).await;
    numbered(&app).await;
    let each = "SELECT count(*), count(DISTINCT project_id) FROM notifications \
                WHERE kind = 'chartroom.project.expiring' AND data->>'before' = 'P1D'";
    let row = session.query_one(each, &[]).await.unwrap();
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (PROJECTS, PROJECTS)
    );
    for worker in workers {
        worker.stop().await;
    }
}
