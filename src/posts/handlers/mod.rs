//! What is asked about posts and votes, a file for each matter; here is what they share.

pub mod create;
pub mod list;
pub mod one;
pub mod votes;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Post;
use crate::http::caller::Caller;
use crate::http::openapi::access::Access;
use crate::identity::api::AppState;
use crate::identity::authenticate;
use crate::kernel::error::ApiError;
use crate::kernel::principal::Principal;
use crate::kernel::types::{PostId, PrincipalId, ProjectId, instant};
use crate::projects::access::Role;

/// A post, as its reader sees it
#[derive(Serialize, ToSchema)]
pub struct PostBody {
    id: PostId,
    /// The project that the post is in; null if it is in none
    project_id: Option<ProjectId>,
    title: String,
    content: String,
    /// Whether the post is published. Only its author and the editors of its project see a draft
    published: bool,
    /// Null if the account was deleted
    author: Option<Author>,
    votes: i64,
    /// Whether you voted for it
    voted: bool,
    /// Your role in the project of the post, or `owner` of a post in no project that you wrote.
    /// Null if you have none
    role: Option<Role>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    updated_at: DateTime<Utc>,
}

/// Who wrote it
#[derive(Serialize, ToSchema)]
pub struct Author {
    id: PrincipalId,
    /// For a workload, `k8s:<namespace>/<service account>`
    username: Option<String>,
    name: Option<String>,
}

impl From<Post> for PostBody {
    fn from(post: Post) -> Self {
        let Post {
            id,
            project_id,
            title,
            content,
            published,
            version: _,
            created_at,
            updated_at,
            author_id,
            names,
            votes,
            voted,
            role,
        } = post;
        let mut names = names.into_iter().flatten();
        let (username, name) = (names.next().flatten(), names.next().flatten());
        Self {
            id,
            project_id,
            title,
            content,
            published,
            author: author_id.map(|id| Author { id, username, name }),
            votes,
            voted,
            role,
            created_at,
            updated_at,
        }
    }
}

/// Who reads, where the configuration may let anybody: `None` is anybody.
pub struct Reader(Option<PrincipalId>);

impl Caller for Reader {
    const ACCESS: Access = Access::Optional;
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        match parts.extensions.get::<Principal>() {
            Some(who) => Ok(Self(Some(who.id))),
            None if app.config.posts.posts_anonymous_read => Ok(Self(None)),
            None => Err(authenticate::nobody(&parts.headers)),
        }
    }
}
