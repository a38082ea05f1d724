//! A minimal WebDriver client: headless Chromium behind a chromedriver of its own.

use super::{
    client::{Client, post},
    process::{Process, TempDir, installed, or_skip, tree, wait_for_end},
    wait::until,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// The key under which the WebDriver standard hides an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Longer than chromedriver's own limits, so that its message arrives.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);
const STARTED: &str = "successfully on port ";

#[derive(Clone, Debug)]
pub(crate) struct Element(String);

#[derive(Clone, Debug)]
pub(crate) struct ConsoleEntry {
    pub level: String,
    pub message: String,
}

pub(crate) struct Browser {
    driver: Child,
    /// Open, or chromedriver's next line would end it.
    _lines: Lines<BufReader<ChildStdout>>,
    http: Client,
    session: String,
    console: Vec<ConsoleEntry>,
    requested: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// `None` is a skip: Chromium or chromedriver is not installed and not required.
    pub(crate) async fn start() -> Option<Self> {
        // Google's build of it is what Ubuntu has: there the package of that name only fetches a
        // snap.
        let browser = ["chromium", "google-chrome"]
            .iter()
            .find_map(|name| installed(name, &[]));
        let found = browser.zip(installed("chromedriver", &[]));
        let (chromium, chromedriver) = or_skip("chromium", found)?;
        let profile = TempDir::new("chromium").unwrap();
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            // Chromium as root writes beside its profile otherwise.
            .env("XDG_CONFIG_HOME", &profile.0)
            .env("XDG_CACHE_HOME", &profile.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port: u16 = timeout(COMMAND_WITHIN, async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, port)) = line.split_once(STARTED) {
                    return port.trim_end_matches('.').parse().unwrap();
                }
            }
            unreachable!("chromedriver ended without naming its port")
        })
        .await
        .unwrap();
        let http = Client::keep_alive(SocketAddr::from(([127, 0, 0, 1], port)));
        let mut browser = Self {
            driver,
            _lines: lines,
            http,
            session: String::new(),
            console: Vec::new(),
            requested: Vec::new(),
            _profile: profile,
        };
        let user_data = format!(
            "--user-data-dir={}",
            browser._profile.0.join("profile").display()
        );
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // As on a desk: dialogs do not fit into the default, and what does not fit cannot be
            // clicked.
            "--window-size=1280,1024",
            // A test page can ask for any host; none but this machine is ever reached.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            &user_data,
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let session = browser.command("POST", "/session", &wanted).await.unwrap();
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        // Chromium opens with a page of its own, whose requests are nobody's business.
        browser.forget().await.unwrap();
        Some(browser)
    }

    /// Leaves the page and empties the logs: what they hold from now on belongs to the next page.
    pub(crate) async fn forget(&mut self) -> Result<(), String> {
        self.navigate("about:blank").await?;
        self.console().await?;
        self.requested().await?;
        self.console.clear();
        self.requested.clear();
        Ok(())
    }

    async fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let mut request = post(&format!("{}{path}", self.session), body.to_string());
        *request.method_mut() = method.parse().unwrap();
        if method == "GET" {
            *request.body_mut() = Default::default();
        }
        let answer = timeout(COMMAND_WITHIN, self.http.send(request))
            .await
            .map_err(|late| format!("{path}: {late} after {COMMAND_WITHIN:?}"))?
            .map_err(|failure| format!("{path}: {failure}"))?;
        let mut said = answer.json();
        if answer.status.is_success() {
            return Ok(said["value"].take());
        }
        // The first line: the others are chromedriver's stack.
        let message = said["value"]["message"].as_str().unwrap_or_default();
        Err(format!(
            "{path}: {}",
            message.lines().next().unwrap_or_default()
        ))
    }

    pub(crate) async fn navigate(&self, url: &str) -> Result<(), String> {
        self.command("POST", "/url", &json!({ "url": url }))
            .await
            .map(drop)
    }

    pub(crate) async fn find(&self, css: &str) -> Result<Element, String> {
        let found = self
            .command(
                "POST",
                "/element",
                &json!({"using": "css selector", "value": css}),
            )
            .await?;
        found[ELEMENT]
            .as_str()
            .map(|id| Element(id.to_owned()))
            .ok_or_else(|| format!("{css}: {found}"))
    }

    pub(crate) async fn click(&self, Element(id): &Element) -> Result<(), String> {
        self.command("POST", &format!("/element/{id}/click"), &json!({}))
            .await
            .map(drop)
    }

    pub(crate) async fn send_keys(&self, Element(id): &Element, text: &str) -> Result<(), String> {
        self.command(
            "POST",
            &format!("/element/{id}/value"),
            &json!({ "text": text }),
        )
        .await
        .map(drop)
    }

    pub(crate) async fn text(&self, Element(id): &Element) -> Result<String, String> {
        let text = self
            .command("GET", &format!("/element/{id}/text"), &Value::Null)
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The body of a function: it says `return`.
    pub(crate) async fn execute(&self, script: &str, arguments: Value) -> Result<Value, String> {
        self.command(
            "POST",
            "/execute/sync",
            &json!({"script": script, "args": arguments}),
        )
        .await
    }

    pub(crate) async fn wait_for(&self, css: &str, within: Duration) -> Result<Element, String> {
        until(css, within, async || self.find(css).await.ok()).await
    }

    /// Finds and clicks until the click arrives: a page that still moves covers or replaces its
    /// elements.
    pub(crate) async fn click_on(&self, css: &str, within: Duration) -> Result<(), String> {
        let what = format!("a click on {css}");
        until(&what, within, async || {
            self.click(&self.find(css).await.ok()?).await.ok()
        })
        .await
    }

    /// All entries since the last `forget`; chromedriver itself forgets what it has told.
    pub(crate) async fn console(&mut self) -> Result<&[ConsoleEntry], String> {
        let entries = self
            .command("POST", "/se/log", &json!({"type": "browser"}))
            .await?;
        let word = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        self.console.extend(
            entries
                .as_array()
                .into_iter()
                .flatten()
                .map(|entry| ConsoleEntry {
                    level: word(entry, "level"),
                    message: word(entry, "message"),
                }),
        );
        Ok(&self.console)
    }

    /// Every URL that pages asked for since the last `forget`, WebSockets included, answered or
    /// not.
    pub(crate) async fn requested(&mut self) -> Result<&[String], String> {
        let entries = self
            .command("POST", "/se/log", &json!({"type": "performance"}))
            .await?;
        for entry in entries.as_array().into_iter().flatten() {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())
                .map_err(|error| format!("performance log: {error}"))?;
            let event = &event["message"];
            let url = match event["method"].as_str() {
                Some("Network.requestWillBeSent") => &event["params"]["request"]["url"],
                Some("Network.webSocketCreated") => &event["params"]["url"],
                _ => continue,
            };
            self.requested
                .push(url.as_str().unwrap_or_default().to_owned());
        }
        Ok(&self.requested)
    }

    /// chromedriver and every process of its Chromium.
    pub(crate) fn processes(&self) -> Vec<Process> {
        self.driver.id().map(tree).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ancestors first, so that nobody forks behind the list's back.
        let family = self.processes();
        for process in &family {
            process.signal("KILL").ok();
        }
        wait_for_end(&family);
    }
}
