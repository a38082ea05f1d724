//! The documents about the sign-in: where its endpoints are, and which keys its tokens verify with.

use axum::Json;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::auth::keys::Jwk;
use crate::error::ApiError;
use crate::state::AppState;

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
