//! The token endpoint (RFC 6749): a password or a refresh token in, an access token and the next
//! refresh token out.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::HeaderMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::{NO_STORE, invalid_grant, start};
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::body::extract::ValidForm;
use crate::http::caller::Anyone;
use crate::http::shell::client::ClientAddress;
use crate::identity::api::AppState;
use crate::identity::revocation::{self, Subject};
use crate::identity::session::{self, Kind, Refreshed};
use crate::identity::sign_in::{self, Outcome};
use crate::identity::token::Refresh;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PrincipalId;

/// A request for tokens (RFC 6749, 4.3 and 6)
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    #[schema(schema_with = grant_types)]
    grant_type: String,
    /// Email or username, for the grant `password`
    #[schema(value_type = String, required = false)]
    username: Option<String>,
    #[schema(format = Password, value_type = String, required = false)]
    password: Option<SecretString>,
    /// For the grant `refresh_token`
    #[schema(value_type = String, required = false)]
    refresh_token: Option<String>,
}

/// Another one is no mistake of form: RFC 6749 has a code for it.
fn grant_types() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["password", "refresh_token"]))
        .build()
}

/// Tokens (RFC 6749, 5.1)
#[derive(Serialize, ToSchema)]
pub struct TokenResponse {
    access_token: String,
    /// Always `Bearer`
    token_type: &'static str,
    /// In how many seconds the access token ends
    expires_in: i64,
    /// Good for one request, whose answer has the next refresh token
    refresh_token: String,
    /// In how many seconds the refresh token ends
    refresh_expires_in: i64,
    scope: &'static str,
}

/// Get tokens for a password or a refresh token
///
/// The token endpoint of OAuth 2 (RFC 6749). A refresh token is good once, and the answer has the
/// next one. Failures have the members `error` and `error_description` beside those of a problem.
#[utoipa::path(
    post,
    path = "/auth/token",
    tag = "sign-in",
    security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = OK, body = TokenResponse), ApiError),
)]
pub async fn create_token(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
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
            by_password(&app, &login, password, address, actor, &headers).await?
        }
        ("refresh_token", _, _, Some(token)) => by_refresh(&app, &token, &actor).await?,
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

async fn by_password(
    app: &AppState,
    login: &str,
    password: SecretString,
    address: ClientAddress,
    actor: Actor,
    headers: &HeaderMap,
) -> ApiResult<TokenResponse> {
    let Outcome::Good(user) = sign_in::password(app, login, password, address.0, &actor).await?
    else {
        return Err(invalid_grant());
    };
    let (id, started) = start(app, &user, &Kind::Bearer, actor, headers).await?;
    let refresh_seconds = (started.idle_ends_at - started.created_at).num_seconds();
    tokens(
        app,
        user.id,
        started.is_admin,
        Refresh {
            session: id,
            generation: 0,
        },
        refresh_seconds,
    )
}

fn tokens(
    app: &AppState,
    user: PrincipalId,
    is_admin: bool,
    refresh: Refresh,
    refresh_seconds: i64,
) -> ApiResult<TokenResponse> {
    let seconds = app.identity.lifetimes.access.num_seconds();
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

async fn by_refresh(app: &AppState, token: &str, actor: &Actor) -> ApiResult<TokenResponse> {
    let refresh = app
        .identity
        .tokens
        .parse_refresh(token)
        .or(Err(invalid_grant()))?;
    let lifetimes = app.identity.lifetimes;
    let refreshed = transaction(&app.db, actor, async |tx| {
        let refreshed = session::refresh(tx, refresh, lifetimes).await?;
        if let Refreshed::Reused { session, user } = refreshed {
            revocation::revoke(tx, &[Subject::Session(session)]).await?;
            let actor = tx.actor().clone().acting_as(user);
            tx.with_actor(&actor)
                .tell(Event::SessionReuseDetected { session })
                .await?;
        }
        Ok(refreshed)
    })
    .await?;
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
