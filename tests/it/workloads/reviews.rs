//! What the API server may answer, and what becomes of the caller.

use super::cluster::{AUDIENCE, Mood};
use super::tokens::uid;
use super::*;

#[tokio::test]
async fn a_review_asks_for_our_audience_with_our_own_credential() {
    let place = Place::new(&[]).await;
    let etl = place.workload("shop", "etl");
    assert_eq!(place.outcome(&etl).await, good());
    let state = place.cluster.state();
    assert_eq!(
        state.last_review,
        json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": { "token": etl.0, "audiences": [AUDIENCE] },
        })
    );
    assert!(state.credential.starts_with("Bearer ey") && !state.credential.contains(&etl.0));
}

#[tokio::test]
async fn every_answer_has_its_outcome() {
    let place = Place::new(&[]).await;
    let user = |username: &str, uid: &str| json!({ "username": username, "uid": uid });
    let etl = || user("system:serviceaccount:shop:etl", &uid("etl"));
    let says = |status: Value| Mood::Says(201, json!({ "status": status }));
    let fails = |code: u16| {
        let status = json!({ "kind": "Status", "status": "Failure", "code": code, "message": "no", "reason": "" });
        Mood::Says(code, status)
    };
    let accepted = json!({ "authenticated": true, "user": etl(), "audiences": [AUDIENCE] });
    let with = |member: &str, value: Value| {
        let mut status = accepted.clone();
        status[member] = value;
        says(status)
    };
    let without = |member: &str| {
        let mut status = accepted.clone();
        status.as_object_mut().unwrap().remove(member);
        says(status)
    };
    let table: Vec<(&str, Mood, (u16, String))> = vec![
        ("accepted", says(accepted.clone()), good()),
        (
            "accepted with more",
            with("audiences", json!(["a", AUDIENCE])),
            good(),
        ),
        (
            "accepted with a word",
            with("error", json!("deprecated")),
            good(),
        ),
        (
            "not authenticated",
            with("authenticated", json!(false)),
            refused(),
        ),
        ("not a word on it", without("authenticated"), refused()),
        (
            "an error",
            says(json!({ "error": "invalid bearer token" })),
            refused(),
        ),
        ("an empty status", says(json!({})), refused()),
        (
            "another audience",
            with("audiences", json!(["another"])),
            refused(),
        ),
        (
            "the API server's audience",
            with("audiences", json!([cluster::ISSUER])),
            refused(),
        ),
        ("no audience in it", with("audiences", json!([])), refused()),
        ("not a word on audiences", without("audiences"), refused()),
        (
            "another account",
            with(
                "user",
                user("system:serviceaccount:shop:admin", &uid("etl")),
            ),
            refused(),
        ),
        (
            "another namespace",
            with("user", user("system:serviceaccount:crm:etl", &uid("etl"))),
            refused(),
        ),
        (
            "a user",
            with("user", user("system:admin", &uid("etl"))),
            refused(),
        ),
        (
            "another UID",
            with("user", user("system:serviceaccount:shop:etl", "another")),
            refused(),
        ),
        (
            "no UID",
            with(
                "user",
                json!({ "username": "system:serviceaccount:shop:etl" }),
            ),
            refused(),
        ),
        ("nobody", without("user"), refused()),
        ("bad request", fails(400), unavailable()),
        ("our token is bad", fails(401), unavailable()),
        ("our right is gone", fails(403), unavailable()),
        ("not found", fails(404), unavailable()),
        ("too many requests", fails(429), unavailable()),
        ("a failure", fails(500), unavailable()),
        ("overloaded", fails(503), unavailable()),
        ("a list", Mood::Says(201, json!([])), unavailable()),
        (
            "no status",
            Mood::Says(201, json!({ "kind": "TokenReview" })),
            unavailable(),
        ),
        (
            "a text for a truth",
            with("authenticated", json!("true")),
            unavailable(),
        ),
        ("no JSON", Mood::Garbles("<html>"), unavailable()),
        ("nothing", Mood::Garbles(""), unavailable()),
        ("a closed connection", Mood::Gone, unavailable()),
    ];
    for (name, mood, expected) in table {
        let is_gone = matches!(mood, Mood::Gone);
        place.cluster.state().reviews = mood;
        let before = place.cluster.reviews();
        // Another token each time: what became of one is remembered.
        let caller = place.workload("shop", "etl");
        let answer = caller.get(&place, "/api/v1/projects").await;
        assert_eq!(outcome(&answer), expected, "{name}");
        // A connection that is closed before an answer may have been an old one.
        let asked = place.cluster.reviews() - before;
        assert!(asked == 1 || (is_gone && asked > 0), "{name}: {asked}");
        if expected == unavailable() {
            assert!(!answer.header("retry-after").is_empty(), "{name}");
        }
        assert!(!answer.text().contains(&caller.0), "{name}");
    }
}

#[tokio::test]
async fn an_api_server_that_keeps_silent_is_not_waited_for() {
    let place = Place::new(&["--service-accounts-timeout=100ms"]).await;
    place.cluster.state().reviews = Mood::Hangs;
    let etl = place.workload("shop", "etl");
    // The keys may have been late as well; either way there is no telling.
    assert_eq!(place.outcome(&etl).await, unavailable());
}

#[tokio::test]
async fn a_deleted_account_is_refused_when_what_was_known_of_it_has_ended() {
    let place = Place::new(&["--service-accounts-lifetime=1s"]).await;
    let etl = place.workload("shop", "etl");
    assert_eq!(place.outcome(&etl).await, good());
    place.cluster.state().deleted.insert(uid("etl"));
    let is_refused = async || (place.outcome(&etl).await == refused()).then_some(());
    until("the refusal", PATIENCE, is_refused).await.unwrap();
    // And stays refused, although refusals are asked about again.
    let before = place.cluster.reviews();
    let again = async || {
        assert_eq!(place.outcome(&etl).await, refused());
        (place.cluster.reviews() > before).then_some(())
    };
    until("another review", PATIENCE, again).await.unwrap();
    assert_eq!(
        place.outcome(&place.workload("shop", "report")).await,
        good(),
        "the others stay"
    );
}

#[tokio::test]
async fn a_token_is_good_no_longer_than_it_says() {
    let place = Place::new(&["--service-accounts-lifetime=5m"]).await;
    let short = Token::of("shop", "etl").with("exp", json!(Utc::now().timestamp() + 2));
    let etl = Caller(place.cluster.rsa.sign(&short));
    assert_eq!(place.outcome(&etl).await, good());
    let is_refused = async || (place.outcome(&etl).await == refused()).then_some(());
    until("the end", PATIENCE, is_refused).await.unwrap();
    assert_eq!(place.cluster.reviews(), 1);
}

#[tokio::test]
async fn by_the_keys_alone_nothing_is_reviewed() {
    let place = Place::settled(&["--service-accounts-mode=jwks"]).await;
    let (etl, gone) = (
        place.workload("shop", "etl"),
        place.workload("shop", "gone"),
    );
    place.cluster.state().deleted.insert(uid("gone"));
    assert_eq!(place.outcome(&etl).await, good());
    assert_eq!(
        place.outcome(&gone).await,
        good(),
        "the price of the mode: nobody tells"
    );
    let state = place.cluster.state();
    assert_eq!((state.asked_reviews, state.asked_rights), (0, 0));
}
