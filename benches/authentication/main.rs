//! What authentication costs: a no-op with and without a token, with and without the cache of
//! verified tokens; sign-ins by password against a bare loop of the same hash; and what a storm of
//! sign-ins does to everybody else's reads.
//!
//! `cargo bench --bench authentication 2>/dev/null [-- --seconds N]` runs the service from the
//! library in this process, with the routes of `routes` beside its own, on a private PostgreSQL;
//! the load comes from a second process over loopback. What is compared is interleaved: five rounds
//! of 15 seconds each, after 3 that do not count. A measurement during which others used more than
//! 12 % of the machine is repeated, twice at most, and the quietest is kept. Prints medians with
//! minimum and maximum, and the ratios as JSON in the last line. Settings that are not defaults:
//! the limits on sign-ins and registration open, because the limiter would answer first; and in one
//! of the two services no token cache. Request lines go to standard error, so send it to where a
//! real log would go. Linux only.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot go on stops"
)]

mod load;
mod machine;
mod service;

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier as _};
use load::{Load, Told};
use machine::Used;
use service::{PASSWORD, Service};

const ROUNDS: usize = 5;
const SECONDS: f64 = 15.0;
const WARM_UP: f64 = 3.0;
/// Of the machine, used by others: beyond it a measurement is repeated.
const DISTURBED: f64 = 0.12;
const REPEATS: usize = 2;
const CONNECTIONS: u32 = 32;
/// More than there are permits, so that one is never free while a sign-in waits; few enough that
/// none is refused.
const SIGN_INS: u32 = 8;
/// Of the reads that are possible, those that are asked for before and during the storm.
const SHARE: f64 = 0.2;

/// One measurement.
#[derive(Clone)]
struct Measured {
    told: Told,
    used: Used,
}

/// All measurements of one thing.
struct Row {
    name: &'static str,
    rounds: Vec<Measured>,
}

struct Bench {
    service: Service,
    seconds: f64,
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("load") {
        return generate();
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != "--seconds");
    let seconds = arguments
        .nth(1)
        .map_or(SECONDS, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let service = runtime.block_on(Service::start());
    let bench = Bench { service, seconds };
    let with_token = bench.no_op();
    let sign_in = bench.sign_in();
    let storm = bench.storm();
    println!(
        "{}",
        serde_json::json!({
            "token_ratio": with_token[0], "token_ratio_without_cache": with_token[1],
            "sign_in_ratio": sign_in, "storm_p99_ratio": storm,
        })
    );
    runtime.block_on(bench.service.stop());
}

/// This program as the load: what to do comes on standard input.
fn generate() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let told = runtime.block_on(load::run(serde_json::from_str(&text).unwrap()));
    println!("{}", serde_json::to_string(&told).unwrap());
}

struct Loading(std::process::Child);

impl Loading {
    fn begin(load: &Load) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("load")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let text = serde_json::to_vec(load).unwrap();
        child.stdin.take().unwrap().write_all(&text).unwrap();
        Self(child)
    }

    /// A wrong answer or a broken connection voids everything.
    fn end(self) -> Told {
        let output = self.0.wait_with_output().unwrap();
        let told: Told = serde_json::from_slice(&output.stdout).unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            told.wrong == 0 && told.errors == 0 && told.good() > 0,
            "{text}"
        );
        told
    }
}

impl Bench {
    fn no_op(&self) -> [f64; 2] {
        let Service {
            cached, uncached, ..
        } = &self.service;
        let tokens: Vec<_> = self.service.tokens.iter().map(Some).collect();
        let load = |address, path: &str, tokens: &[Option<&String>]| Load {
            holds: service::NO_OP.to_owned(),
            ..self.load(address, path, tokens)
        };
        let loads = [
            ("no-op, unauthenticated", load(*cached, "/public", &[None])),
            (
                "the same, token sent and not read",
                load(*cached, "/public", &tokens),
            ),
            ("no-op, token", load(*cached, "/caller", &tokens)),
            (
                "no-op, token, cache off",
                load(*uncached, "/caller", &tokens),
            ),
        ];
        let rows = self.interleaved(loads.map(|(name, load)| {
            (name, move |bench: &Self, seconds| {
                bench.loaded(&load, seconds)
            })
        }));
        self.print("requests a second", &rows, Told::rate);
        let ratio = |of: usize| ratio(&rows[of], &rows[0], Told::rate);
        let ratios = [ratio(2), ratio(3)];
        println!(
            "with a token {}; cache off {}\n",
            shown(&ratios[0]),
            shown(&ratios[1])
        );
        ratios.map(|ratio| ratio[0])
    }

    fn sign_in(&self) -> f64 {
        let load = self.sign_ins(SIGN_INS, &[200]);
        type Measure<'a> = Box<dyn Fn(&Bench, f64) -> Measured + 'a>;
        let http: Measure<'_> = Box::new(|bench, seconds| bench.loaded(&load, seconds));
        let bare: Measure<'_> = Box::new(Self::bare_loop);
        let rows = self.interleaved([("sign-in by password", http), ("bare argon2 loop", bare)]);
        self.print("a second", &rows, Told::rate);
        let ratio = ratio(&rows[0], &rows[1], Told::rate);
        println!("sign-ins to the bare loop {}\n", shown(&ratio));
        ratio[0]
    }

    fn storm(&self) -> f64 {
        let reads = Load {
            holds: "\"email\"".to_owned(),
            ..self.load(
                self.service.cached,
                "/api/v1/me",
                &self.service.tokens.iter().map(Some).collect::<Vec<_>>(),
            )
        };
        let peak = self.loaded(&reads, WARM_UP).told.rate();
        // A refused read is told apart, not passed over.
        let reads = Load {
            rate: Some(peak * SHARE),
            statuses: vec![200, 503],
            ..reads
        };
        // Surplus sign-ins are refused, by the gate or by a row of the limiter that is busy: that
        // too is load.
        let sign_ins = self.sign_ins(CONNECTIONS, &[200, 429, 503]);
        type Measure<'a> = Box<dyn Fn(&Bench, f64) -> Measured + 'a>;
        let alone: Measure<'_> = Box::new(|bench, seconds| bench.loaded(&reads, seconds));
        let storm: Measure<'_> = Box::new(|bench, seconds| {
            let clock = bench.service.clock();
            let sign_ins = Loading::begin(&Load {
                seconds,
                ..sign_ins.clone()
            });
            let told = Loading::begin(&Load {
                seconds,
                ..reads.clone()
            })
            .end();
            let stormed = sign_ins.end();
            Measured {
                used: clock.since(told.cpu_seconds + stormed.cpu_seconds),
                told,
            }
        });
        let rows = self.interleaved([("reads alone", alone), ("reads in the storm", storm)]);
        println!(
            "reads of /api/v1/me at {:.0} a second, {:.0} % of what is possible",
            peak * SHARE,
            SHARE * 100.0
        );
        self.print("p99, us", &rows, |told| f64::from(told.p99_us));
        let ratio = ratio(&rows[1], &rows[0], |told| f64::from(told.p99_us));
        let answers = rows[1].rounds.iter().flat_map(|round| &round.told.answers);
        let refused: u64 = answers
            .filter(|(status, _)| **status != 200)
            .map(|(_, count)| count)
            .sum();
        println!(
            "p99 in the storm to p99 alone {}; reads refused: {refused}\n",
            shown(&ratio)
        );
        ratio[0]
    }

    fn load(&self, address: std::net::SocketAddr, path: &str, tokens: &[Option<&String>]) -> Load {
        let request = |token: &Option<&String>| {
            let authorization = token.map_or(String::new(), |token| {
                format!("authorization: Bearer {token}\r\n")
            });
            format!(
                "GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench/1\r\n{authorization}\r\n"
            )
        };
        Load {
            address,
            connections: CONNECTIONS,
            seconds: self.seconds,
            rate: None,
            requests: tokens.iter().map(request).collect(),
            statuses: vec![200],
            holds: String::new(),
        }
    }

    fn sign_ins(&self, connections: u32, statuses: &[u16]) -> Load {
        Load {
            connections,
            requests: self.service.sign_ins.clone(),
            statuses: statuses.to_vec(),
            holds: "\"access_token\"".to_owned(),
            ..self.load(self.service.cached, "", &[])
        }
    }

    fn loaded(&self, load: &Load, seconds: f64) -> Measured {
        let load = Load {
            seconds,
            ..load.clone()
        };
        let clock = self.service.clock();
        let told = Loading::begin(&load).end();
        Measured {
            used: clock.since(told.cpu_seconds),
            told,
        }
    }

    /// As many threads as the service has permits, each checking the same password against the same
    /// hash.
    fn bare_loop(&self, seconds: f64) -> Measured {
        let clock = self.service.clock();
        let begun = Instant::now();
        let until = begun + Duration::from_secs_f64(seconds);
        let stored = PasswordHash::new(&self.service.hash).unwrap();
        let permits = self.service.hashes;
        let one = || {
            let mut done = 0;
            while Instant::now() < until {
                Argon2::default()
                    .verify_password(PASSWORD.as_bytes(), &stored)
                    .unwrap();
                done += 1;
            }
            done
        };
        let done: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..permits).map(|_| scope.spawn(one)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        Measured {
            told: Told {
                seconds: begun.elapsed().as_secs_f64(),
                answers: [(200, done)].into(),
                ..Told::default()
            },
            used: clock.since(0.0),
        }
    }

    fn interleaved<const N: usize>(
        &self,
        what: [(&'static str, impl Fn(&Self, f64) -> Measured); N],
    ) -> [Row; N] {
        for (_, measure) in &what {
            measure(self, WARM_UP);
        }
        let mut rows = what.each_ref().map(|(name, _)| Row {
            name,
            rounds: Vec::new(),
        });
        for _ in 0..ROUNDS {
            for (row, (_, measure)) in rows.iter_mut().zip(&what) {
                let mut quietest = measure(self, self.seconds);
                for _ in 0..REPEATS {
                    if quietest.used.foreign <= DISTURBED {
                        break;
                    }
                    let again = measure(self, self.seconds);
                    if again.used.foreign < quietest.used.foreign {
                        quietest = again;
                    }
                }
                row.rounds.push(quietest);
            }
        }
        rows
    }

    fn print(&self, unit: &str, rows: &[Row], figure: impl Fn(&Told) -> f64) {
        println!(
            "{unit:<36} {:>9} {:>9} {:>9} {:>10} {:>10} {:>10} {:>12}",
            "median", "min", "max", "service us", "postgres us", "load us", "others, max"
        );
        for Row { name, rounds } in rows {
            let [median, least, most] = spread(rounds.iter().map(|round| figure(&round.told)));
            let each = |part: fn(&Measured) -> f64| {
                let micros =
                    |round: &Measured| part(round) * 1e6 / (round.told.rate() * round.told.seconds);
                spread(rounds.iter().map(micros))[0]
            };
            let foreign = spread(rounds.iter().map(|round| round.used.foreign))[2];
            println!(
                "{name:<36} {median:>9.0} {least:>9.0} {most:>9.0} {:>10.1} {:>10.1} {:>10.1} {:>10.1} %",
                each(|round| round.used.service),
                each(|round| round.used.database),
                each(|round| round.told.cpu_seconds),
                foreign * 100.0
            );
        }
    }
}

/// Of one row to another, round by round: what drifts touches both.
fn ratio(of: &Row, to: &Row, figure: impl Fn(&Told) -> f64) -> [f64; 3] {
    let pairs = of.rounds.iter().zip(&to.rounds);
    let [median, least, most] = spread(pairs.map(|(of, to)| figure(&of.told) / figure(&to.told)));
    [median, least, most].map(|ratio| (ratio * 1e3).round() / 1e3)
}

fn shown([median, least, most]: &[f64; 3]) -> String {
    format!("{median:.3} (from {least:.3} to {most:.3})")
}

/// Median, minimum and maximum.
fn spread(figures: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    [
        figures[figures.len() / 2],
        figures[0],
        figures[figures.len() - 1],
    ]
}
