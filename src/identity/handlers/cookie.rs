//! Signing a browser in and out: the cookie.

use axum::response::{IntoResponse, Response};
use http::header::{LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{NO_STORE, invalid_grant, start};
use crate::db::transaction::transaction;
use crate::http::body::extract::ValidForm;
use crate::http::caller::{Anyone, Signed};
use crate::http::shell::client::ClientAddress;
use crate::identity::api::AppState;
use crate::identity::authenticate::cookie_header;
use crate::identity::end::{Which, end_sessions};
use crate::identity::secret::{fresh_secret, secret_hash};
use crate::identity::session::Kind;
use crate::identity::sign_in::{self, Outcome};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// A sign-in for browsers
#[derive(Deserialize, ToSchema)]
pub struct LoginForm {
    /// Email or username
    username: String,
    #[schema(format = Password, value_type = String)]
    password: SecretString,
    /// The path of this site to go to afterwards
    #[schema(value_type = String, required = false, pattern = r"^/([!-.0-\[\]-~][!-\[\]-~]*)?$")]
    next: Option<String>,
}

/// Sign in with a cookie
///
/// For browsers: the answer sets a session cookie. With `next` and `Accept: text/html` it redirects
/// there. Forms of other sites are refused with 403.
#[utoipa::path(
    post,
    path = "/auth/login",
    tag = "sign-in",
    security(()),
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = NO_CONTENT, description = "You are signed in."),
        (
            status = SEE_OTHER,
            description = "You are signed in, and `Location` is where to go next. For callers that prefer HTML.",
        ),
        ApiError,
    ),
)]
pub async fn create_cookie(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    headers: HeaderMap,
    form: ValidForm<LoginForm>,
) -> ApiResult<Response> {
    let LoginForm {
        username,
        password,
        next,
    } = form.0;
    let is_foreign = match headers.get("sec-fetch-site") {
        Some(site) => site != "same-origin" && site != "none",
        None => headers
            .get(ORIGIN)
            .is_some_and(|origin| origin.as_bytes() != app.public_url.as_bytes()),
    };
    if is_foreign {
        return Err(ApiError::new(
            Code::Forbidden,
            "a sign-in must come from this site",
        ));
    }
    let next = next
        .map(|next| {
            same_origin_path(&next).ok_or_else(|| {
                ApiError::new(Code::InvalidParameter, "`next` must be a path of this site")
            })
        })
        .transpose()?;
    let cookie = begin_session(&app, &username, password, address, actor, &headers).await?;
    let prefers_html = headers
        .get(http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let mut response = ([NO_STORE, (SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response();
    if let (Some(next), true) = (next, prefers_html) {
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(LOCATION, next);
    }
    Ok(response)
}

/// Signs somebody in by their password: the header that sets the cookie.
pub async fn begin_session(
    app: &AppState,
    login: &str,
    password: SecretString,
    address: ClientAddress,
    actor: Actor,
    headers: &HeaderMap,
) -> ApiResult<HeaderValue> {
    let Outcome::Good(user) = sign_in::password(app, login, password, address.0, &actor).await?
    else {
        return Err(invalid_grant());
    };
    let secret = fresh_secret("").map_err(ApiError::internal)?;
    let kind = Kind::Cookie(secret_hash(secret.expose_secret()));
    let _ = start(app, &user, &kind, actor, headers).await?;
    let seconds = app.identity.lifetimes.absolute.num_seconds();
    cookie_header(secret.expose_secret(), seconds).map_err(ApiError::internal)
}

/// A path of this site and nothing that a browser could read as another: no scheme, no host, no
/// backslash, no control character.
pub fn same_origin_path(next: &str) -> Option<HeaderValue> {
    let is_path = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    is_path.then(|| HeaderValue::from_str(next).ok()).flatten()
}

/// End this session
///
/// Signs out: the session that calls ends, and a browser is told to forget its cookie. An API token
/// has no session and is answered 400.
#[utoipa::path(
    post,
    path = "/auth/logout",
    tag = "sign-in",
    security(("caller" = [])),
    responses((status = NO_CONTENT, description = "You are signed out."), ApiError),
)]
pub async fn end_session(who: Signed, app: AppState, actor: Actor) -> ApiResult<Response> {
    let Some(session) = who.session() else {
        return Err(ApiError::new(
            Code::BadRequest,
            "this credential has no session to end",
        ));
    };
    transaction(&app.db, &actor, async |tx| {
        end_sessions(tx, who.id, Which::One(session), "logout").await?;
        Ok(())
    })
    .await?;
    let cleared = cookie_header("", 0).map_err(ApiError::internal)?;
    Ok(([NO_STORE, (SET_COOKIE, cleared)], StatusCode::NO_CONTENT).into_response())
}
