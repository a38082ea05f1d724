//! The console in a real browser, without an error in its console: with the script, and what people
//! do with the keyboard.

use std::time::Duration;

use chartroom::server::ConnectionLimits;

use super::*;
use crate::support::model_runner::ModelRunner;
use crate::support::sockets::{Served, bind};
use crate::support::wait::until;
use crate::support::webdriver::{Browser, ConsoleEntry};

const SOON: Duration = Duration::from_secs(30);
const PASSWORD: &str = "a long way to the sea";

struct Seat {
    browser: Browser,
    url: String,
}

impl Seat {
    async fn type_in(&self, fields: &[(&str, &str)]) {
        for (name, text) in fields {
            let field = format!("main [name='{name}']:not([type=hidden])");
            let field = self.browser.wait_for(&field, SOON).await.unwrap();
            self.browser.send_keys(&field, text).await.unwrap();
        }
    }

    async fn click(&self, css: &str) {
        self.browser.click_on(css, SOON).await.unwrap();
    }

    async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.url);
        self.browser.navigate(&url).await.unwrap();
    }

    async fn ask(&self, script: &str) -> Value {
        self.browser.execute(script, json!([])).await.unwrap()
    }

    /// Until the page has a heading.
    async fn heading(&self, text: &str) {
        let shown = async || {
            let heading = self.browser.find("h1").await.ok()?;
            let heading = self.browser.text(&heading).await.ok()?;
            (heading == text).then_some(())
        };
        until(&format!("the page {text:?}"), SOON, shown)
            .await
            .unwrap();
    }

    async fn press(&self, keys: &str) {
        let body = self.browser.find("body").await.unwrap();
        self.browser.send_keys(&body, keys).await.unwrap();
    }

    async fn path(&self) -> String {
        self.ask("return location.pathname")
            .await
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The pages said nothing of a mistake; the answer that a test asked for is none.
    async fn is_quiet(&mut self, expected: &[&str]) {
        let entries = self.browser.console().await.unwrap();
        let said: Vec<&str> = entries
            .iter()
            .filter(|entry| is_bad(entry))
            .map(|entry| entry.message.as_str())
            .filter(|message| !expected.iter().any(|status| message.contains(status)))
            .collect();
        assert_eq!(said, [""; 0]);
    }
}

/// What a browser says by the way, such as what it has forgotten, is no mistake.
fn is_bad(entry: &ConsoleEntry) -> bool {
    ["SEVERE", "WARNING"].contains(&&*entry.level)
}

#[tokio::test]
async fn from_the_first_account_to_a_conflict() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let runner = ModelRunner::start();
    let flags = [format!("--public-url={url}"), runner.setting()];
    let flags = flags.each_ref().map(String::as_str);
    let app = TestApp::with(&flags, Default::default()).await;
    let _served = Served::on(listener, app.shell.clone(), ConnectionLimits::default());
    let mut seat = Seat { browser, url };

    seat.go("/").await;
    seat.heading("Make the first account").await;
    seat.type_in(&[("email", "ada@example.org"), ("username", "ada")])
        .await;
    let shown = "input[data-show='#password']";
    seat.click(shown).await;
    seat.type_in(&[("password", PASSWORD)]).await;
    let kind = seat
        .ask("return document.querySelector('#password').type")
        .await;
    assert_eq!(kind, "text", "the password can be shown");
    seat.click("main form button.main").await;
    seat.heading("Welcome").await;

    seat.click("header form button").await;
    seat.heading("Sign in").await;
    seat.type_in(&[("username", "ada"), ("password", "wrong")])
        .await;
    seat.click("main form button.main").await;
    seat.browser.wait_for("[role=alert]", SOON).await.unwrap();
    seat.type_in(&[("password", PASSWORD)]).await;
    seat.click("main form button.main").await;
    seat.heading("Welcome").await;

    // By keyboard: to the projects, to the search, and what one types is looked for.
    seat.press("gp").await;
    seat.heading("Projects").await;
    seat.press("gm").await;
    seat.heading("Models").await;
    seat.press("gp").await;
    seat.heading("Projects").await;
    seat.click("a[href='/projects/new']").await;
    seat.type_in(&[("name", "Census"), ("description", "Who **lives** where")])
        .await;
    seat.click("main form button.main").await;
    seat.heading("Census").await;
    let project = seat.path().await;
    seat.go("/projects").await;
    seat.press("/").await;
    let active = seat.ask("return document.activeElement.name").await;
    assert_eq!(active, "q");
    seat.type_in(&[("q", "nothing like it")]).await;
    let emptied = async || {
        let rows = seat
            .ask("return document.querySelectorAll('#found a[data-row]').length")
            .await;
        (rows == 0).then_some(())
    };
    until("the live search", SOON, emptied).await.unwrap();
    seat.go("/projects").await;
    seat.press("j").await;
    let focused = seat.ask("return document.activeElement.pathname").await;
    assert_eq!(focused, project.as_str());
    seat.press("?").await;
    assert_eq!(
        seat.ask("return document.querySelector('#keys').open")
            .await,
        true
    );
    seat.click("#keys [data-close]").await;

    // A file, which the script sends to the API.
    let file = std::env::temp_dir().join(format!("{}.onnx", uuid::Uuid::new_v4()));
    std::fs::write(&file, r#"{"factor": 1}"#).unwrap();
    seat.go("/models/new").await;
    seat.type_in(&[("name", "churn")]).await;
    seat.click("main form button.main").await;
    seat.heading("churn").await;
    seat.type_in(&[("file", file.to_str().unwrap())]).await;
    seat.click("main form button.main").await;
    let uploaded = async || (seat.path().await == "/models/churn/versions/1").then_some(());
    until("the page of the version", SOON, uploaded)
        .await
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let sent = format!("{}/api/v1/models/churn/versions?", seat.url);
    let requested = seat.browser.requested().await.unwrap();
    assert!(requested.contains(&sent), "{requested:?}");

    // A post, whose text is kept until it is sent.
    seat.go("/posts/new").await;
    seat.type_in(&[("content", "Some *text*")]).await;
    seat.ask("window.onbeforeunload = null; document.querySelector('form[data-guard]').reset(); localStorage.length").await;
    let kept = seat.ask("return Object.values({...localStorage})").await;
    assert_eq!(kept, json!(["Some *text*"]));
    seat.type_in(&[("title", "A post"), ("content", "Some *text*")])
        .await;
    seat.click("main form button.main").await;
    seat.heading("A post").await;
    let kept = seat.ask("return localStorage.length").await;
    assert_eq!(kept, 0, "what was sent is not kept");
    seat.click("button[value=vote]").await;
    seat.browser
        .wait_for("button[value=unvote]", SOON)
        .await
        .unwrap();

    // Two windows on the same post.
    let post = seat.path().await;
    seat.go(&format!("{post}/edit")).await;
    let house = House::on(app).await;
    let bumped = format!(
        "UPDATE posts SET title = 'Theirs', version = version + 1 WHERE id = '{}'",
        post.rsplit('/').next().unwrap()
    );
    house.sql(&bumped).await;
    seat.type_in(&[("title", " of mine")]).await;
    seat.click("main form button.main").await;
    seat.heading("Somebody else has changed this meanwhile")
        .await;
    seat.click("input[value=theirs]").await;
    seat.click("main form button.main").await;
    seat.heading("Theirs").await;

    seat.is_quiet(&["400 (Bad Request)", "412 (Precondition Failed)"])
        .await;
    // Control: a mistake is seen.
    seat.ask("console.error('a mistake')").await;
    let entries = seat.browser.console().await.unwrap();
    let is_it = |entry: &&ConsoleEntry| is_bad(entry) && entry.message.contains("a mistake");
    assert_eq!(entries.iter().filter(is_it).count(), 1);
}
