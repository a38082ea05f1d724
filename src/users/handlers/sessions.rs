//! One's sessions: seeing and ending them.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::Origin;
use crate::auth::end::end_sessions;
use crate::auth::principal::{Credential, Principal};
use crate::auth::session::{self, Session, Which};
use crate::error::{ApiError, ApiResult};
use crate::http::answer::Answer;
use crate::http::extract::ValidPath;
use crate::state::AppState;
use crate::types::{SessionId, instant};

/// One sign-in
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    id: SessionId,
    /// `bearer` or `cookie`
    kind: String,
    /// Whether it is the one that asks
    current: bool,
    address: Option<String>,
    user_agent: Option<String>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    /// When it ends unless it is used
    #[serde(serialize_with = "instant")]
    idle_ends_at: DateTime<Utc>,
    /// When it ends however much it is used
    #[serde(serialize_with = "instant")]
    ends_at: DateTime<Utc>,
}

/// Live sessions, newest first
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    items: Vec<SessionBody>,
}

/// Your live sessions
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "me", security(("user" = [])), responses((status = OK, body = Sessions), ApiError))]
pub async fn list_sessions(app: AppState, who: Principal) -> ApiResult<Json<Sessions>> {
    let (id, own) = (who.id, who.session());
    let sessions = app
        .db
        .read_primary(async |connection| session::live(connection, id).await)
        .await?;
    let show = |session: Session| {
        let Session {
            id,
            kind,
            idle_ends_at,
            ends_at,
            address,
            user_agent,
            created_at,
        } = session;
        SessionBody {
            current: own == Some(id),
            id,
            kind,
            address,
            user_agent,
            created_at,
            idle_ends_at,
            ends_at,
        }
    };
    Ok(Json(Sessions {
        items: sessions.into_iter().map(show).collect(),
    }))
}

/// End all your sessions but this one
#[utoipa::path(delete, path = "/api/v1/me/sessions", tag = "me", security(("session" = [])), responses((status = NO_CONTENT, description = "Ended"), ApiError))]
pub async fn delete_sessions(app: AppState, who: Principal, origin: Origin) -> ApiResult<Answer> {
    end(
        &app,
        &who,
        who.session().map_or(Which::All, Which::AllBut),
        &origin,
    )
    .await?;
    Ok(Answer::no_content())
}

/// End one of your sessions
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "me", security(("session" = [])), params(("id" = SessionId, Path, description = "Id of the session")), responses((status = NO_CONTENT, description = "Ended"), ApiError))]
pub async fn delete_session(
    app: AppState,
    who: Principal,
    origin: Origin,
    ValidPath(id): ValidPath<SessionId>,
) -> ApiResult<Answer> {
    match end(&app, &who, Which::One(id), &origin).await? {
        0 => Err(ApiError::not_found("session")),
        _ => Ok(Answer::no_content()),
    }
}

async fn end(app: &AppState, who: &Principal, which: Which, origin: &Origin) -> ApiResult<usize> {
    debug_assert!(
        !matches!(who.credential, Credential::ApiToken { .. }),
        "the routes refuse machines"
    );
    let id = who.id;
    let revoked = app
        .db
        .write(async |connection| {
            end_sessions(connection, id, which, "ended_by_user", origin, Some(id)).await
        })
        .await?;
    app.identity.feed.learn(&revoked);
    Ok(revoked.len())
}
