//! From what a request presents to a principal, for all kinds of credential in one place.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Binary, Bool, Interval, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::cache::Fingerprint;
use super::credential::{API_TOKEN_PREFIX, Presented, presented};
use super::revocation::feed::Verdict;
use super::secret::{may_be_secret, secret_hash};
use super::session::{COOKIE_BELIEF, believed};
use super::{revocation, sign_in};
use crate::db::sql::Writer;
use crate::http::openapi::COOKIE_NAME;
use crate::http::openapi::access::Access;
use crate::http::same_origin::is_same_origin;
use crate::http::shell::Gate;
use crate::identity::api::{Api, AppState};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::origin::Origin;
use crate::kernel::principal::{Credential, Principal};
use crate::kernel::types::{ApiTokenId, PrincipalId, SessionId};

async fn authenticate(
    app: &Api,
    access: Access,
    parts: &Parts,
    address: IpAddr,
    origin: &Origin,
) -> ApiResult<Option<Principal>> {
    if access == Access::Public {
        return Ok(None);
    }
    let Some(presented) =
        presented(&parts.headers).map_err(|error| challenge(error, &parts.headers, false))?
    else {
        return if access == Access::Optional {
            Ok(None)
        } else {
            Err(challenge(unauthenticated(), &parts.headers, false))
        };
    };
    // What the database has just said is the truth; what is believed without it must not have been
    // revoked since.
    let principal = match presented {
        Presented::Bearer(token) => match (bearer(app, &token), &app.identity.workloads) {
            // Boxed: large, and every request's future holds the place for it.
            (None, Some(workloads)) => Box::pin(workloads.authenticate(&app.db, &token))
                .await
                .map_err(|error| challenge(error, &parts.headers, true))?,
            (Some(principal), _) if is_revoked(app, &principal).await? => None,
            (principal, _) => principal,
        },
        Presented::ApiToken(secret) => {
            stored(
                app,
                (b't', API_TOKEN_PREFIX),
                secret.expose_secret(),
                api_token(app, secret.expose_secret()),
            )
            .await?
        }
        Presented::Cookie(secret) => {
            stored(
                app,
                (b'c', ""),
                secret.expose_secret(),
                cookie(app, secret.expose_secret()),
            )
            .await?
        }
        Presented::Basic { login, password } => {
            sign_in::basic(app, &login, password, address, origin).await?
        }
    };
    let Some(principal) = principal else {
        return Err(challenge(unauthenticated(), &parts.headers, true));
    };
    Ok(Some(principal))
}

impl Gate for AppState {
    fn authenticate(
        &self,
        access: Access,
        parts: &Parts,
        address: IpAddr,
        origin: &Origin,
    ) -> impl Future<Output = ApiResult<Option<Principal>>> + Send {
        authenticate(self, access, parts, address, origin)
    }

    fn may(&self, access: Access, principal: &Principal, parts: &Parts) -> ApiResult<()> {
        may(self, access, principal, parts)
    }

    fn refused(&self, who: PrincipalId, method: &Method, route: &str, from: Origin, reason: &str) {
        self.trail.refused(who, method, route, from, reason);
    }
}

/// For a route that may or may not need a caller: it does, and nothing was sent.
pub fn nobody(headers: &HeaderMap) -> ApiError {
    challenge(unauthenticated(), headers, false)
}

fn unauthenticated() -> ApiError {
    ApiError::new(
        Code::Unauthenticated,
        "this needs a caller: sign in and send a token, a password or the cookie",
    )
}

/// RFC 6750, 3: no error code where nothing was sent. A script call gets no `Basic`, or the browser
/// would ask with its own dialog.
fn challenge(error: ApiError, headers: &HeaderMap, is_invalid: bool) -> ApiError {
    if error.code != Code::Unauthenticated {
        return error;
    }
    let bearer = if is_invalid {
        "Bearer realm=\"chartroom\", error=\"invalid_token\""
    } else {
        "Bearer realm=\"chartroom\""
    };
    let is_script = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode != "navigate");
    let error = error.with_header(WWW_AUTHENTICATE, HeaderValue::from_static(bearer));
    if is_script {
        error
    } else {
        error.with_header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"chartroom\", charset=\"UTF-8\""),
        )
    }
}

fn bearer(app: &Api, token: &str) -> Option<Principal> {
    let claims = app.identity.tokens.verify(token, Utc::now()).ok()?;
    let since = DateTime::from_timestamp(claims.iat, 0)?;
    Some(Principal {
        id: claims.sub,
        is_admin: claims.adm,
        credential: Credential::Bearer(claims.sid),
        since,
    })
}

/// A credential that the database knows by its hash. It is asked at most once a minute, and never
/// about a text that cannot be one.
async fn stored(
    app: &Api,
    (kind, prefix): (u8, &str),
    secret: &str,
    ask: impl Future<Output = ApiResult<Option<(Principal, Option<Duration>)>>>,
) -> ApiResult<Option<Principal>> {
    let fingerprint: Fingerprint = app.identity.cache.fingerprint(kind, &[secret]);
    if let Some(principal) = remembered(app, fingerprint).await? {
        return Ok(Some(principal));
    }
    if !may_be_secret(prefix, secret) {
        return Ok(None);
    }
    let asked = Instant::now();
    Ok(ask.await?.map(|(principal, lasting)| {
        let end = lasting.and_then(|lasting| asked.checked_add(lasting));
        app.identity.cache.remember(fingerprint, &principal, end);
        principal
    }))
}

/// What was found good a moment ago and not revoked since. Revoked, it is looked up anew: a new
/// password ends what was signed in with the old one, but no API token, and a role may have
/// changed.
pub async fn remembered(app: &Api, fingerprint: Fingerprint) -> ApiResult<Option<Principal>> {
    let cache = &app.identity.cache;
    let Some(principal) = cache.find(fingerprint) else {
        return Ok(None);
    };
    if is_revoked(app, &principal).await? {
        cache.forget(fingerprint, &principal);
        return Ok(None);
    }
    Ok(Some(principal))
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: PrincipalId,
    #[diesel(sql_type = Bool)]
    is_admin: bool,
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    asked_at: DateTime<Utc>,
}

impl Known {
    /// For how long the credential is good, from when it was asked about.
    fn lasting(&self) -> Option<Duration> {
        let left = self.ends_at? - self.asked_at;
        Some(left.to_std().unwrap_or_default())
    }
}

const API_TOKEN: &str = "SELECT t.id, t.user_id, false AS is_admin, t.access AS what, \
    t.expires_at AS ends_at, statement_timestamp() AS asked_at \
    FROM api_tokens t JOIN users u ON u.id = t.user_id \
    WHERE t.secret_hash = :hash AND (t.expires_at IS NULL OR t.expires_at > now()) \
        AND NOT u.is_disabled \
    FOR SHARE OF u, t";

/// The locks make this wait for whoever is ending the token or its user, so that it sees their end
/// or they see its time. The user first, as they do.
async fn api_token(app: &Api, secret: &str) -> ApiResult<Option<(Principal, Option<Duration>)>> {
    let hash = secret_hash(secret);
    let known: Option<Known> = app
        .db
        .read_primary(async |connection| {
            Writer::default()
                .text(API_TOKEN)
                .bind::<Binary, _>("hash", &hash)
                .statement::<Untyped>()
                .get_result(connection)
                .await
                .optional()
        })
        .await?;
    Ok(known.map(|known| {
        let credential = Credential::ApiToken {
            id: ApiTokenId(known.id),
            may_write: known.what == "write",
        };
        // A machine never administers, whoever made its token.
        let principal = Principal {
            id: known.user_id,
            is_admin: false,
            credential,
            since: known.asked_at,
        };
        (principal, known.lasting())
    }))
}

const COOKIE: &str = concat!(
    "UPDATE sessions s SET idle_ends_at = LEAST(now() + :idle, s.ends_at), \
        believed_until = GREATEST(",
    believed!(),
    " + interval '1 microsecond', now() + :belief) \
    FROM users u \
    WHERE s.cookie_hash = :hash AND s.ended_at IS NULL AND s.ends_at > now() \
        AND s.idle_ends_at > now() AND u.id = s.user_id AND NOT u.is_disabled \
    RETURNING s.id, s.user_id, u.is_admin, s.kind AS what, s.ends_at, \
        statement_timestamp() AS asked_at"
);

/// Also counts as use: an idle cookie ends, a used one does not. At most once a minute, by the
/// cache before it.
async fn cookie(app: &Api, secret: &str) -> ApiResult<Option<(Principal, Option<Duration>)>> {
    let hash = secret_hash(secret);
    let lifetimes = app.identity.lifetimes;
    let known: Option<Known> = app
        .db
        .write(async |connection| {
            Writer::default()
                .text(COOKIE)
                .bind::<Binary, _>("hash", &hash)
                .bind::<Interval, _>("idle", lifetimes.idle)
                .bind::<Interval, _>("belief", COOKIE_BELIEF)
                .statement::<Untyped>()
                .get_result(connection)
                .await
                .optional()
        })
        .await?;
    Ok(known.map(|known| {
        let principal = Principal {
            id: known.user_id,
            is_admin: known.is_admin,
            credential: Credential::Cookie(SessionId(known.id)),
            since: known.asked_at,
        };
        (principal, known.lasting())
    }))
}

/// Revocation, on every request: from memory while that is fresh, else from the database.
async fn is_revoked(app: &Api, principal: &Principal) -> ApiResult<bool> {
    let (subject, user) = principal.revoked_by();
    let since = principal.since;
    Ok(match app.identity.feed.verdict(subject, user, since) {
        Verdict::Good => false,
        Verdict::Revoked => true,
        Verdict::AskDatabase => {
            app.db
                .read_primary(async |connection| {
                    revocation::ask(connection, subject, user, since).await
                })
                .await?
        }
    })
}

fn may(app: &Api, access: Access, principal: &Principal, parts: &Parts) -> ApiResult<()> {
    let forbidden = |detail: &'static str| Err(ApiError::new(Code::Forbidden, detail));
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && !principal.may_write() {
        return forbidden("this API token only reads");
    }
    if !is_safe
        && matches!(principal.credential, Credential::Cookie(_))
        && !is_same_origin(&app.public_url, &parts.headers)
    {
        return forbidden(
            "a request with the cookie must come from this site; other callers send a token",
        );
    }
    access.admits(principal)
}

/// The cookie as it is set; `Secure` because its name asks for it, and browsers take
/// `http://localhost` for secure.
pub fn cookie_header(
    secret: &str,
    seconds: i64,
) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    HeaderValue::try_from(format!(
        "{COOKIE_NAME}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
    ))
}
