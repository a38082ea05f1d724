//! `chartroom smoke`: asks a running service as a client would, from its probes to a vote, and
//! takes away what it wrote. A chart's test runs it from the service's own image.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode, Uri};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::config::Secret;
use crate::net::{Client, Limits, NetError};

const LIMITS: Limits = Limits {
    time: Duration::from_secs(10),
    answer_bytes: 8 * 1024 * 1024,
};

#[derive(Clone, Debug, Args)]
pub struct Smoke {
    /// The service, such as http://demo-chartroom
    #[arg(long, value_name = "URL")]
    url: Uri,
    /// Its ops listener, such as http://demo-chartroom:9090
    #[arg(long, value_name = "URL")]
    ops_url: Uri,
    /// File with the email of an account; without it one is registered, where that is open
    #[arg(long, value_name = "FILE", requires = "password_file")]
    email_file: Option<PathBuf>,
    /// File with its password
    #[arg(long, value_name = "FILE", requires = "email_file")]
    password_file: Option<PathBuf>,
}

/// Says each step through `say`; the first one that fails ends it.
pub async fn smoke(arguments: &Smoke, say: impl Fn(&str)) -> anyhow::Result<()> {
    let client = Client::new(LIMITS);
    let ops = Site {
        client: &client,
        url: &arguments.ops_url,
    };
    ops.get("/readyz").await?.expect(StatusCode::OK)?;
    say("ok: it is ready");
    let site = Site {
        client: &client,
        url: &arguments.url,
    };
    site.get("/openapi.json").await?.expect(StatusCode::OK)?;
    say("ok: it describes itself");
    // After a request, because a family without a value is not shown.
    let metrics = ops.get("/metrics").await?.expect(StatusCode::OK)?.text;
    for family in [
        "chartroom_build_info{",
        "http_server_request_duration_seconds_bucket{",
        "database_connections{",
    ] {
        ensure!(metrics.contains(family), "GET /metrics holds no {family}");
    }
    say("ok: it shows its metrics");
    let Some(account) = Account::of(arguments, &site).await? else {
        say(
            "skipped: signing in, posting and voting (registration is closed, and no account was given)",
        );
        return Ok(());
    };
    let outcome = round_trip(&site, &account, &say).await;
    // Also where a step failed: what was written is not left behind.
    if account.is_ours {
        account.delete(&site).await?;
        say("ok: the account is deleted");
    }
    outcome
}

async fn round_trip(site: &Site<'_>, account: &Account, say: &impl Fn(&str)) -> anyhow::Result<()> {
    let token = account.sign_in(site).await?;
    say("ok: signing in");
    let post = json!({ "title": "Smoke", "content": "Written by a test of this installation, which deletes it." });
    let made = site
        .send(Method::POST, "/api/v1/posts", Some(&token), Some(&post))
        .await?;
    let made = made.expect(StatusCode::CREATED)?.json()?;
    let id = made
        .get("id")
        .and_then(Value::as_str)
        .context("a post has no id")?;
    let path = format!("/api/v1/posts/{id}");
    let outcome = vote(site, &path, &token).await;
    site.send(Method::DELETE, &path, Some(&token), None)
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    outcome?;
    say("ok: writing a post, voting, reading it, deleting it");
    site.send(Method::POST, "/auth/logout", Some(&token), None)
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    site.send(Method::GET, "/api/v1/me", Some(&token), None)
        .await?
        .expect(StatusCode::UNAUTHORIZED)?;
    say("ok: signing out");
    Ok(())
}

async fn vote(site: &Site<'_>, post: &str, token: &SecretString) -> anyhow::Result<()> {
    site.send(Method::PUT, &format!("{post}/vote"), Some(token), None)
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    let read = site
        .send(Method::GET, post, Some(token), None)
        .await?
        .expect(StatusCode::OK)?
        .json()?;
    ensure!(
        read.get("votes") == Some(&json!(1)),
        "the vote does not count: {read}"
    );
    Ok(())
}

struct Account {
    email: String,
    password: SecretString,
    is_ours: bool,
}

impl Account {
    async fn of(arguments: &Smoke, site: &Site<'_>) -> anyhow::Result<Option<Self>> {
        let read = |file: &PathBuf| {
            Secret::File(file.clone())
                .read()
                .map_err(|problem| anyhow::anyhow!("{}: {problem}", file.display()))
        };
        if let (Some(email), Some(password)) = (&arguments.email_file, &arguments.password_file) {
            return Ok(Some(Self {
                email: read(email)?.expose_secret().trim().to_owned(),
                password: read(password)?,
                is_ours: false,
            }));
        }
        let account = Self {
            email: format!("smoke-{}@chartroom.invalid", uuid::Uuid::new_v4().simple()),
            password: uuid::Uuid::new_v4().to_string().into(),
            is_ours: true,
        };
        let body = json!({ "email": account.email, "password": account.password.expose_secret() });
        let answer = site
            .send(Method::POST, "/api/v1/users", None, Some(&body))
            .await?;
        if answer.status == StatusCode::FORBIDDEN {
            return Ok(None);
        }
        answer.expect(StatusCode::CREATED)?;
        Ok(Some(account))
    }

    async fn sign_in(&self, site: &Site<'_>) -> anyhow::Result<SecretString> {
        let form = serde_urlencoded::to_string([
            ("grant_type", "password"),
            ("username", &self.email),
            ("password", self.password.expose_secret()),
        ])?;
        let request =
            Request::post("/auth/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = site
            .ask(request.body(form.into())?)
            .await?
            .expect(StatusCode::OK)?
            .json()?;
        let token = answer.get("access_token").and_then(Value::as_str);
        Ok(token.context("no access token came back")?.into())
    }

    async fn delete(&self, site: &Site<'_>) -> anyhow::Result<()> {
        let token = self.sign_in(site).await?;
        let body = json!({ "password": self.password.expose_secret() });
        let answer = site
            .send(Method::DELETE, "/api/v1/me", Some(&token), Some(&body))
            .await?;
        answer.expect(StatusCode::NO_CONTENT)?;
        Ok(())
    }
}

/// One listener of the service.
struct Site<'a> {
    client: &'a Client,
    url: &'a Uri,
}

struct Answer {
    what: String,
    status: StatusCode,
    text: String,
}

impl Answer {
    fn expect(self, status: StatusCode) -> anyhow::Result<Self> {
        let Self {
            what,
            status: came,
            text,
        } = &self;
        if *came != status {
            let start: String = text.chars().take(300).collect();
            bail!("{what} answered {came}, not {status}: {start}");
        }
        Ok(self)
    }

    fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("{} answered no JSON", self.what))
    }
}

impl Site<'_> {
    async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.ask(request.body(body.into())?).await
    }

    /// Sends a request for a path of this listener.
    async fn ask(&self, mut request: Request<Bytes>) -> anyhow::Result<Answer> {
        let mut url = self.url.clone().into_parts();
        url.path_and_query = request
            .uri()
            .path_and_query()
            .cloned()
            .or(Some(PathAndQuery::from_static("/")));
        // Without a scheme a URL has no path, and the client says what it expects.
        *request.uri_mut() = Uri::from_parts(url).unwrap_or_else(|_invalid| self.url.clone());
        let what = format!("{} {}", request.method(), request.uri());
        let answer = match self.client.ask(request).await {
            Ok(answer) => answer,
            Err(NetError::Url(expected)) => bail!("the URL of the service: expected {expected}"),
            Err(error) => return Err(error).with_context(|| format!("{what} was not answered")),
        };
        Ok(Answer {
            what,
            status: answer.status(),
            text: String::from_utf8_lossy(answer.body()).into_owned(),
        })
    }
}
