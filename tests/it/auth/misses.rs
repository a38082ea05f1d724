//! A name of nobody is answered like a wrong password: the same bytes after the same work, so that
//! a sign-in tells nobody who has an account. The limits are raised for these tests, because they
//! would refuse all but the first attempts before the hash.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chartroom::identity::password::Passwords;
use chartroom::kernel::shutdown::{Shutdown, Timings};

use super::*;
use crate::support::app::{config, shell_with};
use crate::support::database::TestDatabase;

const NAMES: [&str; 2] = ["ann@example.com", "nobody@example.com"];
const WRONG: &str = "a wrong password";
/// Of each name.
const ATTEMPTS: usize = 400;
/// Other tests share the processor: a disturbed sitting is repeated.
const SITTINGS: usize = 3;
const ALIKE: f64 = 0.05;

/// By how much the medians of both names differ, as a part of the larger one. The names take turns,
/// and turns at being first.
async fn difference(app: &TestApp, attempts: usize) -> f64 {
    let mut took = [Vec::new(), Vec::new()];
    for attempt in 0..attempts {
        for turn in [attempt % 2, 1 - attempt % 2] {
            let begun = Instant::now();
            let answer = by_password(app, NAMES[turn], WRONG).await;
            took[turn].push(begun.elapsed());
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
    }
    let [known, unknown] = took.map(|mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    let difference = (known - unknown).abs() / known.max(unknown);
    println!(
        "medians of {attempts}: {:.2} ms with an account, {:.2} ms without, difference {:.1} %",
        known * 1e3,
        unknown * 1e3,
        difference * 1e2
    );
    difference
}

#[tokio::test]
async fn a_name_of_nobody_costs_the_time_of_a_wrong_password() {
    let app = app(&[]).await;
    Person::register(&app, "ann").await;
    let hashed = || app.app.metrics.password_hashes_total.get();
    let mut seen = Vec::new();
    for _ in 0..SITTINGS {
        let before = hashed();
        seen.push(difference(&app, ATTEMPTS).await);
        assert_eq!(hashed() - before, u64::try_from(2 * ATTEMPTS).unwrap());
        if seen.last().is_some_and(|difference| *difference <= ALIKE) {
            return;
        }
    }
    panic!("differences of the medians: {seen:?}");
}

/// Control: without the hash for a name of nobody, no sitting is alike.
#[tokio::test]
async fn the_same_measurement_sees_a_hash_that_is_missing() {
    let database = TestDatabase::migrated().await;
    let shutdown = Shutdown::new(Timings::default());
    let endpoint = database.runtime();
    let mut app = chartroom::app::serve::app(config(&UNLIMITED), endpoint, None, shutdown).unwrap();
    let inner = Arc::get_mut(&mut app.0).unwrap();
    let counter = inner.metrics.password_hashes_total.clone();
    let limits = &inner.config.sign_in;
    inner.identity.passwords = Passwords::new(limits, counter).without_hash_for_nobody();
    let shell = shell_with(&app, Default::default());
    let app = TestApp {
        app,
        shell,
        database: database.into(),
    };
    Person::register(&app, "ann").await;
    for _ in 0..SITTINGS {
        assert!(difference(&app, ATTEMPTS / 10).await > ALIKE);
    }
}

#[tokio::test]
async fn a_name_of_nobody_gets_the_bytes_of_a_wrong_password() {
    let app = app(&[]).await;
    Person::register(&app, "ann").await;
    let mut answers = Vec::new();
    for name in NAMES {
        let login = [("username", name), ("password", WRONG)];
        let credential = basic(name, WRONG);
        let headers = [
            ("authorization", credential.as_str()),
            ("sec-fetch-mode", "cors"),
        ];
        answers.push([
            by_password(&app, name, WRONG).await,
            post_form(&app, "/auth/login", &login).await,
            get_as(&app, "/api/v1/me", &credential).await,
            app.send(Method::GET, "/api/v1/me", &headers, Body::empty())
                .await,
        ]);
    }
    for (known, unknown) in answers[0].iter().zip(&answers[1]) {
        assert!(known.status == 400 || known.status == 401);
        assert_eq!(known.telling(), unknown.telling());
        // Control: nothing that should be compared is taken out.
        assert_ne!(known.header("x-request-id"), unknown.header("x-request-id"));
        assert!(known.headers.len() >= 5 && !known.body.is_empty());
    }
}
