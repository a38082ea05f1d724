//! A provider that is away, slow or broken: nobody waits long, and it is said.

use std::time::{Duration, Instant};

use super::liar::Mood;
use super::*;

fn unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    assert_eq!(answer.problem(), "provider-unavailable", "{what}");
    assert!(!answer.header("retry-after").is_empty());
}

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn a_provider_that_does_not_say_what_it_offers_is_no_dead_end() {
    let place = Place::new(&[]).await;
    for (what, mood) in [
        ("gone", Mood::Gone),
        ("slow", Mood::Hangs),
        ("broken", Mood::Says(500, "{}")),
        ("rubbish", Mood::Says(200, "<html>")),
        ("lacking", Mood::Says(200, "{}")),
    ] {
        place.liar.state().moods.insert(DISCOVERY, mood);
        let began = Instant::now();
        let answer = place.app.get("/auth/oidc/sso").await;
        unavailable(&answer, what);
        assert!(began.elapsed() < Duration::from_secs(5), "{what}");
        // Everybody is told so at once for a moment, and the provider is left alone.
        let asked = place.liar.state().asked.len();
        let began = Instant::now();
        unavailable(&place.app.get("/auth/oidc/sso").await, what);
        assert!(began.elapsed() < Duration::from_millis(900), "{what}");
        assert_eq!(place.liar.state().asked.len(), asked, "{what}");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    place.liar.state().moods.clear();
    place.is_good().await;
    // What it offers is known from then on.
    place.liar.state().moods.insert(DISCOVERY, Mood::Gone);
    place.is_good().await;
}

#[tokio::test]
async fn a_provider_that_says_something_else_of_itself_is_not_asked() {
    for (what, lie) in [
        ("another issuer", ("issuer", json!("https://evil.example"))),
        (
            "no TLS",
            ("token_endpoint", json!("http://evil.example/token")),
        ),
        (
            "no TLS for keys",
            ("jwks_uri", json!("http://evil.example/jwks")),
        ),
        (
            "a file",
            ("authorization_endpoint", json!("file:///etc/passwd")),
        ),
    ] {
        let liar = Liar::start().await;
        liar.state().metadata.push(lie);
        let place = Place::by(liar, &[]).await;
        unavailable(&place.app.get("/auth/oidc/sso").await, what);
        place.liar.state().metadata.clear();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        place.is_good().await;
    }
}

#[tokio::test]
async fn a_provider_that_goes_away_halfway_is_told_and_can_be_tried_again() {
    let place = Place::new(&[]).await;
    let mut browser = Browser::default();
    let asked = browser.begin(&place.app, "sso", "/").await;
    let returned = place.liar.authorize(&asked);
    for (what, mood) in [
        ("gone", Mood::Gone),
        ("slow", Mood::Hangs),
        ("broken", Mood::Says(502, "{}")),
        ("rubbish", Mood::Says(200, "{}")),
    ] {
        place.liar.state().moods.insert("/token", mood);
        let began = Instant::now();
        let answer = browser.come_back(&place.app, "sso", &returned).await;
        unavailable(&answer, what);
        assert!(began.elapsed() < Duration::from_secs(5), "{what}");
    }
    place.liar.state().moods.clear();
    let answer = browser.come_back(&place.app, "sso", &returned).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let metrics = String::from_utf8(place.app.app.metrics.render().unwrap()).unwrap();
    let line = "oidc_sign_ins_total{outcome=\"unavailable\",provider=\"sso\"} 4";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn while_a_provider_hangs_few_wait_and_nobody_else() {
    let place = Place::new(&[]).await;
    place.liar.state().moods.insert(DISCOVERY, Mood::Hangs);
    let began = Instant::now();
    let ask = async || {
        unavailable(&place.app.get("/auth/oidc/sso").await, "hangs");
        began.elapsed()
    };
    let times = futures_util::future::join_all((0..100).map(|_| ask())).await;
    let at_once = times.iter().filter(|time| **time < Duration::from_secs(1));
    assert_eq!(at_once.count(), 36);
    assert!(times.iter().all(|time| *time < Duration::from_secs(5)));
    assert_eq!(place.liar.state().asked.len(), 1, "one has asked for all");
}

#[tokio::test]
async fn a_secret_can_go_in_the_body_where_the_provider_wants_it_there() {
    let liar = Liar::start().await;
    liar.state().takes_post = true;
    Place::by(liar, &[]).await.is_good().await;
}

/// Whoever has begun a sign-in could have the provider asked with made-up codes.
#[tokio::test]
async fn strangers_do_not_have_the_provider_asked_at_will() {
    let liar = Liar::start().await;
    let own = liar.flags();
    let flags: Vec<&str> = own.iter().map(String::as_str).collect();
    let flags = [flags.as_slice(), &["--signin-per-address-burst=3"]].concat();
    let app = TestApp::with(&flags, Default::default()).await;
    let mut browser = Browser::default();
    let asked = browser.begin(&app, "sso", "/").await;
    let mut returned = liar.authorize(&asked);
    returned.insert("code".to_owned(), "made-up".to_owned());
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = browser.clone().come_back(&app, "sso", &returned).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 429, 429]);
    let asked = liar.state().asked.clone();
    assert_eq!(asked.iter().filter(|path| *path == "/token").count(), 3);

    // Each that succeeds has cost nothing.
    let app = TestApp::with(&flags, Default::default()).await;
    for _ in 0..5 {
        let mut browser = Browser::default();
        let asked = browser.begin(&app, "sso", "/").await;
        let returned = liar.authorize(&asked);
        let answer = browser.come_back(&app, "sso", &returned).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    }
}
