//! What the holder of a token, or a service that was handed one, does with it: revoke it (RFC
//! 7009), ask about it (RFC 7662).

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::NO_STORE;
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::body::extract::ValidForm;
use crate::http::caller::{Anyone, Service};
use crate::identity::api::AppState;
use crate::identity::api_token::ApiToken;
use crate::identity::credential::API_TOKEN_PREFIX;
use crate::identity::end::{Which, end_sessions};
use crate::identity::secret::{may_be_secret, secret_hash};
use crate::identity::session;
use crate::identity::token::{Claims, Refresh};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{PrincipalId, SessionId};

/// A token by itself (RFC 7009, 2.1; RFC 7662, 2.1)
#[derive(Deserialize, ToSchema)]
pub struct TokenForm {
    token: String,
    /// Not needed, and ignored: the service sees what a token is
    #[expect(
        dead_code,
        reason = "the standards define it, and a server may do without"
    )]
    #[schema(value_type = String, required = false)]
    token_type_hint: Option<String>,
}

/// End a token
///
/// Token revocation (RFC 7009). An access token or a refresh token ends its session, an API token
/// itself. A token that is not known is no error.
#[utoipa::path(
    post,
    path = "/auth/revoke",
    tag = "sign-in",
    security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = OK), ApiError),
)]
pub async fn revoke_token(
    _: Anyone,
    app: AppState,
    actor: Actor,
    form: ValidForm<TokenForm>,
) -> ApiResult<Response> {
    let token = &form.0.token;
    if may_be_secret(API_TOKEN_PREFIX, token) {
        end_api_token(&app, token, actor).await?;
        return Ok(([NO_STORE], StatusCode::OK).into_response());
    }
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
        end_by_id(&app, session, actor).await?;
    }
    Ok(([NO_STORE], StatusCode::OK).into_response())
}

/// Whoever holds the token acts for its user.
async fn end_by_id(app: &AppState, session: SessionId, actor: Actor) -> ApiResult<()> {
    let user = app
        .db
        .read_primary(async |connection| session::user_of(connection, session).await)
        .await?;
    let Some(user) = user else {
        return Ok(());
    };
    transaction(&app.db, &actor.acting_as(user), async |tx| {
        end_sessions(tx, user, Which::One(session), "revoked").await?;
        Ok(())
    })
    .await
}

async fn end_api_token(app: &AppState, secret: &str, actor: Actor) -> ApiResult<()> {
    let hash = secret_hash(secret);
    let known = app
        .db
        .read_primary(async |connection| ApiToken::known_by(connection, &hash).await)
        .await?;
    let Some((id, user)) = known else {
        return Ok(());
    };
    transaction(&app.db, &actor.acting_as(user), async |tx| {
        if ApiToken::delete(tx, user, id).await? {
            tx.tell(Event::ApiTokenDeleted { token: id }).await?;
        }
        Ok(())
    })
    .await
}

/// What a token stands for (RFC 7662, 2.2). Of a token that is not good, only `active` is there
#[derive(Default, Serialize, ToSchema)]
pub struct Introspection {
    active: bool,
    /// `Bearer` or `refresh_token`
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<PrincipalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<Uuid>,
}

/// Ask what a token stands for
///
/// Token introspection (RFC 7662), for administrators and workloads. Of a token that is not good,
/// the answer says only `"active": false`.
#[utoipa::path(
    post,
    path = "/auth/introspect",
    tag = "sign-in",
    security(("service" = [])),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = OK, body = Introspection), ApiError),
)]
pub async fn introspect_token(
    _: Service,
    app: AppState,
    form: ValidForm<TokenForm>,
) -> ApiResult<Response> {
    let token = &form.0.token;
    let about = match app.identity.tokens.verify(token, Utc::now()) {
        Ok(claims) => access(&app, (*claims).clone()).await?,
        Err(_) => match app.identity.tokens.parse_refresh(token) {
            Ok(token) => refresh(&app, token).await?,
            Err(_) => None,
        },
    };
    Ok(([NO_STORE], Json(about.unwrap_or_default())).into_response())
}

async fn access(app: &AppState, claims: Claims) -> ApiResult<Option<Introspection>> {
    let session = claims.sid;
    let is_live = app
        .db
        .read_primary(async |connection| session::is_live(connection, session).await)
        .await?;
    Ok(is_live.then_some(Introspection {
        active: true,
        token_type: Some("Bearer"),
        scope: Some("api"),
        sub: Some(claims.sub),
        exp: Some(claims.exp),
        iss: Some(claims.iss),
        aud: Some(claims.aud),
        client_id: Some(claims.client_id),
        iat: Some(claims.iat),
        jti: Some(claims.jti),
    }))
}

async fn refresh(app: &AppState, token: Refresh) -> ApiResult<Option<Introspection>> {
    let current = app
        .db
        .read_primary(async |connection| session::is_current(connection, token).await)
        .await?;
    Ok(current.map(|(sub, exp)| Introspection {
        active: true,
        token_type: Some("refresh_token"),
        scope: Some("api"),
        sub: Some(sub),
        exp: Some(exp.timestamp()),
        ..Introspection::default()
    }))
}
