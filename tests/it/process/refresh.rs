//! Clients that refresh while the database crashes and comes back, again and again: each repeats
//! what was not answered with the token it has, and nobody is signed out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use super::{READY_AGAIN, embedded::Home};
use crate::support::{
    client::{Answer, Client, Failure, post},
    process::Process,
    service::PATIENCE,
    wait::until,
};

const CLIENTS: usize = 12;
const PASSWORD: &str = "correct horse battery";

fn rounds() -> usize {
    if crate::support::is_long() { 40 } else { 4 }
}

async fn token(client: &Client, fields: &[(&str, &str)]) -> Result<Answer, Failure> {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let request = Request::post("/auth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    client.send(request).await
}

fn refresh_token(answer: &Answer) -> String {
    let body: Value = answer.json();
    body["refresh_token"].as_str().unwrap().to_owned()
}

/// What all clients together have seen.
#[derive(Default)]
struct Seen {
    refreshed: AtomicUsize,
    /// Not answered, or answered with 503: to be repeated.
    failed: AtomicUsize,
}

/// Refreshes until it is stopped; ends with what signed it out, or with `None`.
async fn refresh(
    client: Client,
    mut current: String,
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
) -> Option<String> {
    while !stop.load(SeqCst) {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", current.as_str()),
        ];
        match token(&client, &fields).await {
            Ok(answer) if answer.status == 200 => {
                current = refresh_token(&answer);
                seen.refreshed.fetch_add(1, SeqCst);
            }
            Ok(answer) if answer.status != 503 => return Some(answer.text()),
            Ok(_) | Err(_) => {
                seen.failed.fetch_add(1, SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_of_the_database_sign_nobody_out() {
    let home = Home::new();
    // Time enough for a loaded machine to start a database; the grace has to be longer than the
    // outage.
    let service = home.start(&[
        ("CHARTROOM_REFRESH_GRACE", "60s"),
        ("CHARTROOM_LOG", "warn"),
    ]);
    service.wait_ready(PATIENCE).await;
    let client = Client::keep_alive(service.public);
    let account = json!({ "email": "ann@example.com", "password": PASSWORD });
    let made = client
        .send(post("/api/v1/users", account.to_string()))
        .await
        .unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let (seen, stop) = (Arc::<Seen>::default(), Arc::new(AtomicBool::new(false)));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let fields = [
            ("grant_type", "password"),
            ("username", "ann@example.com"),
            ("password", PASSWORD),
        ];
        let first = refresh_token(&token(&client, &fields).await.unwrap());
        let task = refresh(client.clone(), first, seen.clone(), stop.clone());
        clients.push(tokio::spawn(task));
    }
    for round in 0..rounds() {
        let (failed, refreshed) = (seen.failed.load(SeqCst), seen.refreshed.load(SeqCst));
        let busy = async || (seen.refreshed.load(SeqCst) >= refreshed + 5 * CLIENTS).then_some(());
        until("refreshing", PATIENCE, busy).await.unwrap();
        let postmaster: Process = home.postmaster().unwrap();
        // A crash, and a shutdown that nobody here asked for.
        let signal = if round % 2 == 0 { "KILL" } else { "QUIT" };
        postmaster.signal(signal).unwrap();
        let hit = async || (seen.failed.load(SeqCst) >= failed + CLIENTS / 2).then_some(());
        until("failures", PATIENCE, hit).await.unwrap();
        let other = async || home.postmaster().filter(|now| *now != postmaster);
        until("another database", PATIENCE, other).await.unwrap();
        let refreshed = seen.refreshed.load(SeqCst);
        let again = async || (seen.refreshed.load(SeqCst) >= refreshed + 5 * CLIENTS).then_some(());
        until("refreshing again", PATIENCE, again).await.unwrap();
        service.wait_ready(READY_AGAIN).await;
    }
    stop.store(true, SeqCst);
    for signed_out in join_all(clients).await {
        assert_eq!(signed_out.unwrap(), None);
    }
    println!(
        "{} refreshes, {} of them not answered, {} crashes",
        seen.refreshed.load(SeqCst),
        seen.failed.load(SeqCst),
        rounds()
    );
}
