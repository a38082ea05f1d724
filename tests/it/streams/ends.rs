//! However a stream ends, its permit, its gauge and its connection are free again, and it is told
//! of as what it was.

use std::sync::atomic::Ordering::Relaxed;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stage::{SOON, Stage, answer, chunked, download, status, whole};
use crate::support::wait::until;

#[tokio::test]
async fn what_ends_by_itself_is_complete() {
    let stage = Stage::with(&[]).await;
    let up = stage
        .exchange(&whole("/test/count", "", &[b'x'; 100_000]))
        .await;
    assert!(up.ends_with("100000"), "{up}");
    let down = stage
        .exchange(download("/test/rows?rows=300").as_bytes())
        .await;
    assert_eq!(status(&down), "200");
    assert!(down.contains("..300\n") && down.ends_with("\r\n0\r\n\r\n"));
    // The head alone, an answer without a body, a refusal.
    let head = download("/test/rows?rows=1").replacen("GET", "HEAD", 1);
    assert_eq!(status(&stage.exchange(head.as_bytes()).await), "200");
    let refused = download("/test/rows?rows=many");
    assert_eq!(status(&stage.exchange(refused.as_bytes()).await), "400");
    stage.has(0).await;
    assert_eq!((stage.ended("complete"), stage.ended("aborted")), (4, 0));
}

#[tokio::test]
async fn a_client_who_leaves_frees_what_it_had_wherever_it_was() {
    let stage = Stage::with(&[]).await;
    let uploads = [
        chunked("/test/count"),
        format!("{}5\r\nab", chunked("/test/count")),
        format!("{}5\r\nabcde\r\n", chunked("/test/count")),
        format!("{}5\r\nabcde\r\n0\r\n\r\n", chunked("/test/stuck")),
    ];
    let mut gone = 0;
    for upload in uploads {
        let mut stream = stage.connect().await;
        stream.write_all(upload.as_bytes()).await.unwrap();
        stage.has(1).await;
        drop(stream);
        stage.has(0).await;
        gone += 1;
    }
    for bytes in [0, 1, 100, 5_000, 100_000] {
        let mut stream = stage.connect().await;
        let request = download("/test/rows?rows=1000000");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_exact(&mut vec![0; bytes]).await.unwrap();
        stage.has(1).await;
        drop(stream);
        stage.has(0).await;
        gone += 1;
    }
    let told = async || (stage.ended("aborted") == gone).then_some(());
    until("all are told of", SOON, told).await.unwrap();
    assert_eq!(stage.ended("complete"), 0);
    let closed = async || (stage.counters.open.load(Relaxed) == 0).then_some(());
    until("all are closed", SOON, closed).await.unwrap();
}

#[tokio::test]
async fn half_of_an_answer_never_looks_whole() {
    let stage = Stage::with(&[]).await;
    let broken = stage.exchange(download("/test/broken").as_bytes()).await;
    assert_eq!(status(&broken), "200");
    assert!(broken.contains("half of an answer"), "{broken}");
    assert!(
        !broken.contains("\r\n0\r\n") && !broken.contains("secret"),
        "{broken}"
    );
    stage.has(0).await;
    assert_eq!((stage.ended("complete"), stage.ended("aborted")), (0, 1));
}

#[tokio::test]
async fn a_stop_waits_for_streams_until_its_deadline() {
    let stage = Stage::with(&[]).await;
    let mut ends = stage.connect().await;
    ends.write_all(chunked("/test/count").as_bytes())
        .await
        .unwrap();
    let mut stays = stage.connect().await;
    stays
        .write_all(chunked("/test/count").as_bytes())
        .await
        .unwrap();
    stage.has(2).await;
    stage.shutdown.begin();
    let closing = async || stage.shutdown.draining().then_some(());
    until("the stop has begun", SOON, closing).await.unwrap();
    ends.write_all(b"5\r\nabcde\r\n0\r\n\r\n").await.unwrap();
    assert!(answer(&mut ends).await.ends_with('5'));
    assert_eq!((stage.streams(), stage.served.is_finished()), (1, false));
    // The other one is cut when the time for all is over.
    assert_eq!(answer(&mut stays).await, "");
    tokio::time::timeout(SOON, stage.served)
        .await
        .unwrap()
        .unwrap();
    let all = &stage.app.metrics.http_server_streams_total;
    let ended = |outcome| all.with_label_values(&[outcome]).get();
    assert_eq!((ended("complete"), ended("aborted")), (1, 1));
}
