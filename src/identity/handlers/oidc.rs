//! Signing in by a provider: which there are, the way to one, and the way back.
//!
//! The two ways are pages: providers add parameters of their own, and what goes wrong is told to a
//! person in a browser, and as a problem document to everybody else.

use axum::Json;
use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cookie::same_origin_path;
use super::{Begun, NO_STORE, agent_of, start_in};
use crate::db::transaction::transaction;
use crate::events::{Event, tell_alone};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Anyone;
use crate::http::shell::client::ClientAddress;
use crate::http::shell::pages::Pages;
use crate::identity::api::AppState;
use crate::identity::authenticate::cookie_header;
use crate::identity::oidc::account::{self, First, verified_email};
use crate::identity::oidc::flow::{Flow, gone};
use crate::identity::oidc::id_token::Proven;
use crate::identity::oidc::provider::Provider;
use crate::identity::oidc::refusal::refused;
use crate::identity::secret::{fresh_secret, secret_hash};
use crate::identity::session::Kind;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;

/// A longer path would make the cookie larger than browsers keep.
const LONGEST_NEXT: usize = 1_024;

/// Who may say who somebody is
#[derive(Serialize, ToSchema)]
pub struct SignInProvider {
    /// Its part of paths
    id: String,
    /// What people call it
    name: String,
    /// The path that leads a browser there; `?next=` is the path of this site to go to afterwards
    sign_in: String,
}

/// The providers of single sign-on
#[derive(Serialize, ToSchema)]
pub struct SignInProviders {
    providers: Vec<SignInProvider>,
}

/// List the providers of single sign-on
///
/// Whom people can sign in by here (OpenID Connect), for pages that offer it. A browser is led to
/// one by its `sign_in`, and comes back with a session cookie.
#[utoipa::path(
    get,
    path = "/auth/oidc",
    tag = "sign-in",
    security(()),
    responses((status = OK, body = SignInProviders), ApiError),
)]
pub async fn list_providers(_: Anyone, app: AppState) -> Json<SignInProviders> {
    let all = app.identity.providers.all().iter();
    let providers = all
        .map(|Provider { settings, .. }| SignInProvider {
            id: settings.id.clone(),
            name: settings.name.clone(),
            sign_in: begin_path(&settings.id),
        })
        .collect();
    Json(SignInProviders { providers })
}

/// What begins a sign-in.
pub fn begin_path(provider: &str) -> String {
    format!("/auth/oidc/{provider}")
}

pub fn pages() -> Pages<AppState> {
    Pages::default()
        .get("/auth/oidc/{provider}", begin)
        .get("/auth/oidc/{provider}/callback", finish)
}

#[derive(Deserialize)]
struct Wanted {
    next: Option<String>,
}

/// What a provider sends back (RFC 6749, 4.1.2; RFC 9207).
#[derive(Deserialize)]
struct Returned {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Of a parameter that is given twice nobody knows which counts.
fn query<T: DeserializeOwned>(query: Option<&str>) -> ApiResult<T> {
    serde_urlencoded::from_str(query.unwrap_or_default()).map_err(|_error| {
        ApiError::new(
            Code::InvalidParameter,
            "a parameter is given twice, or is no text",
        )
    })
}

pub async fn begin(
    _: Anyone,
    app: AppState,
    ValidPath(id): ValidPath<String>,
    RawQuery(text): RawQuery,
) -> ApiResult<Response> {
    let provider = app.identity.providers.find(&id)?;
    let Wanted { next } = query(text.as_deref())?;
    let next = next.as_deref().unwrap_or("/");
    if same_origin_path(next).is_none() {
        return Err(ApiError::new(
            Code::InvalidParameter,
            "`next` must be a path of this site",
        ));
    }
    let next = Some(next)
        .filter(|next| next.len() <= LONGEST_NEXT)
        .unwrap_or("/");
    let flow = Flow::begin(&id, next, Utc::now().timestamp()).map_err(ApiError::internal)?;
    let there = provider.authorization(&flow).await;
    let there = there.map_err(|no| no.told(&provider.settings))?;
    let there = HeaderValue::try_from(there).map_err(ApiError::internal)?;
    let keys = app.identity.keys.current();
    let cookie = flow.cookie(&keys).map_err(ApiError::internal)?;
    let headers = [NO_STORE, (LOCATION, there), (SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

pub async fn finish(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    headers: HeaderMap,
    ValidPath(id): ValidPath<String>,
    RawQuery(text): RawQuery,
) -> ApiResult<Response> {
    let provider = app.identity.providers.find(&id)?;
    let returned: Returned = query(text.as_deref())?;
    let (keys, now) = (app.identity.keys.current(), Utc::now().timestamp());
    let state = returned.state.as_deref();
    let flow = state.and_then(|state| Flow::of(&headers, &keys, &id, state, now));
    let done = match &flow {
        Some(flow) => {
            let came = came_back(&app, provider, address, actor, &headers, flow, returned);
            Box::pin(came).await
        }
        None => Err(refused(
            "this sign-in was not begun in this browser within the last ten minutes, or has ended; begin again at /sign-in",
        )),
    };
    app.identity.providers.count(provider, &done);
    match done {
        Ok((cookie, next)) => {
            let mut response = (StatusCode::SEE_OTHER, [NO_STORE]).into_response();
            let headers = response.headers_mut();
            headers.insert(LOCATION, next);
            headers.append(SET_COOKIE, cookie);
            headers.append(SET_COOKIE, gone());
            Ok(response)
        }
        // What was not answered may be asked again, and what is not this sign-in does not end it.
        Err(error) if flow.is_none() || error.code.status() == StatusCode::SERVICE_UNAVAILABLE => {
            Err(error)
        }
        Err(error) => Err(error.with_header(SET_COOKIE, gone())),
    }
}

/// The session's cookie, and where to go.
async fn came_back(
    app: &AppState,
    provider: &Provider,
    address: ClientAddress,
    actor: Actor,
    headers: &HeaderMap,
    flow: &Flow,
    returned: Returned,
) -> ApiResult<(HeaderValue, HeaderValue)> {
    let settings = &provider.settings;
    let code = match &returned {
        Returned {
            error: None,
            code: Some(code),
            ..
        } => code.as_str(),
        _ => {
            return Err(refused(format!(
                "{} has not signed you in; begin again at /sign-in, or sign in with a password",
                settings.name
            )));
        }
    };
    // From here on the provider is asked: counted as a guess, so that nobody has it asked at will.
    let limiter = &app.identity.limiter;
    let token = limiter.registration(&app.db, address.0).await?;
    let who = provider.who(flow, code, returned.iss.as_deref()).await;
    let signed_in = match who {
        Ok(who) => sign_in(app, provider, &who, actor.clone(), headers).await,
        Err(no) => Err(no.told(settings)),
    };
    match signed_in {
        Ok(cookie) => {
            token.give_back(&app.db).await;
            let next = same_origin_path(&flow.next);
            Ok((cookie, next.unwrap_or(HeaderValue::from_static("/"))))
        }
        Err(error) => {
            if error.code == Code::SignInRefused {
                let event = Event::SignInRefused {
                    user: None,
                    provider: Some(settings.id.clone()),
                };
                tell_alone(&app.db, &actor, event).await?;
            }
            Err(error)
        }
    }
}

async fn sign_in(
    app: &AppState,
    provider: &Provider,
    who: &Proven,
    actor: Actor,
    headers: &HeaderMap,
) -> ApiResult<HeaderValue> {
    let settings = &provider.settings;
    let is_admin = account::is_admin(settings, &who.said)?;
    let known = app
        .db
        .read_primary(async |connection| account::known(connection, settings, who).await)
        .await?;
    let (email, there) = match &known {
        Some((user, _)) => (String::new(), Some(user.id)),
        // An email counts once: from then on the identity leads to the account.
        None => {
            let email = verified_email(settings, &who.said)?;
            let there = app
                .db
                .read_primary(async |connection| account::owner(connection, &email).await)
                .await?;
            (email, there)
        }
    };
    let first = First {
        who,
        email: &email,
        id: there.unwrap_or_else(PrincipalId::fresh),
        is_there: there.is_some(),
    };
    let secret = fresh_secret("").map_err(ApiError::internal)?;
    let kind = Kind::Cookie(secret_hash(secret.expose_secret()));
    let actor = actor.acting_as(first.id);
    transaction(&app.db, &actor, async |tx| {
        let (user, was_given) = match known {
            Some(known) => known,
            None => (account::tie(tx, settings, &first).await?, false),
        };
        account::enabled(&user)?;
        account::apply_groups(tx, settings, who, &user, is_admin, was_given).await?;
        let begun = Begun {
            kind: &kind,
            agent: agent_of(headers),
            provider: Some(settings.id.clone()),
        };
        start_in(tx, app, &user, begun).await?;
        Ok(())
    })
    .await?;
    let seconds = app.identity.lifetimes.absolute.num_seconds();
    cookie_header(secret.expose_secret(), seconds).map_err(ApiError::internal)
}
