//! `chartroom login` and `logout`. A password is never kept: it is exchanged for an API token,
//! which can be ended by itself.

use bytes::Bytes;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::super::call::Site;
use super::super::error::ClientError;
use super::super::names::text;
use super::super::output::say;
use super::credentials::{Context, Credentials, Kind};
use super::hidden::{ask, ask_hidden, is_terminal, read_all};
use crate::config::{ClientSettings, Secret, Told, service_url};

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The token is kept in $XDG_CONFIG_HOME/chartroom/credentials, or ~/.config/chartroom/credentials, which you alone may read, under the name that --context gives, else the host of the URL. CHARTROOM_URL with a token of the environment goes before it.\n\nWithout a terminal, the password comes from standard input and --username says whose it is.\n\nExit codes: 0 signed in, 1 failed, 2 wrong usage, 3 refused, 6 try again."
)]
pub struct Login {
    #[arg(
        help = "The service, such as https://chartroom.example.com [default: CHARTROOM_URL, else that of the context in use]"
    )]
    url: Option<String>,
    /// Keep the token that comes from standard input, instead of signing in for one
    #[arg(long, conflicts_with_all = ["username", "access", "session"])]
    with_token: bool,
    /// Your username or email
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// What the token may do
    #[arg(long, value_name = "WHAT", default_value = "write", value_parser = ["read", "write"])]
    access: String,
    /// Keep the session itself, which ends by itself soon, after half an hour as a rule: it
    /// administers and manages tokens, which API tokens do not
    #[arg(long, conflicts_with = "access")]
    session: bool,
}

#[derive(Args, Clone, Debug)]
pub struct Logout {
    /// Forget a token also where the service does not end it
    #[arg(long)]
    force: bool,
}

pub(in super::super) async fn login(
    arguments: Login,
    name: Option<String>,
) -> Result<(), ClientError> {
    let mut kept = Credentials::load()?;
    let url = service(arguments.url.as_deref(), name.as_deref(), &kept)?;
    let name = name.unwrap_or_else(|| {
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        host.to_owned()
    });
    let before = kept.contexts.get(&name).filter(|it| it.url == url);
    let context = match arguments.with_token {
        true => given(url).await?,
        false => signed_in(url, arguments, before.cloned()).await?,
    };
    let (user, url) = (context.user.clone(), context.url.clone());
    kept.contexts.insert(name.clone(), context);
    kept.current = Some(name.clone());
    let path = kept.store()?;
    say(&format!(
        "signed in to {url} as {user}; the token is kept as context {name} in {}",
        path.display()
    ));
    if !matches!(ClientSettings::told(), Ok(Told::Nothing)) {
        say("CHARTROOM_URL or CHARTROOM_TOKEN is set here, and goes before what is kept");
    }
    Ok(())
}

fn service(
    url: Option<&str>,
    name: Option<&str>,
    kept: &Credentials,
) -> Result<String, ClientError> {
    if let Some(url) = url {
        return service_url(url).map_err(|problem| ClientError::Usage(format!("URL: {problem}")));
    }
    if let Some(context) = name.and_then(|name| kept.contexts.get(name)) {
        return Ok(context.url.clone());
    }
    match (ClientSettings::told(), kept.current()) {
        (Ok(Told::All(settings)), _) => Ok(settings.url),
        (Ok(Told::Url(url)), _) => Ok(url),
        (_, Some((_, context))) if name.is_none() => Ok(context.url.clone()),
        _ => Err(ClientError::Usage(
            "expected the URL of the service: chartroom login https://chartroom.example.com"
                .to_owned(),
        )),
    }
}

async fn given(url: String) -> Result<Context, ClientError> {
    if is_terminal() {
        say("the token, in one line and Ctrl-D after it (it shows as you type it):");
    }
    let token = read_all()?;
    let site = with(&url, token.clone());
    let user = match site.get("/api/v1/me").await {
        Ok(me) => called(&me)?,
        // A workload has no account, and is welcome.
        Err(ClientError::Answered { status, .. }) if status == http::StatusCode::FORBIDDEN => {
            "a workload".to_owned()
        }
        Err(error) => return Err(error),
    };
    Ok(Context {
        url,
        user,
        kind: Kind::Given,
        token: token.expose_secret().trim().to_owned(),
        token_id: None,
    })
}

fn with(url: &str, token: SecretString) -> Site {
    Site::new(ClientSettings {
        url: url.to_owned(),
        token: Secret::Value(token),
    })
}

fn called(me: &Value) -> Result<String, ClientError> {
    text(me, "username").or_else(|_| text(me, "email"))
}

async fn signed_in(
    url: String,
    arguments: Login,
    before: Option<Context>,
) -> Result<Context, ClientError> {
    let (username, password) = asked(&url, arguments.username).await?;
    let session = session(&url, &username, &password).await?;
    let site = with(&url, session.clone());
    let user = called(&site.get("/api/v1/me").await?)?;
    if arguments.session {
        return Ok(Context {
            url,
            user,
            kind: Kind::Session,
            token: session.expose_secret().to_owned(),
            token_id: None,
        });
    }
    let name = format!("chartroom on {}", host());
    let new = json!({ "name": name, "access": arguments.access });
    let made = site
        .ask(Method::POST, "/api/v1/me/tokens", Some(&new))
        .await;
    // What was kept here before is of no use any more; it may have been ended elsewhere.
    if let (Ok(_), Some(id)) = (&made, before.and_then(|before| before.token_id)) {
        let path = format!("/api/v1/me/tokens/{id}");
        let _ = site.ask(Method::DELETE, &path, None).await;
    }
    // The session was for the token alone, and ends by itself where this fails.
    let _ = site.ask(Method::POST, "/auth/logout", None).await;
    let made = made?;
    Ok(Context {
        url,
        user,
        kind: Kind::ApiToken,
        token: text(&made, "secret")?,
        token_id: Some(text(&made, "id")?),
    })
}

async fn asked(url: &str, username: Option<String>) -> Result<(String, SecretString), ClientError> {
    let is_local = ["localhost", "127.0.0.1", "[::1]"].into_iter().any(|host| {
        let rest = url
            .strip_prefix("http://")
            .and_then(|it| it.strip_prefix(host));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    if url.starts_with("http://") && !is_local {
        say("this URL begins with http://, so the password goes there unencrypted");
    }
    if is_terminal() {
        let username = match username {
            Some(username) => username,
            None => ask(&format!("Username or email at {url}")).await?,
        };
        return Ok((username, ask_hidden("Password").await?));
    }
    let username = username.ok_or_else(|| {
        ClientError::Usage(
            "without a terminal, expected --username NAME and the password on standard input, \
             or --with-token and a token there"
                .to_owned(),
        )
    })?;
    Ok((username, read_all()?))
}

/// The access token of a new session.
async fn session(
    url: &str,
    username: &str,
    password: &SecretString,
) -> Result<SecretString, ClientError> {
    let form = [
        ("grant_type", "password"),
        ("username", username),
        ("password", password.expose_secret()),
    ];
    let form = serde_urlencoded::to_string(form)
        .map_err(|error| ClientError::Failed(error.to_string()))?;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    let site = Site::anonymous(url.to_owned());
    let answer = site
        .exchange(
            Method::POST,
            "/auth/token",
            vec![(CONTENT_TYPE, kind)],
            Bytes::from(form),
        )
        .await
        .map_err(refused_password)?;
    text(&site.read(&answer)?, "access_token").map(SecretString::from)
}

/// By RFC 6749 a wrong password is a 400, which nobody would take for a refusal.
fn refused_password(error: ClientError) -> ClientError {
    match error {
        ClientError::Answered {
            status: http::StatusCode::BAD_REQUEST,
            text,
            retry_after,
        } => ClientError::Answered {
            status: http::StatusCode::UNAUTHORIZED,
            text,
            retry_after,
        },
        error => error,
    }
}

/// For the name of the token, so that its owner knows which one it is.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    match name.as_str() {
        "" => "an unnamed host".to_owned(),
        name => name.to_owned(),
    }
}

pub(in super::super) async fn logout(
    arguments: Logout,
    name: Option<String>,
) -> Result<(), ClientError> {
    let mut kept = Credentials::load()?;
    let name = match name.or_else(|| kept.current.clone()) {
        Some(name) => name,
        None => return Err(ClientError::Usage("nobody is signed in".to_owned())),
    };
    let context = kept.named(&name)?.clone();
    let ended = end(&context).await;
    if let Err(error) = &ended
        && !arguments.force
        && error.is_temporary()
    {
        return Err(ClientError::Unanswered(format!(
            "{error}; nothing was forgotten, --force forgets the token and leaves it alive"
        )));
    }
    kept.contexts.remove(&name);
    if kept.current.as_ref() == Some(&name) {
        kept.current = None;
    }
    let path = kept.store()?;
    let what = match (ended, context.kind) {
        (Ok(()), Kind::Given) => "its token was given to chartroom and goes on being good",
        (Ok(()), _) => "its token is ended",
        (Err(_), _) => "the service did not end its token",
    };
    say(&format!(
        "forgot the context {name} in {}; {what}",
        path.display()
    ));
    Ok(())
}

/// Whoever holds a token may end it (RFC 7009).
async fn end(context: &Context) -> Result<(), ClientError> {
    if context.kind == Kind::Given {
        return Ok(());
    }
    let form = serde_urlencoded::to_string([("token", &context.token)]);
    let form = form.map_err(|error| ClientError::Failed(error.to_string()))?;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    let site = Site::anonymous(context.url.clone());
    let headers = vec![(CONTENT_TYPE, kind)];
    site.exchange(Method::POST, "/auth/revoke", headers, Bytes::from(form))
        .await
        .map(|_| ())
}
