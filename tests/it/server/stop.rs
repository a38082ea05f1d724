//! Stopping: nobody who behaves loses a request, nobody who does not holds it up.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use chartroom::kernel::shutdown::{Phase, Shutdown};
use chartroom::server::ConnectionLimits;
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::raw::{GOOD, PATIENCE, answer, connect, good, patient, quick, read_to_end, start_with};
use crate::support::process::Process;

const SLACK: Duration = Duration::from_millis(900);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_loses_no_request() {
    let shutdown = quick(800, 8_000);
    let server = start_with(patient(), shutdown.clone()).await;
    let ops = start_with(ConnectionLimits::ops(), shutdown.clone()).await;
    let addr = server.addr;
    let answered = Arc::new(AtomicUsize::new(0));
    let told = Arc::new(AtomicUsize::new(0));

    // Behind a load balancer that takes the address away well before the delay is over.
    let moved_on = Instant::now() + Duration::from_millis(900);
    let clients = (0..40).map(|n| {
        let (answered, told) = (Arc::clone(&answered), Arc::clone(&told));
        tokio::spawn(async move {
            let mut kept: Option<TcpStream> = None;
            while Instant::now() < moved_on {
                let mut stream = match kept.take() {
                    Some(stream) => stream,
                    None => connect(addr).await,
                };
                stream.write_all(GOOD).await.unwrap();
                let text = answer(&mut stream).await.expect("an answer");
                assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
                answered.fetch_add(1, Relaxed);
                if text.contains("connection: close") {
                    told.fetch_add(1, Relaxed);
                } else if n % 2 == 0 {
                    kept = Some(stream);
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut idle = connect(addr).await;
    idle.write_all(GOOD).await.unwrap();
    assert!(answer(&mut idle).await.is_some());
    sleep(Duration::from_millis(400)).await;
    assert_eq!(told.load(Relaxed), 0);
    let mut in_flight = connect(addr).await;

    let began = Instant::now();
    shutdown.begin();
    assert!(shutdown.draining() && shutdown.phase() == Phase::Draining);
    for client in join_all(clients).await {
        client.unwrap();
    }
    assert!(answered.load(Relaxed) > 100 && told.load(Relaxed) > 40);

    // Started at the last moment, finished after the listener is closed.
    sleep(Duration::from_millis(720).saturating_sub(began.elapsed())).await;
    let head = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
    in_flight.write_all(head).await.unwrap();
    shutdown.wait_for(Phase::Closing).await;
    assert!(good(ops.addr).await.starts_with("HTTP/1.1 200 "));
    assert!(
        read_to_end(&mut idle).await.1,
        "idle connections are closed"
    );
    let text = answer(&mut in_flight).await.unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200 ") && text.contains("connection: close"),
        "{text}"
    );
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
    timeout(PATIENCE, ops.task).await.unwrap().unwrap();
    assert_eq!(shutdown.phase(), Phase::Stopped);
    assert!(began.elapsed() < Duration::from_millis(800 + 400) + SLACK * 2);
}

/// Requests that can never be finished: a body that stalls and a client that does not read.
async fn hopeless(shutdown: &Shutdown) -> (super::raw::Server, Vec<TcpStream>) {
    let server = start_with(patient(), shutdown.clone()).await;
    let stalled = b"POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".as_slice();
    let unread = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
    let mut streams = Vec::new();
    for head in [stalled, stalled, stalled, unread] {
        let mut stream = connect(server.addr).await;
        stream.write_all(head).await.unwrap();
        streams.push(stream);
    }
    sleep(Duration::from_millis(100)).await;
    (server, streams)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_holds_whatever_is_stalled() {
    let shutdown = quick(100, 700);
    let (server, streams) = hopeless(&shutdown).await;
    let began = Instant::now();
    shutdown.begin();
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(650) && took <= Duration::from_millis(700) + SLACK,
        "{took:?}"
    );
    drop(streams);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let shutdown = quick(60_000, 120_000);
    let (server, streams) = hopeless(&shutdown).await;
    let ops = start_with(ConnectionLimits::ops(), shutdown.clone()).await;
    shutdown.begin();
    let began = Instant::now();
    shutdown.begin();
    assert_eq!(shutdown.phase(), Phase::Forced);
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    timeout(PATIENCE, ops.task).await.unwrap().unwrap();
    assert!(began.elapsed() <= SLACK, "{:?}", began.elapsed());
    drop(streams);
}

#[tokio::test]
async fn a_connection_with_half_a_head_is_still_served() {
    let shutdown = quick(50, 5_000);
    let server = start_with(patient(), shutdown.clone()).await;
    let mut stream = connect(server.addr).await;
    let (first, rest) = GOOD.split_at(10);
    stream.write_all(first).await.unwrap();
    shutdown.begin();
    shutdown.wait_for(Phase::Closing).await;
    sleep(Duration::from_millis(100)).await;
    stream.write_all(rest).await.unwrap();
    let text = read_to_end(&mut stream).await.0;
    assert!(
        text.starts_with("HTTP/1.1 200 ") && text.contains("connection: close"),
        "{text}"
    );
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn background_tasks() {
    let shutdown = quick(0, 5_000);
    let closing = shutdown.wait_for(Phase::Closing);
    let (done, finished) = tokio::sync::oneshot::channel();
    shutdown.spawn("orderly", async move {
        closing.await;
        let _ = done.send(());
        Ok(())
    });
    shutdown.begin();
    finished.await.unwrap();
    timeout(PATIENCE, shutdown.wait_for(Phase::Stopped))
        .await
        .unwrap();
    assert!(shutdown.outcome().is_ok());

    type End = fn() -> anyhow::Result<()>;
    let ends: [(&str, End); 3] = [
        ("panic: boom", || panic!("boom")),
        ("no luck", || anyhow::bail!("no luck")),
        ("it returned while the process was running", || Ok(())),
    ];
    for (reason, end) in ends {
        let shutdown = quick(0, 5_000);
        shutdown.spawn("crasher", async move { end() });
        timeout(PATIENCE, shutdown.wait_for(Phase::Stopped))
            .await
            .unwrap();
        let crashed = shutdown.outcome().unwrap_err();
        assert_eq!((crashed.task, crashed.reason.as_str()), ("crasher", reason));
    }
}

/// A process whose only worker hangs, so that nothing but the signal threads can end it.
#[test]
fn hanging_child() {
    if env::var_os("CHARTROOM_TEST_CHILD").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        quick(60_000, 120_000).install_signals().unwrap();
        println!("ready");
        std::thread::sleep(Duration::from_secs(30));
    });
}

#[test]
fn signals_end_a_process_that_hangs() {
    let mut child = Command::new(env::current_exe().unwrap())
        .env("CHARTROOM_TEST_CHILD", "1")
        .args(["--nocapture", "--exact"])
        .arg("server::stop::hanging_child")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    send(&child, "TERM");
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(
        child.try_wait().unwrap().is_none(),
        "one signal only drains"
    );
    let began = Instant::now();
    send(&child, "INT");
    let status = child.wait().unwrap();
    assert!(
        began.elapsed() <= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(status.code(), Some(1));
}

fn send(child: &Child, signal: &str) {
    let process = Process::find(child.id()).unwrap();
    process.signal(signal).unwrap();
}
