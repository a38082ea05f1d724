//! What limits and conflicts tell about who has an account: as much as the API says, and no more of
//! it than a few answers.

use super::*;

/// Few of everything, so that a name is used up by few guesses.
const FEW: [&str; 5] = [
    "--trusted-proxies=127.0.0.1",
    "--signin-per-account-per-hour=24",
    "--signin-per-pair-burst=3",
    "--signin-per-pair-per-hour=1",
    "--signin-per-address-burst=8",
];
const WRONG: &str = "a wrong password";

async fn guess(app: &TestApp, login: &str, password: &str, from: &str) -> Answer {
    let fields = [
        ("grant_type", "password"),
        ("username", login),
        ("password", password),
    ];
    let headers = [FORM, ("x-forwarded-for", from)];
    app.send(Method::POST, "/auth/token", &headers, form(&fields))
        .await
}

/// All of an answer, without what counts seconds or requests.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id");
    let plain = |text: &str| {
        let digits = |word: &str| word.chars().all(|c| c.is_ascii_digit());
        let words = text.replace(id, "-");
        let words = words.split_inclusive([' ', ';', '=']);
        words
            .filter(|word| !digits(word.trim_end_matches([' ', ';', '='])))
            .collect::<String>()
    };
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "retry-after" && *name != "content-length")
        .map(|(name, value)| (name.to_string(), plain(value.to_str().unwrap())))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, plain(&answer.text()))
}

#[tokio::test]
async fn audit_m5_guesses_by_username_tell_of_no_email() {
    let app = TestApp::with(&FEW, Default::default()).await;
    Person::register(&app, "ann").await;
    // As the finding was shown: the pair is used up by the username, and then an email is asked
    // about from the same place.
    for _ in 0..3 {
        assert_eq!(guess(&app, "ann", WRONG, "20.0.0.1").await.status, 400);
    }
    assert_eq!(guess(&app, "ann", WRONG, "20.0.0.1").await.status, 429);
    let hers = guess(&app, "ann@example.com", WRONG, "20.0.0.1").await;
    let nobodys = guess(&app, "nobody@example.com", WRONG, "20.0.0.1").await;
    assert_eq!(hers.status, 400);
    assert_eq!(whole(&hers), whole(&nobodys));
    // Nor where the username is used up from everywhere.
    for place in 1..=3 {
        guess(&app, "ann", WRONG, &format!("20.0.{place}.1")).await;
    }
    let used_up = guess(&app, "ann", WRONG, "20.0.9.1").await;
    assert_eq!(used_up.problem(), "too-many-requests");
    assert_eq!(
        used_up.header("ratelimit-policy"),
        "\"signin-name\";q=12;w=3600"
    );
    let hers = guess(&app, "ann@example.com", WRONG, "20.0.9.1").await;
    let nobodys = guess(&app, "nobody@example.com", WRONG, "20.0.9.1").await;
    assert_eq!(hers.status, 400);
    assert_eq!(whole(&hers), whole(&nobodys));
    // The owner, whose email strangers do not know, comes in at a new place all the while.
    let owner = guess(&app, "ann@example.com", PASSWORD, "20.0.10.1").await;
    assert_eq!(owner.status, 200);
}

/// The same guesses at the name of an account, of a disabled one, and of nobody get the same
/// answers, first to last.
#[tokio::test]
async fn audit_m5_limits_are_the_same_for_every_name() {
    let app = TestApp::with(&FEW, Default::default()).await;
    Person::register(&app, "ann").await;
    Person::register(&app, "bob").await.disable(&app).await;
    let mut seen = Vec::new();
    for (net, name) in [(1, "ann"), (2, "bob"), (3, "nobody")] {
        let login = format!("{name}@example.com");
        let mut answers = Vec::new();
        for place in [0, 0, 0, 0, 1, 1, 2, 3] {
            let from = format!("20.{net}.{place}.1");
            answers.push(whole(&guess(&app, &login, WRONG, &from).await));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    let statuses: Vec<_> = seen[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [400, 400, 400, 429, 400, 400, 400, 429]);
}

/// Both names together take no more than the account may.
#[tokio::test]
async fn audit_m5_the_account_has_one_budget_for_both_names() {
    let app = TestApp::with(&FEW, Default::default()).await;
    Person::register(&app, "ann").await;
    let mut looked_at = 0;
    for place in 0..20 {
        let from = format!("20.0.{place}.1");
        for login in ["ann", "ann@example.com", "ＡＮＮ"] {
            let answer = guess(&app, login, WRONG, &from).await;
            looked_at += usize::from(answer.status == 400);
        }
    }
    // Half of what an hour admits, and what was regained while this ran.
    assert!((12..=14).contains(&looked_at), "{looked_at}");
}

#[tokio::test]
async fn audit_l15_a_taken_email_is_told_a_few_times_only() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    Person::register(&app, "bob").await;
    let closed = app.beside(&[&UNLIMITED[..], &["--registration=closed"]].concat());
    let bearer = ann.sign_in(&app).await.bearer();
    let ask = async |email: &str| {
        let headers = [PATCH, ("authorization", bearer.as_str())];
        let body = json!({ "email": email, "current_password": PASSWORD });
        let body = body.to_string().into();
        closed
            .send(Method::PATCH, "/api/v1/me", &headers, body)
            .await
    };
    let mut told = 0;
    let refused = loop {
        let answer = ask("bob@example.com").await;
        if answer.status != 409 {
            break answer;
        }
        told += 1;
        assert!(told <= 6, "no limit");
    };
    // One may have been regained on a slow machine.
    assert!((5..=6).contains(&told), "{told}");
    assert_eq!(refused.problem(), "too-many-requests");
    assert_eq!(
        refused.header("ratelimit-policy"),
        "\"email-change\";q=10;w=3600"
    );
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=720).contains(&wait), "{wait}");
    // Taken or free: neither is told any more, and the right password has returned nothing.
    assert_eq!(ask("free@example.com").await.status, 429);
    // It is the account's: another one has its own, and the rest of hers can be changed.
    let headers = [PATCH, ("authorization", bearer.as_str())];
    let body = json!({ "name": "Ann" }).to_string().into();
    let renamed = app.send(Method::PATCH, "/api/v1/me", &headers, body);
    assert_eq!(renamed.await.status, 200);
}

#[tokio::test]
async fn audit_l15_a_registration_that_is_refused_counts_as_a_guess() {
    let flags = [
        "--signin-per-address-burst=4",
        "--signin-per-address-per-minute=1",
    ];
    let app = TestApp::with(&flags, Default::default()).await;
    // What was made has told nothing: its token is back.
    for name in ["ann", "bob", "cid", "dan", "eve"] {
        Person::register(&app, name).await;
    }
    let register = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD });
        app.post_json("/api/v1/users", body.to_string()).await
    };
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(register("ann@example.com").await.status.as_u16());
    }
    let told = seen.iter().filter(|status| **status == 409).count();
    assert!((4..=6).contains(&told), "{seen:?}");
    assert!(seen.contains(&429), "{seen:?}");
    let mut refused = register("free@example.com").await;
    if refused.status == 201 {
        // A token was regained just now, and is back.
        register("bob@example.com").await;
        refused = register("free-2@example.com").await;
    }
    assert_eq!(refused.problem(), "too-many-requests");
    assert_eq!(
        refused.header("ratelimit-policy"),
        "\"signin-address\";q=1;w=60"
    );
    assert!(!refused.header("retry-after").is_empty());
}
