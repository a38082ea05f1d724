//! Framing attacks, case by case: the answer, whether the connection ends, and that nothing is
//! smuggled in.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;

use super::raw::{GOOD, connect, patient, read_to_end, read_until_quiet, start, statuses};

struct Case {
    name: &'static str,
    bytes: String,
    statuses: &'static [u16],
    closes: bool,
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const OPEN: bool = false;
const CLOSED: bool = true;

/// A head for `/len` with these lines, and whatever follows it.
fn post(lines: &str, rest: &str) -> String {
    format!("POST /len HTTP/1.1\r\nHost: a\r\n{lines}\r\n{rest}")
}

fn smuggling(lines: &str) -> String {
    post(lines, &format!("0\r\n\r\n{SMUGGLED}"))
}

fn chunked(body: &str) -> String {
    post(
        "Transfer-Encoding: chunked\r\n",
        &format!("{body}{SMUGGLED}"),
    )
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn host(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\n{lines}\r\n")
}

#[rustfmt::skip]
fn lengths() -> Vec<(&'static str, String, &'static [u16], bool)> {
    vec![
        ("CL then TE", smuggling("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"), &[400], CLOSED),
        ("TE then CL", smuggling("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"), &[400], CLOSED),
        ("TE then CL, odd case", smuggling("tRANSFER-eNCODING: CHUNKED\r\ncONTENT-lENGTH:6\r\n"), &[400], CLOSED),
        ("CL 0 then TE", smuggling("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), &[400], CLOSED),
        ("two lengths that differ", post("Content-Length: 0\r\nContent-Length: 35\r\n", SMUGGLED), &[400], CLOSED),
        ("two lengths that agree", post("Content-Length: 0\r\nContent-Length: 0\r\n", SMUGGLED), &[400], CLOSED),
        ("a list of lengths", post("Content-Length: 0, 0\r\n", SMUGGLED), &[400], CLOSED),
        ("signed length", post("Content-Length: +5\r\n", SMUGGLED), &[400], CLOSED),
        ("negative length", post("Content-Length: -5\r\n", SMUGGLED), &[400], CLOSED),
        ("hexadecimal length", post("Content-Length: 0x5\r\n", SMUGGLED), &[400], CLOSED),
        ("empty length", post("Content-Length: \r\n", SMUGGLED), &[400], CLOSED),
        ("length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n", SMUGGLED), &[400], CLOSED),
        ("padded length", post(&format!("Content-Length:{}5\r\n", " ".repeat(200)), "hello"), &[400], CLOSED),
        ("space before the colon", post("Content-Length : 5\r\n", SMUGGLED), &[400], CLOSED),
        ("no length at all", post("", ""), &[200], OPEN),
        ("a body that looks like a request", post("Content-Length: 35\r\n", SMUGGLED), &[200], OPEN),
    ]
}

#[rustfmt::skip]
fn codings() -> Vec<(&'static str, String, &'static [u16], bool)> {
    vec![
        ("identity", smuggling("Transfer-Encoding: identity\r\n"), &[400], CLOSED),
        ("xchunked", smuggling("Transfer-Encoding: xchunked\r\n"), &[400], CLOSED),
        ("chunked twice in a list", smuggling("Transfer-Encoding: chunked, chunked\r\n"), &[501], CLOSED),
        ("chunked twice in two lines", smuggling("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), &[501], CLOSED),
        ("gzip, chunked", smuggling("Transfer-Encoding: gzip, chunked\r\n"), &[501], CLOSED),
        ("chunked, then identity", smuggling("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), &[400], CLOSED),
        ("identity, then chunked", smuggling("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), &[501], CLOSED),
        ("vertical tab", smuggling("Transfer-Encoding: \x0bchunked\r\n"), &[400], CLOSED),
        ("coding with a parameter", smuggling("Transfer-Encoding: chunked;q=1\r\n"), &[400], CLOSED),
        ("space before TE's colon", smuggling("Transfer-Encoding : chunked\r\n"), &[400], CLOSED),
        ("TE in HTTP/1.0", format!("POST /len HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"), &[400], CLOSED),
    ]
}

#[rustfmt::skip]
fn chunks() -> Vec<(&'static str, String, &'static [u16], bool)> {
    vec![
        ("a size that is none", chunked("g\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("0x size", chunked("0x5\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("size after a space", chunked(" 5\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("negative size", chunked("-5\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("size beyond 64 bits", chunked("fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("empty size", chunked("\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("size ended by LF alone", chunked("5\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("chunk longer than its size", chunked("3\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("chunk without its CRLF", chunked("5\r\nhello0\r\n\r\n"), &[400], CLOSED),
        ("LF in an extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), &[400], CLOSED),
        ("extensions", post("Transfer-Encoding: chunked\r\n", "5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n"), &[200], OPEN),
        ("length-like content", post("Transfer-Encoding: chunked\r\n", "13\r\n\r\nContent-Length: 5\r\n0\r\n\r\n"), &[200], OPEN),
        ("length-like trailer", post("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 5\r\n\r\n"), &[200], OPEN),
        ("two chunked bodies", smuggle_free_pair(), &[200, 200], OPEN),
        ("a clean body, then a flawed head", flawed_second(), &[200, 400], CLOSED),
    ]
}

fn smuggle_free_pair() -> String {
    post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n").repeat(2)
}

fn flawed_second() -> String {
    post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")
        + &smuggling("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n")
}

#[rustfmt::skip]
fn heads() -> Vec<(&'static str, String, &'static [u16], bool)> {
    vec![
        ("plain", get("/"), &[200], OPEN),
        ("pipelined", get("/") + &get("/"), &[200, 200], OPEN),
        ("empty line first", format!("\r\n{}", get("/")), &[200], OPEN),
        ("obs-fold", host("Host: a\r\nX-Fold: a\r\n b\r\n"), &[400], CLOSED),
        ("folded first line", host(" Host: a\r\n"), &[400], CLOSED),
        ("no Host", host(""), &[400], CLOSED),
        ("two Hosts", host("Host: a\r\nHost: b\r\n"), &[400], CLOSED),
        ("two Hosts that agree", host("Host: a\r\nHost: a\r\n"), &[400], CLOSED),
        ("empty Host", host("Host: \r\n"), &[400], CLOSED),
        ("Host with a space", host("Host: a b\r\n"), &[400], CLOSED),
        ("Host with a path", host("Host: a/b\r\n"), &[400], CLOSED),
        ("Host with a user", host("Host: u@a\r\n"), &[400], CLOSED),
        ("Host with a bad port", host("Host: a:99999\r\n"), &[400], CLOSED),
        ("Host list", host("Host: a, b\r\n"), &[400], CLOSED),
        ("address as Host", host("Host: [::1]:8080\r\n"), &[200], OPEN),
        ("bare LF", "GET / HTTP/1.1\nHost: a\n\n".to_owned(), &[400], CLOSED),
        ("one bare LF", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n".to_owned(), &[400], CLOSED),
        ("NUL in a value", host("Host: a\r\nX: a\0b\r\n"), &[400], CLOSED),
        ("CR in a value", host("Host: a\r\nX: a\rb\r\n"), &[400], CLOSED),
        ("no colon", host("Host: a\r\nX\r\n"), &[400], CLOSED),
        ("no name", host("Host: a\r\n: x\r\n"), &[400], CLOSED),
        ("Upgrade: h2c", host("Host: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"), &[200], OPEN),
    ]
}

#[rustfmt::skip]
fn targets() -> Vec<(&'static str, String, &'static [u16], bool)> {
    vec![
        ("NUL in the target", get("/\0"), &[400], CLOSED),
        ("%00", get("/%00"), &[400], CLOSED),
        ("%0d%0a", get("/%0d%0aX:y"), &[400], CLOSED),
        ("bad escape", get("/%zz"), &[400], CLOSED),
        ("cut escape", get("/%4"), &[400], CLOSED),
        ("not UTF-8", get("/%ff"), &[400], CLOSED),
        ("fragment", get("/#a"), &[400], CLOSED),
        ("dot segments", get("/x/../"), &[404], OPEN),
        ("escaped dot segments", get("/%2e%2e/"), &[404], OPEN),
        ("two slashes", get("//"), &[404], OPEN),
        ("escaped slash", get("/%2f"), &[404], OPEN),
        ("no slash", get("host"), &[400], CLOSED),
        ("asterisk", get("*"), &[400], CLOSED),
        ("absolute", get("http://b/"), &[200], OPEN),
        ("absolute without a path", get("http://b"), &[200], OPEN),
        ("absolute with a user", get("http://u@b/"), &[400], CLOSED),
        ("absolute, other scheme", get("ftp://b/"), &[400], CLOSED),
        ("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".to_owned(), &[501], CLOSED),
        ("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[405], OPEN),
        ("lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[405], OPEN),
        ("method with a bad byte", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("tabs", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("HTTP/0.9", "GET /\r\n\r\n".to_owned(), &[400], CLOSED),
        ("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n".to_owned(), &[200], CLOSED),
        ("HTTP/1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned(), &[200], OPEN),
        ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("HTTP/2.0 by name", "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n".to_owned(), &[400], CLOSED),
        ("not HTTP", "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".to_owned(), &[400], CLOSED),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn framing_cases() {
    let server = start(patient()).await;
    let all = [lengths(), codings(), chunks(), heads(), targets()].concat();
    let cases = all.into_iter().map(|(name, bytes, statuses, closes)| Case {
        name,
        bytes,
        statuses,
        closes,
    });
    let runs = cases.map(|case| run(server.addr, case));
    let failed: Vec<_> = join_all(runs).await.into_iter().flatten().collect();
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(server.smuggled.load(Relaxed), 0);
}

/// Sent whole, and again byte by byte: where a read ends must not change what a message means.
async fn run(addr: std::net::SocketAddr, case: Case) -> Option<String> {
    for piece in [usize::MAX, 1] {
        let mut stream = connect(addr).await;
        stream.set_nodelay(true).unwrap();
        for part in case.bytes.as_bytes().chunks(piece) {
            if stream.write_all(part).await.is_err() {
                break; // refused already
            }
            tokio::task::yield_now().await;
        }
        let (text, closed) = if case.closes {
            read_to_end(&mut stream).await
        } else {
            read_until_quiet(&mut stream, Duration::from_millis(700)).await
        };
        let got = statuses(&text);
        if got != case.statuses || closed != case.closes {
            return Some(format!(
                "{} (pieces of {piece}): wanted {:?} closes={}, got {got:?} closed={closed}",
                case.name, case.statuses, case.closes
            ));
        }
    }
    None
}

/// The same check, were it satisfied by closing everything, would prove nothing.
#[tokio::test]
async fn a_request_after_a_clean_one_is_served() {
    let server = start(patient()).await;
    let mut stream = connect(server.addr).await;
    let pair = post("Content-Length: 5\r\n", "hello") + SMUGGLED;
    stream.write_all(pair.as_bytes()).await.unwrap();
    let (text, _) = read_until_quiet(&mut stream, Duration::from_millis(300)).await;
    assert_eq!(statuses(&text), [200, 200]);
    assert_eq!(server.smuggled.load(Relaxed), 1);
}

/// Taken off the wire if it is there, else the connection ends: either way it is never read as a
/// request.
#[tokio::test]
async fn a_body_nobody_reads_is_no_request() {
    let server = start(patient()).await;
    for piece in [usize::MAX, 1] {
        let mut stream = connect(server.addr).await;
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n{SMUGGLED}");
        for part in text.as_bytes().chunks(piece) {
            let _ = stream.write_all(part).await;
            tokio::task::yield_now().await;
        }
        let (text, _) = read_until_quiet(&mut stream, Duration::from_millis(300)).await;
        assert_eq!(statuses(&text), [200]);
    }
    assert_eq!(server.smuggled.load(Relaxed), 0);
}

/// An end that no answer announces costs the client the request that it sends next.
#[tokio::test]
async fn an_answer_that_does_not_wait_for_the_body_announces_the_end() {
    let server = start(patient()).await;
    // What has come with the head is taken off the wire, and the connection goes on.
    for (body, goes_on) in [("", false), ("hello", true)] {
        let mut stream = connect(server.addr).await;
        let text = format!("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.unwrap();
        let (text, _) = read_until_quiet(&mut stream, Duration::from_millis(300)).await;
        assert_eq!(statuses(&text), [200]);
        assert_eq!(!text.contains("connection: close"), goes_on, "{text}");
        if goes_on {
            stream.write_all(GOOD).await.unwrap();
            let (text, _) = read_until_quiet(&mut stream, Duration::from_millis(300)).await;
            assert_eq!(statuses(&text), [200]);
        }
    }
}
