//! Clients that read an answer slowly: whoever keeps the rate is left alone, whoever does not is
//! cut off.

use std::time::{Duration, Instant};

use chartroom::server::ConnectionLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::raw::{PAUSE, Server, connect, patient, read_to_end, start};

const WINDOW: Duration = Duration::from_millis(1_500);
const RATE: u32 = 512 * 1024;
/// Between two reads.
const BEAT: Duration = Duration::from_millis(50);
/// Below the rate. On the loopback device room for the next 64 KiB is announced when so much is
/// read: still within the window.
const SLOW: usize = 8 * 1024;
/// Ten times the rate, as the machine has others to serve.
const STEADY: usize = 256 * 1024;

fn paced(rate: u32) -> ConnectionLimits {
    ConnectionLimits {
        write_stall_timeout: WINDOW,
        write_min_bytes_per_second: rate,
        ..patient()
    }
}

/// Reads `amount` a beat; when the server ended it, if it did so `within`.
async fn read(server: &Server, path: &str, amount: usize, within: Duration) -> Option<Duration> {
    let mut stream = connect(server.addr).await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let began = Instant::now();
    let mut buffer = vec![0; amount];
    while began.elapsed() < within {
        let mut room = buffer.as_mut_slice();
        while !room.is_empty() {
            match stream.read(room).await {
                Ok(0) | Err(_) => return Some(began.elapsed()),
                Ok(count) => room = &mut room[count..],
            }
        }
        sleep(BEAT).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_m2_who_reads_below_the_rate_is_cut_off() {
    let server = start(paced(RATE)).await;
    for path in ["/big", "/whole"] {
        // What the kernel holds is taken at once, and has a window of its own.
        let ended = read(&server, path, SLOW, WINDOW * 6).await;
        assert!(ended.is_some(), "{path} is still read");
    }
    server.has_cut(2).await;
    // The control: bytes do move, which without a rate is enough.
    let server = start(paced(0)).await;
    assert_eq!(read(&server, "/whole", SLOW, WINDOW * 6).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_the_rate_is_left_alone() {
    let server = start(ConnectionLimits {
        // hyper has the whole answer long before the client: the connection is not idle meanwhile.
        keep_alive_timeout: Duration::from_millis(300),
        ..paced(RATE)
    })
    .await;
    for path in ["/big", "/whole"] {
        assert_eq!(
            read(&server, path, STEADY, WINDOW * 2).await,
            None,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_answer_with_nothing_to_send_is_not_cut_off() {
    let server = start(ConnectionLimits {
        write_stall_timeout: PAUSE / 8,
        ..paced(RATE)
    })
    .await;
    let mut stream = connect(server.addr).await;
    let head = b"GET /pause HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let (text, _) = read_to_end(&mut stream).await;
    assert_eq!(text.matches("part").count(), 2, "{text}");
}
