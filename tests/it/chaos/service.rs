//! Controls of haproxy as a Service: it follows readiness, and hides no failure.

use super::SOON;
use crate::support::{
    client::{Client, get},
    haproxy::{Backend, Haproxy},
    load::{Load, Outcome, open_loop},
    stand_in::serve,
    wait::until,
};
use axum::{Router, http::StatusCode, routing};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};
use tokio_util::task::AbortOnDropHandle;

/// Counts its requests, and says whether it is ready.
struct Pod {
    backend: Backend,
    ready: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    public: AbortOnDropHandle<()>,
    _ops: AbortOnDropHandle<()>,
}

async fn pod() -> Pod {
    let (ready, asked) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (is_ready, count) = (ready.clone(), asked.clone());
    let readyz = async move || match is_ready.load(SeqCst) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let hello = async move || {
        count.fetch_add(1, SeqCst);
    };
    let (ops, _ops) = serve(Router::new().route("/readyz", routing::get(readyz))).await;
    let (addr, public) = serve(Router::new().route("/", routing::get(hello))).await;
    Pod {
        backend: Backend { public: addr, ops },
        ready,
        asked,
        public,
        _ops,
    }
}

#[tokio::test]
async fn haproxy_follows_readiness_and_hides_no_failure() {
    let (one, two) = (pod().await, pod().await);
    let Some(haproxy) = Haproxy::start(&[one.backend, two.backend]).await else {
        return;
    };
    haproxy.until_serving(&[true, true], SOON).await.unwrap();
    let load = Load {
        per_second: 100,
        count: 20,
        timeout: SOON,
    };
    let client = Client::keep_alive(haproxy.addr);
    let report = open_loop(&client, load, |_| get("/")).await;
    assert_eq!(report.count(&Outcome::Status(200)), 20, "{report}");
    let seen = [one.asked.load(SeqCst), two.asked.load(SeqCst)];
    assert!(seen.iter().all(|asked| *asked > 0), "not spread: {seen:?}");

    one.ready.store(false, SeqCst);
    haproxy.until_serving(&[false, true], SOON).await.unwrap();
    let report = open_loop(&client, load, |_| get("/")).await;
    assert_eq!(report.count(&Outcome::Status(200)), 20, "{report}");
    assert_eq!(
        [one.asked.load(SeqCst), two.asked.load(SeqCst)],
        [seen[0], seen[1] + 20]
    );

    // Ready by its word, but gone: the requests it gets have to fail, or a rolling restart could
    // not be judged.
    one.ready.store(true, SeqCst);
    haproxy.until_serving(&[true, true], SOON).await.unwrap();
    drop(two.public);
    let report = open_loop(&client, load, |_| get("/")).await;
    assert!(report.count(&Outcome::Status(503)) >= 5, "{report}");
    assert!(report.count(&Outcome::Status(200)) >= 5, "{report}");

    let process = haproxy.process().unwrap();
    drop(haproxy);
    until("haproxy's end", SOON, async || {
        (!process.is_running()).then_some(())
    })
    .await
    .unwrap();
}
