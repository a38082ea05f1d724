//! What the holder of a token, or a service that was handed one, does with it: revoke it (RFC 7009), ask about it (RFC 7662).

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::NO_STORE;
use crate::audit::Origin;
use crate::auth::end::end_sessions;
use crate::auth::session::{self, Which};
use crate::error::{ApiError, ApiResult};
use crate::http::extract::ValidForm;
use crate::state::AppState;
use crate::types::SessionId;

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
