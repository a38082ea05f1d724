//! One's API tokens: making, seeing and ending them.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidPath;
use crate::http::caller::PersonInSession;
use crate::identity::account::names::Label;
use crate::identity::api::AppState;
use crate::identity::api_token::{ApiToken, ApiTokenSort, Inserted, MOST_PER_USER, NewApiToken};
use crate::identity::credential::API_TOKEN_PREFIX;
use crate::identity::secret::{fresh_secret, secret_hash};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{ApiTokenId, instant};
use crate::kernel::values::FutureTime;

/// A token is made and ended, never changed.
const VERSION: i64 = 1;

/// What an API token may do
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenAccess {
    /// Only read
    Read,
    /// All that its user may, except for administration and what asks for a person
    Write,
}

impl TokenAccess {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A new API token
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiToken {
    name: Label,
    access: TokenAccess,
    /// When the token ends, which is in the future. Without this it lasts until you delete it
    expires_at: Option<FutureTime>,
}

/// An API token, without its secret
#[derive(Serialize, ToSchema)]
pub struct ApiTokenBody {
    id: ApiTokenId,
    name: String,
    #[schema(value_type = TokenAccess)]
    access: String,
    #[serde(serialize_with = "instant")]
    expires_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
}

/// An API token as it is shown once, with its secret
#[derive(Serialize, ToSchema)]
pub struct CreatedApiToken<'a> {
    /// Send it as `Authorization: Bearer`, or as the password of HTTP Basic. It is not shown again
    secret: &'a str,
    #[serde(flatten)]
    token: ApiTokenBody,
}

impl From<ApiToken> for ApiTokenBody {
    fn from(token: ApiToken) -> Self {
        let ApiToken {
            id,
            name,
            access,
            expires_at,
            created_at,
        } = token;
        Self {
            id,
            name,
            access,
            expires_at,
            created_at,
        }
    }
}

/// Your API tokens, newest first
///
/// Shows what each may do and when it ends, never its secret. Expired ones stay in the list until
/// you delete them.
#[utoipa::path(
    get,
    path = "/api/v1/me/tokens",
    tag = "me",
    security(("session" = [])),
    params(PageParams<ApiTokenSort>),
    responses((status = OK, body = Page<ApiTokenBody>), ApiError),
)]
pub async fn list_api_tokens(
    who: PersonInSession,
    app: AppState,
    page: PageParams<ApiTokenSort>,
) -> ApiResult<Listed<ApiTokenBody>> {
    let id = who.id;
    let found = app
        .db
        .read_primary(async |connection| ApiToken::page(connection, &page, id).await)
        .await?;
    Ok(page.respond(found, ApiTokenBody::from))
}

/// Make an API token
///
/// The answer shows the secret, and nothing shows it again. Send it as `Authorization: Bearer`, or
/// as the password of HTTP Basic. You can have 100 tokens; one more is answered 409.
#[utoipa::path(
    post,
    path = "/api/v1/me/tokens",
    tag = "me",
    security(("session" = [])),
    request_body = CreateApiToken,
    responses((status = CREATED, body = CreatedApiToken<'_>), ApiError),
)]
pub async fn create_api_token(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    OnceJson { once, body }: OnceJson<CreateApiToken>,
) -> ApiResult<Answer> {
    let CreateApiToken {
        name,
        access,
        expires_at,
    } = body;
    let secret: SecretString = fresh_secret(API_TOKEN_PREFIX).map_err(ApiError::internal)?;
    let hash = secret_hash(secret.expose_secret());
    let keys = app.identity.keys.current();
    let new = NewApiToken {
        id: ApiTokenId::fresh(),
        user_id: who.id,
        name: name.as_str(),
        access: access.as_str(),
        secret_hash: &hash,
        expires_at: expires_at.map(|FutureTime(time)| time),
    };
    // The answer is kept under the caller's key for a day, and the secret in it must not be read in
    // the database.
    let answer = idempotent(&app.db, &actor, &once, async |tx| {
        let token = match ApiToken::insert(tx, &new).await? {
            Inserted::Token(token) => token,
            Inserted::TooMany => return Err(too_many().into()),
            Inserted::NoUser => return Err(ApiError::not_found("user").into()),
        };
        let id = token.id;
        tx.tell(Event::ApiTokenCreated {
            token: id,
            access: access.as_str(),
        })
        .await?;
        let body = CreatedApiToken {
            secret: secret.expose_secret(),
            token: token.into(),
        };
        let answer = Answer::created(format!("/api/v1/me/tokens/{id}"), &body)?;
        Ok(answer.with_version(VERSION).sealed(&*keys)?)
    })
    .await?;
    answer.opened(&*keys)
}

fn too_many() -> ApiError {
    ApiError::new(
        Code::Conflict,
        format!(
            "you have {MOST_PER_USER} API tokens, and nobody may have more: delete one that is not needed any more"
        ),
    )
}

/// One of your API tokens
///
/// Shows what it may do and when it ends, never its secret.
#[utoipa::path(
    get,
    path = "/api/v1/me/tokens/{id}",
    tag = "me",
    security(("session" = [])),
    params(("id" = ApiTokenId, Path, description = "Id of the API token")),
    responses(
        (status = OK, body = ApiTokenBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_api_token(
    who: PersonInSession,
    app: AppState,
    conditions: Conditions,
    ValidPath(id): ValidPath<ApiTokenId>,
) -> ApiResult<Versioned<ApiTokenBody>> {
    let user = who.id;
    let token = app
        .db
        .read_primary(async |connection| ApiToken::find(connection, user, id).await)
        .await?
        .ok_or(ApiError::not_found("API token"))?;
    conditions.read(VERSION, || token.into())
}

/// End one of your API tokens
///
/// Every process of the service refuses it within 5 seconds.
#[utoipa::path(
    delete,
    path = "/api/v1/me/tokens/{id}",
    tag = "me",
    security(("session" = [])),
    params(("id" = ApiTokenId, Path, description = "Id of the API token")),
    responses((status = NO_CONTENT, description = "Ended"), ApiError),
)]
pub async fn delete_api_token(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    conditions: Conditions,
    ValidPath(id): ValidPath<ApiTokenId>,
) -> ApiResult<Answer> {
    transaction(&app.db, &actor, async |tx| {
        if !ApiToken::delete(tx, who.id, id).await? {
            return Err(ApiError::not_found("API token").into());
        }
        conditions.write(Some(VERSION))?;
        tx.tell(Event::ApiTokenDeleted { token: id }).await?;
        Ok(Answer::no_content())
    })
    .await
}
