//! Signing in and out: the RFC 6749 token endpoint, revocation and introspection, the cookie, and the documents about them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::header::{CACHE_CONTROL, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::authenticate::cookie_header;
use super::cache::{fresh_secret, secret_hash};
use super::keys::Jwk;
use super::principal::Principal;
use super::revocation::{self, Revoked, Subject};
use super::session::{self, Kind, Refreshed, Which};
use super::sign_in::{self, Outcome};
use super::token::Refresh;
use crate::audit::{self, Origin};
use crate::error::{ApiError, ApiResult, Code};
use crate::http::client::ClientAddress;
use crate::http::extract::ValidForm;
use crate::http::idempotency::transaction;
use crate::state::AppState;
use crate::types::{PrincipalId, SessionId};
use crate::users::model::User;

/// RFC 6749, 5.1: no cache keeps a token.
const NO_STORE: (http::HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-store"));
const LONGEST_AGENT: usize = 256;

/// A request for tokens (RFC 6749, 4.3 and 6)
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `password` or `refresh_token`
    grant_type: String,
    /// Email or username, with `password`
    username: Option<String>,
    #[schema(format = Password, value_type = Option<String>)]
    password: Option<SecretString>,
    /// With `refresh_token`
    refresh_token: Option<String>,
}

/// Tokens (RFC 6749, 5.1)
#[derive(Serialize, ToSchema)]
pub struct TokenResponse {
    access_token: String,
    /// Always `Bearer`
    token_type: &'static str,
    /// Seconds
    expires_in: i64,
    /// Good once; its answer holds the next one
    refresh_token: String,
    /// Seconds
    refresh_expires_in: i64,
    scope: &'static str,
}

/// A token by itself (RFC 7009, 2.1; RFC 7662, 2.1)
#[derive(Deserialize, ToSchema)]
pub struct TokenForm {
    token: String,
    /// Not needed: tokens tell themselves apart
    #[expect(
        dead_code,
        reason = "the standards define it, and a server may do without"
    )]
    token_type_hint: Option<String>,
}

/// A sign-in for browsers
#[derive(Deserialize, ToSchema)]
pub struct LoginForm {
    /// Email or username
    username: String,
    #[schema(format = Password, value_type = String)]
    password: SecretString,
    /// Where to go afterwards: a path of this site
    next: Option<String>,
}

/// Exchange a password or a refresh token for tokens
#[utoipa::path(post, path = "/auth/token", tag = "sign-in", security(()), request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"), responses((status = OK, body = TokenResponse), ApiError))]
pub async fn create_token(
    app: AppState,
    address: ClientAddress,
    origin: Origin,
    headers: HeaderMap,
    form: ValidForm<TokenRequest>,
) -> ApiResult<Response> {
    let TokenRequest {
        grant_type,
        username,
        password,
        refresh_token,
    } = form.0;
    let response = match (grant_type.as_str(), username, password, refresh_token) {
        ("password", ..) if !app.config.identity.password_grant => return Err(unsupported_grant()),
        ("password", Some(login), Some(password), _) => {
            by_password(&app, &login, password, address, &origin, &headers).await?
        }
        ("refresh_token", _, _, Some(token)) => by_refresh(&app, &token, &origin).await?,
        ("password", ..) => {
            return Err(ApiError::new(
                Code::BadRequest,
                "the grant `password` needs `username` and `password`",
            ));
        }
        ("refresh_token", ..) => {
            return Err(ApiError::new(
                Code::BadRequest,
                "the grant `refresh_token` needs `refresh_token`",
            ));
        }
        _ => return Err(unsupported_grant()),
    };
    Ok(([NO_STORE], Json(response)).into_response())
}

fn unsupported_grant() -> ApiError {
    ApiError::new(
        Code::UnsupportedGrantType,
        "this server does not take that grant_type",
    )
}

fn invalid_grant() -> ApiError {
    ApiError::new(
        Code::InvalidGrant,
        "the name, the password or the refresh token is not good (any more)",
    )
}

async fn by_password(
    app: &AppState,
    login: &str,
    password: SecretString,
    address: ClientAddress,
    origin: &Origin,
    headers: &HeaderMap,
) -> ApiResult<TokenResponse> {
    let Outcome::Good(user) = sign_in::password(app, login, password, address.0, origin).await?
    else {
        return Err(invalid_grant());
    };
    let (id, started) = start(app, &user, &Kind::Bearer, origin, headers).await?;
    let refresh_seconds = (started.idle_ends_at - started.created_at).num_seconds();
    tokens(
        app,
        user.id,
        user.is_admin,
        Refresh {
            session: id,
            generation: 0,
        },
        refresh_seconds,
    )
}

async fn start(
    app: &AppState,
    user: &User,
    kind: &Kind,
    origin: &Origin,
    headers: &HeaderMap,
) -> ApiResult<(SessionId, session::Started)> {
    let id = SessionId::fresh();
    let agent = headers.get(http::header::USER_AGENT).map(|value| {
        String::from_utf8_lossy(value.as_bytes())
            .chars()
            .take(LONGEST_AGENT)
            .collect::<String>()
    });
    let lifetimes = app.identity.lifetimes;
    let started = transaction(&app.db, async |connection| {
        let started = session::start(
            connection,
            id,
            user,
            kind,
            lifetimes,
            origin.address.as_deref(),
            agent.as_deref(),
        )
        .await?
        .ok_or_else(invalid_grant)?;
        audit::record(
            connection,
            origin,
            Some(user.id),
            "session.started",
            Some(id.0),
            json!({}),
        )
        .await?;
        Ok(started)
    })
    .await?;
    Ok((id, started))
}

fn tokens(
    app: &AppState,
    user: PrincipalId,
    is_admin: bool,
    refresh: Refresh,
    refresh_seconds: i64,
) -> ApiResult<TokenResponse> {
    let seconds = app.identity.access_seconds;
    Ok(TokenResponse {
        access_token: app
            .identity
            .tokens
            .issue(user, refresh.session, is_admin, Utc::now(), seconds)
            .map_err(ApiError::internal)?,
        token_type: "Bearer",
        expires_in: seconds,
        refresh_token: app
            .identity
            .tokens
            .refresh_token(refresh)
            .map_err(ApiError::internal)?,
        refresh_expires_in: refresh_seconds,
        scope: "api",
    })
}

async fn by_refresh(app: &AppState, token: &str, origin: &Origin) -> ApiResult<TokenResponse> {
    let refresh = app
        .identity
        .tokens
        .parse_refresh(token)
        .or(Err(invalid_grant()))?;
    let lifetimes = app.identity.lifetimes;
    let (refreshed, revoked) = transaction(&app.db, async |connection| {
        let refreshed = session::refresh(connection, refresh, lifetimes).await?;
        let mut revoked = Vec::new();
        if let Refreshed::Reused { session, user } = refreshed {
            revoked = revocation::revoke(connection, &[Subject::Session(session)]).await?;
            audit::record(
                connection,
                origin,
                Some(user),
                "session.reuse_detected",
                Some(session.0),
                json!({}),
            )
            .await?;
        }
        Ok((refreshed, revoked))
    })
    .await?;
    app.identity.feed.learn(&revoked);
    match refreshed {
        Refreshed::Live {
            next,
            user,
            is_admin,
            idle_ends_at,
        } => tokens(
            app,
            user,
            is_admin,
            next,
            (idle_ends_at - Utc::now()).num_seconds(),
        ),
        Refreshed::Reused { .. } | Refreshed::Over => Err(invalid_grant()),
    }
}

/// End the session of a token; unknown tokens are fine (RFC 7009)
#[utoipa::path(post, path = "/auth/revoke", tag = "sign-in", security(()), request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"), responses((status = OK), ApiError))]
pub async fn revoke_token(
    app: AppState,
    origin: Origin,
    form: ValidForm<TokenForm>,
) -> ApiResult<Response> {
    let token = &form.0.token;
    let session = app
        .identity
        .tokens
        .parse_refresh(token)
        .map(|refresh| refresh.session)
        .ok();
    let session = session.or_else(|| {
        app.identity
            .tokens
            .verify(token, Utc::now())
            .ok()
            .map(|claims| claims.sid)
    });
    if let Some(session) = session {
        end_by_id(&app, session, &origin).await?;
    }
    Ok(([NO_STORE], StatusCode::OK).into_response())
}

async fn end_by_id(app: &AppState, session: SessionId, origin: &Origin) -> ApiResult<()> {
    let revoked = app
        .db
        .write(async |connection| {
            let Some(user) = session::user_of(connection, session).await? else {
                return Ok(Vec::new());
            };
            end_sessions(
                connection,
                user,
                Which::One(session),
                "revoked",
                origin,
                Some(user),
            )
            .await
        })
        .await?;
    app.identity.feed.learn(&revoked);
    Ok(())
}

/// Ends sessions, tells every replica, and leaves a trace, in the caller's transaction or one of its own. What is returned is
/// for this process's feed, after the commit.
pub async fn end_sessions(
    connection: &mut diesel_async::AsyncPgConnection,
    user: PrincipalId,
    which: Which,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
) -> diesel::QueryResult<Vec<Revoked>> {
    use diesel_async::AsyncConnection as _;
    connection
        .transaction(async |connection| {
            let ended = session::end(connection, user, which, reason).await?;
            let subjects: Vec<Subject> = ended.iter().map(|id| Subject::Session(*id)).collect();
            let revoked = revocation::revoke(connection, &subjects).await?;
            for id in &ended {
                audit::record(
                    connection,
                    origin,
                    actor,
                    "session.ended",
                    Some(id.0),
                    json!({ "reason": reason }),
                )
                .await?;
            }
            Ok(revoked)
        })
        .await
}

/// What a token stands for (RFC 7662); for administrators and workloads
#[utoipa::path(post, path = "/auth/introspect", tag = "sign-in", security(("admin" = [])), request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"), responses((status = OK, body = serde_json::Value), ApiError))]
pub async fn introspect_token(app: AppState, form: ValidForm<TokenForm>) -> ApiResult<Response> {
    let token = &form.0.token;
    let answer = match app.identity.tokens.verify(token, Utc::now()) {
        Ok(claims) => {
            let session = claims.sid;
            let is_live = app.db.read_primary(async |connection| session::is_live(connection, session).await).await?;
            is_live.then(|| json!({ "active": true, "token_type": "Bearer", "iss": claims.iss, "aud": claims.aud, "sub": claims.sub, "client_id": claims.client_id, "iat": claims.iat, "exp": claims.exp, "jti": claims.jti, "scope": "api" }))
        }
        Err(_) => match app.identity.tokens.parse_refresh(token) {
            Ok(refresh) => app.db.read_primary(async |connection| session::is_current(connection, refresh).await).await?.map(|(sub, exp)| json!({ "active": true, "token_type": "refresh_token", "sub": sub, "exp": exp.timestamp(), "scope": "api" })),
            Err(_) => None,
        },
    };
    Ok((
        [NO_STORE],
        Json(answer.unwrap_or_else(|| json!({ "active": false }))),
    )
        .into_response())
}

/// Sign a browser in: sets the cookie
#[utoipa::path(post, path = "/auth/login", tag = "sign-in", security(()), request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"), responses((status = NO_CONTENT, description = "Signed in"), (status = SEE_OTHER, description = "Signed in; for callers that prefer HTML"), ApiError))]
pub async fn create_cookie(
    app: AppState,
    address: ClientAddress,
    origin: Origin,
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
    let Outcome::Good(user) =
        sign_in::password(&app, &username, password, address.0, &origin).await?
    else {
        return Err(invalid_grant());
    };
    let secret = fresh_secret("").map_err(ApiError::internal)?;
    let _ = start(
        &app,
        &user,
        &Kind::Cookie(secret_hash(secret.expose_secret())),
        &origin,
        &headers,
    )
    .await?;
    let seconds = app.identity.lifetimes.absolute.num_seconds();
    let cookie = cookie_header(secret.expose_secret(), seconds).map_err(ApiError::internal)?;
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

/// A path of this site and nothing that a browser could read as another: no scheme, no host, no backslash, no control character.
fn same_origin_path(next: &str) -> Option<HeaderValue> {
    let is_path = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    is_path.then(|| HeaderValue::from_str(next).ok()).flatten()
}

/// End this session
#[utoipa::path(post, path = "/auth/logout", tag = "sign-in", responses((status = NO_CONTENT, description = "Signed out"), ApiError))]
pub async fn end_session(app: AppState, who: Principal, origin: Origin) -> ApiResult<Response> {
    let Some(session) = who.session() else {
        return Err(ApiError::new(
            Code::BadRequest,
            "this credential has no session to end",
        ));
    };
    let user = who.id;
    let origin = &origin;
    let revoked = app
        .db
        .write(async move |connection| {
            end_sessions(
                connection,
                user,
                Which::One(session),
                "logout",
                origin,
                Some(user),
            )
            .await
        })
        .await?;
    app.identity.feed.learn(&revoked);
    let cleared = cookie_header("", 0).map_err(ApiError::internal)?;
    Ok(([NO_STORE, (SET_COOKIE, cleared)], StatusCode::NO_CONTENT).into_response())
}

/// Metadata of the sign-in (RFC 8414)
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "sign-in", security(()), responses((status = OK, body = serde_json::Value), ApiError))]
pub async fn get_metadata(app: AppState) -> Json<serde_json::Value> {
    let url = &app.public_url;
    Json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/auth/token"),
        "revocation_endpoint": format!("{url}/auth/revoke"),
        "introspection_endpoint": format!("{url}/auth/introspect"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "grant_types_supported": if app.config.identity.password_grant { vec!["password", "refresh_token"] } else { vec!["refresh_token"] },
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["api"],
    }))
}

/// Public keys (RFC 7517)
#[derive(Serialize, ToSchema)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

/// Keys with which other services verify our access tokens
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "sign-in", security(()), responses((status = OK, body = Jwks), ApiError))]
pub async fn get_keys(app: AppState) -> Json<Jwks> {
    Json(Jwks {
        keys: app.identity.keys.current().jwks(),
    })
}
