//! A PostgreSQL that is frozen, so that the kernel goes on acknowledging for it: readiness follows,
//! and nothing else suffers.

use std::time::Duration;

use tokio::time::Instant;

use super::{Pulse, READY_AGAIN, Traffic, embedded::Home, failures};
use crate::support::{freeze::Frozen, service::PATIENCE};

const NOTICED: Duration = Duration::from_secs(6);
/// How much longer it stays frozen, for what hangs or grows to show.
const LONGER: Duration = Duration::from_secs(5);
const MORE_MEMORY_KIB: usize = 64 * 1024;

#[tokio::test]
async fn a_frozen_postgres_costs_readiness_and_nothing_else() {
    let home = Home::new();
    let service = home.start(&[]);
    service.wait_ready(PATIENCE).await;
    let pulse = Pulse::of(service.ops);
    let traffic = Traffic::to(service.public, 100);
    let before = service.rss();

    let frozen = Frozen::new(home.postmaster().unwrap().pid).unwrap();
    let began = Instant::now();
    let reason = service
        .wait_unready("", NOTICED + Duration::from_secs(1))
        .await;
    let noticed = began.elapsed();
    assert!(
        noticed <= NOTICED + Duration::from_millis(500),
        "{noticed:?}"
    );
    assert!(reason.contains("did not answer"), "{reason}");
    tokio::time::sleep(LONGER).await;
    assert!(!service.is_ready().await);
    drop(frozen);
    service.wait_ready(READY_AGAIN).await;

    let after = service.rss();
    let report = traffic.end().await;
    assert!(report.records.len() > 500, "{report}");
    assert_eq!(failures(&report), 0, "{report}");
    assert!(report.latency(1000) < Duration::from_secs(5), "{report}");
    assert!(
        after < before + MORE_MEMORY_KIB,
        "{before} KiB became {after} KiB"
    );
    pulse.assert_steady(100).await;
}
