//! One's sessions: seeing and ending them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::transaction::transaction;
use crate::http::answer::Answer;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidPath;
use crate::http::caller::{Person, PersonInSession};
use crate::identity::account::User;
use crate::identity::api::AppState;
use crate::identity::end::{Which, end_sessions};
use crate::identity::session::{Session, SessionSort};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::principal::{Credential, Principal};
use crate::kernel::types::{SessionId, instant};

/// A session, which a sign-in begins
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    id: SessionId,
    /// `bearer` or `cookie`
    kind: String,
    /// Whether this is the session that asks
    current: bool,
    address: Option<String>,
    user_agent: Option<String>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    /// When the session ends if it is not used before then
    #[serde(serialize_with = "instant")]
    idle_ends_at: DateTime<Utc>,
    /// When the session ends in any case
    #[serde(serialize_with = "instant")]
    ends_at: DateTime<Utc>,
}

impl SessionBody {
    fn of(session: Session, own: Option<SessionId>) -> Self {
        let Session {
            id,
            kind,
            idle_ends_at,
            ends_at,
            address,
            user_agent,
            created_at,
        } = session;
        Self {
            current: own == Some(id),
            id,
            kind,
            address,
            user_agent,
            created_at,
            idle_ends_at,
            ends_at,
        }
    }
}

/// Your sessions
///
/// Every sign-in that has not ended, newest first, with the address and the program that it came
/// from. The one that asks is marked `current`.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    tag = "me",
    security(("user" = [])),
    params(PageParams<SessionSort>),
    responses((status = OK, body = Page<SessionBody>), ApiError),
)]
pub async fn list_sessions(
    who: Person,
    app: AppState,
    page: PageParams<SessionSort>,
) -> ApiResult<Listed<SessionBody>> {
    let (id, own) = (who.id, who.session());
    let found = app
        .db
        .read_primary(async |connection| Session::page(connection, &page, id).await)
        .await?;
    Ok(page.respond(found, |session| SessionBody::of(session, own)))
}

/// End all your other sessions
///
/// The session that asks stays, and so do your API tokens. Every process of the service refuses the
/// ended sessions within 5 seconds.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions",
    tag = "me",
    security(("session" = [])),
    responses((status = NO_CONTENT, description = "Ended"), ApiError),
)]
pub async fn delete_sessions(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
) -> ApiResult<Answer> {
    end(
        &app,
        &who,
        who.session().map_or(Which::All, Which::AllBut),
        &actor,
    )
    .await?;
    Ok(Answer::no_content())
}

/// End one of your sessions
///
/// Every process of the service refuses it within 5 seconds. A session that has ended already is
/// answered 404.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions/{id}",
    tag = "me",
    security(("session" = [])),
    params(("id" = SessionId, Path, description = "Id of the session")),
    responses((status = NO_CONTENT, description = "Ended"), ApiError),
)]
pub async fn delete_session(
    who: PersonInSession,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<SessionId>,
) -> ApiResult<Answer> {
    match end(&app, &who, Which::One(id), &actor).await? {
        0 => Err(ApiError::not_found("session")),
        _ => Ok(Answer::no_content()),
    }
}

async fn end(app: &AppState, who: &Principal, which: Which, actor: &Actor) -> ApiResult<i64> {
    debug_assert!(
        !matches!(who.credential, Credential::ApiToken { .. }),
        "the routes refuse machines"
    );
    let id = who.id;
    transaction(&app.db, actor, async |tx| {
        if !matches!(which, Which::One(_)) {
            User::lock(tx, id).await?;
        }
        Ok(end_sessions(tx, id, which, "ended_by_user").await?)
    })
    .await
}
