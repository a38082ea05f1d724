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
        many.starts_with("HTTP/1.1 431 ") && many.contains("more than 64 header fields"),
        "{many}"
    );
    let within = ask(&server, with_headers(15, 2000)).await;
    assert!(within.starts_with("HTTP/1.1 200 "), "{within}");
    let large = ask(&server, with_headers(20, 2000)).await;
    assert!(
        large.starts_with("HTTP/1.1 431 ") && large.contains("larger than 32 KiB"),
        "{large}"
    );

    let uri = |len| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(len));
    let within = ask(&server, uri(8191)).await;
    assert!(within.starts_with("HTTP/1.1 404 "), "{within}");
    let long = ask(&server, uri(8192)).await;
    assert!(
        long.starts_with("HTTP/1.1 414 ") && long.contains("longer than 8 KiB"),
        "{long}"
    );
    assert!(good(server.addr).await.starts_with("HTTP/1.1 200 "));
}

/// Hyper refuses these by itself; the document is ours all the same.
#[tokio::test]
async fn what_cannot_be_parsed_gets_a_document() {
    let server = start(patient()).await;
    for (head, allowed) in [
        (with_headers(1000, 1), &[431][..]),
        (with_headers(100, 10_000), &[431]),
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(100_000)),
            &[414, 431],
        ),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/1.1\r\nHo st: a\r\n\r\n".to_owned(), &[400]),
        ("\0\0\0\0\r\n\r\n".to_owned(), &[400]),
    ] {
        let mut stream = connect(server.addr).await;
        let _ = stream.write_all(head.as_bytes()).await;
        let (text, closed) = read_to_end(&mut stream).await;
        let status = statuses(&text);
        assert!(closed && status.len() == 1, "{text}");
        assert!(allowed.contains(&status[0]), "{text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains("content-type: application/problem+json"),
            "{head}"
        );
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["status"], status[0], "{body}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
        assert!(document["code"].is_string() && document["detail"].is_string());
    }
    assert!(good(server.addr).await.starts_with("HTTP/1.1 200 "));
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
