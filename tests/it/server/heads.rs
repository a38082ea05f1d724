//! How large a head may be, and what is done with a good one.

use tokio::io::AsyncWriteExt;

use super::raw::{Server, answer, connect, good, patient, read_to_end, start, statuses};

async fn ask(server: &Server, head: String) -> String {
    let mut stream = connect(server.addr).await;
    let _ = stream.write_all(head.as_bytes()).await;
    answer(&mut stream).await.unwrap_or_default()
}

fn with_headers(count: usize, size: usize) -> String {
    let lines: String = (0..count)
        .map(|n| format!("X-{n}: {}\r\n", "v".repeat(size)))
        .collect();
    format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

#[tokio::test]
async fn limits_of_a_head() {
    let server = start(patient()).await;
    let within = ask(&server, with_headers(63, 1)).await;
    assert!(within.starts_with("HTTP/1.1 200 "), "{within}");
    let many = ask(&server, with_headers(64, 1)).await;
    assert!(
        many.starts_with("HTTP/1.1 431 ") && many.ends_with("too-many-headers"),
        "{many}"
    );
    let within = ask(&server, with_headers(15, 2000)).await;
    assert!(within.starts_with("HTTP/1.1 200 "), "{within}");
    let large = ask(&server, with_headers(20, 2000)).await;
    assert!(
        large.starts_with("HTTP/1.1 431 ") && large.ends_with("headers-too-large"),
        "{large}"
    );

    let uri = |len| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(len));
    let within = ask(&server, uri(8191)).await;
    assert!(within.starts_with("HTTP/1.1 404 "), "{within}");
    let long = ask(&server, uri(8192)).await;
    assert!(
        long.starts_with("HTTP/1.1 414 ") && long.ends_with("uri-too-long"),
        "{long}"
    );
    assert!(good(server.addr).await.starts_with("HTTP/1.1 200 "));
}

/// Beyond hyper's own bounds nothing is parsed, so the refusal has no document; it is a refusal all the same.
#[tokio::test]
async fn far_beyond_the_limits() {
    let server = start(patient()).await;
    for head in [with_headers(1000, 1), with_headers(100, 10_000)] {
        let mut stream = connect(server.addr).await;
        let _ = stream.write_all(head.as_bytes()).await;
        let (text, closed) = read_to_end(&mut stream).await;
        assert!(closed && statuses(&text) == [431], "{text}");
    }
    let mut stream = connect(server.addr).await;
    let uri = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(100_000));
    let _ = stream.write_all(uri.as_bytes()).await;
    let (text, closed) = read_to_end(&mut stream).await;
    assert!(
        closed && matches!(statuses(&text)[..], [414 | 431]),
        "{text}"
    );
}

#[tokio::test]
async fn the_authority_of_an_absolute_target_wins() {
    let server = start(patient()).await;
    let text = ask(
        &server,
        "GET http://b:81/host?q=1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    )
    .await;
    assert!(text.ends_with("b:81 /host?q=1"), "{text}");
}

#[tokio::test]
async fn head_has_no_body_and_expect_continue_is_answered() {
    let server = start(patient()).await;
    let mut stream = connect(server.addr).await;
    stream
        .write_all(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let (text, closed) = read_to_end(&mut stream).await;
    assert!(
        closed && text.ends_with("\r\n\r\n") && text.contains("content-length: 2"),
        "{text}"
    );

    let mut stream = connect(server.addr).await;
    let head =
        b"POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head).await.unwrap();
    assert!(
        answer(&mut stream)
            .await
            .unwrap()
            .starts_with("HTTP/1.1 100 ")
    );
    stream.write_all(b"hello").await.unwrap();
    assert!(answer(&mut stream).await.unwrap().ends_with("len=5"));
}
