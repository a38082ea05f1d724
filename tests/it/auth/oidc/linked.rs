//! By which providers somebody signs in: seeing it, and ending it.

use super::*;

const NOBODY: &str = "0192f0c1-2345-8000-8000-000000000000";

/// What the session of an answer asks for.
async fn ask(place: &Place, session: &str, method: Method, target: &str) -> Answer {
    let cookie = format!("__Host-session={session}");
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    place
        .app
        .send(method, target, &headers, Body::empty())
        .await
}

async fn signed_in(place: &Place) -> String {
    cookie_of(&place.sign_in().await, "__Host-session").unwrap()
}

async fn listed(place: &Place, session: &str) -> Vec<Value> {
    let answer = ask(place, session, Method::GET, "/api/v1/me/identities").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

async fn events(place: &Place) -> i64 {
    let told = "SELECT count(*) FROM audit_events WHERE action = 'user.unlinked' \
                AND detail = '{\"provider\": \"sso\"}'";
    place.number(told).await
}

#[tokio::test]
async fn a_provider_is_unlinked_once_there_is_another_way_in() {
    let place = Place::new(&[]).await;
    let session = signed_in(&place).await;
    let all = listed(&place, &session).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["provider"], &all[0]["name"]),
        (&json!("sso"), &json!("Corp"))
    );
    assert_eq!(all[0]["subject"], "u-1");
    let own = format!("/api/v1/me/identities/{}", all[0]["id"].as_str().unwrap());

    // No password, and no other provider.
    let refused = ask(&place, &session, Method::DELETE, &own).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "last-way-in".to_owned())
    );
    assert_eq!(listed(&place, &session).await.len(), 1);
    assert_eq!(events(&place).await, 0);
    let other = format!("/api/v1/me/identities/{NOBODY}");
    let missing = ask(&place, &session, Method::DELETE, &other).await;
    assert_eq!(missing.status, 404, "{}", missing.text());

    place.sql("UPDATE users SET password_hash = 'some'").await;
    let done = ask(&place, &session, Method::DELETE, &own).await;
    assert_eq!(done.status, 204, "{}", done.text());
    assert_eq!(events(&place).await, 1);
    assert!(listed(&place, &session).await.is_empty());
    // The account is there, and its provider does not lead to it any more.
    place.is_refused("unlinked").await;
    let again = ask(&place, &session, Method::DELETE, &own).await;
    assert_eq!(again.status, 404, "{}", again.text());
}

#[tokio::test]
async fn a_right_that_a_provider_gives_goes_with_it() {
    let place = Place::new(&["--oidc-groups=ops=admin"]).await;
    place.liar.state().person["groups"] = json!(["ops"]);
    let session = signed_in(&place).await;
    let id = listed(&place, &session).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let own = format!("/api/v1/me/identities/{id}");
    place.sql("UPDATE users SET password_hash = 'some'").await;
    let last = ask(&place, &session, Method::DELETE, &own).await;
    assert_eq!(
        (last.status.as_u16(), last.problem()),
        (409, "last-admin".to_owned())
    );
    assert_eq!(listed(&place, &session).await.len(), 1);

    let root = "0192f0c1-2345-7000-8000-000000000001";
    place
        .sql(&format!(
            "INSERT INTO principals (id, kind) VALUES ('{root}', 'user'); \
             INSERT INTO users (id, email, email_key, password_hash, is_admin) \
             VALUES ('{root}', 'r@x', 'r@x', 'none', true)"
        ))
        .await;
    let done = ask(&place, &session, Method::DELETE, &own).await;
    assert_eq!(done.status, 204, "{}", done.text());
    let admins = "SELECT count(*) FROM users WHERE is_admin AND email <> 'r@x'";
    assert_eq!(place.number(admins).await, 0);
}

#[tokio::test]
async fn an_administrator_sees_and_ends_them_too() {
    let place = Place::new(&["--oidc-groups=ops=admin"]).await;
    let ada = place.me().await["id"].as_str().unwrap().to_owned();
    {
        let mut state = place.liar.state();
        state.person = json!({
            "sub": "u-2", "email": "root@example.org", "email_verified": true, "groups": ["ops"],
        });
    }
    let root = signed_in(&place).await;
    let target = format!("/api/v1/users/{ada}/identities");
    let all = ask(&place, &root, Method::GET, &target).await.json();
    let id = all["items"][0]["id"].as_str().unwrap().to_owned();
    let target = format!("{target}/{id}");
    let refused = ask(&place, &root, Method::DELETE, &target).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "last-way-in".to_owned())
    );
    place.sql("UPDATE users SET password_hash = 'some'").await;
    let done = ask(&place, &root, Method::DELETE, &target).await;
    assert_eq!(done.status, 204, "{}", done.text());
    let left = "SELECT count(*) FROM user_identities";
    assert_eq!(place.number(left).await, 1);
}
