//! A provider, and what it is asked: what it offers (OpenID Connect Discovery 1.0), its keys, what
//! a code stands for, and what it says about a person.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::Utc;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::callback_path;
use super::flow::Flow;
use super::id_token::{Expected, Flaw, Proven, Said, Unproven};
use super::refusal::No;
use crate::config::{OidcProvider, is_safe};
use crate::identity::jwks::{Keys, Published, Unavailable};
use crate::net::{Client, Limits};

/// For how long a provider is believed to be as it was: so long at most counts a key that it has
/// taken back.
const FRESH: Duration = Duration::from_secs(600);
/// After a failure, everybody is told so for a moment instead of waiting for another one.
const PAUSE: Duration = Duration::from_secs(1);
const PLACES: usize = 64;
/// Far more than providers say about themselves, their keys or a person.
const MOST_BYTES: usize = 256 * 1024;

/// What a provider says about itself.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    /// RFC 9207: its answers name their issuer, so that none is taken for another's.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    fn endpoints(&self) -> impl Iterator<Item = &String> {
        let always = [
            &self.authorization_endpoint,
            &self.token_endpoint,
            &self.jwks_uri,
        ];
        always.into_iter().chain(&self.userinfo_endpoint)
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    said: Said,
}

#[derive(Default)]
struct Known {
    found: Option<(Instant, Arc<Metadata>)>,
    failed: Option<(Instant, Unavailable)>,
}

pub struct Provider {
    pub settings: OidcProvider,
    redirect_uri: String,
    client: Client,
    patience: Duration,
    /// Who may wait for the provider at once: while it hangs, the rest of the service goes on.
    places: Semaphore,
    known: Mutex<Known>,
    keys: Keys,
}

impl Provider {
    /// `patience` is for all that one request asks.
    pub fn new(settings: OidcProvider, public_url: &str, patience: Duration) -> Self {
        Self {
            redirect_uri: format!("{public_url}{}", callback_path(&settings.id)),
            client: Client::new(Limits {
                // Less than all, so that a failure is known before everybody gives up.
                time: patience * 2 / 3,
                answer_bytes: MOST_BYTES,
            }),
            settings,
            patience,
            places: Semaphore::new(PLACES),
            known: Mutex::default(),
            keys: Keys::default(),
        }
    }

    /// Where a browser is sent to begin.
    pub async fn authorization(&self, flow: &Flow) -> Result<String, No> {
        let metadata = self.in_time(self.metadata()).await?;
        let has_groups = metadata.scopes_supported.iter().any(|it| it == "groups");
        let scope = match has_groups && !self.settings.groups.is_empty() {
            true => "openid profile email groups",
            false => "openid profile email",
        };
        let challenge = flow.challenge();
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", scope),
            ("state", &flow.state),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])?;
        let url = &metadata.authorization_endpoint;
        let joint = if url.contains('?') { '&' } else { '?' };
        Ok(format!("{url}{joint}{query}"))
    }

    /// Who has signed in there, by the answer that a browser has brought. `issuer` is whom that
    /// names as its author.
    pub async fn who(&self, flow: &Flow, code: &str, issuer: Option<&str>) -> Result<Proven, No> {
        self.in_time(async {
            let metadata = self.metadata().await?;
            let is_named = match issuer {
                Some(issuer) => issuer == self.settings.issuer,
                None => !metadata.authorization_response_iss_parameter_supported,
            };
            if !is_named {
                return Err(No::Issuer);
            }
            let tokens = self.redeem(&metadata, flow, code).await?;
            let proven = self.prove(&metadata, flow, &tokens.id_token).await?;
            self.complete(&metadata, proven, tokens.access_token).await
        })
        .await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, No>>) -> Result<T, No> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(Unavailable::new("too many wait for it at once").into());
        };
        let late = || Unavailable::new(format!("no answer within {:?}", self.patience));
        let done = timeout(self.patience, work).await;
        done.unwrap_or_else(|_elapsed| Err(late().into()))
    }

    /// Of those who ask at once, one asks. Where there is no answer, what was known before counts.
    async fn metadata(&self) -> Result<Arc<Metadata>, No> {
        let mut known = self.known.lock().await;
        let old = known.found.clone();
        if let Some((at, metadata)) = &old
            && at.elapsed() < FRESH
        {
            return Ok(metadata.clone());
        }
        let is_paused = |(at, _): &&(Instant, Unavailable)| at.elapsed() < PAUSE;
        let asked = match known.failed.as_ref().filter(is_paused) {
            Some((_, error)) => Err(error.clone()),
            None => self.discover().await,
        };
        match asked {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                known.found = Some((Instant::now(), metadata.clone()));
                known.failed = None;
                // Those that it has taken back go.
                let renewed = self.keys.refresh(self.published(&metadata)).await;
                if let Err(error) = renewed {
                    self.warn("its keys are not renewed", &error);
                }
                Ok(metadata)
            }
            Err(error) => {
                let is_paused = known.failed.as_ref().is_some_and(|it| is_paused(&it));
                if !is_paused {
                    self.warn("it does not say what it offers", &error);
                    known.failed = Some((Instant::now(), error.clone()));
                }
                old.map(|(_, metadata)| metadata).ok_or(error.into())
            }
        }
    }

    fn warn(&self, what: &str, error: &Unavailable) {
        tracing::warn!(provider = self.settings.id, error = %error, "sign-in provider: {what}");
    }

    async fn discover(&self) -> Result<Metadata, Unavailable> {
        let issuer = &self.settings.issuer;
        let base = issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let metadata: Metadata = self.get(&url, None).await?;
        if metadata.issuer != *issuer {
            return Err(Unavailable::new(
                "its discovery document names another issuer; the setting has to be the same, to the letter",
            ));
        }
        if !metadata.endpoints().all(|url| is_safe(url)) {
            return Err(Unavailable::new(
                "its discovery document names an endpoint without https",
            ));
        }
        Ok(metadata)
    }

    async fn published(&self, metadata: &Metadata) -> Result<Published, Unavailable> {
        self.get(&metadata.jwks_uri, None).await
    }

    /// The tokens that a code stands for. Nobody gets any without the secret and the verifier.
    async fn redeem(&self, metadata: &Metadata, flow: &Flow, code: &str) -> Result<Tokens, No> {
        let secret = self.settings.client_secret.read();
        let secret = secret.map_err(|problem| {
            Unavailable::new(format!(
                "the secret of the client cannot be read: {problem}"
            ))
        })?;
        let (id, secret) = (self.settings.client_id.as_str(), secret.expose_secret());
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code_verifier", flow.verifier.as_str()),
        ];
        let mut request = Request::post(&metadata.token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
        // By default it is the header (OpenID Connect Discovery, 3).
        if methods.is_none_or(|all| all.iter().any(|it| it == "client_secret_basic")) {
            request = request.header(AUTHORIZATION, basic(id, secret)?);
        } else {
            fields.extend([("client_id", id), ("client_secret", secret)]);
        }
        let answer = self.ask(request.body(form(&fields)?.into())).await?;
        match answer.status() {
            StatusCode::OK => Ok(read(&answer)?),
            status if status.is_client_error() => Err(No::Code(said_error(&answer))),
            status => Err(Unavailable::new(format!("its token endpoint answers {status}")).into()),
        }
    }

    async fn prove(&self, metadata: &Metadata, flow: &Flow, token: &str) -> Result<Proven, No> {
        let unproven = Unproven::of(token).ok_or(Flaw::Form)?;
        let ask = self.published(metadata);
        if !self.keys.have_signed(&unproven.signed, ask).await? {
            return Err(Flaw::Signature.into());
        }
        Ok(unproven.judge(&Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce: &flow.nonce,
            now: Utc::now().timestamp(),
        })?)
    }

    /// With what the provider says only when it is asked for it, as some do with emails.
    async fn complete(
        &self,
        metadata: &Metadata,
        proven: Proven,
        access_token: Option<SecretString>,
    ) -> Result<Proven, No> {
        let (Some(url), Some(token)) = (&metadata.userinfo_endpoint, access_token) else {
            return Ok(proven);
        };
        let has_groups = self.settings.groups.is_empty() || proven.said.has_groups();
        if proven.said.email().is_some() && has_groups {
            return Ok(proven);
        }
        let UserInfo { sub, said } = self.get(url, Some(&token)).await?;
        if sub != proven.subject {
            return Err(Flaw::Subject.into());
        }
        Ok(Proven {
            said: proven.said.or(said),
            ..proven
        })
    }

    async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        token: Option<&SecretString>,
    ) -> Result<T, Unavailable> {
        let mut request = Request::get(url).header(ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, bearer(token)?);
        }
        let answer = self.ask(request.body(Bytes::new())).await?;
        match answer.status() {
            StatusCode::OK => read(&answer),
            status => Err(Unavailable::new(format!("it answers {status} for {url}"))),
        }
    }

    async fn ask(
        &self,
        request: http::Result<Request<Bytes>>,
    ) -> Result<Response<Bytes>, Unavailable> {
        let request = request.map_err(|error| Unavailable::new(error.to_string()))?;
        let url = request.uri().clone();
        let answer = Box::pin(self.client.ask(request)).await;
        answer.map_err(|error| Unavailable::new(format!("{url}: {error}")))
    }
}

/// Nothing of what came is quoted: it may hold tokens.
fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, Unavailable> {
    let other = |_error| Unavailable::new("an answer of another form");
    serde_json::from_slice(answer.body()).map_err(other)
}

/// The code of an error (RFC 6749, 5.2), for the log.
fn said_error(answer: &Response<Bytes>) -> String {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    let said: Option<Said> = serde_json::from_slice(answer.body()).ok();
    let code = said.map_or_else(String::new, |said| said.error);
    let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
    match code.chars().all(is_plain) && code.len() <= 64 && !code.is_empty() {
        true => code,
        false => answer.status().as_u16().to_string(),
    }
}

fn form(fields: &[(&str, &str)]) -> Result<String, Unavailable> {
    serde_urlencoded::to_string(fields).map_err(|error| Unavailable::new(error.to_string()))
}

/// RFC 6749, 2.3.1: both are encoded before they are put together.
fn basic(id: &str, secret: &str) -> Result<HeaderValue, Unavailable> {
    let encoded = |text: &str| {
        let pair = form(&[("", text)])?;
        Ok::<_, Unavailable>(pair.trim_start_matches('=').to_owned())
    };
    let both = BASE64_STANDARD.encode(format!("{}:{}", encoded(id)?, encoded(secret)?));
    sensitive(format!("Basic {both}"))
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Unavailable> {
    sensitive(format!("Bearer {}", token.expose_secret()))
}

fn sensitive(text: String) -> Result<HeaderValue, Unavailable> {
    let value = HeaderValue::try_from(text);
    let mut value = value.map_err(|_invalid| Unavailable::new("a credential that is no header"))?;
    value.set_sensitive(true);
    Ok(value)
}
