//! Access tokens that we did not make, or not like this: none is accepted, and no answer tells why.

mod texts;
pub(in crate::auth) mod workshop;

use serde_json::json;

use super::*;
use workshop::{Forge, Signed};

/// Every forgery with its name.
fn forgeries(forge: &Forge) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |name: &str, token: String| all.push((name.to_owned(), token));

    for alg in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "PS256", "ES384",
        "ES512", "ES256K", "EdDSA", "es256", "ES256 ",
    ] {
        let header = forge.header_with("alg", json!(alg));
        add(
            &format!("alg {alg:?}, our signature"),
            forge.token(&header, &forge.claims()),
        );
        add(
            &format!("alg {alg:?}, no signature"),
            forge.sign_by(Signed::Nobody, &header, &forge.claims()),
        );
    }
    for how in [
        Signed::HmacOfPoint,
        Signed::HmacOfJwk,
        Signed::HmacOfNothing,
    ] {
        let header = forge.header_with("alg", json!("HS256"));
        add(
            &format!("HS256 {how:?}"),
            forge.sign_by(how, &header, &forge.claims()),
        );
    }
    add(
        "another key under our kid",
        forge.sign_by(Signed::Stranger, &forge.header(), &forge.claims()),
    );
    let p384 = forge.header_with("alg", json!("ES384"));
    add(
        "another curve",
        forge.sign_by(Signed::P384, &p384, &forge.claims()),
    );
    add(
        "another curve as ours",
        forge.sign_by(Signed::P384, &forge.header(), &forge.claims()),
    );

    for kid in [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("x' OR '1'='1"),
        json!("x' UNION SELECT 'a';--"),
        json!("https://evil.example/key"),
        json!("unknown"),
        json!(""),
        json!(7),
        json!(null),
        json!([forge.kid()]),
        json!({ "kid": forge.kid() }),
        json!(format!("{}\0", forge.kid())),
        json!(forge.kid().to_uppercase() + "A"),
    ] {
        let header = forge.header_with("kid", kid.clone());
        add(&format!("kid {kid}"), forge.token(&header, &forge.claims()));
        add(
            &format!("kid {kid}, a stranger's key"),
            forge.sign_by(Signed::Stranger, &header, &forge.claims()),
        );
    }
    for member in ["alg", "typ", "kid"] {
        add(
            &format!("no {member}"),
            forge.token(&forge.header_without(member), &forge.claims()),
        );
    }
    for (member, value) in [
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("jwk", forge.stranger_jwk()),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("x", json!(1)),
    ] {
        let header = forge.header_with(member, value.clone());
        add(
            &format!("{member} {value}"),
            forge.token(&header, &forge.claims()),
        );
        add(
            &format!("{member} {value}, a stranger's key"),
            forge.sign_by(Signed::Stranger, &header, &forge.claims()),
        );
    }
    for typ in [
        json!("JWT"),
        json!("at+JWT"),
        json!("application/at+jwt"),
        json!("id+jwt"),
        json!("logout+jwt"),
        json!(""),
        json!(null),
        json!(["at+jwt"]),
    ] {
        let header = forge.header_with("typ", typ.clone());
        add(&format!("typ {typ}"), forge.token(&header, &forge.claims()));
    }

    let now = chrono::Utc::now().timestamp();
    for (claim, values) in [
        (
            "exp",
            vec![
                json!(now - 1),
                json!(now),
                json!(0),
                json!(-1),
                json!(i64::MIN),
                json!(1e300),
                json!(f64::from(i32::try_from(now).unwrap()) + 600.5),
            ],
        ),
        (
            "iat",
            vec![json!(now + 60), json!(i64::MAX), json!(now + 86_400)],
        ),
        (
            "aud",
            vec![
                json!(["chartroom"]),
                json!(["chartroom", "other"]),
                json!([]),
                json!("chart"),
                json!("chartroom2"),
                json!("Chartroom"),
                json!(" chartroom"),
                json!("https://evil.example"),
                json!(""),
            ],
        ),
        (
            "iss",
            vec![
                json!("https://evil.example"),
                json!(""),
                json!([forge.claim("iss")]),
                json!(format!("{}/", forge.claim("iss").as_str().unwrap())),
                json!(format!(
                    "{}.evil.example",
                    forge.claim("iss").as_str().unwrap()
                )),
            ],
        ),
        (
            "client_id",
            vec![json!("other"), json!(""), json!("Chartroom")],
        ),
        ("sub", vec![json!("me"), json!(""), json!("x' OR '1'='1")]),
        ("adm", vec![json!("true"), json!(1), json!(null)]),
    ] {
        for value in values {
            let claims = forge.claims_with(claim, value.clone());
            add(
                &format!("{claim} {value}"),
                forge.token(&forge.header(), &claims),
            );
        }
    }
    for claim in ["iss", "aud", "sub", "client_id", "sid", "iat", "exp", "jti"] {
        add(
            &format!("no {claim}"),
            forge.token(&forge.header(), &forge.claims_without(claim)),
        );
        let other = if forge.claim(claim).is_string() {
            json!(7)
        } else {
            json!(forge.claim(claim).to_string())
        };
        for value in [other, json!(null), json!({}), json!([]), json!(true)] {
            let claims = forge.claims_with(claim, value.clone());
            add(
                &format!("{claim} as {value}"),
                forge.token(&forge.header(), &claims),
            );
        }
    }
    for claim in ["nbf", "scope", "admin", "is_admin", "nonce", "amr"] {
        let claims = forge.claims_with(claim, json!(now + 3_600));
        add(
            &format!("also {claim}"),
            forge.token(&forge.header(), &claims),
        );
    }
    all.extend(forge.texts());
    all
}

#[tokio::test]
async fn no_forgery_is_accepted_and_all_are_answered_alike() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let pair = ann.sign_in(&app).await;
    let forge = Forge::of(&pair.access);
    let targets = [
        "/api/v1/me".to_owned(),
        "/api/v1/me/sessions".to_owned(),
        format!("/api/v1/users/{}", ann.id),
    ];
    let honest = forge.token(&forge.header(), &forge.claims());
    assert_ne!(honest, pair.access);
    let forgeries = forgeries(&forge);
    assert!(forgeries.len() > 80, "{}", forgeries.len());
    let mut seen: Option<(u16, String, Vec<String>)> = None;
    let mut wrong = Vec::new();
    for target in &targets {
        let control = get_as(&app, target, &format!("Bearer {honest}")).await;
        assert_eq!(control.status, 200, "{}", control.text());
        for (name, token) in &forgeries {
            let answer = get_as(&app, target, &format!("Bearer {token}")).await;
            let answer = apart_from_instance(&answer);
            let first = seen.get_or_insert_with(|| answer.clone());
            if answer.0 != 401 || answer != *first {
                wrong.push(format!("{target} {name}: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
