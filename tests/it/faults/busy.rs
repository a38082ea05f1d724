//! Row A5: all connections are taken by statements that wait for a lock, and more is asked than can
//! be answered.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, Request};
use http_body_util::Full;

use super::{Bench, SOON, assert_clean, clean, done, refused};
use crate::support::app::TestApp;
use crate::support::chaos_proxy::Mode;
use crate::support::client::{Client, HttpRequest, get};
use crate::support::database::{TestDatabase, behind_proxy};
use crate::support::load::{Load, Outcome, open_loop};
use crate::support::wait::until;

const LOAD: Load = Load {
    per_second: 50,
    count: 150,
    timeout: Duration::from_secs(10),
};

/// What needs no database, and how it is answered.
fn free(number: u32) -> (HttpRequest, u16) {
    let request = |method, target: &str| Request::builder().method(method).uri(target);
    match number % 4 {
        0 => (get("/api/v1/version"), 200),
        1 => (get("/api/v1/nothing"), 404),
        2 => (
            request(Method::OPTIONS, "/api/v1/posts")
                .body(Full::default())
                .unwrap(),
            405,
        ),
        _ => {
            let header = "Bearer garbage";
            let request = request(Method::GET, "/api/v1/posts").header("authorization", header);
            (request.body(Full::default()).unwrap(), 401)
        }
    }
}

#[tokio::test]
async fn a_lock_on_the_posts_costs_nobody_else_and_leaves_nothing_behind() {
    let bench = Bench::new(&["--database-connections=4"]).await;
    let lock = bench.locked().await;
    let (other, free_load) = (
        Client::keep_alive(bench.served.addr),
        Load {
            per_second: 40,
            count: 120,
            ..LOAD
        },
    );
    let read_post = |_| bench.scene.read(0);
    let (posts, others) = tokio::join!(
        crate::support::load::open_loop_seen(&bench.client, LOAD, read_post, |_, answer| {
            super::clean(answer)
        }),
        open_loop(&other, free_load, |number| free(number).0)
    );
    println!("posts: {posts}\nothers: {others}");
    assert_clean(&posts);
    assert_eq!(refused(&posts), 150, "{posts}");
    // Those who hold a connection are told at the deadline of the database; the others after the
    // wait for one, which is 500 ms.
    assert!(posts.latency(500) < Duration::from_millis(2_500), "{posts}");
    for (status, count) in [(200, 30), (404, 30), (405, 30), (401, 30)] {
        assert_eq!(others.count(&Outcome::Status(status)), count, "{others}");
    }
    assert!(others.latency(500) < Duration::from_millis(500), "{others}");
    lock.batch_execute("COMMIT").await.unwrap();
    let back = async || {
        let answer = bench.client.send(bench.scene.read(0)).await.ok()?;
        (answer.status == 200).then_some(())
    };
    until("a post", SOON, back).await.unwrap();
    // The control: it was the lock.
    let without = open_loop(&bench.client, LOAD, read_post).await;
    assert!(without.count(&Outcome::Status(200)) > 100, "{without}");
    let waiting = async || (bench.sessions("wait_event_type = 'Lock'").await == 0).then_some(());
    until("nobody waits", SOON, waiting).await.unwrap();
}

/// Who waits for a connection leaves places for who needs none; without a bound, the control, they
/// would take all there are.
#[tokio::test]
async fn the_queue_for_connections_is_bounded() {
    for (queue, waiting) in [(32, 32), (1_000, 96)] {
        let flags = [
            "--database-connections=4",
            "--database-wait=20s",
            "--database-deadline=20s",
            "--request-deadline=30s",
            "--max-in-flight=100",
            &format!("--database-queue={queue}"),
        ];
        let bench = Bench::new(&flags).await;
        let lock = bench.locked().await;
        let (places, answered) = (waiting + 4, Cell::new(0));
        let lists = join_all((0..200).map(async |_| {
            let answer = bench.client.send(bench.scene.read(1)).await.unwrap();
            answered.set(answered.get() + 1);
            clean(&answer)
        }));
        let others = async {
            let status = || bench.app.app.db.pool_status().next().unwrap().1;
            let is_full = || status().waiting == waiting && answered.get() == 200 - places;
            let full = async || is_full().then_some(());
            until("the queue is full", SOON, full).await.unwrap();
            let other = Client::keep_alive(bench.served.addr);
            let mut refused = 0;
            for number in 0..40 {
                let (request, expected) = free(number);
                match other.send(request).await.unwrap().status.as_u16() {
                    503 => refused += 1,
                    status => assert_eq!(status, expected),
                }
                assert!(status().waiting <= waiting, "{:?}", status());
            }
            assert_eq!(refused == 0, queue == 32, "{refused} of 40 with {queue}");
            lock.batch_execute("COMMIT").await.unwrap();
        };
        let (lists, ()) = tokio::join!(lists, others);
        let done = lists.iter().filter(|it| **it == Outcome::Status(200));
        assert_eq!(done.count(), places, "{queue}: {lists:?}");
    }
}

/// Each statement takes 200 ms on its way, so four connections answer at most 20 lists a second.
#[tokio::test]
async fn at_three_times_what_it_can_do_it_does_nearly_as_much() {
    let database = TestDatabase::migrated().await;
    let (proxy, endpoint) = behind_proxy(&database).await;
    let flags = ["--database-connections=4"];
    let app = TestApp::on(database.into(), endpoint, &flags, Default::default());
    let bench = Bench::of(app).await;
    proxy.set(Mode::late(Duration::from_millis(100))).await;
    let at = |per_second| Load {
        per_second,
        count: per_second * 4,
        timeout: Duration::from_secs(10),
    };
    let list = |_| bench.scene.read(1);
    // Once, for what is prepared.
    open_loop(&bench.client, at(10), list).await;
    let peak = open_loop(&bench.client, at(15), list).await;
    let thrice = open_loop(&bench.client, at(60), list).await;
    println!("peak: {peak}\nthrice: {thrice}");
    let good = |status| thrice.count(&Outcome::Status(status));
    assert_eq!(good(200) + good(503), thrice.records.len(), "{thrice}");
    assert!(refused(&thrice) > 0, "it was not too much: {thrice}");
    assert!(
        done(&thrice) * 10 >= peak.count(&Outcome::Status(200)) * 8,
        "{thrice} after {peak}"
    );
}
