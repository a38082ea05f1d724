//! Row A3: a PostgreSQL that is frozen, so that the kernel goes on acknowledging for it. No
//! server's timeout fires then.

use std::time::Duration;

use super::{SOON, Scene, assert_clean, done, is_long, refused};
use crate::process::embedded::Home;
use crate::support::client::Client;
use crate::support::freeze::Frozen;
use crate::support::load::{Load, Outcome};
use crate::support::service::PATIENCE;
use crate::support::wait::until;

/// Promised within five seconds; the rest is for a loaded machine.
const ANSWERED: Duration = Duration::from_secs(8);
const MORE_MEMORY_KIB: usize = 64 * 1024;

fn frozen_for() -> Duration {
    Duration::from_secs(if is_long() { 30 } else { 7 })
}

#[tokio::test]
async fn every_request_to_a_frozen_database_is_answered_and_the_next_ones_are_done() {
    let home = Home::new();
    let service = home.start(&[("CHARTROOM_LOG", "warn")]);
    service.wait_ready(PATIENCE).await;
    let client = Client::keep_alive(service.public);
    let scene = Scene::new(&client).await;
    let before = service.rss();
    let frozen = Frozen::new(home.postmaster().unwrap().pid).unwrap();
    let load = Load {
        per_second: if is_long() { 200 } else { 60 },
        count: (if is_long() { 200 } else { 60 }) * u32::try_from(frozen_for().as_secs()).unwrap(),
        timeout: ANSWERED,
    };
    let report = scene.load(&client, load).await;
    println!("{report}");
    assert_clean(&report);
    assert_eq!(refused(&report), report.records.len(), "{report}");
    drop(frozen);
    let again = async || {
        let load = Load {
            per_second: 50,
            count: 10,
            timeout: ANSWERED,
        };
        let report = scene.load(&client, load).await;
        (done(&report) == 10).then_some(())
    };
    until("all is done again", SOON, again).await.unwrap();
    service.wait_ready(Duration::from_secs(5)).await;
    let after = service.rss();
    assert!(
        after < before + MORE_MEMORY_KIB,
        "{before} KiB became {after} KiB"
    );
    // Whoever was told that the outcome is unknown asks again with the same key, and there is one.
    for number in (0..load.count / 2).step_by(4).take(20) {
        scene.insist(&client, &format!("number {number}")).await;
    }
    let list = "/api/v1/posts?q=%22number+0%22&limit=200";
    let list = scene.request(http::Method::GET, list, None, None);
    let found = client.send(list).await.unwrap().json();
    let titles = found["items"].as_array().unwrap().iter();
    assert_eq!(titles.filter(|it| it["title"] == "number 0").count(), 1);
}

#[tokio::test]
async fn without_deadlines_of_its_own_it_would_hang() {
    let home = Home::new();
    let service = home.start(&[
        ("CHARTROOM_REQUEST_DEADLINE", "5m"),
        ("CHARTROOM_DATABASE_DEADLINE", "5m"),
        // A job may have taken the only connection, and then these are what refuses.
        ("CHARTROOM_DATABASE_CONNECT_TIMEOUT", "1m"),
        ("CHARTROOM_DATABASE_WAIT", "1m"),
    ]);
    service.wait_ready(PATIENCE).await;
    let client = Client::keep_alive(service.public);
    let scene = Scene::new(&client).await;
    let frozen = Frozen::new(home.postmaster().unwrap().pid).unwrap();
    let load = Load {
        per_second: 50,
        count: 4,
        timeout: ANSWERED,
    };
    let report = scene.load(&client, load).await;
    let silent = Outcome::Failed(crate::support::client::Failure::Timeout);
    assert!(report.count(&silent) > 0, "{report}");
    drop(frozen);
}
