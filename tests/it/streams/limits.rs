//! What a stream may be and how long it may take.

use tokio::io::AsyncWriteExt as _;

use super::stage::{Stage, answer, chunked, status, whole};
use crate::platform::encodings::gzip;

#[tokio::test]
async fn an_upload_is_limited_by_what_it_becomes() {
    let stage = Stage::with(&["--max-upload=1MiB"]).await;
    let most = 1 << 20;
    let plain = vec![b'x'; most];
    let exchange = async |headers: &str, body: &[u8]| {
        let answer = stage.exchange(&whole("/test/count", headers, body)).await;
        let last = answer.lines().last().unwrap_or_default().to_owned();
        (status(&answer).to_owned(), last)
    };
    let good = ("200".to_owned(), most.to_string());
    assert_eq!(exchange("", &plain).await, good);
    let packed = "content-encoding: gzip\r\n";
    assert_eq!(exchange(packed, &gzip(&plain)).await, good);
    // Two members are one text.
    let (first, second) = plain.split_at(most / 3);
    let two = [gzip(first), gzip(second)].concat();
    assert_eq!(exchange(packed, &two).await, good);

    let larger = vec![b'x'; most + 1];
    assert_eq!(exchange("", &larger).await.0, "413");
    assert_eq!(exchange(packed, &gzip(&larger)).await.0, "413");
    let bomb = gzip(&vec![0; 64 << 20]);
    assert_eq!(exchange(packed, &bomb).await.0, "413");
    let announced = chunked("/test/count").replace(
        "transfer-encoding: chunked",
        &format!("content-length: {}", most + 1),
    );
    assert_eq!(status(&stage.exchange(announced.as_bytes()).await), "413");

    let whole = gzip(&plain);
    assert_eq!(exchange(packed, &whole[..whole.len() - 9]).await.0, "400");
    assert_eq!(exchange(packed, b"no gzip at all").await.0, "400");
    assert_eq!(exchange("content-encoding: br\r\n", &plain).await.0, "415");
    stage.has(0).await;
}

#[tokio::test]
async fn an_upload_lasts_while_it_moves_and_not_longer() {
    let flags = [
        "--request-deadline=300ms",
        "--body-idle-timeout=1s",
        "--body-min-rate=0",
    ];
    let stage = Stage::with(&flags).await;
    // Three times the time for a whole request, a byte every tenth of it.
    let mut slow = stage.connect().await;
    slow.write_all(chunked("/test/count").as_bytes())
        .await
        .unwrap();
    for _ in 0..9 {
        slow.write_all(b"1\r\nx\r\n").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    slow.write_all(b"0\r\n\r\n").await.unwrap();
    let counted = answer(&mut slow).await;
    assert!(counted.ends_with('9'), "{counted}");

    let mut silent = stage.connect().await;
    silent
        .write_all(chunked("/test/count").as_bytes())
        .await
        .unwrap();
    assert_eq!(status(&answer(&mut silent).await), "408");

    let stuck = stage.exchange(&whole("/test/stuck", "", b"abc")).await;
    assert!(stuck.contains("deadline-exceeded"), "{stuck}");
    stage.has(0).await;
}

#[tokio::test]
async fn streams_have_permits_of_their_own_and_one_caller_a_quarter() {
    let stage = Stage::with(&["--max-streams=8", "--max-in-flight=1"]).await;
    let mut open = Vec::new();
    for number in 1..=2 {
        let mut stream = stage.connect().await;
        stream
            .write_all(chunked("/test/count").as_bytes())
            .await
            .unwrap();
        stage.has(number).await;
        open.push(stream);
    }
    // All clients of one network who are not signed in are one caller.
    let refused = stage.exchange(&whole("/test/count", "", b"abc")).await;
    assert_eq!(status(&refused), "503", "{refused}");
    assert!(refused.contains("as many uploads"), "{refused}");
    // Short requests do not wait for them, though only one of those is worked on at once.
    let version = "GET /api/v1/version HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&stage.exchange(version.as_bytes()).await), "200");
    drop(open.pop());
    stage.has(1).await;
    let counted = stage.exchange(&whole("/test/count", "", b"abc")).await;
    assert!(counted.ends_with('3'), "{counted}");
}
