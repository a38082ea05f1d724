//! Many at once: each token is asked about once, and a flood stays within bounds.

use std::time::Instant;

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn fifty_calls_with_one_token_are_one_review() {
    let place = Place::settled(&[]).await;
    let etl = place.workload("shop", "etl");
    let outcomes = join_all((0..50).map(|_| place.outcome(&etl))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == good()));
    assert_eq!(place.cluster.reviews(), 1);
    // And so are fifty that are refused.
    let gone = place.workload("shop", "gone");
    place.cluster.state().deleted.insert(tokens::uid("gone"));
    let outcomes = join_all((0..50).map(|_| place.outcome(&gone))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == refused()));
    assert_eq!(place.cluster.reviews(), 2);
    // Control: another token is another question.
    place.outcome(&place.workload("shop", "etl")).await;
    assert_eq!(place.cluster.reviews(), 3);
}

#[tokio::test]
async fn a_caller_who_gives_up_leaves_the_question_to_the_next() {
    let place = Place::settled(&[]).await;
    let etl = place.workload("shop", "etl");
    place.cluster.state().reviews = cluster::Mood::Hangs;
    let first = tokio::time::timeout(std::time::Duration::from_millis(200), place.outcome(&etl));
    first.await.unwrap_err();
    place.cluster.state().reviews = cluster::Mood::Honest;
    assert_eq!(place.outcome(&etl).await, good());
}

/// The keys are asked for a few times a minute, and that is all.
#[tokio::test]
async fn a_flood_of_rubbish_asks_nobody() {
    let place = Place::settled(&[]).await;
    let etl = Token::of("shop", "etl");
    let stranger = tokens::Key::ec("ec-1");
    let rubbish = (0..2_000).map(|round| {
        let mut header = stranger.header();
        if round % 2 == 0 {
            header["kid"] = json!(format!("made-up-{round}"));
        }
        Caller(stranger.sign_with(&header, &etl.with("jti", json!(round))))
    });
    let begun = Instant::now();
    let mut unsure = 0;
    for caller in rubbish {
        let outcome = place.outcome(&caller).await;
        unsure += usize::from(outcome == unavailable());
        assert!(
            outcome == refused() || outcome == unavailable(),
            "{outcome:?}"
        );
    }
    assert_eq!(place.cluster.reviews(), 0);
    // Those that the service has made by itself in this time are among them.
    let regained = usize::try_from(begun.elapsed().as_secs()).unwrap() * (6 + 1) / 60;
    let asked = place.cluster.state().asked_keys;
    assert!(asked <= 8 + regained, "{asked}, {regained} regained");
    assert!((900..=1_000).contains(&unsure), "{unsure}");
}

/// Good signatures of an account that is gone, or of one that runs wild: 16 reviews at a time, and
/// no more waiting than is set.
#[tokio::test]
async fn a_flood_of_tokens_that_the_cluster_signed_is_bounded() {
    let place = Place::settled(&["--service-accounts-timeout=500ms"]).await;
    let callers: Vec<Caller> = (0..200).map(|_| place.workload("shop", "etl")).collect();
    place.cluster.state().reviews = cluster::Mood::Hangs;
    let begun = Instant::now();
    let outcomes = join_all(callers.iter().map(|caller| place.outcome(caller))).await;
    let took = begun.elapsed();
    assert!(outcomes.iter().all(|outcome| *outcome == unavailable()));
    assert!(took < PATIENCE);
    // Each of the 16 takes its time before another has its place.
    let most = 16 * (1 + took.as_millis() / 500);
    let reviews = place.cluster.reviews();
    assert!(
        u128::try_from(reviews).unwrap() <= most,
        "{reviews} in {took:?}"
    );
    // Afterwards nothing is left of it.
    place.cluster.state().reviews = cluster::Mood::Honest;
    assert_eq!(place.outcome(&place.workload("shop", "etl")).await, good());
}
