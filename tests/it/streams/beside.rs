//! Slow uploads, and short requests beside them that do not notice.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::stage::{Stage, answer, chunked, status};
use crate::support::client::{Client, get};
use crate::support::load::{Load, Outcome, Report, open_loop};

const UPLOADS: usize = 64;
const BYTES: usize = 40;
const LOAD: Load = Load {
    per_second: 200,
    count: 1_000,
    timeout: Duration::from_secs(10),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_uploads_leave_short_requests_alone() {
    // All of this network is one caller, who has a quarter.
    let stage = Stage::with(&["--max-streams=256", "--body-min-rate=0"]).await;
    let client = Client::keep_alive(stage.address);
    let short = async || open_loop(&client, LOAD, |_| get("/api/v1/version")).await;
    let alone = short().await;
    let mut uploads = tokio::task::JoinSet::new();
    for _ in 0..UPLOADS {
        let mut stream = stage.connect().await;
        uploads.spawn(async move {
            stream
                .write_all(chunked("/test/count").as_bytes())
                .await
                .unwrap();
            for _ in 0..BYTES {
                stream.write_all(b"1\r\nx\r\n").await.unwrap();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
            answer(&mut stream).await
        });
    }
    stage.has(64).await;
    let beside = short().await;
    // The control: the uploads were there all the time.
    assert_eq!(stage.streams(), 64);
    println!("alone: {alone}\nbeside {UPLOADS} slow uploads: {beside}");
    let all = usize::try_from(LOAD.count).unwrap();
    let good = |report: &Report| report.count(&Outcome::Status(200));
    assert_eq!((good(&alone), good(&beside)), (all, all));
    for counted in uploads.join_all().await {
        assert_eq!(status(&counted), "200", "{counted}");
        assert!(counted.ends_with(&BYTES.to_string()), "{counted}");
    }
    stage.has(0).await;
}
