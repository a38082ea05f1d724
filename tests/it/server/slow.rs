//! Slow and silent clients: each is cut off in time, and none is in another's way.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use chartroom::server::ConnectionLimits;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::raw::{GOOD, PATIENCE, answer, connect, good, patient, read_to_end, start, statuses};

/// Scheduling on a busy machine, on top of what is configured.
const SLACK: Duration = Duration::from_millis(900);
const LIMIT: Duration = Duration::from_millis(400);

fn strict() -> ConnectionLimits {
    ConnectionLimits {
        header_timeout: LIMIT,
        keep_alive_timeout: Duration::from_secs(4),
        body_idle_timeout: LIMIT,
        body_min_bytes_per_second: 1024,
        body_rate_grace: LIMIT,
        write_stall_timeout: LIMIT,
        linger_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    }
}

#[derive(Clone, Copy, Debug)]
enum Attack {
    Nothing,
    PartialHead,
    HeadDribble,
    StalledBody,
    BodyDribble,
    ChunkDribble,
    UnreadBody,
    LeakedBody,
    SlowReader,
}

impl Attack {
    const ALL: [Self; 9] = [
        Self::Nothing,
        Self::PartialHead,
        Self::HeadDribble,
        Self::StalledBody,
        Self::BodyDribble,
        Self::ChunkDribble,
        Self::UnreadBody,
        Self::LeakedBody,
        Self::SlowReader,
    ];

    fn opening(self) -> &'static [u8] {
        match self {
            Self::Nothing => b"",
            Self::PartialHead => b"GET / HTTP/1.1\r\nHost",
            Self::HeadDribble => b"GET / HTTP/1.1\r\n",
            Self::StalledBody => b"POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nabc",
            Self::BodyDribble => b"POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n",
            Self::ChunkDribble => {
                b"POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9;"
            }
            Self::UnreadBody => {
                b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"
            }
            Self::LeakedBody => b"POST /leak HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n",
            Self::SlowReader => b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
        }
    }

    fn dribble(self) -> &'static [u8] {
        match self {
            Self::HeadDribble => b"X: y\r\n",
            Self::BodyDribble | Self::ChunkDribble => b"x",
            _ => b"",
        }
    }

    /// Opens, then keeps at it until the server closes. `None` if it has not by `until`.
    async fn run(self, addr: SocketAddr, until: Duration) -> Option<(Duration, String)> {
        let mut stream = connect(addr).await;
        let began = Instant::now();
        let _ = stream.write_all(self.opening()).await;
        if matches!(self, Self::SlowReader) {
            return cut_without_reading(&stream, began, until).await;
        }
        let mut text = Vec::new();
        let mut buffer = [0; 1024];
        while began.elapsed() < until {
            match timeout(Duration::from_millis(40), stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    return Some((began.elapsed(), text));
                }
                Ok(Ok(count)) => text.extend_from_slice(&buffer[..count]),
                Err(_) => {
                    let _ = stream.write_all(self.dribble()).await;
                }
            }
        }
        None
    }
}

/// The reset arrives although nobody reads: the socket's pending error tells.
async fn cut_without_reading(
    stream: &TcpStream,
    began: Instant,
    until: Duration,
) -> Option<(Duration, String)> {
    while began.elapsed() < until {
        if stream.take_error().unwrap().is_some() {
            return Some((began.elapsed(), String::new()));
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_slow_client_is_cut_off_in_time() {
    let server = start(strict()).await;
    for attack in Attack::ALL {
        let (took, text) = attack
            .run(server.addr, LIMIT * 3 + SLACK)
            .await
            .unwrap_or_else(|| panic!("{attack:?} is still there"));
        // The dribbles are cut when the average has fallen behind, the lingering ones after their
        // answer.
        assert!(took <= LIMIT * 2 + SLACK, "{attack:?} took {took:?}");
        let wanted: &[u16] = match attack {
            Attack::StalledBody | Attack::BodyDribble | Attack::ChunkDribble => &[408],
            Attack::UnreadBody | Attack::LeakedBody => &[200],
            _ => &[],
        };
        assert_eq!(statuses(&text), wanted, "{attack:?}: {text}");
        if wanted == [408] {
            assert!(text.contains("connection: close"), "{attack:?}: {text}");
        }
    }
    let counters = &server.counters;
    assert_eq!(counters.header_timed_out.load(Relaxed), 3);
    assert_eq!(counters.write_timed_out.load(Relaxed), 1);
    assert_eq!(counters.body_timed_out.load(Relaxed), 4);
    assert!(good(server.addr).await.starts_with("HTTP/1.1 200 "));
}

/// The same attacks with the timeouts off stay: without this the test above might see something
/// else close them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_timeouts_they_stay() {
    let server = start(patient()).await;
    let stays = LIMIT * 3;
    let attacks = Attack::ALL
        .into_iter()
        .filter(|attack| !matches!(attack, Attack::UnreadBody));
    let ends = join_all(
        attacks.map(|attack| async move { (attack, attack.run(server.addr, stays).await) }),
    )
    .await;
    for (attack, end) in ends {
        assert!(end.is_none(), "{attack:?} ended: {end:?}");
    }
}

/// 500 attackers of all kinds, and not one good request fails or waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_attackers_and_no_good_request_lost() {
    let server = start(ConnectionLimits {
        keep_alive_timeout: Duration::from_secs(60),
        ..strict()
    })
    .await;
    let addr = server.addr;
    let attackers: Vec<_> = (0..500)
        .map(|n| {
            let attack = Attack::ALL[n % Attack::ALL.len()];
            tokio::spawn(async move { (attack, attack.run(addr, PATIENCE).await) })
        })
        .collect();
    let mut keep_alive = connect(addr).await;
    keep_alive.write_all(GOOD).await.unwrap();
    assert!(answer(&mut keep_alive).await.is_some());
    for _ in 0..100 {
        assert!(good(addr).await.starts_with("HTTP/1.1 200 "));
        keep_alive.write_all(GOOD).await.unwrap();
        let text = answer(&mut keep_alive).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "));
    }
    let ends = join_all(attackers).await;
    for (attack, end) in ends.into_iter().map(Result::unwrap) {
        assert!(end.is_some(), "{attack:?} was never cut off");
    }
    assert_eq!(server.counters.refused_over_cap.load(Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_but_steady_uploads_and_idle_keep_alive_live() {
    let server = start(strict()).await;
    let addr = server.addr;
    let upload = async {
        let mut stream = connect(addr).await;
        let head = b"POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        // 2,000 bytes a second for three seconds: many times the idle limit, twice the rate.
        for _ in 0..30 {
            stream.write_all(&[b'x'; 200]).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
        assert!(answer(&mut stream).await.unwrap().ends_with("len=6000"));
    };
    let idle = async {
        let mut stream = connect(addr).await;
        stream.write_all(GOOD).await.unwrap();
        assert!(answer(&mut stream).await.is_some());
        sleep(LIMIT * 4).await;
        stream.write_all(GOOD).await.unwrap();
        let text = answer(&mut stream).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "));
        // A second head has the header timeout again, not the keep-alive one.
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let began = Instant::now();
        assert_eq!(read_to_end(&mut stream).await, (String::new(), true));
        assert!(began.elapsed() <= LIMIT + SLACK);
    };
    tokio::join!(upload, idle);
}

#[tokio::test]
async fn an_idle_connection_ends_after_the_keep_alive_timeout() {
    let server = start(ConnectionLimits {
        keep_alive_timeout: LIMIT,
        ..patient()
    })
    .await;
    let mut stream = connect(server.addr).await;
    stream.write_all(GOOD).await.unwrap();
    assert!(answer(&mut stream).await.is_some());
    let began = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, (String::new(), true));
    assert!(began.elapsed() >= LIMIT - Duration::from_millis(50));
    assert!(began.elapsed() <= LIMIT + SLACK);
    assert_eq!(server.counters.keep_alive_timed_out.load(Relaxed), 1);
}

/// A handler's own time is not the client's: no connection limit applies to it.
#[tokio::test]
async fn a_slow_handler_is_not_cut_off() {
    let server = start(ConnectionLimits {
        header_timeout: Duration::from_millis(100),
        keep_alive_timeout: Duration::from_millis(100),
        ..strict()
    })
    .await;
    let mut stream = connect(server.addr).await;
    let head = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(head).await.unwrap();
    assert!(
        answer(&mut stream)
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn http2_only_where_it_is_on() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let off = start(strict()).await;
    let mut stream = connect(off.addr).await;
    stream.write_all(PREFACE).await.unwrap();
    let began = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, (String::new(), true));
    assert!(began.elapsed() < LIMIT);

    let on = start(ConnectionLimits {
        http2: true,
        ..strict()
    })
    .await;
    let mut stream = connect(on.addr).await;
    stream.write_all(PREFACE).await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "a SETTINGS frame");
    assert!(good(on.addr).await.starts_with("HTTP/1.1 200 "));
    // Nothing but a connection: the header timeout holds here too.
    let mut silent = connect(on.addr).await;
    let began = Instant::now();
    assert!(read_to_end(&mut silent).await.1);
    assert!(began.elapsed() <= LIMIT + SLACK);
}
