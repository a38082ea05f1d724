//! What the middleware costs: the same no-op route bare and behind the shell, in process, on one thread, interleaved.

//!
//! `cargo bench --bench layers 2>/dev/null` prints nanoseconds per request (median of the rounds, minimum, maximum). Request
//! lines go to standard error, so send it to where a real log would go.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot go on stops"
)]

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::routing::get;
use chartroom::config::Config;
use chartroom::db::endpoint::{Endpoint, Tls};
use chartroom::http;
use chartroom::shutdown::{Shutdown, Timings};
use clap::{Args as _, Command, FromArgMatches as _};
use tower::Service as _;

const ROUNDS: usize = 15;
const REQUESTS: u32 = 20_000;

struct Case {
    name: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        name: "shell",
        target: "/api/v1/version",
        headers: &[],
    },
    Case {
        name: "shell, traceparent and request id given",
        target: "/api/v1/version",
        headers: &[
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            ),
            ("x-request-id", "given"),
        ],
    },
    Case {
        name: "shell, gzip asked for (too small to do)",
        target: "/api/v1/version",
        headers: &[("accept-encoding", "gzip")],
    },
    Case {
        name: "shell, unknown path (problem document)",
        target: "/nowhere",
        headers: &[],
    },
];

fn request(target: &str, headers: &[(&str, &str)]) -> ::http::Request<Body> {
    let request = ::http::Request::builder()
        .uri(target)
        .header("host", "localhost")
        .header("user-agent", "bench/1");
    headers
        .iter()
        .fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
        .body(Body::empty())
        .unwrap()
}

async fn timed(mut one: impl AsyncFnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        one().await;
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS)
}

fn row(name: &str, mut figures: Vec<f64>, base: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let median = figures[figures.len() / 2];
    println!(
        "{name:<45} {median:>7.0} {:>7.0} {:>7.0} {:>7.0}",
        figures[0],
        figures[figures.len() - 1],
        median - base
    );
    median
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let keys = std::env::temp_dir().join(format!("chartroom-layers-{}", std::process::id()));
    chartroom::auth::keys::generate(&keys, Duration::ZERO).unwrap();
    let quiet = std::env::args().any(|argument| argument == "--quiet-log");
    let matches = Config::augment_args(Command::new("bench"))
        .try_get_matches_from([
            "bench",
            "--log",
            if quiet { "warn" } else { "info" },
            "--log-format",
            "json",
            "--keys-dir",
            keys.to_str().unwrap(),
        ])
        .unwrap();
    let config = Config::from_arg_matches(&matches).unwrap();
    let telemetry = chartroom::telemetry::install(&config.telemetry).unwrap();
    let nowhere = Endpoint::Fields {
        host: "127.0.0.1".into(),
        port: 1,
        dbname: "x".into(),
        user: "x".into(),
        password: None,
        tls: Tls {
            mode: chartroom::config::SslMode::Disable,
            ca_file: None,
        },
    };
    let app =
        chartroom::serve::app(config, nowhere, None, Shutdown::new(Timings::default())).unwrap();
    let shell = http::public(app).unwrap();
    let mut bare: axum::Router = axum::Router::new().route(
        "/api/v1/version",
        get(async || axum::Json(serde_json::json!({"name": "chartroom"}))),
    );

    let mut base = Vec::new();
    let mut cases = vec![Vec::new(); CASES.len()];
    for _ in 0..ROUNDS {
        base.push(
            timed(async || {
                bare.call(request("/api/v1/version", &[])).await.unwrap();
            })
            .await,
        );
        for (case, figures) in CASES.iter().zip(&mut cases) {
            figures.push(
                timed(async || {
                    shell
                        .clone()
                        .handle(request(case.target, case.headers))
                        .await;
                })
                .await,
            );
        }
    }
    println!(
        "{:<45} {:>7} {:>7} {:>7} {:>7}",
        "ns per request", "median", "min", "max", "over"
    );
    let base = row("axum router alone", base, 0.0);
    for (case, figures) in CASES.iter().zip(cases) {
        row(case.name, figures, base);
    }
    telemetry.finish();
    std::fs::remove_dir_all(&keys).unwrap();
}
