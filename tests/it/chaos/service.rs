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

/// A service with one address for all, which counts its requests, and whether it is ready.
struct Pod {
    backend: Backend,
    ready: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    task: AbortOnDropHandle<()>,
}

async fn pod() -> Pod {
    let (ready, asked) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (is_ready, count) = (ready.clone(), asked.clone());
    let readyz = async move || {
        if is_ready.load(SeqCst) {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    let ops = serve(Router::new().route("/readyz", routing::get(readyz))).await;
    let hello = async move || {
        count.fetch_add(1, SeqCst);
    };
    let public = serve(Router::new().route("/", routing::get(hello))).await;
    let both = async move { drop(tokio::join!(ops.1, public.1)) };
    let task = AbortOnDropHandle::new(tokio::spawn(both));
    Pod {
        backend: Backend {
            public: public.0,
            ops: ops.0,
        },
        ready,
        asked,
        task,
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
    assert_eq!([one.asked.load(SeqCst), two.asked.load(SeqCst)], [10, 10]);

    one.ready.store(false, SeqCst);
    haproxy.until_serving(&[false, true], SOON).await.unwrap();
    let report = open_loop(&client, load, |_| get("/")).await;
    assert_eq!(report.count(&Outcome::Status(200)), 20, "{report}");
    assert_eq!([one.asked.load(SeqCst), two.asked.load(SeqCst)], [10, 30]);

    // Ready by its word, but gone: the requests it gets have to fail, or a rolling restart could not be judged.
    one.ready.store(true, SeqCst);
    haproxy.until_serving(&[true, true], SOON).await.unwrap();
    drop(two.task);
    let report = open_loop(&client, load, |_| get("/")).await;
    assert!(report.count(&Outcome::Status(503)) > 0, "{report}");

    let process = haproxy.process().unwrap();
    drop(haproxy);
    until("haproxy's end", SOON, async || {
        (!process.is_running()).then_some(())
    })
    .await
    .unwrap();
}
