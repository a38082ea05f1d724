//! A process that leaves its jobs to others tells them at once.

use chartroom::db::listen::follow;
use chartroom::jobs::wake::{Woken, announce};

use super::*;

#[tokio::test]
async fn a_worker_elsewhere_hears_of_a_job_and_does_it_at_once() {
    let queue = Queue::new().await;
    // By itself, this worker would look once in these tests.
    let seldom = Timing {
        lease: LEASE,
        poll: Duration::from_secs(600),
        at_once: 8,
    };
    let worker = queue.worker(Kinds::default().with::<Note>("elsewhere"), seldom);
    let woken = Arc::new(Woken(worker.wake.clone()));
    let endpoint = queue.app.database.endpoint.clone();
    let _listening = AbortOnDropHandle::new(tokio::spawn(async move {
        match follow(endpoint, vec![woken]).await {}
    }));
    let (db, enqueued) = (queue.app.app.db.clone(), Arc::new(Notify::new()));
    let telling = enqueued.clone();
    let _announcing =
        AbortOnDropHandle::new(tokio::spawn(
            async move { match announce(db, telling).await {} },
        ));
    // Each time the connection is made, the worker looks: the first job shows that it is there.
    queue.enqueue(NewJob::of(&Note { n: 0 })).await.unwrap();
    queue.until("SELECT count(*) FROM effects", 1).await;
    for n in 1..=5 {
        queue.enqueue(NewJob::of(&Note { n })).await.unwrap();
        let begun = std::time::Instant::now();
        enqueued.notify_one();
        queue.until("SELECT count(*) FROM effects", n + 1).await;
        // Far below the time after which the listening connection wakes the worker anyway.
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}",
            begun.elapsed()
        );
    }
    worker.stop().await;
}
