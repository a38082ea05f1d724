//! A post as it is read, and voting for it.

use axum::response::Response;
use maud::{Markup, html};

use super::list::called;
use crate::console::form::Form;
use crate::console::markup::markdown;
use crate::console::merge::text_of;
use crate::console::parts::{crumbs, deletion};
use crate::console::view::{Done, View, done, went};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PostId, PrincipalId, ProjectId};
use crate::posts::handlers::one::delete_post;
use crate::posts::handlers::votes::{delete_vote, put_vote};
use crate::posts::model::Post;
use crate::projects::access::{Editor, Role, name_of, suffices};

/// As the reader sees it now.
pub async fn look(app: &AppState, me: PrincipalId, id: PostId) -> ApiResult<Post> {
    let found = app
        .db
        .look_up(async |connection| Post::find(connection, Some(me), id).await)
        .await?;
    found.ok_or(ApiError::not_found("post"))
}

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    ValidPath(id): ValidPath<PostId>,
) -> ApiResult<Response> {
    let me = who.id;
    let post = look(&app, me, id).await?;
    let project = match post.project_id {
        Some(id) => Some(project_name(&app, me, id).await?),
        None => None,
    };
    let page = view.page(&post.title).await.width("middle");
    Ok(page
        .api(format!("/api/v1/posts/{id}"))
        .show(body(&view, &post, project.as_deref())))
}

async fn project_name(app: &AppState, me: PrincipalId, id: ProjectId) -> ApiResult<String> {
    let found = app
        .db
        .look_up(async |connection| name_of(connection, me, id).await)
        .await?;
    found.ok_or(ApiError::not_found("post"))
}

fn body(view: &View, post: &Post, project: Option<&str>) -> Markup {
    let (lang, path) = (view.lang, format!("/posts/{}", post.id));
    let writes = post.role >= Some(Role::Editor);
    html! {
        (crumbs(("/posts", lang.posts()), post.project_id.zip(project)))
        div.head {
            h1 { (post.title) }
            @if writes { a.button href={ (path) "/edit" } { (lang.edit()) } }
        }
        ul.facts {
            li { (lang.by_author(called(lang, post.author.as_ref()))) }
            li { (view.at(post.created_at)) }
            @if post.updated_at != post.created_at {
                li { (lang.updated()) " " (view.at(post.updated_at)) }
            }
            @if !post.published { li { span.tag.warn { (lang.draft()) } } }
        }
        (markdown(&post.content))
        hr;
        form.row method="post" action={ (path) "/vote" } {
            strong { (lang.votes(view.number(post.votes))) }
            @if post.voted {
                button name="do" value="unvote" aria-pressed="true" { (lang.unvote()) }
            }
            @else if post.published {
                button name="do" value="vote" aria-pressed="false" { (lang.vote()) }
            }
        }
        @if writes {
            (deletion(
                view,
                &format!("{path}/delete"),
                lang.delete(),
                "",
                &post.title,
                &text_of(post.version),
            ))
        }
    }
}

pub async fn vote(
    who: Signed,
    app: AppState,
    ValidPath(id): ValidPath<PostId>,
    form: Form,
) -> ApiResult<Response> {
    match form.does("unvote") {
        true => delete_vote(who, app, ValidPath(id)).await?,
        false => put_vote(who, app, ValidPath(id)).await?,
    };
    went(&format!("/posts/{id}"))
}

pub async fn delete(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<PostId>,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let now = look(&app, who.id, id).await?;
    suffices::<Editor>(now.role)?;
    if form.get("name").trim() != now.title.trim() {
        return Err(ApiError::new(Code::Conflict, view.lang.name_differs()));
    }
    let holds = form.conditions()?;
    delete_post(who, app, actor, ValidPath(id), holds).await?;
    done(Done::Deleted, "/posts")
}
