//! Tokens that the cluster did not make, or not for us: none is let in, and none of those costs a
//! call of the API server.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::tokens::{Key, by_hmac, message};
use super::*;

#[tokio::test]
async fn tokens_of_both_kinds_of_keys_are_taken() {
    let place = Place::new(&[]).await;
    let cluster = &place.cluster;
    for key in [&cluster.rsa, &cluster.ec] {
        let etl = Token::of("shop", "etl");
        let mut with_type = key.header();
        with_type["typ"] = json!("JWT");
        for token in [
            key.sign(&etl),
            key.sign_with(&with_type, &etl),
            key.sign(&etl.with("aud", json!(["another", cluster::AUDIENCE]))),
            key.sign(&etl.without("nbf")),
            key.sign(&etl.with("a claim of a later version", json!(1))),
        ] {
            assert_eq!(place.outcome(&Caller(token)).await, good(), "{}", key.alg());
        }
    }
}

/// Each with its name, made of the keys of a cluster.
fn forgeries(place: &Place) -> Vec<(String, String)> {
    let (rsa, ec) = (&place.cluster.rsa, &place.cluster.ec);
    let etl = Token::of("shop", "etl");
    let mut all = Vec::new();
    let mut add = |name: &str, token: String| all.push((name.to_owned(), token));
    let with = |key: &Key, member: &str, value: Value| {
        let mut header = key.header();
        header[member] = value;
        header
    };
    let without = |key: &Key, member: &str| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove(member);
        header
    };

    for key in [rsa, ec] {
        for alg in [
            "none", "None", "", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
            "ES256", "ES384", "ES512", "EdDSA", "rs256",
        ] {
            let header = with(key, "alg", json!(alg));
            if alg != key.alg() {
                add(
                    &format!("{} as {alg:?}", key.alg()),
                    key.sign_with(&header, &etl),
                );
            }
            add(
                &format!("{alg:?} without a signature"),
                format!("{}.", message(&header, &etl)),
            );
            add(&format!("{alg:?} in two parts"), message(&header, &etl));
        }
        let jwk = key.jwk();
        for (name, secret) in [
            ("of nothing", Vec::new()),
            (
                "of the key as it is published",
                jwk.to_string().into_bytes(),
            ),
            (
                "of the key itself",
                BASE64_URL_SAFE_NO_PAD
                    .decode(jwk["n"].as_str().or(jwk["x"].as_str()).unwrap())
                    .unwrap(),
            ),
        ] {
            for alg in ["HS256", key.alg()] {
                let header = with(key, "alg", json!(alg));
                add(
                    &format!("{alg} by a code {name}"),
                    by_hmac(&secret, &header, &etl),
                );
            }
        }
        let stranger = Key::ec(&key.kid);
        add("a stranger's key", stranger.sign(&etl));
        for kid in [
            json!("unknown"),
            json!(""),
            json!("../../../../dev/null"),
            json!("x' OR '1'='1"),
            json!("https://evil.example/keys"),
            json!(null),
            json!(7),
            json!([key.kid]),
            json!(format!("{} ", key.kid)),
        ] {
            add(
                &format!("kid {kid}"),
                key.sign_with(&with(key, "kid", kid.clone()), &etl),
            );
            add(
                &format!("kid {kid} of a stranger"),
                stranger.sign_with(&with(&stranger, "kid", kid), &etl),
            );
        }
        for member in ["alg", "kid"] {
            add(
                &format!("no {member}"),
                key.sign_with(&without(key, member), &etl),
            );
        }
        for (member, value) in [
            ("jku", json!("https://evil.example/keys")),
            ("jwk", stranger.jwk()),
            ("x5u", json!("https://evil.example/cert")),
            ("x5c", json!(["MIIB"])),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
            ("typ", json!("at+jwt")),
            ("typ", json!("")),
        ] {
            add(
                &format!("{member} {value}"),
                key.sign_with(&with(key, member, value.clone()), &etl),
            );
        }
        let token = key.sign(&etl);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = key.sign(&Token::of("shop", "admin"));
        let body = other.split('.').nth(1).unwrap();
        add("another body", format!("{header}.{body}.{signature}"));
        add("a part more", format!("{token}.{signature}"));
        add("padded", format!("{token}="));
        add("a signature cut short", token[..token.len() - 4].to_owned());
    }

    let now = Utc::now().timestamp();
    let flawed = [
        (
            "another issuer",
            etl.with("iss", json!("https://evil.example")),
        ),
        ("no issuer", etl.without("iss")),
        ("another audience", etl.with("aud", json!(["another"]))),
        (
            "the API server's audience",
            etl.with("aud", json!([cluster::ISSUER])),
        ),
        ("no audience", etl.without("aud")),
        ("an empty audience", etl.with("aud", json!([]))),
        (
            "a part of the audience",
            etl.with("aud", json!("demo-chartroom")),
        ),
        ("ended", etl.with("exp", json!(now - 1))),
        ("without an end", etl.without("exp")),
        (
            "an end that is a text",
            etl.with("exp", json!("2100-01-01")),
        ),
        ("not begun", etl.with("nbf", json!(now + 300))),
        ("from the future", etl.with("iat", json!(now + 300))),
        ("of a user", etl.with("sub", json!("system:admin"))),
        (
            "of another account",
            etl.with("sub", json!("system:serviceaccount:shop:admin")),
        ),
        (
            "of another namespace",
            etl.with("sub", json!("system:serviceaccount:kube-system:etl")),
        ),
        ("no claims of Kubernetes", etl.without("kubernetes.io")),
        (
            "no UID",
            etl.at("/kubernetes.io/serviceaccount/uid", json!("")),
        ),
        ("a name that is a path", {
            let name = "../etl";
            etl.with("sub", json!(format!("system:serviceaccount:shop:{name}")))
                .at("/kubernetes.io/serviceaccount/name", json!(name))
        }),
        ("of an old Secret", {
            Token(json!({
                "iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:shop:etl",
                "kubernetes.io/serviceaccount/namespace": "shop",
                "kubernetes.io/serviceaccount/service-account.name": "etl",
                "kubernetes.io/serviceaccount/service-account.uid": "uid-of-etl",
            }))
        }),
        ("of an old Secret by the issuer of today", {
            Token(json!({ "iss": cluster::ISSUER, "sub": "system:serviceaccount:shop:etl" }))
        }),
    ];
    for (name, token) in flawed {
        add(name, rsa.sign(&token));
        add(name, ec.sign(&token));
    }
    all
}

#[tokio::test]
async fn no_forgery_is_let_in_and_none_costs_a_review() {
    let place = Place::settled(&[]).await;
    let forgeries = forgeries(&place);
    assert!(forgeries.len() > 150);
    let begun = std::time::Instant::now();
    for (name, token) in &forgeries {
        let answer = Caller(token.clone()).get(&place, "/api/v1/projects").await;
        // Beyond a few, nobody asks for a key that is not known, so it may be a new one.
        if name.starts_with("kid ") && outcome(&answer) == unavailable() {
            continue;
        }
        assert_eq!(outcome(&answer), refused(), "{name}");
        assert!(
            answer.header("www-authenticate").contains("invalid_token"),
            "{name}"
        );
    }
    assert_eq!(place.cluster.reviews(), 0);
    let regained = usize::try_from(begun.elapsed().as_secs()).unwrap() * (6 + 1) / 60;
    let asked = place.cluster.state().asked_keys;
    assert!(
        asked <= 8 + regained,
        "unknown keys are asked for within bounds: {asked}"
    );
    let principals = "SELECT count(*) FROM principals";
    assert_eq!(place.number(principals).await, 0);
    // Control: the same cluster's good token.
    assert_eq!(place.outcome(&place.workload("shop", "etl")).await, good());
    assert_eq!(place.cluster.reviews(), 1);
}

/// Without a word of ours, a refusal would be a riddle; before the signature is proven, nobody is
/// told anything.
#[tokio::test]
async fn the_owner_of_a_token_hears_what_is_wrong_with_it() {
    let place = Place::new(&["--service-accounts-namespaces=shop"]).await;
    let etl = Token::of("shop", "etl");
    let now = Utc::now().timestamp();
    for (token, said) in [
        (
            etl.with("aud", json!(["another"])),
            "project one with the audience demo-chartroom.shop.svc",
        ),
        (etl.with("exp", json!(now - 1)), "has expired"),
        (etl.with("nbf", json!(now + 300)), "begins in the future"),
        (etl.without("exp"), "no projected service account token"),
        (Token::of("crm", "etl"), "serviceAccounts.allowedNamespaces"),
    ] {
        let answer = Caller(place.cluster.rsa.sign(&token))
            .get(&place, "/api/v1/projects")
            .await;
        assert_eq!(outcome(&answer), refused());
        assert!(answer.text().contains(said), "{}", answer.text());
        let forged = Key::ec("ec-1").sign(&token);
        let answer = Caller(forged).get(&place, "/api/v1/projects").await;
        assert!(!answer.text().contains(said), "{}", answer.text());
    }
}

#[tokio::test]
async fn only_the_namespaces_that_are_allowed_are_let_in() {
    let place = Place::new(&["--service-accounts-namespaces=shop,crm"]).await;
    for (namespace, expected) in [
        ("shop", good()),
        ("crm", good()),
        ("default", refused()),
        ("shop-2", refused()),
    ] {
        let caller = place.workload(namespace, "etl");
        assert_eq!(place.outcome(&caller).await, expected, "{namespace}");
    }
    assert_eq!(place.cluster.reviews(), 2);
}

/// The tokens that the service itself makes stand for people, whatever they say.
#[tokio::test]
async fn the_tokens_of_the_service_and_of_the_cluster_are_not_taken_for_each_other() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann", false).await;
    assert_eq!(place.outcome(&ann).await, good());
    assert_eq!(place.cluster.reviews(), 0);
    let etl = place.workload("shop", "etl");
    let me = etl.get(&place, "/api/v1/me").await;
    assert_eq!(me.status, 403, "a workload, and nobody else");
    // Our key and our kid, with what a workload's token says.
    let own = place.app.app.identity.keys.current();
    let signing = own.signing().unwrap();
    let header = jsonwebtoken::Header {
        kid: Some(signing.kid.clone()),
        typ: None,
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256)
    };
    let forged = jsonwebtoken::encode(&header, &Token::of("shop", "etl").0, &signing.sign).unwrap();
    assert_eq!(place.outcome(&Caller(forged)).await, refused());
}

#[tokio::test]
async fn a_key_that_the_cluster_takes_back_signs_no_more_and_a_new_one_does() {
    let place = Place::settled(&[]).await;
    let etl = Token::of("shop", "etl");
    let new = Key::ec("ec-2");
    assert_eq!(place.outcome(&Caller(new.sign(&etl))).await, refused());
    place.cluster.state().published = vec![new.jwk()];
    assert_eq!(place.outcome(&Caller(new.sign(&etl))).await, good());
    for old in [&place.cluster.rsa, &place.cluster.ec] {
        assert_eq!(
            place.outcome(&Caller(old.sign(&etl))).await,
            refused(),
            "{}",
            old.alg()
        );
    }
}

/// Rubbish has used up the looks: a key that is new just then is not called a forgery, and is found
/// within seconds.
#[tokio::test]
async fn audit_l11_a_new_key_is_in_doubt_while_rubbish_names_others() {
    let place = Place::settled(&[]).await;
    let etl = Token::of("shop", "etl");
    let stranger = Key::ec("ec-1");
    let rubbish = async |round: usize| {
        let mut header = stranger.header();
        header["kid"] = json!(format!("made-up-{round}"));
        let token = stranger.sign_with(&header, &etl.with("jti", json!(round)));
        place.outcome(&Caller(token)).await
    };
    let mut round = 0;
    while rubbish(round).await == refused() {
        round += 1;
        assert!(round < 100, "rubbish is asked about without end");
    }
    assert!(round >= 6, "{round}");
    let new = Key::ec("ec-2");
    place.cluster.state().published = vec![new.jwk()];
    let caller = Caller(new.sign(&etl));
    let answer = caller.get(&place, "/api/v1/projects").await;
    // Unless a look was regained at this very moment.
    if outcome(&answer) != good() {
        assert_eq!(outcome(&answer), unavailable());
        assert!(!answer.header("retry-after").is_empty());
    }
    // With the flood going on, whose looks are as good as the owner's.
    let is_found = async || {
        rubbish(usize::MAX).await;
        let outcome = place.outcome(&caller).await;
        assert_ne!(outcome, refused());
        (outcome == good()).then_some(())
    };
    until("the new key", PATIENCE, is_found).await.unwrap();
}

/// Keys of other uses, kinds and curves stand beside ours in what a cluster publishes.
#[tokio::test]
async fn keys_for_something_else_are_passed_over() {
    let cluster = Cluster::start().await;
    let (rsa, ec) = (cluster.rsa.jwk(), cluster.ec.jwk());
    let with = |key: &Value, member: &str, value: Value| {
        let mut key = key.clone();
        key[member] = value;
        key
    };
    cluster.state().published = vec![
        json!({}),
        json!("no key"),
        json!({ "kty": "oct", "kid": "rsa-1", "k": "AAAA" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ec-1", "x": "AAAA" }),
        with(&ec, "crv", json!("P-384")),
        with(&ec, "x", json!("!")),
        with(&rsa, "use", json!("enc")),
        with(&rsa, "alg", json!("ES256")),
        with(&rsa, "alg", json!("RS512")),
    ];
    let place = Place::on(cluster, &[]).await;
    let etl = Token::of("shop", "etl");
    let of = |key: &Key| Caller(key.sign(&etl));
    let (by_rsa, by_ec) = (of(&place.cluster.rsa), of(&place.cluster.ec));
    for caller in [&by_rsa, &by_ec] {
        assert_eq!(place.outcome(caller).await, refused());
    }
    place.cluster.state().published.extend([rsa, ec]);
    for caller in [&by_rsa, &by_ec] {
        assert_eq!(place.outcome(caller).await, good());
    }
}
