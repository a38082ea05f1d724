//! Ten thousand sign-ins by strangers in the shapes that such attacks have, against a process: few
//! of them reach the hash, its memory stays where it was, and the owner of the attacked account
//! signs in from home all the while.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::Request;
use http_body_util::Full;
use serde_json::json;

use super::{FORM, PASSWORD};
use crate::support::client::{Client, post};
use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service};

const OWNER: &str = "ann.smith@example.com";
const HOME: &str = "203.0.113.7";
const OTHERS: usize = 1_500;
const AT_ONCE: usize = 16;
/// What is promised of the owner's sign-ins under attack.
const OWNER_P95: Duration = Duration::from_secs(2);
/// Other tests share the processor: where a sign-in without any attack takes a fifth of a second or
/// more, so many times that.
const OWNER_SLOWER: u32 = 10;
/// By which resident memory may have grown.
const GROWTH_KIB: usize = 32 * 1024;

/// One sign-in: whose password is tried, under which of the names, and what the proxy says of where
/// it comes from.
struct Attempt {
    account: String,
    login: String,
    forwarded: String,
}

fn attempt(account: &str, login: impl Into<String>, forwarded: impl Into<String>) -> Attempt {
    Attempt {
        account: account.to_owned(),
        login: login.into(),
        forwarded: forwarded.into(),
    }
}

/// The address that counts, which the proxy has put at the end, without its last part.
fn prefix(forwarded: &str) -> String {
    let address = forwarded.rsplit(' ').next().unwrap();
    address.rsplit_once('.').unwrap().0.to_owned()
}

fn stranger(net: u8, number: usize) -> String {
    format!("{net}.{}.{}.9", number / 256, number % 256)
}

fn other(number: usize) -> String {
    format!("user{number}@example.com")
}

/// Ten thousand.
fn shapes() -> Vec<(&'static str, Vec<Attempt>)> {
    let spellings = [
        OWNER,
        "ann.smith",
        "ANN.SMITH@example.com",
        "Ann.Smith",
        "ａｎｎ.ｓｍｉｔｈ",
        " ann.smith@EXAMPLE.COM ",
    ];
    vec![
        (
            "one prefix, one account",
            (0..2_500)
                .map(|n| attempt(OWNER, OWNER, format!("20.0.0.{}", n % 256)))
                .collect(),
        ),
        (
            "one prefix that pretends to be many",
            (0..1_000)
                .map(|n| attempt(OWNER, OWNER, format!("{}, 20.0.1.9", stranger(30, n))))
                .collect(),
        ),
        (
            "one prefix, many accounts",
            (0..OTHERS)
                .map(|n| attempt(&other(n), other(n), "20.0.2.9"))
                .collect(),
        ),
        (
            "ten prefixes, one password for many accounts",
            (0..OTHERS)
                .map(|n| attempt(&other(n), other(n), stranger(40, n % 10)))
                .collect(),
        ),
        (
            "many prefixes, one account by all its spellings",
            (0..1_000)
                .map(|n| attempt(OWNER, spellings[n % spellings.len()], stranger(50, n)))
                .collect(),
        ),
        (
            "many prefixes, one account",
            (0..2_000)
                .map(|n| attempt(OWNER, OWNER, stranger(60, n)))
                .collect(),
        ),
        (
            "many names of nobody from many prefixes of one account's attackers",
            (0..500)
                .map(|n| attempt("nobody", "nobody@example.com", stranger(70, n)))
                .collect(),
        ),
    ]
}

struct Target {
    service: Service,
    client: Client,
    database: TestDatabase,
    _ports: Ports,
    _dir: TempDir,
}

impl Target {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::migrated().await;
        let (dir, ports) = (TempDir::new("flood").unwrap(), Ports::reserve());
        let url = database.url();
        let all = [
            &[
                ("CHARTROOM_DATABASE_URL", url.as_str()),
                ("CHARTROOM_REGISTRATION", "open"),
                ("CHARTROOM_TRUSTED_PROXIES", "127.0.0.0/8"),
                ("CHARTROOM_LOG", "warn"),
            ],
            settings,
        ]
        .concat();
        let service = Service::start(&dir.0, &ports, &all);
        service.wait_ready(PATIENCE).await;
        let client = Client::keep_alive(service.public);
        let account = json!({ "email": OWNER, "username": "ann.smith", "password": PASSWORD });
        let made = client
            .send(post("/api/v1/users", account.to_string()))
            .await
            .unwrap();
        assert_eq!(made.status, 201, "{}", made.text());
        Self {
            service,
            client,
            database,
            _ports: ports,
            _dir: dir,
        }
    }

    /// Accounts that are there to be guessed at; their password is nobody's business.
    async fn add_others(&self) {
        let insert = format!(
            "WITH p AS (INSERT INTO principals (id, kind) SELECT gen_random_uuid(), 'user' FROM generate_series(1, {OTHERS}) RETURNING id) \
             INSERT INTO users (id, email, email_key, password_hash) \
             SELECT p.id, 'user' || n || '@example.com', 'user' || n || '@example.com', (SELECT password_hash FROM users LIMIT 1) \
             FROM (SELECT id, row_number() OVER () - 1 AS n FROM p) AS p"
        );
        let session = self.database.session().await;
        session.batch_execute(&insert).await.unwrap();
    }

    async fn sign_in(&self, login: &str, password: &str, forwarded: &str) -> u16 {
        let fields = [
            ("grant_type", "password"),
            ("username", login),
            ("password", password),
        ];
        let body = serde_urlencoded::to_string(fields).unwrap();
        let request = Request::post("/auth/token")
            .header(FORM.0, FORM.1)
            .header("x-forwarded-for", forwarded)
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        self.client.send(request).await.unwrap().status.as_u16()
    }

    /// Until it is answered with something else than "not now"; how long that took in all.
    async fn owner_signs_in(&self, from: &str) -> (u16, Duration) {
        let begun = Instant::now();
        loop {
            let status = self.sign_in(OWNER, PASSWORD, from).await;
            if status != 503 {
                return (status, begun.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What half of the owner's sign-ins take at most while nobody attacks.
    async fn usual(&self) -> Duration {
        let mut took = Vec::new();
        for _ in 0..11 {
            took.push(self.owner_signs_in(HOME).await.1);
        }
        took.sort();
        took[took.len() / 2]
    }

    async fn hashed(&self) -> usize {
        let metrics = self.service.ops("/metrics").await.unwrap().text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("password_hashes_total "));
        line.unwrap().parse().unwrap()
    }

    async fn count(&self, of: &str) -> usize {
        let query = format!("SELECT count(*) FROM {of}");
        let session = self.database.session().await;
        let row = session.query_one(&query, &[]).await.unwrap();
        usize::try_from(row.get::<_, i64>(0)).unwrap()
    }

    /// What each attempt was answered.
    async fn flood<'a>(&self, attempts: &'a [Attempt]) -> Vec<(&'a Attempt, u16)> {
        stream::iter(attempts)
            .map(async |attempt| {
                let guess = "a wrong password";
                let status = self.sign_in(&attempt.login, guess, &attempt.forwarded);
                (attempt, status.await)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_guesses_reach_few_hashes_and_lock_nobody_out() {
    let target = Arc::new(Target::start(&[]).await);
    target.add_others().await;
    // Each core has held the memory of a hash before memory is compared.
    for _ in 0..4 {
        let both = tokio::join!(target.owner_signs_in(HOME), target.owner_signs_in(HOME));
        assert_eq!((both.0.0, both.1.0), (200, 200));
    }
    let usual = target.usual().await;
    let (hashed_before, rss_before) = (target.hashed().await, target.service.rss());
    let begun = Instant::now();

    let stop = Arc::new(AtomicBool::new(false));
    let (owned, stopped) = (target.clone(), stop.clone());
    let owner = tokio::spawn(async move {
        let mut took = Vec::new();
        while !stopped.load(SeqCst) {
            let (status, time) = owned.owner_signs_in(HOME).await;
            assert_eq!(status, 200, "the owner is locked out");
            took.push(time);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        took
    });

    let shapes = shapes();
    let (mut by_account, mut by_prefix) = (HashMap::new(), HashMap::new());
    let (mut all, mut wrong, mut busy, mut rss, mut elsewhere) = (0, 0, 0, 0, 0);
    for (name, attempts) in &shapes {
        let (mut hashed, mut refused) = (0, 0);
        for (attempt, status) in target.flood(attempts).await {
            match status {
                400 => {
                    hashed += 1;
                    *by_account.entry(attempt.account.clone()).or_insert(0) += 1;
                    *by_prefix.entry(prefix(&attempt.forwarded)).or_insert(0) += 1;
                }
                429 => refused += 1,
                503 => busy += 1,
                status => panic!("{name}: {status}"),
            }
        }
        println!(
            "{name}: {} attempts, {hashed} hashed, {refused} refused",
            attempts.len()
        );
        // Control: something was done about it.
        assert!(refused > attempts.len() / 2, "{name}");
        (all, wrong) = (all + attempts.len(), wrong + hashed);
        rss = rss.max(target.service.rss());
        if elsewhere == 0 {
            // A prefix against an account costs its owner nothing even where nobody has signed in
            // before.
            elsewhere = target.owner_signs_in("198.51.100.1").await.0;
        }
    }
    assert_eq!((all, elsewhere), (10_000, 200));
    // Control: many prefixes did empty the account's bucket, so that home alone is what lets the
    // owner in.
    assert_eq!(target.owner_signs_in("198.51.101.1").await.0, 429);
    stop.store(true, SeqCst);
    let mut owner = owner.await.unwrap();
    owner.sort();

    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap() + 1;
    for (account, hashed) in &by_account {
        assert!(*hashed <= 50 + minutes, "{account}: {hashed}");
    }
    for (prefix, hashed) in &by_prefix {
        assert!(*hashed <= 10 + 10 * minutes, "{prefix}: {hashed}");
    }
    // Control: the attack did something.
    assert!(by_account[OWNER] >= 40 && by_prefix["40.0.1"] >= 10);
    // The process counts the same; an attempt without an answer may have been hashed or not.
    let hashed = target.hashed().await - hashed_before - owner.len() - 1;
    assert!(
        (wrong..=wrong + busy).contains(&hashed),
        "{hashed}, {wrong}"
    );
    let p95 = owner[owner.len() * 95 / 100];
    println!(
        "{wrong} of {all} hashed in {:?}; the owner: {} sign-ins, median {:?}, p95 {p95:?}, longest {:?}; {rss_before} to {rss} KiB",
        begun.elapsed(),
        owner.len(),
        owner[owner.len() / 2],
        owner[owner.len() - 1]
    );
    let most = OWNER_P95.max(OWNER_SLOWER * usual.max(target.usual().await));
    assert!(owner.len() >= 20 && p95 < most, "{p95:?}, at most {most:?}");
    assert!(rss < rss_before + GROWTH_KIB, "{rss_before} to {rss} KiB");
    // Refusals leave nothing behind: neither buckets nor events.
    let (buckets, admitted) = (target.count("attempt_buckets").await, wrong + busy + 3);
    assert!(buckets <= 3 * admitted, "{buckets} rows");
    let refusals = target
        .count("audit_events WHERE action = 'sign_in.refused'")
        .await;
    assert_eq!(refusals, wrong);
}

/// Control: with the limits out of the way, the same attempts are all hashed.
#[tokio::test]
async fn without_limits_every_guess_is_hashed() {
    let many = "1000000";
    let target = Target::start(&[
        ("CHARTROOM_SIGNIN_PER_ADDRESS_BURST", many),
        ("CHARTROOM_SIGNIN_PER_ACCOUNT_PER_HOUR", many),
        ("CHARTROOM_SIGNIN_PER_PAIR_BURST", "1000"),
    ])
    .await;
    let before = target.hashed().await;
    let (_, attempts) = shapes().swap_remove(0);
    let answers = target.flood(&attempts[..100]).await;
    let wrong = answers.iter().filter(|(_, status)| *status == 400).count();
    assert!(wrong > 50, "{wrong}");
    assert!(target.hashed().await - before >= wrong);
}
