//! Row A8: PostgreSQL ends sessions all the time, or takes no more of them.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use super::{Bench, SOON, assert_clean, is_long};
use crate::support::client::{Answer, Failure};
use crate::support::load::{Load, Outcome, open_loop_seen};
use crate::support::wait::until;

/// Posts take their time, so that an end meets some of them on their way.
const DAWDLE: &str = "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$;
    CREATE TRIGGER posts_dawdle AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION dawdle()";

#[tokio::test]
async fn sessions_that_end_all_the_time_cost_no_read_and_make_nothing_twice() {
    let (seconds, every) = if is_long() { (120, 5_000) } else { (13, 4_000) };
    // A loaded machine takes its time for new sessions, and for all of them at once.
    let patient = [
        "--database-wait=5s",
        "--database-deadline=10s",
        "--request-deadline=20s",
    ];
    let bench = Bench::new(&patient).await;
    bench.session.batch_execute(DAWDLE).await.unwrap();
    let (over, ended) = (AtomicBool::new(false), AtomicI64::new(0));
    let killer = async {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name LIKE 'chartroom/%'";
        while !over.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(every)).await;
            ended.fetch_add(bench.number(end).await, SeqCst);
        }
    };
    let load = |per_second| Load {
        per_second,
        count: per_second * seconds,
        timeout: SOON,
    };
    let judge = |_, answer: &Answer| super::clean(answer);
    // A read that is refused says why.
    let told = |_, answer: &Answer| match answer.status.as_u16() {
        503 => Outcome::Failed(Failure::Other(answer.json()["code"].to_string())),
        status => Outcome::Status(status),
    };
    let create = |number| bench.scene.create(&format!("new {number}"));
    let (reads, writes, ()) = tokio::join!(
        open_loop_seen(
            &bench.client,
            load(10),
            |number| bench.scene.read(number),
            told
        ),
        async {
            let writes = open_loop_seen(&bench.client, load(10), create, judge).await;
            over.store(true, SeqCst);
            writes
        },
        killer
    );
    let ended = ended.into_inner();
    println!("{ended} sessions ended\nreads: {reads}\nwrites: {writes}");
    assert!(ended >= 8, "{ended}");
    assert_clean(&writes);
    assert_eq!(
        reads.count(&Outcome::Status(200)),
        reads.records.len(),
        "{reads}"
    );
    // The control: what is not repeated by the service itself was hit.
    assert!(super::refused(&writes) > 0, "{writes}");
    for number in 0..load(10).count {
        bench
            .scene
            .insist(&bench.client, &format!("new {number}"))
            .await;
    }
    let made = usize::try_from(load(10).count).unwrap();
    bench.assert_each_once("new %", made).await;
}

#[tokio::test]
async fn a_server_with_no_room_for_a_session_is_a_503_until_it_has() {
    let bench = Bench::new(&[]).await;
    let room = async |limit: i32| {
        let name = &bench.app.database.name;
        let statement = format!("ALTER DATABASE {name} CONNECTION LIMIT {limit}");
        bench.session.batch_execute(&statement).await.unwrap();
    };
    room(0).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name LIKE 'chartroom/%'";
    assert!(bench.number(end).await > 0);
    let load = Load {
        per_second: 50,
        count: 50,
        timeout: SOON,
    };
    let full = bench.scene.load(&bench.client, load).await;
    assert_clean(&full);
    assert_eq!(super::refused(&full), 50, "{full}");
    room(-1).await;
    let back = async || {
        let report = bench.scene.load(&bench.client, load).await;
        (super::done(&report) == 50).then_some(())
    };
    until("all is done", SOON, back).await.unwrap();
}
