//! The API server is away: who was known a moment ago is let in, everybody else is neither let in
//! nor refused.

use super::cluster::Mood;
use super::*;

#[tokio::test]
async fn in_an_outage_the_known_are_let_in_and_of_the_others_nobody_can_say() {
    let flags = [
        "--service-accounts-lifetime=1ms",
        "--service-accounts-outage-lifetime=5m",
    ];
    let place = Place::settled(&flags).await;
    let (known, unknown) = (
        place.workload("shop", "etl"),
        place.workload("shop", "report"),
    );
    assert_eq!(place.outcome(&known).await, good());
    for mood in [
        Mood::Gone,
        Mood::Says(
            500,
            json!({ "kind": "Status", "code": 500, "message": "", "reason": "", "status": "Failure" }),
        ),
    ] {
        place.cluster.state().reviews = mood;
        for _ in 0..3 {
            assert_eq!(place.outcome(&known).await, good());
            assert_eq!(place.outcome(&unknown).await, unavailable());
        }
    }
    let before = place.cluster.reviews();
    for _ in 0..20 {
        place.outcome(&known).await;
        place.outcome(&unknown).await;
    }
    assert!(
        place.cluster.reviews() - before < 20,
        "nobody waits for every answer that does not come"
    );
    // People are none of its business.
    let ann = place.person("ann", false).await;
    assert_eq!(place.outcome(&ann).await, good());
    place.cluster.state().reviews = Mood::Honest;
    let is_back = async || (place.outcome(&unknown).await == good()).then_some(());
    until("the end of the outage", PATIENCE, is_back)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_known_are_let_in_only_for_so_long() {
    let flags = [
        "--service-accounts-lifetime=1ms",
        "--service-accounts-outage-lifetime=2s",
    ];
    let place = Place::settled(&flags).await;
    let etl = place.workload("shop", "etl");
    assert_eq!(place.outcome(&etl).await, good());
    place.cluster.state().reviews = Mood::Gone;
    let is_over = async || (place.outcome(&etl).await == unavailable()).then_some(());
    until("the end of the credit", PATIENCE, is_over)
        .await
        .unwrap();
}

/// A refusal is an answer: what was known before it does not come back when the API server goes.
#[tokio::test]
async fn who_was_refused_before_an_outage_is_not_let_in_by_it() {
    let place = Place::settled(&["--service-accounts-lifetime=1ms"]).await;
    let etl = place.workload("shop", "etl");
    assert_eq!(place.outcome(&etl).await, good());
    place.cluster.state().deleted.insert(tokens::uid("etl"));
    assert_eq!(place.outcome(&etl).await, refused());
    place.cluster.state().reviews = Mood::Gone;
    let is_unsure = async || {
        let outcome = place.outcome(&etl).await;
        assert_ne!(outcome, good());
        (outcome == unavailable()).then_some(())
    };
    until("doubt", PATIENCE, is_unsure).await.unwrap();
}

#[tokio::test]
async fn without_the_keys_nobody_is_refused_and_they_come_by_themselves() {
    let cluster = Cluster::start().await;
    cluster.state().keys = Mood::Gone;
    let place = Place::on(cluster, &[]).await;
    let etl = place.workload("shop", "etl");
    for _ in 0..3 {
        assert_eq!(place.outcome(&etl).await, unavailable());
    }
    // What is not of this cluster at all is refused all the same.
    let other = Token::of("shop", "etl").with("iss", json!("https://evil.example"));
    let stranger = Caller(place.cluster.rsa.sign(&other));
    assert_eq!(place.outcome(&stranger).await, refused());
    place.cluster.state().keys = Mood::Honest;
    let is_back = async || (place.outcome(&etl).await == good()).then_some(());
    until("the keys", PATIENCE, is_back).await.unwrap();
}

/// The keys that are known stay in force.
#[tokio::test]
async fn by_the_keys_alone_an_outage_is_not_noticed() {
    let place = Place::settled(&["--service-accounts-mode=jwks"]).await;
    assert_eq!(
        place.outcome(&place.workload("shop", "first")).await,
        good()
    );
    place.cluster.state().keys = Mood::Gone;
    assert_eq!(place.outcome(&place.workload("shop", "etl")).await, good());
    let mut header = place.cluster.rsa.header();
    header["kid"] = json!("perhaps a new one");
    let token = place
        .cluster
        .rsa
        .sign_with(&header, &Token::of("shop", "etl"));
    assert_eq!(place.outcome(&Caller(token)).await, unavailable());
}

/// The cluster says yes, but the database does not say who that is: the next call asks again.
#[tokio::test]
async fn a_database_that_fails_is_no_verdict_on_the_token() {
    let place = Place::settled(&[]).await;
    let etl = place.workload("shop", "etl");
    place.sql("ALTER TABLE workloads RENAME TO hidden").await;
    let answer = etl.get(&place, "/api/v1/projects").await;
    assert_eq!(outcome(&answer), (500, "internal".into()));
    place.sql("ALTER TABLE hidden RENAME TO workloads").await;
    assert_eq!(place.outcome(&etl).await, good());
    assert_eq!(place.cluster.reviews(), 1);
}
