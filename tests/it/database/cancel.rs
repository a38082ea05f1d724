//! Requests that go away: dropped futures, panics, abandoned statements. Nothing stays open and
//! nothing is lost afterwards.

use std::time::Duration;

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection as _;

use super::{Bench, insert, pid, sleep, write};

const LEFT_OPEN: &str = "state LIKE 'idle in transaction%'";

/// A small generator: the seed is printed, so a failure can be seen again.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let seed = std::env::var("CHARTROOM_TEST_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 | 1);
        println!("CHARTROOM_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_dropped_requests_leave_nothing_behind() {
    let bench = Bench::new().await;
    bench.fill().await;
    let mut random = Random::seeded();
    let (mut dropped, mut finished) = (0, 0);
    // Finds the time in which this machine, loaded as it is, gets about half of them done.
    let mut window = 10_000;
    for round in 0..500 {
        let entry = format!("dropped {round}");
        let within = Duration::from_micros(random.below(window));
        let kind = random.below(3);
        if round % 2 == 0 {
            // Not all of them while they still connect.
            bench.db.warm().await;
        }
        let work = async {
            match kind {
                0 => write(&bench.db, &entry).await,
                1 => bench.db.read(async |conn| sleep(conn, 0.001).await).await,
                _ => {
                    bench
                        .db
                        .write(async |conn| {
                            conn.transaction(async |conn| {
                                insert(conn, &entry).await?;
                                conn.transaction(async |conn| insert(conn, &entry).await)
                                    .await?;
                                Ok::<_, DieselError>(())
                            })
                            .await
                        })
                        .await
                }
            }
        };
        match tokio::time::timeout(within, work).await {
            Ok(answer) => {
                answer.unwrap();
                finished += 1;
                window = (window * 10 / 11).max(500);
            }
            Err(_elapsed) => {
                dropped += 1;
                window += window / 10;
            }
        }
    }
    println!("{dropped} dropped, {finished} finished");
    assert!(
        dropped >= 100 && finished >= 20,
        "{dropped} dropped, {finished} finished"
    );

    bench.wait_for_sessions(LEFT_OPEN, |n| n == 0).await;
    for n in 0..100 {
        write(&bench.db, &format!("later {n}")).await.unwrap();
    }
    assert_eq!(bench.entries("later%").await, 100);
    bench.fill().await;
    bench.wait_for_sessions("true", |n| n == 4).await;
    bench.proxy.assert_no_cancel_request();

    // Control: one that is left open is seen.
    let forgetful = bench.database.session().await;
    let begin =
        "SET application_name = 'chartroom/control'; BEGIN; INSERT INTO ledger VALUES ('control')";
    forgetful.batch_execute(begin).await.unwrap();
    bench.wait_for_sessions(LEFT_OPEN, |n| n == 1).await;
}

#[tokio::test]
async fn the_statement_of_a_dropped_request_does_not_run_on() {
    let bench = Bench::new().await;
    let asleep = "wait_event = 'PgSleep'";
    {
        let long = bench.db.write(async |conn| sleep(conn, 50.0).await);
        let begun = bench.wait_for_sessions(asleep, |n| n == 1);
        tokio::select! {
            answer = long => panic!("{answer:?}"),
            () = begun => {}
        }
    }
    bench.wait_for_sessions(asleep, |n| n == 0).await;
    assert_eq!(bench.idle(), 0);
}

#[tokio::test]
async fn a_panic_costs_its_connection_and_nothing_else() {
    let bench = Bench::new().await;
    let before = bench.db.read(pid).await.unwrap();
    let db = bench.db.clone();
    let ended = tokio::spawn(async move {
        let panics = async |conn: &mut diesel_async::AsyncPgConnection| {
            conn.transaction(async |conn| {
                insert(conn, "panic").await?;
                if pid(conn).await? > 0 {
                    panic!("as a handler may");
                }
                Ok::<_, DieselError>(())
            })
            .await
        };
        db.write(panics).await
    })
    .await;
    assert!(ended.unwrap_err().is_panic());
    assert_eq!(bench.idle(), 0);
    assert_ne!(before, bench.db.read(pid).await.unwrap());
    assert_eq!(bench.entries("panic").await, 0);
    bench.wait_for_sessions(LEFT_OPEN, |n| n == 0).await;
}
