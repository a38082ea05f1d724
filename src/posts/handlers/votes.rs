//! Voting for a post, and who did.

use chrono::{DateTime, Utc};
use diesel::result::{DatabaseErrorKind, Error};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::DbError;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PostId, PrincipalId, instant};
use crate::posts::votes::{self, Met, Voter, VoterSort};
use crate::projects::access::expired;

/// Somebody who voted
#[derive(Serialize, ToSchema)]
pub struct VoterBody {
    id: PrincipalId,
    /// For a workload, `k8s:<namespace>/<service account>`
    username: Option<String>,
    name: Option<String>,
    #[serde(serialize_with = "instant")]
    voted_at: DateTime<Utc>,
}

impl From<Voter> for VoterBody {
    fn from(voter: Voter) -> Self {
        let Voter {
            id,
            username,
            name,
            voted_at,
        } = voter;
        Self {
            id,
            username,
            name,
            voted_at,
        }
    }
}

/// Vote for a post
///
/// Voting again changes nothing. You can vote for what you can read, once it is published; a draft
/// is answered 409.
#[utoipa::path(
    put,
    path = "/api/v1/posts/{id}/vote",
    tag = "posts",
    security(("caller" = [])),
    params(("id" = PostId, Path, description = "Id of the post")),
    responses((status = NO_CONTENT, description = "Your vote counts."), ApiError),
)]
pub async fn put_vote(
    who: Signed,
    app: AppState,
    ValidPath(id): ValidPath<PostId>,
) -> ApiResult<StatusCode> {
    let met = app
        .db
        .write(async |connection| votes::cast(connection, who.id, id).await)
        .await;
    let Met {
        is_published,
        is_expired,
    } = met.map_err(gone)?.ok_or(ApiError::not_found("post"))?;
    if is_expired {
        return Err(expired());
    }
    if !is_published {
        return Err(ApiError::new(
            Code::Conflict,
            "the post is a draft; it can be voted for once it is published",
        ));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Take your vote back
///
/// Succeeds also if you have not voted.
#[utoipa::path(
    delete,
    path = "/api/v1/posts/{id}/vote",
    tag = "posts",
    security(("caller" = [])),
    params(("id" = PostId, Path, description = "Id of the post")),
    responses((status = NO_CONTENT, description = "You have no vote for it now."), ApiError),
)]
pub async fn delete_vote(
    who: Signed,
    app: AppState,
    ValidPath(id): ValidPath<PostId>,
) -> ApiResult<StatusCode> {
    let met = app
        .db
        .write(async |connection| votes::clear(connection, who.id, id).await)
        .await?
        .ok_or(ApiError::not_found("post"))?;
    if met.is_expired {
        return Err(expired());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Who voted for a post
///
/// In the order of the ids of the voters.
#[utoipa::path(
    get,
    path = "/api/v1/posts/{id}/votes",
    tag = "posts",
    security(("caller" = [])),
    params(("id" = PostId, Path, description = "Id of the post"), PageParams<VoterSort>),
    responses((status = OK, body = Page<VoterBody>), ApiError),
)]
pub async fn list_votes(
    who: Signed,
    app: AppState,
    ValidPath(id): ValidPath<PostId>,
    page: PageParams<VoterSort>,
) -> ApiResult<Listed<VoterBody>> {
    let found = app
        .db
        .read(async |connection| votes::page(connection, who.id, id, &page).await)
        .await?
        .ok_or(ApiError::not_found("post"))?;
    Ok(page.respond(found, VoterBody::from))
}

/// The post, or the caller's account, ended while the vote was given.
fn gone(error: DbError) -> ApiError {
    match error {
        DbError::Query(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
            ApiError::not_found("post")
        }
        error => error.into(),
    }
}
