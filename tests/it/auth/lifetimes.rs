//! What has ended stays refused for as long as anything of it could be believed anywhere, whatever
//! the settings of each replica.

use std::time::Duration;

use chartroom::identity::revocation::{State, purge};
use tokio_postgres::Client;

use super::*;
use crate::support::wait::until;

const SOON: Duration = Duration::from_secs(10);

/// As if so much time had passed for the revocations.
async fn pass(client: &Client, seconds: i32) {
    let passed = "UPDATE revocations SET revoked_at = revoked_at - make_interval(secs => $1), \
         needed_until = needed_until - make_interval(secs => $1)";
    client
        .execute(passed, &[&f64::from(seconds)])
        .await
        .unwrap();
}

async fn until_fresh(app: &TestApp) {
    let feed = &app.app.identity.feed;
    let fresh = async || (feed.state() == State::Fresh).then_some(());
    until("a fresh feed", SOON, fresh).await.unwrap();
}

/// The seconds for which the latest revocation is needed.
async fn needed(client: &Client) -> f64 {
    let query = "SELECT extract(epoch FROM needed_until - now())::float8 FROM revocations ORDER BY id DESC LIMIT 1";
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn audit_m1_a_signed_out_access_token_stays_refused_where_tokens_live_shorter() {
    let long = app(&["--access-lifetime=30m"]).await;
    let client = long.database.session().await;
    let short = ["--access-lifetime=1s", "--credential-cache-lifetime=1s"];
    let ann = Person::register(&long, "ann").await;
    let pair = ann.sign_in(&long).await;
    let next = Pair::of(&by_refresh(&long, &pair.refresh).await);
    let out = send_as(&long, Method::POST, "/auth/logout", &next.bearer()).await;
    assert_eq!(out.status, 204);

    pass(&client, 29 * 60).await;
    let late = long.beside(&[&UNLIMITED[..], &short].concat());
    until_fresh(&late).await;
    assert_eq!(late.app.identity.feed.revocations().len(), 1);
    for token in [&pair, &next] {
        assert_eq!(me(&late, &token.bearer()).await, 401);
    }
    // The replica with the short life removes nothing that the other needs.
    assert_eq!(purge(&late.app.db).await.unwrap(), 0);
    // The control: the same token is good where nothing is known of its end.
    client
        .batch_execute("DELETE FROM revocations")
        .await
        .unwrap();
    let ignorant = long.beside(&short);
    until_fresh(&ignorant).await;
    assert_eq!(me(&ignorant, &next.bearer()).await, 200);
}

#[tokio::test]
async fn audit_m1_each_revocation_is_needed_for_as_long_as_what_was_given_out() {
    let first = app(&["--access-lifetime=1s"]).await;
    let client = first.database.session().await;
    let ann = Person::register(&first, "ann").await;
    for (lifetime, seconds) in [
        ("1s", 1.0),
        ("5s", 5.0),
        ("30m", 1_800.0),
        ("24h", 86_400.0),
    ] {
        let flag = format!("--access-lifetime={lifetime}");
        let replica = first.beside(&[&UNLIMITED[..], &[&flag]].concat());
        // The last word is of the replica with the short life, and the token of the other lives on.
        let pair = ann.sign_in(&replica).await;
        let next = Pair::of(&by_refresh(&first, &pair.refresh).await);
        post_form(&first, "/auth/revoke", &[("token", &next.refresh)]).await;
        let needed = needed(&client).await;
        assert!(
            needed > seconds && needed < seconds + 700.0,
            "{lifetime}: {needed}"
        );
    }
}

/// The release before says nothing of all this, side by side with this one.
#[tokio::test]
async fn audit_m1_what_the_release_before_gives_out_and_ends_is_known_for_the_longest() {
    const DAY: f64 = 86_400.0;
    let app = app(&[]).await;
    let client = app.database.session().await;
    let ann = Person::register(&app, "ann").await;
    client
        .batch_execute("INSERT INTO revocations (subject) VALUES (gen_random_uuid())")
        .await
        .unwrap();
    assert!(needed(&client).await > DAY + 1_200.0);

    let refreshes =
        "UPDATE sessions SET generation = generation + 1, rotated_at = now() WHERE id::text = $1";
    let uses = "UPDATE sessions SET idle_ends_at = now() + interval '1 hour' WHERE id::text = $1";
    for statement in [refreshes, uses] {
        let pair = ann.sign_in(&app).await;
        let written = client.execute(statement, &[&pair.session()]).await;
        assert_eq!(written.unwrap(), 1);
        post_form(&app, "/auth/revoke", &[("token", &pair.access)]).await;
        assert_eq!(me(&app, &pair.bearer()).await, 401);
        assert!(needed(&client).await > DAY + 1_200.0, "{statement}");
    }
    // The control: used by this release alone, it is known for as long as its access token lives.
    let pair = ann.sign_in(&app).await;
    post_form(&app, "/auth/revoke", &[("token", &pair.access)]).await;
    assert!(needed(&client).await < 2_500.0);
}

/// A session may be over while an access token of it lives: that is ended all the same.
#[tokio::test]
async fn an_access_token_that_outlives_its_session_is_ended_too() {
    let app = app(&["--access-lifetime=30m", "--refresh-lifetime=1s"]).await;
    let ann = Person::register(&app, "ann").await;
    let pair = ann.sign_in(&app).await;
    let over = async || (by_refresh(&app, &pair.refresh).await.status == 400).then_some(());
    until("the end of an idle session", SOON, over)
        .await
        .unwrap();
    assert_eq!(me(&app, &pair.bearer()).await, 200);
    post_form(&app, "/auth/revoke", &[("token", &pair.access)]).await;
    assert_eq!(me(&app, &pair.bearer()).await, 401);
}

#[tokio::test]
async fn audit_h3_what_ended_is_known_for_as_long_as_any_cache_and_leaves_this_one() {
    let flags = ["--access-lifetime=1s", "--credential-cache-lifetime=10m"];
    let here = app(&flags).await;
    let there = here.beside(&[&UNLIMITED[..], &flags].concat());
    let client = here.database.session().await;
    let ann = Person::register(&here, "ann").await;
    let (token, password) = (ann.api_token(&here, "write").await, basic("ann", PASSWORD));
    let cookie = ann.cookie(&here).await;
    let secret = cookie.strip_prefix("__Host-session=").unwrap();
    let cache = &there.app.identity.cache;
    let believed = [
        cache.fingerprint(b't', &[token.strip_prefix("Bearer ").unwrap()]),
        cache.fingerprint(b'c', &[secret]),
        cache.fingerprint(b'b', &["ann", PASSWORD]),
    ];
    let ways = [
        ("authorization", token.as_str()),
        ("cookie", &cookie),
        ("authorization", &password),
    ];
    let ask = async |way| {
        let headers = [way];
        let answer = there.send(Method::GET, "/api/v1/me", &headers, Body::empty());
        answer.await.status.as_u16()
    };
    for (way, fingerprint) in ways.into_iter().zip(believed) {
        assert_eq!(ask(way).await, 200);
        assert!(cache.find(fingerprint).is_some());
    }

    let list = get_as(&here, "/api/v1/me/tokens", &password).await.json();
    let target = format!(
        "/api/v1/me/tokens/{}",
        list["items"][0]["id"].as_str().unwrap()
    );
    let deleted = send_as(&here, Method::DELETE, &target, &password).await;
    assert_eq!(deleted.status, 204);
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let out = here.send(Method::POST, "/auth/logout", &headers, Body::empty());
    assert_eq!(out.await.status, 204);
    let body = json!({ "current": PASSWORD, "new": "a much better one" }).to_string();
    let headers = [JSON, ("authorization", password.as_str())];
    let changed = here.send(Method::POST, "/api/v1/me/password", &headers, body.into());
    assert_eq!(changed.await.status, 204);

    let query =
        "SELECT count(*), min(needed_until - now()) > interval '10 minutes' FROM revocations";
    let row = client.query_one(query, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (3, true));
    for (way, fingerprint) in ways.into_iter().zip(believed) {
        let refused = async || (ask(way).await == 401).then_some(());
        until("a refusal", SOON, refused).await.unwrap();
        assert!(cache.find(fingerprint).is_none());
    }
}

/// The constants that revocations go by are what the settings accept at most.
#[test]
fn the_longest_lifetimes_are_those_of_the_settings() {
    use chartroom::config::Config;
    use chartroom::identity::revocation::belief;
    use clap::{Args as _, Command};
    let accepts = |flag: &str| {
        let command = Config::augment_args(Command::new("chartroom"));
        command.try_get_matches_from(["chartroom", flag]).is_ok()
    };
    assert!(accepts("--access-lifetime=24h") && !accepts("--access-lifetime=1441m"));
    assert!(belief::of_access_token(chrono::TimeDelta::hours(24)) < belief::LONGEST);
    // The statements about sessions have it as a text.
    assert_eq!(belief::LONGEST, chrono::TimeDelta::hours(25));
    assert!(accepts("--credential-cache-lifetime=10m"));
    assert!(!accepts("--credential-cache-lifetime=601s"));
    assert!(belief::CACHED > chrono::TimeDelta::minutes(10));
}
