//! What the middleware costs: the same no-op route bare and behind the shell, in process, on one
//! thread, interleaved. And what the largest bodies cost that are wrong in every member.
//!
//! `cargo bench --bench layers 2>/dev/null` prints nanoseconds per request (median of the rounds,
//! minimum, maximum), and milliseconds for the bodies. Request lines go to standard error, so send
//! it to where a real log would go.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot go on stops"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::routing::get;
use chartroom::app::features;
use chartroom::app::features::PublicShell;
use chartroom::config::Config;
use chartroom::config::endpoint::{Endpoint, Tls};
use chartroom::http::body::extract::ValidJson;
use chartroom::http::caller::{Anyone, routes};
use chartroom::kernel::shutdown::{Shutdown, Timings};
use clap::{Args as _, Command, FromArgMatches as _};
use tower::Service as _;
use utoipa_axum::router::OpenApiRouter;

const ROUNDS: usize = 15;
const REQUESTS: u32 = 20_000;

struct Case {
    name: &'static str,
    is_limited: bool,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        name: "shell",
        is_limited: true,
        target: "/api/v1/version",
        headers: &[],
    },
    Case {
        name: "shell without a rate limit",
        is_limited: false,
        target: "/api/v1/version",
        headers: &[],
    },
    Case {
        name: "shell, traceparent and request id given",
        is_limited: true,
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
        is_limited: true,
        target: "/api/v1/version",
        headers: &[("accept-encoding", "gzip")],
    },
    Case {
        name: "shell, unknown path (problem document)",
        is_limited: true,
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

#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Titled {
    #[expect(dead_code, reason = "no body of the bench is taken")]
    title: String,
}

#[utoipa::path(
    post,
    path = "/bench/titled",
    security(()),
    extensions(("x-policy" = json!("large"))),
    request_body = Titled,
    responses((status = OK)),
)]
async fn post_titled(_: Anyone, _: ValidJson<Titled>) {}

/// Milliseconds for each body that is refused in full.
async fn wrong_bodies(shell: &Arc<PublicShell>) {
    println!(
        "{:<45} {:>7} {:>7} {:>7}",
        "ms per body", "median", "min", "max"
    );
    let many = |member: fn(u32) -> String| {
        let members: Vec<_> = (0..90_000).map(member).collect();
        format!("{{{}}}", members.join(","))
    };
    for (name, body) in [
        ("90,000 unknown members", many(|n| format!("\"k{n:05}\":1"))),
        (
            "{\"title\":1} 90,000 times",
            many(|_| "\"title\":1".to_owned()),
        ),
        (
            "nothing but zeros in a list",
            format!("[{}0]", "0,".repeat(500_000)),
        ),
    ] {
        let mut figures = Vec::new();
        for _ in 0..ROUNDS {
            let request = ::http::Request::post("/bench/titled")
                .header("host", "localhost")
                .header("content-type", "application/json")
                .body(Body::from(body.clone()))
                .unwrap();
            let begun = Instant::now();
            let answer = shell.clone().handle(request).await;
            figures.push(begun.elapsed().as_secs_f64() * 1e3);
            assert_eq!(answer.status(), 422);
        }
        figures.sort_by(f64::total_cmp);
        let [median, most] = [ROUNDS / 2, ROUNDS - 1].map(|at| figures[at]);
        println!("{name:<45} {median:>7.1} {:>7.1} {most:>7.1}", figures[0]);
    }
}

fn shell(keys: &str, level: &str, rate_limit: &str) -> (Config, Arc<PublicShell>) {
    let matches = Config::augment_args(Command::new("bench"))
        .try_get_matches_from([
            "bench",
            "--log",
            level,
            "--log-format",
            "json",
            "--keys-dir",
            keys,
            "--rate-limit",
            rate_limit,
        ])
        .unwrap();
    let config = Config::from_arg_matches(&matches).unwrap();
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
    let shutdown = Shutdown::new(Timings::default());
    let app = chartroom::app::serve::app(config.clone(), nowhere, None, shutdown).unwrap();
    let titled = OpenApiRouter::new().routes(routes!(post_titled));
    (config, features::public_with(app, titled).unwrap())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let keys = std::env::temp_dir().join(format!("chartroom-layers-{}", std::process::id()));
    chartroom::identity::keys::generate(&keys, Duration::ZERO).unwrap();
    let quiet = std::env::args().any(|argument| argument == "--quiet-log");
    let (keys_dir, level) = (keys.to_str().unwrap(), if quiet { "warn" } else { "info" });
    // More than the bench asks for.
    let (config, limited) = shell(keys_dir, level, "1000000000");
    let (_, free) = shell(keys_dir, level, "0");
    let telemetry = chartroom::telemetry::install(&config.telemetry).unwrap();
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
                    let shell = if case.is_limited { &limited } else { &free };
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
    wrong_bodies(&limited).await;
    telemetry.finish();
    std::fs::remove_dir_all(&keys).unwrap();
}
