//! A new post.

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::AsyncPgConnection;

use crate::db::transaction::{Failure, Work};
use crate::http::answer::Answer;
use crate::http::answer::idempotency::{OnceJson, idempotent_statement};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::PostId;
use crate::posts::model::{CreatePost, NewPost, Post};
use crate::projects::access::{Editor, ProjectAccess};

/// Write a post
///
/// In a project you need the role `editor`. Without `project_id` the post stands by itself and is
/// yours alone to change. In a project that has expired the answer is 409.
#[utoipa::path(
    post,
    path = "/api/v1/posts",
    tag = "posts",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    request_body = CreatePost,
    responses((status = CREATED, body = Post), ApiError),
)]
pub async fn create_post(
    who: Signed,
    app: AppState,
    actor: Actor,
    OnceJson { once, body }: OnceJson<CreatePost>,
) -> ApiResult<Answer> {
    if body.project_id.is_none() && who.workload().is_some() {
        return Err(ApiError::new(
            Code::Forbidden,
            "a workload writes in a project that it is a member of: give `project_id`",
        ));
    }
    let new = NewPost {
        id: PostId::fresh(),
        author_id: who.id,
        body: &body,
        language: &app.config.posts.search_language,
    };
    idempotent_statement(&app.db, &actor, &once, async |connection| {
        let post = insert(connection, &new).await?;
        let (location, edition) = (format!("/api/v1/posts/{}", post.id), post.edition());
        Ok(Answer::created(location, &post)?
            .with_version(edition)
            .of_project(body.project_id))
    })
    .await
}

async fn insert(connection: &mut AsyncPgConnection, new: &NewPost<'_>) -> Work<Post> {
    let made = Post::insert(connection, new).await.map_err(gone)?;
    match (made, new.body.project_id) {
        (Some(post), _) => Ok(post),
        // The project says why not.
        (None, Some(project)) => {
            ProjectAccess::<Editor>::to_write(connection, new.author_id, project).await?;
            Err(ApiError::new(
                Code::Conflict,
                "the project changed while the post was written; nothing was done: repeat the request",
            )
            .into())
        }
        (None, None) => Err(ApiError::not_found("user").into()),
    }
}

/// What the post refers to ended while it was written.
fn gone(error: Error) -> Failure {
    let Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info) = &error else {
        return error.into();
    };
    match info.constraint_name() {
        Some("posts_project_id_fkey") => ApiError::not_found("project").into(),
        Some("posts_author_id_fkey") => ApiError::not_found("user").into(),
        _ => error.into(),
    }
}
