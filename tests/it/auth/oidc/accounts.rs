//! Whose account a sign-in leads to.

use super::*;
use crate::auth::Person;

#[tokio::test]
async fn only_a_verified_email_makes_an_account() {
    let place = Place::new(&[]).await;
    for (what, email, verified) in [
        ("no email", Value::Null, json!(true)),
        ("no address", json!("ada"), json!(true)),
        ("no text", json!(["ada@example.org"]), json!(true)),
        ("not verified", json!("ada@example.org"), json!(false)),
        (
            "not verified, in words",
            json!("ada@example.org"),
            json!("false"),
        ),
        ("nobody knows", json!("ada@example.org"), Value::Null),
        ("a number", json!("ada@example.org"), json!(1)),
    ] {
        {
            let mut state = place.liar.state();
            state.person["email"] = email;
            state.person["email_verified"] = verified;
            // What is asked for an email that the token lacks does not know it either.
            state.userinfo = json!({ "sub": "u-1" });
        }
        place.is_refused(what).await;
    }
    assert_eq!(place.number("SELECT count(*) FROM users").await, 0);
    let ends = "SELECT count(*) FROM audit_events WHERE action = 'sign_in.refused' \
                AND detail = '{\"provider\": \"sso\"}'";
    assert_eq!(place.number(ends).await, 7);
    place.liar.state().person = ada();
    place.is_good().await;
    // From then on it is the subject that counts, whatever the email says.
    place.liar.state().person["email"] = json!("other@example.org");
    place.liar.state().person["email_verified"] = json!(false);
    assert_eq!(place.me().await["email"], "ada@example.org");
    let told = "SELECT count(*) FROM audit_events WHERE action = 'session.started' \
                AND detail = '{\"provider\": \"sso\"}'";
    assert_eq!(place.number(told).await, 2);
    let linked = "SELECT count(*) FROM audit_events WHERE action = 'user.linked'";
    assert_eq!(place.number(linked).await, 1);
}

#[tokio::test]
async fn an_email_of_which_nobody_says_anything_counts_where_that_is_set() {
    let place = Place::new(&["--oidc-trust-email=true"]).await;
    place.liar.state().person["email_verified"] = json!(false);
    place.is_refused("said to be unverified").await;
    place.liar.state().person["email_verified"] = Value::Null;
    place.is_good().await;
}

#[tokio::test]
async fn what_the_token_lacks_is_asked_of_the_provider() {
    let place = Place::new(&[]).await;
    {
        let mut state = place.liar.state();
        state.person = json!({ "sub": "u-1" });
        state.userinfo = ada();
        state.userinfo["sub"] = json!("u-2");
    }
    let told = place.is_refused("about somebody else").await;
    assert!(told.contains("somebody else"), "{told}");
    place.liar.state().userinfo = ada();
    let me = place.me().await;
    assert_eq!(me["email"], "ada@example.org");
    assert_eq!(me["username"], "ada");
}

#[tokio::test]
async fn an_account_that_is_there_is_let_alone_unless_that_is_set() {
    let place = Place::new(&[]).await;
    let ada = Person::register(&place.app, "ada").await;
    let email = ada.email.clone();
    place.liar.state().person["email"] = json!(email);
    let told = place.is_refused("somebody has the email").await;
    assert!(told.contains("an account with your email"), "{told}");
    assert_eq!(
        place.number("SELECT count(*) FROM user_identities").await,
        0
    );
    assert_eq!(
        by_password(&place.app, &email, super::super::PASSWORD)
            .await
            .status,
        200
    );

    let own = place.liar.flags();
    let flags = own.iter().map(String::as_str).chain(UNLIMITED);
    let flags: Vec<&str> = flags.chain(["--oidc-link-by-email=true"]).collect();
    let linking = Place {
        app: place.app.beside(&flags),
        session: place.app.database.session().await,
        liar: place.liar,
    };
    // The owner has confirmed the email: the account is the same, and the password stays.
    linking
        .sql("UPDATE users SET email_verified_at = now()")
        .await;
    let me = linking.me().await;
    assert_eq!(me["email"], json!(email));
    assert_eq!(linking.number("SELECT count(*) FROM users").await, 1);
    assert_eq!(
        by_password(&linking.app, &email, super::super::PASSWORD)
            .await
            .status,
        200
    );
}

/// Somebody makes an account with the email of another, who comes later: what the first knows is
/// worth nothing from then on.
#[tokio::test]
async fn who_waits_in_an_account_with_the_email_of_another_is_put_out() {
    let place = Place::new(&["--oidc-link-by-email=true"]).await;
    let waiting = Person::register(&place.app, "waiting").await;
    let pair = waiting.sign_in(&place.app).await;
    assert_eq!(super::super::me(&place.app, &pair.bearer()).await, 200);
    place.liar.state().person["email"] = json!(waiting.email);
    let me = place.me().await;
    assert_eq!(me["username"], "waiting");
    assert_eq!(super::super::me(&place.app, &pair.bearer()).await, 401);
    let refused = by_password(&place.app, &waiting.email, super::super::PASSWORD).await;
    assert_eq!(refused.problem(), "invalid-grant");
    // Its owner gets in again.
    assert_eq!(place.me().await["id"], me["id"]);
}

#[tokio::test]
async fn an_account_without_a_password_is_answered_as_a_wrong_one() {
    let place = Place::new(&[]).await;
    place.is_good().await;
    let hashes = || place.app.app.metrics.password_hashes_total.get();
    let before = hashes();
    let answers = [
        by_password(&place.app, "ada", "none").await,
        by_password(&place.app, "nobody", "none").await,
    ];
    let [one, other] = answers.map(|answer| super::super::apart_from_instance(&answer));
    assert_eq!(one, other);
    assert_eq!(hashes() - before, 2, "each costs one hash");
}

#[tokio::test]
async fn a_disabled_account_stays_shut() {
    let place = Place::new(&[]).await;
    place.is_good().await;
    place.sql("UPDATE users SET is_disabled = true").await;
    let told = place.is_refused("disabled").await;
    assert!(told.contains("is disabled"), "{told}");
    place.sql("UPDATE users SET is_disabled = false").await;
    place.is_good().await;
}

#[tokio::test]
async fn no_account_is_made_where_that_is_off() {
    let place = Place::new(&["--oidc-register=false", "--oidc-link-by-email=true"]).await;
    let told = place.is_refused("no account").await;
    assert!(told.contains("no account here"), "{told}");
    let ada = Person::register(&place.app, "ada").await;
    place.liar.state().person["email"] = json!(ada.email);
    place.is_good().await;
}

#[tokio::test]
async fn a_username_is_free_and_fits() {
    let place = Place::new(&[]).await;
    Person::register(&place.app, "Ada").await;
    for (subject, wanted, expected) in [
        ("u-1", json!("ada"), json!("ada-2")),
        ("u-2", json!("ADA@corp.example"), json!("ADA-3")),
        ("u-3", json!("\u{430}da"), Value::Null),
        ("u-4", Value::Null, json!("u-4")),
    ] {
        {
            let mut state = place.liar.state();
            state.person["sub"] = json!(subject);
            state.person["email"] = json!(format!("{subject}@corp.example"));
            state.person["preferred_username"] = wanted;
        }
        assert_eq!(place.me().await["username"], expected, "{subject}");
    }
}
