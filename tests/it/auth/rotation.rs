//! A walk through a list goes on while the signing key changes, whichever replicas it meets.

use std::time::Duration;

use chartroom::identity::keys;

use super::*;
use crate::support::process::TempDir;
use crate::support::wait::until;

/// The directory is read every five seconds.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn audit_l5_a_cursor_is_good_on_replicas_from_before_and_after_a_rotation() {
    let dir = TempDir::new("rotation").unwrap();
    let made = keys::generate(&dir.0, Duration::ZERO).unwrap();
    // So that it is older than the next one, however quickly that comes.
    let name = made.file_name().unwrap().to_str().unwrap();
    let (_, kid) = name.split_once('-').unwrap();
    let old = made.with_file_name(format!("1000-{kid}"));
    std::fs::rename(&made, &old).unwrap();
    let flag = format!("--keys-dir={}", dir.0.display());
    let flags = [&UNLIMITED[..], &[flag.as_str()]].concat();

    let before = TestApp::with(&flags, Default::default()).await;
    let ann = Person::register(&before, "ann").await;
    for _ in 0..3 {
        ann.sign_in(&before).await;
    }
    let who = basic("ann", PASSWORD);
    let page = async |app: &TestApp, cursor: &str| {
        let target = format!("/api/v1/me/sessions?limit=1{cursor}");
        get_as(app, &target, &who).await
    };
    let next = |answer: &Answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        format!("&cursor={}", answer.json()["next"].as_str().unwrap())
    };
    let by_old = next(&page(&before, "").await);

    keys::generate(&dir.0, Duration::ZERO).unwrap();
    let after = before.beside(&flags);
    let by_both = next(&page(&after, &by_old).await);
    let by_new = next(&page(&after, "").await);
    let kid = |app: &TestApp| {
        app.app
            .identity
            .keys
            .current()
            .signing()
            .unwrap()
            .kid
            .clone()
    };
    let rotated = async || (kid(&before) == kid(&after)).then_some(());
    until("the rotation", PATIENCE, rotated).await.unwrap();
    for cursor in [&by_old, &by_both, &by_new] {
        assert_eq!(page(&before, cursor).await.status, 200);
        assert_eq!(page(&after, cursor).await.status, 200);
    }
    // The replica from before seals with the new key, too: what it says outlives the old one.
    let by_before = next(&page(&before, "").await);

    std::fs::remove_file(old).unwrap();
    let last = before.beside(&flags);
    assert_eq!(page(&last, &by_before).await.status, 200);
    assert_eq!(page(&last, &by_old).await.problem(), "invalid-parameter");
}
