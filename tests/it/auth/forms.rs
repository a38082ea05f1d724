//! Credentials that cannot be any cost no connection; what might be one is asked about, also if it
//! was not there a moment ago.

use std::time::{Duration, Instant};

use chartroom::identity::secret::{fresh_secret, secret_hash};
use secrecy::ExposeSecret as _;

use super::*;
use crate::support::chaos_proxy::Mode;
use crate::support::database::{TestDatabase, behind_proxy};

/// Far less than the deadlines of the database.
const AT_ONCE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn audit_l1_impossible_credentials_are_refused_without_the_database() {
    let database = TestDatabase::migrated().await;
    let (proxy, endpoint) = behind_proxy(&database).await;
    let app = TestApp::on(database.into(), endpoint, &UNLIMITED, Default::default());
    let ann = Person::register(&app, "ann").await;
    let (token, cookie) = (ann.api_token(&app, "read").await, ann.cookie(&app).await);
    let cut = |text: &str| text[..text.len() - 1].to_owned();
    let other = |text: &str| {
        let last = if text.ends_with('A') { "B" } else { "A" };
        cut(text) + last
    };
    let impossible = [
        ("authorization", "Bearer crt_x".to_owned()),
        ("authorization", cut(&token)),
        ("authorization", other(&token)),
        ("authorization", format!("Bearer crt_{}", "x".repeat(1_000))),
        ("authorization", format!("Bearer crt_{}=", "x".repeat(42))),
        ("authorization", basic("ann", "crt_x")),
        ("cookie", "__Host-session=x".to_owned()),
        ("cookie", "__Host-session=".to_owned()),
        ("cookie", cut(&cookie)),
        ("cookie", other(&cookie)),
    ];
    let possible = fresh_secret("crt_").unwrap();
    let possible = format!("Bearer {}", possible.expose_secret());
    let ask = async |(name, value): (&str, &str)| {
        let begun = Instant::now();
        let headers = [(name, value)];
        let answer = app.send(Method::GET, "/api/v1/me", &headers, Body::empty());
        (answer.await.status.as_u16(), begun.elapsed())
    };
    for mode in [Mode::Blackhole, Mode::Refuse] {
        proxy.set(mode).await;
        if matches!(mode, Mode::Refuse) {
            proxy.reset_live();
        }
        for (name, value) in &impossible {
            let (status, took) = ask((name, value)).await;
            assert_eq!(status, 401, "{mode:?} {value}");
            assert!(took < AT_ONCE, "{mode:?} {value}: {took:?}");
        }
        // The control: one that may be good is asked about.
        assert_eq!(ask(("authorization", &possible)).await.0, 503, "{mode:?}");
    }
}

#[tokio::test]
async fn audit_l1_old_secrets_stay_good_and_a_miss_is_not_remembered() {
    let app = app(&[]).await;
    let client = app.database.session().await;
    let ann = Person::register(&app, "ann").await;
    let user: uuid::Uuid = ann.id.parse().unwrap();
    // As they were made before they had a check at their end.
    let old = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
    let new = fresh_secret("crt_").unwrap();
    for secret in [format!("crt_{old}").as_str(), new.expose_secret()] {
        let bearer = format!("Bearer {secret}");
        assert_eq!(me(&app, &bearer).await, 401);
        let insert = "INSERT INTO api_tokens (id, user_id, name, access, secret_hash) VALUES (gen_random_uuid(), $1, 'ci', 'read', $2)";
        let made = client.execute(insert, &[&user, &secret_hash(secret)]).await;
        assert_eq!(made.unwrap(), 1);
        assert_eq!(me(&app, &bearer).await, 200);
    }
    let cookie = format!("__Host-session={old}");
    let insert = "INSERT INTO sessions (id, user_id, kind, cookie_hash, idle_ends_at, ends_at) \
         VALUES (gen_random_uuid(), $1, 'cookie', $2, now() + interval '1 hour', now() + interval '1 hour')";
    client
        .execute(insert, &[&user, &secret_hash(&old)])
        .await
        .unwrap();
    let headers = [("cookie", cookie.as_str())];
    let answer = app.send(Method::GET, "/api/v1/me", &headers, Body::empty());
    assert_eq!(answer.await.status, 200);
}
