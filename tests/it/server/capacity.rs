//! Many connections: the cap, and what a client that does not read costs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use std::{env, fs};

use chartroom::server::ConnectionLimits;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::raw::{
    FRAME, FRAMES, answer, connect, good, patient, read_to_end, read_until_quiet, start, statuses,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn surplus_connections_are_refused_at_once() {
    let server = start(ConnectionLimits {
        max_connections: 100,
        ..patient()
    })
    .await;
    let ops = start(ConnectionLimits::ops()).await;
    let idle = join_all((0..100).map(|_| connect(server.addr))).await;
    while server.counters.open.load(Relaxed) < 100 {
        sleep(Duration::from_millis(5)).await;
    }
    let surplus = join_all((0..400).map(|n| async move {
        let mut stream = connect(server.addr).await;
        let began = Instant::now();
        if n % 2 == 0 {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        }
        let (text, closed) = read_to_end(&mut stream).await;
        (statuses(&text), text, closed, began.elapsed())
    }));
    let probe = async {
        let began = Instant::now();
        assert!(good(ops.addr).await.starts_with("HTTP/1.1 200 "));
        began.elapsed()
    };
    let (surplus, probe) = tokio::join!(surplus, probe);
    assert!(
        probe < Duration::from_millis(500),
        "the ops listener took {probe:?}"
    );
    for (statuses, text, closed, took) in &surplus {
        assert!(*closed && *took <= Duration::from_secs(1), "{took:?}");
        assert!(statuses.is_empty() || *statuses == [503], "{text}");
    }
    let told = surplus.iter().filter(|(statuses, ..)| *statuses == [503]);
    assert!(told.count() >= 256);
    let (_, text, ..) = surplus.iter().find(|(it, ..)| *it == [503]).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{text}"
    );
    serde_json::from_str::<serde_json::Value>(body).unwrap();
    assert_eq!(server.counters.refused_over_cap.load(Relaxed), 400);

    drop(idle);
    while server.counters.open.load(Relaxed) > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(good(server.addr).await.starts_with("HTTP/1.1 200 "));
}

/// 300 clients ask for 64 MiB each and read none of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_cost_little_memory() {
    const READERS: usize = 300;
    let server = start(patient()).await;
    let readers = join_all((0..READERS).map(|_| async {
        let mut stream = connect(server.addr).await;
        let head = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(head).await.unwrap();
        stream
    }))
    .await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.counters.open.load(Relaxed), READERS);
    // What hyper holds beyond the one frame on its way; the process as a whole has other tests in
    // it.
    let held = server.frames.load(Relaxed) * FRAME / READERS;
    println!("{held} bytes held for each reader, {} resident", resident());
    assert!(
        held > 0 && held <= 2 * FRAME,
        "{held} bytes for each reader"
    );
    assert!(good(server.addr).await.starts_with("HTTP/1.1 200 "));
    drop(readers);
    while server.frames.load(Relaxed) > 0 {
        sleep(Duration::from_millis(5)).await;
    }
}

/// The bound on what is held must not starve a client that does read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_big_response_arrives_whole() {
    let server = start(patient()).await;
    let mut stream = connect(server.addr).await;
    let head = b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            read => count += buffer[..read].iter().filter(|byte| **byte == b'x').count(),
        }
    }
    assert_eq!(count, FRAMES * FRAME);
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[tokio::test]
async fn small_child() {
    if env::var_os("CHARTROOM_TEST_CHILD").is_none() {
        return;
    }
    let server = start(patient()).await;
    println!("listening {}", server.addr);
    sleep(Duration::from_secs(30)).await;
}

/// A process of its own, because the limit holds for a whole process.
#[tokio::test]
async fn running_out_of_descriptors_does_not_end_the_loop() {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .env("CHARTROOM_TEST_CHILD", "1")
        .args(["--nocapture", "--exact"])
        .arg("server::capacity::small_child")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = lines
        .find_map(|line| Some(line.unwrap().split_once("listening ")?.1.to_owned()))
        .unwrap();
    let addr = addr.parse().unwrap();
    let flood = join_all((0..80).map(|_| connect(addr))).await;
    sleep(Duration::from_millis(300)).await;
    let mut waiting = connect(addr).await;
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    waiting.write_all(head).await.unwrap();
    let starved = read_until_quiet(&mut waiting, Duration::from_millis(300)).await;
    assert_eq!(starved, (String::new(), false), "the limit was not reached");
    drop(flood);
    let text = answer(&mut waiting).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text.unwrap().starts_with("HTTP/1.1 200 "));
}
