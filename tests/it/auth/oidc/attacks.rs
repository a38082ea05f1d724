//! Attacks on the way there and back: another browser, another provider, another code, another
//! site. Beside each stands what is right and goes through.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chartroom::identity::oidc::flow::Flow;
use chrono::Utc;

use super::*;
use crate::support::process::TempDir;

/// A browser that has been at the provider, and what it has been given there.
async fn back(place: &Place) -> (Browser, Pairs) {
    let mut browser = Browser::default();
    let asked = browser.begin(&place.app, "sso", "/").await;
    let returned = place.liar.authorize(&asked);
    (browser, returned)
}

async fn comes_back(place: &Place, browser: &Browser, returned: &Pairs) -> Answer {
    let mut browser = browser.clone();
    browser.come_back(&place.app, "sso", returned).await
}

fn changed(returned: &Pairs, name: &str, value: Option<&str>) -> Pairs {
    let mut changed = returned.clone();
    match value {
        Some(value) => changed.insert(name.to_owned(), value.to_owned()),
        None => changed.remove(name),
    };
    changed
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_for_it() {
    let place = Place::new(&[]).await;
    let (browser, returned) = back(&place).await;
    let (other, _) = back(&place).await;
    let mut torn = browser.clone();
    let cookie = torn.cookies.get_mut("__Host-oidc").unwrap();
    let last = cookie.pop().unwrap();
    cookie.push(if last == 'A' { 'E' } else { 'A' });
    let nobody = Browser::default();
    let state = |value| changed(&returned, "state", value);
    let (none, empty, foreign) = (state(None), state(Some("")), state(Some("x")));
    for (what, browser, returned) in [
        ("no state", &browser, &none),
        ("an empty state", &browser, &empty),
        ("a state that nobody gave", &browser, &foreign),
        // The attacker's own answer, sent to somebody who has not begun anything.
        ("a browser that has begun nothing", &nobody, &returned),
        ("a browser that has begun something else", &other, &returned),
        ("a cookie that was changed", &torn, &returned),
    ] {
        let answer = comes_back(&place, browser, returned).await;
        let told = refused(&answer, what);
        assert!(told.contains("begin again at /sign-in"), "{told}");
        // Whoever has it sent ends no sign-in of the one whose browser it is.
        assert_eq!(cookie_of(&answer, "__Host-oidc"), None, "{what}");
    }
    // Nobody has asked the provider for any of them.
    assert!(!place.liar.state().asked.contains(&"/token".to_owned()));
    assert_eq!(comes_back(&place, &browser, &returned).await.status, 303);
}

#[tokio::test]
async fn an_answer_counts_for_ten_minutes() {
    let place = Place::new(&[]).await;
    let keys = place.app.app.identity.keys.current();
    for (age, status) in [(599, 303), (600, 403)] {
        let (_, mut returned) = back(&place).await;
        let begun = Utc::now().timestamp() - age;
        let flow = Flow::begin("sso", "/", begun + i64::from(status == 303)).unwrap();
        let asked: Pairs = [
            ("response_type", "code"),
            ("client_id", liar::CLIENT),
            ("code_challenge_method", "S256"),
            ("nonce", &flow.nonce),
            ("state", &flow.state),
            ("code_challenge", &flow.challenge()),
            (
                "redirect_uri",
                &format!("{}/auth/oidc/sso/callback", place.app.app.public_url),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        returned.extend(place.liar.authorize(&asked));
        let set = flow.cookie(&keys).unwrap();
        let set = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let (name, value) = set.split_once('=').unwrap();
        let cookies = [(name.to_owned(), value.to_owned())].into();
        let answer = comes_back(&place, &Browser { cookies }, &returned).await;
        assert_eq!(answer.status, status, "{age}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_code_counts_once_and_with_what_it_was_asked_by() {
    let place = Place::new(&[]).await;
    let (browser, returned) = back(&place).await;
    assert_eq!(comes_back(&place, &browser, &returned).await.status, 303);
    // The same again, from a browser that has kept its cookie all the same.
    let answer = comes_back(&place, &browser, &returned).await;
    let told = refused(&answer, "a code that comes twice");
    assert!(told.contains("comes twice"), "{told}");
    // A code of somebody else in one's own sign-in: the verifier is another.
    let (victim, theirs) = back(&place).await;
    let (attacker, own) = back(&place).await;
    let mixed = changed(&own, "code", Some(&theirs["code"]));
    refused(
        &comes_back(&place, &attacker, &mixed).await,
        "a stolen code",
    );
    // The provider has taken it for used; it was shown to somebody.
    refused(&comes_back(&place, &victim, &theirs).await, "its owner");
    let (browser, returned) = back(&place).await;
    let none = changed(&returned, "code", None);
    refused(&comes_back(&place, &browser, &none).await, "no code");
    let made_up = changed(&returned, "code", Some("x"));
    refused(
        &comes_back(&place, &browser, &made_up).await,
        "no code of it",
    );
    assert_eq!(comes_back(&place, &browser, &returned).await.status, 303);
}

#[tokio::test]
async fn an_answer_names_its_issuer_where_that_says_it_does() {
    let place = Place::new(&[]).await;
    let (browser, returned) = back(&place).await;
    for (what, issuer) in [
        ("none", None),
        ("an empty one", Some("")),
        ("another", Some("https://evil.example")),
    ] {
        let answer = changed(&returned, "iss", issuer);
        let answer = comes_back(&place, &browser, &answer).await;
        let told = refused(&answer, what);
        assert!(told.contains("does not come from Corp"), "{told}");
    }
    assert_eq!(comes_back(&place, &browser, &returned).await.status, 303);

    // One that promises nothing need not, and must not name another.
    let quiet = Liar::start().await;
    let parameter = "authorization_response_iss_parameter_supported";
    quiet.state().metadata.push((parameter, json!(false)));
    let place = Place::by(quiet, &[]).await;
    let (browser, returned) = back(&place).await;
    let foreign = changed(&returned, "iss", Some("https://evil.example"));
    refused(&comes_back(&place, &browser, &foreign).await, "another");
    let none = changed(&returned, "iss", None);
    assert_eq!(comes_back(&place, &browser, &none).await.status, 303);
}

/// Two providers, of which the second is the attacker's.
#[tokio::test]
async fn what_one_provider_says_does_not_count_for_another() {
    let (honest, evil) = (Liar::start().await, Liar::start().await);
    let dir = TempDir::new("providers").unwrap();
    let file = dir.0.join("providers.json");
    let one = |id: &str, liar: &Liar| {
        json!({
            "id": id, "name": id, "issuer": liar.issuer, "client_id": liar::CLIENT,
            "client_secret": liar::SECRET,
        })
    };
    let all = json!([one("honest", &honest), one("evil", &evil)]);
    std::fs::write(&file, all.to_string()).unwrap();
    let flag = format!("--oidc-providers-file={}", file.display());
    let app = super::super::app(&[&flag]).await;

    // The attacker's provider leads the browser to the honest one, and has its code brought back
    // as if it were its own.
    let mut browser = Browser::default();
    let asked = browser.begin(&app, "evil", "/").await;
    let mut returned = honest.authorize(&asked);
    let kept = browser.clone();
    let answer = browser.come_back(&app, "evil", &returned).await;
    refused(&answer, "a code of the honest one, brought to the other");
    returned.remove("iss");
    let answer = kept.clone().come_back(&app, "evil", &returned).await;
    refused(&answer, "the same, and nobody says whose it is");
    let answer = kept.clone().come_back(&app, "honest", &returned).await;
    refused(&answer, "an answer at the door of the other");
    // Not even its code has got to the attacker.
    assert!(!evil.state().asked.contains(&"/token".to_owned()));

    // The same subject at both is two people.
    for (id, liar, email) in [
        ("honest", &honest, "ada@example.org"),
        ("evil", &evil, "eve@example.org"),
    ] {
        liar.state().person["email"] = json!(email);
        let mut browser = Browser::default();
        let asked = browser.begin(&app, id, "/").await;
        let answer = browser.come_back(&app, id, &liar.authorize(&asked)).await;
        assert_eq!(me(&app, &answer).await["email"], email);
    }
}

#[tokio::test]
async fn a_sign_in_leads_to_this_site_alone() {
    let place = Place::new(&[]).await;
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\tevil",
        "javascript:alert(1)",
        "evil",
        "",
        "\\\\evil.example",
        "/ü",
    ] {
        let query = serde_urlencoded::to_string([("next", next)]).unwrap();
        let answer = place.app.get(&format!("/auth/oidc/sso?{query}")).await;
        assert_eq!(answer.status, 400, "{next}");
        assert_eq!(answer.problem(), "invalid-parameter");
        assert!(cookie_of(&answer, "__Host-oidc").is_none());
    }
    let long = format!("/{}", "x".repeat(2_000));
    for (next, expected) in [("/posts?a=1&b=//x", "/posts?a=1&b=//x"), (&long, "/")] {
        let mut browser = Browser::default();
        let asked = browser.begin(&place.app, "sso", next).await;
        // Nor does what comes back decide it.
        let mut returned = place.liar.authorize(&asked);
        returned.insert("next".to_owned(), "https://evil.example".to_owned());
        let answer = browser.come_back(&place.app, "sso", &returned).await;
        assert_eq!(answer.header("location"), expected);
    }
}

#[tokio::test]
async fn what_is_sealed_says_nothing_and_what_is_said_twice_does_not_count() {
    let place = Place::new(&[]).await;
    let (browser, returned) = back(&place).await;
    let sealed = &browser.cookies["__Host-oidc"];
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap();
    let shown = String::from_utf8_lossy(&bytes);
    assert!(!shown.contains("verifier") && !shown.contains(&returned["state"]));
    let query = serde_urlencoded::to_string(&returned).unwrap();
    let mut twice = browser.clone();
    let target = format!("/auth/oidc/sso/callback?{query}&code=another");
    let answer = twice.get(&place.app, &target).await;
    assert_eq!(answer.problem(), "invalid-parameter");
    let error = changed(&returned, "error", Some("<script>alert(1)</script>"));
    let answer = comes_back(&place, &browser, &error).await;
    let told = refused(&answer, "an error");
    assert!(!told.contains("script"), "{told}");
    assert_eq!(comes_back(&place, &browser, &returned).await.status, 303);
}
