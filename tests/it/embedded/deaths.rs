//! Every kind of sudden death: of the server, of its owner, of both, and in the middle of the first
//! use.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use chartroom_embedded::Stop;

use super::{
    Owner, TempDir, children_of, connect, eventually, is_running, kill, postmaster, read_row,
    start, write_row,
};

#[tokio::test]
async fn a_killed_postmaster_is_started_again_with_its_data() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    // A backend too busy to notice that its postmaster is gone; it would keep the next one out.
    let busy = connect(embedded.address()).await;
    let busy = tokio::spawn(async move {
        busy.batch_execute("DO $$ BEGIN LOOP NULL; END LOOP; END $$")
            .await
    });
    let client = connect(embedded.address()).await;
    eventually("busy backend", async || {
        let active =
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()";
        client.query_opt(active, &[]).await.unwrap()
    })
    .await;
    for _ in 0..2 {
        let pid = eventually("postmaster", async || postmaster(&dir)).await;
        kill("KILL", &[pid]);
        eventually("new postmaster", async || {
            postmaster(&dir).filter(|new| *new != pid)
        })
        .await;
        assert_eq!(read_row(embedded.address()).await, 42);
    }
    assert!(busy.await.unwrap().is_err(), "it was cut off");
    embedded.stop(Stop::Fast).await;
    assert!(!dir.pid_file().exists());
}

#[tokio::test]
async fn an_immediate_stop_is_quick_even_during_a_fast_one_and_loses_nothing() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    let pid = postmaster(&dir).unwrap();
    // A frozen server cannot stop cleanly.
    kill("STOP", &[pid]);
    let began = Instant::now();
    tokio::join!(embedded.stop(Stop::Fast), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        embedded.stop(Stop::Immediate).await;
    });
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(!is_running(pid));

    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    let began = Instant::now();
    embedded.stop(Stop::Immediate).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_killed_owner_leaves_no_server_behind() {
    let dir = TempDir::new();
    let owner = Owner::spawn(&dir);
    let pid = postmaster(&dir).unwrap();
    kill("KILL", &[owner.pid()]);
    eventually("end of the server", async || {
        (!is_running(pid)).then_some(())
    })
    .await;
    assert!(!dir.pid_file().exists(), "the watchdog stops it cleanly");
    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_start_right_after_the_owner_was_killed_takes_over() {
    let dir = TempDir::new();
    let owner = Owner::spawn(&dir);
    // Without the watchdog the old server is certainly still there.
    let server = postmaster(&dir).unwrap();
    let mut victims: Vec<u32> = children_of(owner.pid())
        .into_iter()
        .filter(|pid| *pid != server)
        .collect();
    assert!(!victims.is_empty(), "there is a watchdog");
    victims.push(owner.pid());
    kill("KILL", &victims);
    let embedded = start(&dir).await;
    assert_ne!(postmaster(&dir), Some(server));
    assert!(!is_running(server));
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn everything_killed_at_once_recovers() {
    let dir = TempDir::new();
    let owner = Owner::spawn(&dir);
    let mut victims = children_of(owner.pid());
    victims.push(owner.pid());
    assert!(
        victims.len() >= 3,
        "owner, server and watchdog: {victims:?}"
    );
    kill("KILL", &victims);
    drop(owner);
    let embedded = start(&dir).await;
    assert_eq!(read_row(embedded.address()).await, 42);
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn an_interrupted_first_use_is_done_again() {
    let dir = TempDir::new();
    fs::create_dir_all(dir.data().join("pgdata.new-1/base/1")).unwrap();
    fs::write(dir.data().join("pgdata.new-1/PG_VERSION"), "15\n").unwrap();
    fs::write(dir.data().join("pgdata.new-1.pw"), "cut sho").unwrap();
    fs::write(dir.data().join("password"), "").unwrap();
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    embedded.stop(Stop::Fast).await;
    let names = fs::read_dir(dir.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with("pgdata.new"))
        .collect();
    assert!(
        left.is_empty(),
        "neither files nor passwords are left lying about: {left:?}"
    );
}

#[tokio::test]
async fn a_kill_in_the_middle_of_initdb_is_no_obstacle_to_a_start_at_once() {
    let dir = TempDir::new();
    let owner = Owner::launch(&dir);
    eventually("half-made database", async || {
        let mut entries = fs::read_dir(dir.data()).ok()?.map_while(Result::ok);
        entries.find(|entry| entry.path().join("base/1").exists())
    })
    .await;
    kill("KILL", &[owner.pid()]);
    drop(owner);
    let embedded = start(&dir).await;
    write_row(embedded.address()).await;
    embedded.stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start_nor_the_stranger() {
    let dir = TempDir::new();
    let embedded = start(&dir).await;
    embedded.stop(Stop::Fast).await;
    let owner = fs::metadata(dir.data().join("pgdata")).unwrap();
    let mut stranger = Command::new("sleep")
        .arg("120")
        .uid(owner.uid())
        .gid(owner.gid())
        .spawn()
        .unwrap();
    let stale = format!(
        "{}\n{}\n1\n5432\n/nowhere\n\n 5432001 999999\nready   \n",
        stranger.id(),
        dir.data().display()
    );
    fs::write(dir.pid_file(), stale).unwrap();

    let embedded = start(&dir).await;
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger lives");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    embedded.stop(Stop::Fast).await;
}
