//! What groups give at each sign-in, and take back.

use super::*;

fn groups(place: &Place, groups: &[&str]) {
    place.liar.state().person["groups"] = json!(groups);
}

async fn events(place: &Place, action: &str) -> i64 {
    let query = format!("SELECT count(*) FROM audit_events WHERE action = '{action}'");
    place.number(&query).await
}

#[tokio::test]
async fn a_group_makes_administrators_for_as_long_as_one_is_in_it() {
    let place = Place::new(&["--oidc-groups=ops=admin"]).await;
    // Somebody administers whatever the groups say.
    place
        .sql(
            "INSERT INTO principals (id, kind) VALUES ('0192f0c1-2345-7000-8000-000000000001', 'user'); \
             INSERT INTO users (id, email, email_key, password_hash, is_admin) \
             VALUES ('0192f0c1-2345-7000-8000-000000000001', 'r@x', 'r@x', 'none', true)",
        )
        .await;
    let mut browser = Browser::default();
    let asked = browser.begin(&place.app, "sso", "/").await;
    assert_eq!(asked["scope"], "openid profile email groups");
    assert_eq!(place.me().await["admin"], false);
    groups(&place, &["staff", "ops"]);
    let given = place.sign_in().await;
    assert_eq!(me(&place.app, &given).await["admin"], true);
    assert_eq!(place.me().await["admin"], true);
    assert_eq!(events(&place, "user.promoted").await, 1);
    // Without it the right goes, and with it the sessions that had it.
    groups(&place, &["staff"]);
    assert_eq!(place.me().await["admin"], false);
    assert_eq!(events(&place, "user.demoted").await, 1);
    let session = cookie_of(&given, "__Host-session").unwrap();
    let cookie = format!("__Host-session={session}");
    let headers = [("cookie", cookie.as_str())];
    let answer = place
        .app
        .send(Method::GET, "/api/v1/me", &headers, Body::empty())
        .await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn what_an_administrator_gave_by_hand_stays() {
    let place = Place::new(&["--oidc-groups=ops=admin"]).await;
    place.is_good().await;
    place.sql("UPDATE users SET is_admin = true").await;
    assert_eq!(place.me().await["admin"], true, "no group has given it");
    groups(&place, &["ops"]);
    assert_eq!(place.me().await["admin"], true);
    groups(&place, &[]);
    assert_eq!(place.me().await["admin"], true);
    let given = "SELECT count(*) FROM user_identities WHERE gives_admin";
    assert_eq!(place.number(given).await, 0);
}

/// What a group gave, and an administrator then says by hand, is theirs.
#[tokio::test]
async fn a_word_of_an_administrator_counts_more_than_a_group() {
    let place = Place::new(&["--oidc-groups=ops=admin"]).await;
    groups(&place, &["ops"]);
    let answer = place.sign_in().await;
    let id = me(&place.app, &answer).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let given = "SELECT count(*) FROM user_identities WHERE gives_admin";
    assert_eq!(place.number(given).await, 1);
    let session = cookie_of(&answer, "__Host-session").unwrap();
    let cookie = format!("__Host-session={session}");
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
        super::super::PATCH,
    ];
    let target = format!("/api/v1/users/{id}");
    let patch = Body::from("{\"admin\": true}");
    let answer = place
        .app
        .send(Method::PATCH, &target, &headers, patch)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(place.number(given).await, 0);
    groups(&place, &[]);
    assert_eq!(place.me().await["admin"], true);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let place = Place::new(&["--oidc-groups=ops=admin"]).await;
    groups(&place, &["ops"]);
    assert_eq!(place.me().await["admin"], true);
    groups(&place, &[]);
    assert_eq!(place.me().await["admin"], true);
    assert_eq!(events(&place, "user.demoted").await, 0);
    // Once there is another, the right goes.
    place
        .sql(
            "INSERT INTO principals (id, kind) VALUES ('0192f0c1-2345-7000-8000-000000000001', 'user'); \
             INSERT INTO users (id, email, email_key, password_hash, is_admin) \
             VALUES ('0192f0c1-2345-7000-8000-000000000001', 'r@x', 'r@x', 'none', true)",
        )
        .await;
    assert_eq!(place.me().await["admin"], false);
}

#[tokio::test]
async fn where_groups_say_who_may_sign_in_nobody_else_does() {
    let place = Place::new(&["--oidc-groups=staff=user,ops=admin"]).await;
    groups(&place, &["guests"]);
    let told = place.is_refused("in no group").await;
    assert!(told.contains("in no group"), "{told}");
    {
        let mut state = place.liar.state();
        state.person["groups"] = Value::Null;
        state.userinfo = json!({ "sub": "u-1" });
    }
    place.is_refused("no groups").await;
    // A part of a name, and another case, are other names.
    groups(&place, &["STAFF", "staff-guests"]);
    place.is_refused("groups of almost the same name").await;
    assert_eq!(place.number("SELECT count(*) FROM users").await, 0);
    groups(&place, &["staff"]);
    assert_eq!(place.me().await["admin"], false);
    // One is as good as a list of one.
    place.liar.state().person["groups"] = json!("ops");
    assert_eq!(place.me().await["admin"], true);
}
