//! ID tokens that are not good: each is refused, and a true one is taken by the same service after
//! it.

use chrono::Utc;

use super::liar::{CLIENT, Lie, SECRET, Signer};
use super::*;
use crate::workloads::tokens::Key;

fn claims(claims: &[(&'static str, Value)]) -> Lie {
    Lie {
        claims: claims.to_vec(),
        ..Lie::default()
    }
}

fn header(header: Value, signer: Signer) -> Lie {
    Lie {
        header,
        signer,
        ..Lie::default()
    }
}

fn without(claim: &'static str) -> Lie {
    Lie {
        without: vec![claim],
        ..Lie::default()
    }
}

#[tokio::test]
async fn a_token_that_is_not_the_provider_s_word_on_this_sign_in_is_refused() {
    let place = Place::new(&[]).await;
    let now = Utc::now().timestamp();
    let stranger = Key::ec("k-1");
    let known = place.liar.state().key.jwk();
    let (none, hmac) = (json!({ "alg": "none" }), json!({ "alg": "HS256" }));
    let lies: Vec<(&str, &str, Lie)> = vec![
        (
            "another service",
            "for another service",
            claims(&[("aud", json!("other"))]),
        ),
        (
            "no service",
            "for another service",
            claims(&[("aud", json!([]))]),
        ),
        ("no audience", "not in the form", without("aud")),
        (
            "several services, and nobody says whose it is",
            "for another service",
            claims(&[("aud", json!([CLIENT, "other"]))]),
        ),
        (
            "given to another service",
            "for another service",
            claims(&[("aud", json!([CLIENT, "other"])), ("azp", json!("other"))]),
        ),
        (
            "for us, given to another service",
            "for another service",
            claims(&[("azp", json!("other"))]),
        ),
        (
            "another issuer",
            "another issuer",
            claims(&[("iss", json!("https://evil.example"))]),
        ),
        (
            "almost the issuer",
            "another issuer",
            claims(&[("iss", json!(format!("{}/", place.liar.issuer)))]),
        ),
        ("no issuer", "not in the form", without("iss")),
        (
            "another sign-in",
            "another sign-in",
            claims(&[("nonce", json!("other"))]),
        ),
        ("no sign-in", "another sign-in", without("nonce")),
        ("old", "expired", claims(&[("exp", json!(now - 1))])),
        ("without an end", "not in the form", without("exp")),
        (
            "of tomorrow",
            "in the future",
            claims(&[("iat", json!(now + 3_600))]),
        ),
        (
            "not good yet",
            "in the future",
            claims(&[("nbf", json!(now + 3_600))]),
        ),
        ("about nobody", "not in the form", without("sub")),
        (
            "about an empty name",
            "not in the form",
            claims(&[("sub", json!(""))]),
        ),
        (
            "about a long name",
            "not in the form",
            claims(&[("sub", json!("x".repeat(256)))]),
        ),
        ("unsigned", "not in the form", header(none, Signer::Nobody)),
        (
            "signature taken away",
            "not signed",
            header(json!({}), Signer::Nobody),
        ),
        (
            "signed by the client's secret",
            "not in the form",
            header(hmac.clone(), Signer::Secret(SECRET.into())),
        ),
        (
            "signed by the public key as if it were a secret",
            "not in the form",
            header(hmac, Signer::Secret(known["n"].as_str().unwrap().into())),
        ),
        (
            "signed by a key of the same name",
            "not signed",
            header(json!({ "alg": "ES256" }), Signer::Stranger),
        ),
        (
            "signed by a key that it brings along",
            "not signed",
            header(
                json!({ "alg": "ES256", "jwk": stranger.jwk() }),
                Signer::Stranger,
            ),
        ),
        (
            "signed by a key that lies elsewhere",
            "not signed",
            header(
                json!({ "alg": "ES256", "kid": "k-9", "jku": "https://evil.example/jwks" }),
                Signer::Stranger,
            ),
        ),
        (
            "changed after it was signed",
            "not signed",
            header(
                json!({}),
                Signer::Before("email", json!("root@example.org")),
            ),
        ),
        (
            "an access token",
            "not in the form",
            header(json!({ "typ": "at+jwt" }), Signer::Own),
        ),
        (
            "with more to understand",
            "not in the form",
            header(json!({ "crit": ["b64"], "b64": true }), Signer::Own),
        ),
    ];
    assert!(lies.len() >= 20);
    for (what, why, lie) in lies {
        place.liar.state().lie = lie;
        let told = place.is_refused(what).await;
        assert!(told.contains(why), "{what}: {told}");
        place.is_good().await;
    }
    // What is odd and true is taken.
    for lie in [
        claims(&[("aud", json!([CLIENT])), ("azp", json!(CLIENT))]),
        claims(&[("aud", json!([CLIENT, "other"])), ("azp", json!(CLIENT))]),
        claims(&[("iat", json!(now + 5))]),
        header(json!({ "typ": "JWT", "x5t": "AAAA" }), Signer::Own),
    ] {
        place.liar.state().lie = lie;
        assert_eq!(place.sign_in().await.status, 303);
    }
}

#[tokio::test]
async fn keys_change_and_those_of_another_use_do_not_count() {
    let place = Place::by(Liar::with(Key::ec("ec-1")).await, &[]).await;
    place.is_good().await;
    // A new key is found by the first token that it has signed.
    let next = Key::rsa("rsa-2");
    {
        let mut state = place.liar.state();
        state.published.push(next.jwk());
        state.key = next;
    }
    place.is_good().await;
    // One that is for something else signs nothing.
    let other = Key::ec("ec-3");
    {
        let mut state = place.liar.state();
        let mut jwk = other.jwk();
        jwk["use"] = json!("enc");
        state.published.push(jwk);
        state.key = other;
    }
    let told = place.is_refused("a key for encryption").await;
    assert!(told.contains("not signed"), "{told}");
    // Made-up names of keys make the provider work a bounded number of times, and then there is no
    // telling whose a key is.
    let asked = || {
        let asked = place.liar.state().asked.clone();
        asked.iter().filter(|path| *path == "/jwks").count()
    };
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(place.sign_in().await.status.as_u16());
    }
    assert!(asked() <= 9, "{}", asked());
    assert!(
        statuses.contains(&403) && statuses.contains(&503),
        "{statuses:?}"
    );
}
