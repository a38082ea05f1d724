//! The page that the link leads to, in a real browser.

use chartroom::server::ConnectionLimits;

use super::*;
use crate::support::sockets::{Served, bind};
use crate::support::webdriver::Browser;

async fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        let field = browser.wait_for(field, SOON).await.unwrap();
        browser.send_keys(&field, text).await.unwrap();
    }
}

/// Until the page says something.
async fn said(browser: &Browser) -> String {
    let said = async || {
        let said = browser.find("#said").await.ok()?;
        let text = browser.text(&said).await.ok()?;
        (!text.is_empty()).then_some(text)
    };
    until("a word of the page", SOON, said).await.unwrap()
}

#[tokio::test]
async fn an_invitation_is_accepted_on_the_page() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::new().await;
    let listener = bind().await;
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    // The page of a replica that is at this address.
    let mine = house.post.flags.iter().map(String::as_str);
    let url = format!("--public-url={base_url}");
    let mine: Vec<&str> = mine
        .filter(|flag| !flag.starts_with("--public-url"))
        .chain([&*url])
        .collect();
    let app = house.app.beside(&mine);
    let _served = Served::on(listener, app.shell.clone(), ConnectionLimits::default());
    let open = async |token: &str| {
        // Another fragment alone loads no page.
        browser.navigate("about:blank").await.unwrap();
        let url = format!("{base_url}/mail#invite={token}");
        browser.navigate(&url).await.unwrap();
    };

    // A newcomer, who is told what is wrong first.
    house.invite(GUEST, "viewer").await;
    open(&house.link().await).await;
    let newcomer = "#invite-newcomer button";
    fill(&browser, &[("#first", "password1")]).await;
    browser.click_on(newcomer, SOON).await.unwrap();
    assert!(said(&browser).await.contains("/password"));
    fill(
        &browser,
        &[("#first", " and a long way"), ("#username", "guest")],
    )
    .await;
    browser.click_on(newcomer, SOON).await.unwrap();
    let joined = async || {
        let text = said(&browser).await;
        text.contains("You are a member").then_some(text)
    };
    let text = until("the membership", SOON, joined).await.unwrap();
    assert_eq!(
        text,
        "You are a member of the project \"Census <1>\" now, as viewer."
    );
    assert_eq!(house.role("guest").await.as_deref(), Some("viewer"));

    // Somebody with an account, whose password has letters that Latin-1 has not.
    let password = "Straße nach Αθήνα";
    let body = json!({ "email": "cid@example.net", "username": "cid", "password": password });
    let made = house.app.post_json("/api/v1/users", body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    house.sql("DELETE FROM jobs").await;
    house.invite("cid@example.net", "editor").await;
    open(&house.link().await).await;
    fill(&browser, &[("#login", "cid"), ("#password", password)]).await;
    browser
        .click_on("#invite-account button", SOON)
        .await
        .unwrap();
    let text = until("the membership", SOON, joined).await.unwrap();
    assert!(text.ends_with("as editor."), "{text}");
    assert_eq!(house.role("cid").await.as_deref(), Some("editor"));
    // It has left no session behind.
    let sessions = "SELECT count(*) FROM sessions";
    assert_eq!(house.count(sessions).await, 0);

    // Somebody who is signed in in this browser.
    let sign_in = "return fetch('/auth/login', { method: 'POST', headers: \
        { 'content-type': 'application/x-www-form-urlencoded' }, body: arguments[0] }) \
        .then((answer) => answer.status)";
    let form = [
        ("grant_type", "password"),
        ("username", "dan"),
        ("password", PASSWORD),
    ];
    let form = serde_urlencoded::to_string(form).unwrap();
    let dan = house.person("dan").await;
    let signed_in = browser.execute(sign_in, json!([form])).await.unwrap();
    assert_eq!(signed_in, json!(204));
    house.invite("another@example.org", "viewer").await;
    open(&house.link().await).await;
    let button = "#invite-session button";
    let shown = async || {
        let button = browser.find(button).await.ok()?;
        browser.text(&button).await.ok().filter(|it| !it.is_empty())
    };
    let shown = until("the offer", SOON, shown).await.unwrap();
    assert_eq!(shown, "Accept as dan");
    browser.click_on(button, SOON).await.unwrap();
    until("the membership", SOON, joined).await.unwrap();
    assert_eq!(house.role(&dan.id).await.as_deref(), Some("viewer"));

    // Opening it did nothing by itself, and an old link says so.
    house.invite("dot@example.org", "viewer").await;
    let link = house.link().await;
    open(&link).await;
    browser.wait_for("#first", SOON).await.unwrap();
    let open_ones = "SELECT count(*) FROM project_invitations";
    assert_eq!(house.count(open_ones).await, 1);
    house.sql("DELETE FROM project_invitations").await;
    fill(&browser, &[("#first", OTHER)]).await;
    browser.click_on(newcomer, SOON).await.unwrap();
    assert!(said(&browser).await.contains("not good any more"));
}
