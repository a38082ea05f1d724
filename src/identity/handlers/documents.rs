//! The documents about the sign-in: where its endpoints are, and which keys its tokens verify with.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::caller::Anyone;
use crate::identity::api::AppState;
use crate::identity::keys::Jwk;
use crate::kernel::error::ApiError;

/// Where the sign-in's endpoints are, and what they take (RFC 8414, 2)
#[derive(Serialize, ToSchema)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    grant_types_supported: &'static [&'static str],
    response_types_supported: &'static [&'static str],
    token_endpoint_auth_methods_supported: &'static [&'static str],
    scopes_supported: &'static [&'static str],
}

/// Where to sign in, and how
///
/// The metadata of the authorization server (RFC 8414): its endpoints and the grants that they
/// take. Libraries for OAuth 2 configure themselves from it.
#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server",
    tag = "sign-in",
    security(()),
    responses((status = OK, body = Metadata), ApiError),
)]
pub async fn get_metadata(_: Anyone, app: AppState) -> Json<Metadata> {
    let url = &app.public_url;
    Json(Metadata {
        issuer: url.clone(),
        token_endpoint: format!("{url}/auth/token"),
        revocation_endpoint: format!("{url}/auth/revoke"),
        introspection_endpoint: format!("{url}/auth/introspect"),
        jwks_uri: format!("{url}/.well-known/jwks.json"),
        grant_types_supported: if app.config.identity.password_grant {
            &["password", "refresh_token"]
        } else {
            &["refresh_token"]
        },
        response_types_supported: &[],
        token_endpoint_auth_methods_supported: &["none"],
        scopes_supported: &["api"],
    })
}

/// Public keys (RFC 7517)
#[derive(Serialize, ToSchema)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

/// The keys that our access tokens verify with
///
/// A JSON Web Key Set (RFC 7517). Other services check our access tokens with it and need not call
/// us for each. It changes when the keys of the service do, so read it again when a token names a
/// key that you do not have.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "sign-in",
    security(()),
    responses((status = OK, body = Jwks), ApiError),
)]
pub async fn get_keys(_: Anyone, app: AppState) -> Json<Jwks> {
    Json(Jwks {
        keys: app.identity.keys.current().jwks(),
    })
}
