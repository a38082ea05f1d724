//! One post: reading, changing and deleting it.

use http::StatusCode;

use super::Reader;
use crate::events::{Event, Outgoing, Telling};
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PostId, PrincipalId};
use crate::posts::changes::{Judged, Target};
use crate::posts::model::{Post, UpdatePost};
use crate::projects::access::expired;

/// A post
///
/// Its `ETag` also changes with the votes, your role and the name of the author. `If-Match` looks
/// only at the version of the post, so a vote never makes your change fail.
#[utoipa::path(
    get,
    path = "/api/v1/posts/{id}",
    tag = "posts",
    security(("optional" = [])),
    params(("id" = PostId, Path, description = "Id of the post")),
    responses(
        (status = OK, body = Post),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_post(
    Reader(me): Reader,
    app: AppState,
    ValidPath(id): ValidPath<PostId>,
    conditions: Conditions,
) -> ApiResult<Versioned<Post>> {
    let post = app
        .db
        .look_up(async |connection| Post::find(connection, me, id).await)
        .await?
        .ok_or(ApiError::not_found("post"))?;
    conditions.read(post.edition(), || post)
}

/// Change a post
///
/// A merge patch: members that you leave out stay as they are. Send the `ETag` that you have in
/// `If-Match`, and nobody's change is overwritten: if the post has changed since, the answer is
/// 412. In a project you need the role `editor`.
#[utoipa::path(
    patch,
    path = "/api/v1/posts/{id}",
    tag = "posts",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(("id" = PostId, Path, description = "Id of the post")),
    request_body(content = UpdatePost, content_type = "application/merge-patch+json"),
    responses((status = OK, body = Post), ApiError),
)]
pub async fn update_post(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<PostId>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdatePost>,
) -> ApiResult<Versioned<Post>> {
    let versions = conditions.versions();
    let event = Event::PostChanged {
        project: None,
        post: id,
        changed: patch.names(),
        author: None,
    };
    let language = &app.config.posts.search_language;
    let target = Target::new(who.id, id, &versions, Telling::new(&actor, &event));
    let judged = app
        .db
        .write(async |connection| target.change(connection, &patch, language).await)
        .await?;
    let post = done(judged, &conditions)?;
    announce(&app, who.id, &post);
    Ok(Versioned::new(post.edition(), post))
}

/// Delete a post
///
/// Deletes its votes too. In a project you need the role `editor`; a post that is in no project is
/// deleted by its author.
#[utoipa::path(
    delete,
    path = "/api/v1/posts/{id}",
    tag = "posts",
    security(("caller" = [])),
    params(("id" = PostId, Path, description = "Id of the post")),
    responses((status = NO_CONTENT, description = "The post and its votes are deleted."), ApiError),
)]
pub async fn delete_post(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<PostId>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let versions = conditions.versions();
    let event = Event::PostDeleted {
        project: None,
        post: id,
        author: None,
    };
    let target = Target::new(who.id, id, &versions, Telling::new(&actor, &event));
    let judged = app
        .db
        .write(async |connection| target.delete(connection).await)
        .await?;
    let post = done(judged, &conditions)?;
    announce(&app, who.id, &post);
    Ok(StatusCode::NO_CONTENT)
}

/// The feed tells what somebody did to another's post.
fn announce(app: &AppState, who: PrincipalId, post: &Post) {
    if post.author.as_ref().map(|author| author.id) != Some(who) {
        app.db.listeners().announce(Outgoing);
    }
}

/// The post, or why the statement left it as it was.
fn done(judged: Option<Judged>, conditions: &Conditions) -> ApiResult<Post> {
    let Judged {
        post,
        may_write,
        is_expired,
        is_done,
    } = judged.ok_or(ApiError::not_found("post"))?;
    if is_done {
        return Ok(post);
    }
    if !may_write {
        return Err(ApiError::new(
            Code::Forbidden,
            match post.project_id {
                Some(_) => "this needs the role editor in the project of the post",
                None => "only its author may change a post that is in no project",
            },
        ));
    }
    if is_expired {
        return Err(expired());
    }
    conditions.write_edition(Some(post.edition()))?;
    Err(ApiError::not_found("post"))
}
