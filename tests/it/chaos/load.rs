//! Controls of the load client: it sees stalls, and tells failures apart.

use super::{SILENCE, SOON};
use crate::support::{
    chaos_proxy::{ChaosProxy, Mode, Target},
    client::{Client, Failure, get},
    load::{Load, Outcome, open_loop},
    pump::Shape,
    stand_in::serve,
};
use axum::{Router, routing};
use std::{io::ErrorKind, net::SocketAddr, time::Duration};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// Answers at once, except in a stall, when every answer waits for its end.
async fn stalling(from: Instant, to: Instant) -> (SocketAddr, AbortOnDropHandle<()>) {
    let router = Router::new().route(
        "/",
        routing::get(async move || {
            if (from..to).contains(&Instant::now()) {
                sleep_until(to).await;
            }
        }),
    );
    serve(router).await
}

#[tokio::test]
async fn open_loop_shows_a_stall_that_a_closed_loop_hides() {
    let load = Load {
        per_second: 100,
        count: 200,
        timeout: SOON,
    };
    let slow = Duration::from_millis(400);
    for client in [Client::keep_alive, Client::fresh] {
        let start = Instant::now();
        let (from, to) = (
            start + Duration::from_millis(500),
            start + Duration::from_millis(1500),
        );
        let (addr, _task) = stalling(from, to).await;
        let closed_loop = async {
            let (client, mut waited) = (client(addr), 0);
            while start.elapsed() < Duration::from_secs(2) {
                let sent = Instant::now();
                client.get("/").await.unwrap();
                waited += usize::from(sent.elapsed() >= slow);
                sleep_until(sent + Duration::from_millis(10)).await;
            }
            waited
        };
        let client = client(addr);
        let (report, hidden) = tokio::join!(open_loop(&client, load, |_| get("/")), closed_loop);
        println!("open loop: {report}; closed loop: {hidden} slow");
        assert_eq!(report.count(&Outcome::Status(200)), 200);
        // One each 10 ms in a stall of 1,000 ms: those of its first 600 ms wait for more than 400
        // ms.
        let waited = report
            .records
            .iter()
            .filter(|record| record.latency >= slow)
            .count();
        assert!(waited >= 50, "{waited} requests saw the stall: {report}");
        assert!(
            report.latency(1000) >= Duration::from_millis(900),
            "{report}"
        );
        assert!(hidden * 10 < waited, "the closed loop saw {hidden}");
        let quiet = report.between(Duration::ZERO, Duration::from_millis(400));
        assert!(quiet.latency(500) < slow, "{quiet}");
        assert!(report.write_json("open-loop-control").unwrap().is_file());
    }
}

#[tokio::test]
async fn load_names_each_failure() {
    let (addr, _task) = serve(Router::new().route("/", routing::get(async || "answer"))).await;
    let proxy = ChaosProxy::start(Target::Tcp(addr)).await;
    let answer = Client::fresh(addr).get("/").await.unwrap();
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.text(), "answer");
    let cut = Shape {
        cut_after: Some(20),
        ..Shape::default()
    };
    for (mode, outcome) in [
        (Mode::Forward, Outcome::Status(200)),
        (
            Mode::Refuse,
            Outcome::Failed(Failure::Connect(ErrorKind::ConnectionRefused)),
        ),
        (
            Mode::Reset,
            Outcome::Failed(Failure::Broken(ErrorKind::ConnectionReset)),
        ),
        (
            Mode::Shaped {
                up: Shape::default(),
                down: cut,
            },
            Outcome::Failed(Failure::Closed),
        ),
        (Mode::Blackhole, Outcome::Failed(Failure::Timeout)),
    ] {
        proxy.set(mode).await;
        let timeout = if matches!(mode, Mode::Blackhole) {
            SILENCE
        } else {
            SOON
        };
        let load = Load {
            per_second: 100,
            count: 10,
            timeout,
        };
        let report = open_loop(&Client::fresh(proxy.addr), load, |_| get("/")).await;
        assert_eq!(report.count(&outcome), 10, "{mode:?}: {report}");
    }
}
