//! What people see of it.

use super::*;

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn page(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[HTML], headers].concat();
    app.send(Method::GET, path, &headers, Body::empty()).await
}

#[tokio::test]
async fn pages_offer_it_and_show_by_whom_one_signs_in() {
    let place = Place::new(&[]).await;
    // The first account of all is made otherwise.
    place.is_good().await;
    let shown = page(&place.app, "/sign-in?next=/posts%3Fa=1", &[])
        .await
        .text();
    assert!(shown.contains("Sign in with Corp"), "{shown}");
    assert!(
        shown.contains("href=\"/auth/oidc/sso?next=%2Fposts%3Fa%3D1\""),
        "{shown}"
    );
    let german = page(&place.app, "/sign-in", &[("accept-language", "de")]).await;
    assert!(german.text().contains("Mit Corp anmelden"));

    let session = cookie_of(&place.sign_in().await, "__Host-session").unwrap();
    let cookie = format!("__Host-session={session}");
    let profile = page(&place.app, "/me", &[("cookie", &cookie)]).await.text();
    assert!(profile.contains("Corp, since "), "{profile}");
    let other = super::super::app(&[]).await;
    super::super::Person::register(&other, "ben").await;
    let shown = page(&other, "/sign-in", &[]).await.text();
    assert!(!shown.contains("/auth/oidc"), "{shown}");
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_with_what_to_do() {
    let place = Place::new(&[]).await;
    let path = "/auth/oidc/sso/callback?code=1&state=2";
    let answer = page(&place.app, path, &[]).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let shown = answer.text();
    assert!(shown.contains("You are not signed in"), "{shown}");
    assert!(shown.contains("begin again at /sign-in"), "{shown}");
    let gone = "/.well-known/openid-configuration";
    place.liar.state().moods.insert(gone, liar::Mood::Gone);
    let answer = page(&place.app, "/auth/oidc/sso", &[]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("Corp does not answer as it should"));
    assert_eq!(page(&place.app, "/auth/oidc/none", &[]).await.status, 404);
}
