//! Controls of the WebDriver client: it reads, types, clicks and listens, and leaves no process
//! behind.

use super::SOON;
use crate::support::{process::Process, stand_in::serve, wait::until, webdriver::Browser};
use axum::{Router, response::Html, routing};
use serde_json::json;

const PAGE: &str = "<input id=name><button onclick=\"
    greeting.textContent = 'Hello ' + document.getElementById('name').value;
    console.error('clicked')\">greet</button><p id=greeting></p>";

#[tokio::test]
async fn browser_works_a_page_and_leaves_no_process() {
    let (addr, _task) = serve(Router::new().route("/", routing::get(async || Html(PAGE)))).await;
    let Some(mut browser) = Browser::start().await else {
        return;
    };
    let url = format!("http://{addr}/");
    browser.navigate(&url).await.unwrap();
    let name = browser.find("#name").await.unwrap();
    browser.send_keys(&name, "Ada").await.unwrap();
    browser.click_on("button", SOON).await.unwrap();
    let greeting = browser.find("#greeting").await.unwrap();
    assert_eq!(browser.text(&greeting).await.unwrap(), "Hello Ada");
    let sum = browser
        .execute("return arguments[0] + 1", json!([41]))
        .await
        .unwrap();
    assert_eq!(sum, 42);
    assert!(
        browser
            .find("#missing")
            .await
            .unwrap_err()
            .contains("no such element")
    );

    let console = browser.console().await.unwrap();
    assert!(
        console
            .iter()
            .any(|e| e.level == "SEVERE" && e.message.contains("clicked")),
        "{console:?}"
    );
    let requested = browser.requested().await.unwrap();
    assert!(requested.contains(&url), "{requested:?}");

    let family = browser.processes();
    assert!(
        family.len() > 2,
        "chromedriver, Chromium and its children: {family:?}"
    );
    drop(browser);
    until("the end of them all", SOON, async || {
        (!family.iter().any(Process::is_running)).then_some(())
    })
    .await
    .unwrap();
}
