//! Row C1: two processes behind a load balancer are restarted one after the other under load, and
//! nobody notices.

use std::time::Duration;

use tokio::time::Instant;

use super::{Traffic, failures, stop::Stalled};
use crate::support::{
    database::TestDatabase,
    haproxy::Haproxy,
    process::TempDir,
    service::{PATIENCE, Ports, Service},
};

const ROUNDS: usize = 3;
const STOP_DEADLINE: Duration = Duration::from_secs(4);

/// Two processes on one database behind a load balancer that asks them whether they are ready.
struct Fleet {
    pods: Vec<(Ports, Service)>,
    haproxy: Haproxy,
    dir: TempDir,
    database: TestDatabase,
}

impl Fleet {
    async fn start() -> Option<Self> {
        let dir = TempDir::new("fleet").unwrap();
        let database = TestDatabase::migrated().await;
        let pods: Vec<(Ports, Service)> = (0..2)
            .map(|_| {
                let ports = Ports::reserve();
                let service = start(&dir, &ports, &database);
                (ports, service)
            })
            .collect();
        for (_, service) in &pods {
            service.wait_ready(PATIENCE).await;
        }
        let backends: Vec<_> = pods.iter().map(|(ports, _)| ports.backend()).collect();
        let haproxy = Haproxy::start(&backends).await?;
        haproxy
            .until_serving(&[true, true], PATIENCE)
            .await
            .unwrap();
        Some(Self {
            pods,
            haproxy,
            dir,
            database,
        })
    }

    async fn start_again(&mut self, number: usize) {
        let (ports, service) = &mut self.pods[number];
        *service = start(&self.dir, ports, &self.database);
        service.wait_ready(PATIENCE).await;
        self.haproxy
            .until_serving(&[true, true], PATIENCE)
            .await
            .unwrap();
    }
}

/// The load balancer asks five times a second, where kubelet asks once in several: the drain delay
/// is shorter in proportion.
fn start(dir: &TempDir, ports: &Ports, database: &TestDatabase) -> Service {
    let url = database.url();
    let settings = [
        ("CHARTROOM_DATABASE_URL", url.as_str()),
        ("CHARTROOM_DRAIN_DELAY", "1500ms"),
        ("CHARTROOM_STOP_DEADLINE", "4s"),
        ("CHARTROOM_LOG", "warn"),
    ];
    Service::start(&dir.0, ports, &settings)
}

#[tokio::test]
async fn rolling_restarts_under_load_fail_no_request() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let traffic = Traffic::to(fleet.haproxy.addr, 50);
    for round in 0..ROUNDS {
        for number in 0..fleet.pods.len() {
            let service = &mut fleet.pods[number].1;
            let _stalled = Stalled::on(service).await;
            let began = Instant::now();
            service.signal("TERM");
            service
                .wait_unready("stopping", Duration::from_secs(1))
                .await;
            let status = service.exit(PATIENCE).await;
            let took = began.elapsed();
            assert_eq!(status.code(), Some(0), "round {round}");
            assert!(
                took >= STOP_DEADLINE - Duration::from_millis(100),
                "{took:?}: nothing was stalled"
            );
            assert!(took < STOP_DEADLINE + Duration::from_secs(2), "{took:?}");
            fleet.start_again(number).await;
        }
    }
    let report = traffic.end().await;
    report.write_json("rolling_restarts").unwrap();
    assert!(report.records.len() > 1000, "{report}");
    assert_eq!(failures(&report), 0, "{report}");
}

#[tokio::test]
async fn the_same_harness_sees_a_process_that_does_not_drain() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    // The load balancer may happen to ask at the very moment: then that kill went unnoticed.
    for _ in 0..5 {
        let traffic = Traffic::to(fleet.haproxy.addr, 100);
        let service = &mut fleet.pods[0].1;
        service.signal("KILL");
        service.exit(PATIENCE).await;
        fleet
            .haproxy
            .until_serving(&[false, true], PATIENCE)
            .await
            .unwrap();
        if failures(&traffic.end().await) > 0 {
            return;
        }
        fleet.start_again(0).await;
    }
    panic!("killing a process failed no request: the harness sees nothing");
}
