//! What callers make up costs no series and no memory, and a bomb no more than its limit.

use std::time::Instant;

use axum::body::Body;
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};

use super::apart::{self, Apart, memory};
use super::exposition;
use crate::platform::encodings::gzip;

/// Numbers that look random and are the same each run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let count = u64::try_from(from.len()).unwrap();
        from[usize::try_from(self.next() % count).unwrap()]
    }
}

fn request(noise: &mut Noise) -> Request<Body> {
    let number = noise.next();
    let known = noise.pick(&[
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "other",
    ]);
    let method = match known {
        "other" => format!("M{number:x}"),
        known => known.to_owned(),
    };
    let path = noise.pick(&[
        "/",
        "/api/v1/version",
        "/test/things",
        "/test/things/",
        "/test/echo",
        "/docs/",
        "/errors/",
        "/openapi.json",
        "/livez",
        "/metrics",
    ]);
    let path = match noise.next() % 3 {
        0 => path.to_owned(),
        1 => format!("{path}{number:x}"),
        _ => format!("/{number:x}{path}?{number:x}=1"),
    };
    let parent = match noise.next() % 4 {
        0 => format!("00-{:032x}-{number:016x}-01", u128::from(number) << 7),
        1 => format!("00-{number:x}"),
        2 => "-".repeat(1_000),
        _ => format!("{number:x}-{number:x}-{number:x}-{number:x}"),
    };
    Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header("host", format!("h{number:x}.localhost"))
        .header(
            "user-agent",
            HeaderValue::from_bytes(
                format!("agent\u{1b}{number:x}\u{202e}")
                    .replace('\u{1b}', "\t")
                    .as_bytes(),
            )
            .unwrap(),
        )
        .header("x-tenant", format!("{number:x}"))
        .header("x-request-id", format!("{number:x}"))
        .header("x-forwarded-for", format!("10.0.0.{}", number % 256))
        .header("traceparent", parent)
        .header("baggage", format!("k{number:x}={number:x}"))
        .body(Body::empty())
        .unwrap()
}

/// In the other process.
pub(super) async fn flood(apart: &Apart, input: &Value) -> Value {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let first = apart.scrape().await;
    // After these, every series that a caller can make is there.
    for _ in 0..3_000 {
        apart.send(request(&mut noise)).await;
    }
    let count = input["count"].as_u64().unwrap();
    let (text, rss) = (apart.scrape().await, memory("VmRSS"));
    for _ in 0..count {
        apart.send(request(&mut noise)).await;
    }
    let (after, rss_after) = (apart.scrape().await, memory("VmRSS"));
    json!({
        "series_first": exposition::series(&first).len(),
        "series": exposition::series(&text).len(),
        "series_after": exposition::series(&after).len(),
        "new": exposition::series(&after).difference(&exposition::series(&text)).take(5).collect::<Vec<_>>(),
        "rss_kib": rss,
        "rss_kib_after": rss_after,
        "seen": exposition::sum(&after, "http_server_request_duration_seconds_count"),
    })
}

#[tokio::test]
async fn a_flood_of_made_up_requests_makes_no_series() {
    let count = if crate::support::is_long() {
        100_000_u32
    } else {
        20_000
    };
    let found = apart::run("flood", &["--log-format=json"], json!({"count": count})).await;
    println!("{found}");
    let number = |name: &str| found[name].as_u64().unwrap();
    assert_eq!(
        found["seen"],
        f64::from(count + 3_000),
        "the flood arrived: {found}"
    );
    assert!(
        number("series_first") < number("series"),
        "a series that is new is seen: {found}"
    );
    assert_eq!(number("series_after"), number("series"), "{found}");
    assert!(number("series_after") <= 5_000, "{found}");
    assert!(
        number("rss_kib_after") <= number("rss_kib") + 8 * 1024,
        "{found}"
    );
}

/// In the other process: 200 MiB of zeros in less than the largest body, again and again.
pub(super) async fn bomb(apart: &Apart) -> Value {
    let bomb = gzip(&vec![0; 1 << 20]).repeat(200);
    let nested = gzip(&bomb);
    let send = async |body: &[u8]| {
        let request = Request::post("/test/echo")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(Body::from(body.to_vec()))
            .unwrap();
        apart.send(request).await.status().as_u16()
    };
    let (peak, mut worst, mut statuses) = (memory("VmHWM"), 0, Vec::new());
    for _ in 0..20 {
        let begun = Instant::now();
        statuses.push(send(&bomb).await);
        worst = worst.max(begun.elapsed().as_millis());
    }
    json!({
        "size": bomb.len(),
        "statuses": statuses,
        "nested": send(&nested).await,
        "worst_ms": worst,
        "peak_kib": peak,
        "peak_kib_after": memory("VmHWM"),
    })
}

#[tokio::test]
async fn a_gzip_bomb_costs_its_limit() {
    let found = apart::run("bomb", &[], Value::Null).await;
    println!("{found}");
    assert!(
        found["size"].as_u64().unwrap() < 1 << 20,
        "the bomb is not refused for its own size: {found}"
    );
    assert!(
        found["statuses"]
            .as_array()
            .unwrap()
            .iter()
            .all(|status| *status == 413),
        "{found}"
    );
    // Unpacked once it is small, and no JSON.
    assert_eq!(found["nested"], 400);
    let peak = |name: &str| found[name].as_u64().unwrap();
    assert!(
        peak("peak_kib_after") <= peak("peak_kib") + 16 * 1024,
        "{found}"
    );
    assert!(peak("worst_ms") <= 1_000, "{found}");
}
